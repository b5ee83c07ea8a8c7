import assert from "node:assert/strict";
import fc from "fast-check";
import {
  diffCounts,
  type DiffNode,
  diffStates,
  samePlain,
} from "../../server/page/panels/state_diff.ts";

/** The state after, made of the state before and the difference. */
function applied(before: unknown, node: DiffNode): unknown {
  if (node.sign === "same") return before;
  if (node.children === undefined) return node.after;
  if (Array.isArray(before)) {
    const removed = new Set(
      node.children.filter(({ sign }) => sign === "removed").map(({ key }) => Number(key)),
    );
    const added = node.children.filter(({ sign }) => sign === "added");
    const changed = new Map(node.children.map((child) => [Number(child.key), child]));
    const kept = before.flatMap((item, index) => {
      if (removed.has(index)) return [];
      const child = changed.get(index);
      return [child === undefined || child.sign !== "changed" ? item : applied(item, child)];
    });
    for (const child of added) kept.splice(Number(child.key), 0, child.after);
    return kept;
  }
  const result: Record<string, unknown> = { ...Object(before) };
  for (const child of node.children) {
    if (child.sign === "removed") delete result[child.key];
    else {Object.defineProperty(result, child.key, {
        value: child.sign === "added" ? child.after : applied(result[child.key], child),
        enumerable: true,
        configurable: true,
        writable: true,
      });}
  }
  return result;
}

Deno.test("diffStates names what came, went and changed by its path", () => {
  const node = diffStates({ a: 1, b: { c: 1, d: 2 }, e: 5 }, { a: 1, b: { c: 9, d: 2 }, f: 6 });
  assert.equal(node.sign, "changed");
  assert.equal(node.unchanged, 1);
  assert.deepEqual(
    node.children?.map(({ key, sign }) => [key, sign]),
    [["b", "changed"], ["e", "removed"], ["f", "added"]],
  );
  assert.deepEqual(node.children?.[0]?.children, [{
    key: "c",
    sign: "changed",
    before: 1,
    after: 9,
  }]);
  assert.deepEqual(diffCounts(node), { added: 1, removed: 1, changed: 1 });
});

Deno.test("diffStates of a list that gains in the middle leaves both ends alone", () => {
  const node = diffStates([1, 2, 3, 4], [1, 2, 9, 3, 4]);
  assert.deepEqual(node.children, [{ key: "2", sign: "added", after: 9 }]);
  assert.equal(node.unchanged, 4);
});

Deno.test("diffStates of an actor that begins or ends is one addition or removal", () => {
  assert.deepEqual(diffStates(undefined, { a: 1 }), { key: "", sign: "added", after: { a: 1 } });
  assert.deepEqual(diffStates([1], undefined), { key: "", sign: "removed", before: [1] });
  assert.equal(diffStates(undefined, undefined).sign, "same");
});

Deno.test("diffStates tells enough to make the state after of that before", () => {
  const plain = fc.jsonValue({ maxDepth: 4 });
  fc.assert(fc.property(plain, plain, (before, after) => {
    const node = diffStates(before, after);
    assert.ok(samePlain(applied(before, node), after));
    assert.equal(node.sign === "same", samePlain(before, after));
  }));
  const lists = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 8 });
  fc.assert(fc.property(lists, lists, (before, after) => {
    assert.deepEqual(applied(before, diffStates(before, after)), after);
  }));
});
