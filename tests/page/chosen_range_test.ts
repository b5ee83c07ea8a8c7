import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { rangeEndingAt } from "../../server/page/chosen_range.ts";

Deno.test("rangeEndingAt sets one end and keeps the other while it is on its side", () => {
  deepStrictEqual(rangeEndingAt(undefined, "from", 10, 100), { from: 10, to: 99 });
  deepStrictEqual(rangeEndingAt(undefined, "to", 10, 100), { from: 0, to: 10 });
  deepStrictEqual(rangeEndingAt({ from: 10, to: 50 }, "to", 30, 100), { from: 10, to: 30 });
  deepStrictEqual(rangeEndingAt({ from: 10, to: 50 }, "from", 60, 100), { from: 60, to: 99 });
  deepStrictEqual(rangeEndingAt({ from: 10, to: 50 }, "to", 5, 100), { from: 0, to: 5 });
  deepStrictEqual(rangeEndingAt(undefined, "from", -1, 100), { from: 0, to: 99 });
});

Deno.test("rangeEndingAt always gives a range of the run that has the cursor at that end", () => {
  const natural = fc.nat(500);
  fc.assert(fc.property(
    natural,
    natural,
    natural,
    fc.constantFrom("from" as const, "to" as const),
    (a, b, cursor, end) => {
      const count = 501;
      const range = rangeEndingAt({ from: Math.min(a, b), to: Math.max(a, b) }, end, cursor, count);
      ok(range !== undefined && range.from <= range.to && range.to < count);
      ok(range[end] === cursor);
    },
  ));
});
