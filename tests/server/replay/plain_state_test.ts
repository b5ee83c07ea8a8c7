import assert from "node:assert/strict";
import fc from "fast-check";
import { boundedState, boundedStates } from "../../../server/replay/plain_state.ts";

Deno.test("boundedState cuts long texts, lists and records and says how much is missing", () => {
  const state = { text: "x".repeat(12), list: [1, 2, 3, 4], record: { a: 1, b: 2, c: 3, d: 4 } };
  assert.deepEqual(boundedState(state, { text: 10, entries: 3 }), {
    text: "xxxxxxxxxx… (2 more)",
    list: [1, 2, 3, "… (1 more)"],
    record: { a: 1, b: 2, c: 3, "…": "(1 more)" },
  });
});

Deno.test("boundedState gives a copy that does not follow its original", () => {
  const state = { list: [1] };
  const copy = boundedState(state, { text: 9, entries: 9 });
  state.list.push(2);
  assert.deepEqual(copy, { list: [1] });
});

Deno.test("boundedState ends at a depth and keeps no field that would be a prototype", () => {
  let deep: unknown = "end";
  for (let level = 0; level < 40; level++) deep = [deep];
  assert.match(JSON.stringify(boundedState(deep, { text: 9, entries: 9 })), /… \(deeper\)/);
  const hostile: unknown = JSON.parse('{"__proto__":{"a":1},"b":2}');
  assert.deepEqual(JSON.stringify(boundedState(hostile, { text: 9, entries: 9 })), '{"b":2}');
});

Deno.test("boundedStates keeps what fits as it is and bounds the rest together", () => {
  const small = [{ a: "b" }, [1, 2]];
  assert.deepEqual(boundedStates(small, 1000), small);
  fc.assert(
    fc.property(fc.array(fc.array(fc.string({ maxLength: 60 }), { maxLength: 300 })), (values) => {
      const text = JSON.stringify(boundedStates(values, 2000));
      // The stingiest bounds leave two short texts and a note of each list.
      assert.ok(text.length <= 2000 + values.length * 300, `${text.length} characters`);
    }),
    { numRuns: 30 },
  );
});
