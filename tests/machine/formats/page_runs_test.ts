import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { FormatError, LimitError } from "../../../machine/errors.ts";
import {
  contains,
  countPages,
  formatPairRuns,
  formatRuns,
  fromRuns,
  intersect,
  mergeRuns,
  type PageRun,
  parsePairRuns,
  parseRuns,
  rangesToRuns,
  runsToRanges,
  subtract,
  toRuns,
  union,
} from "../../../machine/formats/page_runs.ts";

/** Small numbers, so that runs overlap, touch and nest often. */
const pfns = fc.array(fc.nat(60), { maxLength: 40 });
const looseRuns = fc.array(fc.record({ pfn: fc.nat(60), count: fc.nat(9) }), { maxLength: 12 });

function sorted(set: Iterable<number>): number[] {
  return [...set].sort((a, b) => a - b);
}

function assertNormal(runs: readonly PageRun[]): void {
  let end = -1;
  for (const run of runs) {
    strictEqual(run.count > 0 && run.pfn > end, true, formatRuns(runs));
    end = run.pfn + run.count;
  }
}

Deno.test("toRuns and fromRuns hold the same frames as a set, in normal form", () => {
  fc.assert(fc.property(pfns, (list) => {
    const runs = toRuns(list);
    assertNormal(runs);
    deepStrictEqual(fromRuns(runs), sorted(new Set(list)));
    strictEqual(countPages(runs), new Set(list).size);
  }));
});

Deno.test("mergeRuns normalises runs that overlap, touch, nest or are empty", () => {
  deepStrictEqual(mergeRuns([{ pfn: 5, count: 2 }, { pfn: 1, count: 4 }, { pfn: 9, count: 0 }]), [
    { pfn: 1, count: 6 },
  ]);
  fc.assert(fc.property(looseRuns, (loose) => {
    const runs = mergeRuns(loose);
    assertNormal(runs);
    deepStrictEqual(fromRuns(runs), sorted(new Set(fromRuns(loose))));
  }));
});

Deno.test("union, intersect, subtract and contains agree with sets", () => {
  fc.assert(
    fc.property(pfns, pfns, (left, right) => {
      const [a, b] = [new Set(left), new Set(right)];
      const [x, y] = [toRuns(left), toRuns(right)];
      const results = [union(x, y), intersect(x, y), subtract(x, y)];
      results.forEach(assertNormal);
      deepStrictEqual(results.map(fromRuns), [
        sorted(a.union(b)),
        sorted(a.intersection(b)),
        sorted(a.difference(b)),
      ]);
      for (let pfn = 0; pfn <= 61; pfn++) strictEqual(contains(x, pfn), a.has(pfn));
    }),
    { numRuns: 500 },
  );
});

Deno.test("subtract lets one hole cut several runs", () => {
  const from = [{ pfn: 0, count: 4 }, { pfn: 6, count: 4 }, { pfn: 12, count: 4 }];
  deepStrictEqual(formatRuns(subtract(from, [{ pfn: 2, count: 12 }])), "0+2,e+2");
});

Deno.test("the set operations are fast over many runs", () => {
  const even: PageRun[] = [];
  for (let pfn = 0; pfn < 400_000; pfn += 2) even.push({ pfn, count: 1 });
  strictEqual(countPages(union(even, [{ pfn: 0, count: 400_000 }])), 400_000);
  strictEqual(countPages(intersect(even, [{ pfn: 100, count: 1000 }])), 500);
  strictEqual(countPages(subtract([{ pfn: 0, count: 400_000 }], even)), 200_000);
  strictEqual(mergeRuns(even.toReversed()).length, 200_000);
});

Deno.test("formatRuns and parseRuns turn runs to text and back", () => {
  strictEqual(formatRuns([{ pfn: 0x100, count: 0x40 }, { pfn: 0x200, count: 1 }]), "100+40,200+1");
  strictEqual(formatRuns([]), "");
  fc.assert(fc.property(pfns, (list) => {
    deepStrictEqual(parseRuns(formatRuns(toRuns(list))), toRuns(list));
  }));
});

Deno.test("parseRuns refuses text that is no normal run list, with its place", () => {
  const bad = ["1", "1+", "+1", "1+1,", ",", "1+0", "g+1", "1+1,2+1", "5+1,1+1", "1+A", " 1+1"];
  for (const text of [...bad, "1+1;3+1", "00000000000001+1"]) {
    throws(() => parseRuns(text), FormatError, text);
  }
  throws(() => parseRuns("1+1,9+x"), { offset: 4 });
});

Deno.test("formatPairRuns and parsePairRuns keep the order of the walk", () => {
  const runs = [
    { destination: 0x200, source: 0x9000, count: 16 },
    { destination: 0x100, source: 0x100, count: 1 },
  ];
  strictEqual(formatPairRuns(runs), "200:9000+10,100:100+1");
  deepStrictEqual(parsePairRuns("200:9000+10,100:100+1"), runs);
  deepStrictEqual(parsePairRuns(""), []);
  for (const text of ["1+1", "1:2", "1:2+0", "1:2+1,", "1:2:3+1", "x:1+1"]) {
    throws(() => parsePairRuns(text), FormatError, text);
  }
});

Deno.test("fromRuns names the limit when a set is more than a machine", () => {
  throws(() => fromRuns(parseRuns("0+fffffffffffff")), LimitError);
});

Deno.test("rangesToRuns takes whole pages only, and runsToRanges gives their bytes", () => {
  const runs = rangesToRuns([{ start: 0x1000, end: 0x9fc00 }, { start: 0xa0001, end: 0xa1fff }]);
  deepStrictEqual(runs, [{ pfn: 1, count: 0x9e }]);
  deepStrictEqual(runsToRanges(runs), [{ start: 0x1000, end: 0x9f000 }]);
});
