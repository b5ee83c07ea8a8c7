import assert from "node:assert/strict";
import fc from "fast-check";
import {
  difference,
  intersection,
  normalised,
  sizeOf,
  type Span,
} from "../../server/page/panels/spans.ts";

const SPANS = fc.array(
  fc.tuple(fc.nat(60), fc.nat(12)).map(([from, count]): Span => ({ from, to: from + count })),
  { maxLength: 8 },
);

function membersOf(spans: readonly Span[]): Set<number> {
  const members = new Set<number>();
  for (const { from, to } of spans) for (let one = from; one < to; one++) members.add(one);
  return members;
}

Deno.test("normalised spans hold the same numbers, sorted and apart", () => {
  fc.assert(fc.property(SPANS, (spans) => {
    const normal = normalised(spans);
    assert.deepEqual([...membersOf(normal)].sort(), [...membersOf(spans)].sort());
    assert.equal(sizeOf(normal), membersOf(spans).size);
    normal.forEach((span, index) =>
      assert.ok(index === 0 || span.from > (normal[index - 1]?.to ?? 0))
    );
  }));
});

Deno.test("intersection and difference agree with sets of numbers", () => {
  fc.assert(fc.property(SPANS, SPANS, (left, right) => {
    const [a, b] = [normalised(left), normalised(right)];
    const [inLeft, inRight] = [membersOf(a), membersOf(b)];
    const both = intersection(a, b);
    assert.deepEqual([...membersOf(both)], [...inLeft].filter((one) => inRight.has(one)));
    assert.equal(sizeOf(both), membersOf(both).size);
    const rest = difference(a, b);
    assert.deepEqual([...membersOf(rest)], [...inLeft].filter((one) => !inRight.has(one)));
  }));
});
