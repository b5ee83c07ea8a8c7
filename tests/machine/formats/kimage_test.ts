import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import {
  emitEntryList,
  entriesPerPage,
  entryCount,
  type EntryList,
  IND_DESTINATION,
  IND_DONE,
  IND_INDIRECTION,
  IND_SOURCE,
  indirectionPagesNeeded,
  type KimageArch,
  type PagePair,
  pairRuns,
  walkEntryList,
  wordBytes,
} from "../../../machine/formats/kimage.ts";
import { formatPairRuns } from "../../../machine/formats/page_runs.ts";

const ARCHES: readonly KimageArch[] = ["i386", "x86_64"];

function reader(list: EntryList): (pfn: number) => Uint8Array {
  const pages = new Map(list.pages.map(({ pfn, bytes }) => [pfn, bytes]));
  return (pfn) => pages.get(pfn) ?? new Uint8Array();
}

function words(arch: KimageArch, bytes: Uint8Array | undefined): number[] {
  const view = new DataView((bytes ?? new Uint8Array()).buffer);
  const list: number[] = [];
  for (let at = 0; at < view.byteLength; at += wordBytes(arch)) {
    list.push(arch === "i386" ? view.getUint32(at, true) : Number(view.getBigUint64(at, true)));
  }
  return list;
}

/** A page of words, at frame 1; the head links to it unless given. */
function walkWords(arch: KimageArch, list: readonly number[], head = 0x1000 | IND_INDIRECTION) {
  return walkEntryList(arch, head, (pfn) => {
    const bytes = new Uint8Array(4096);
    const view = new DataView(bytes.buffer);
    if (pfn !== 1) return new Uint8Array();
    list.forEach((word, slot) => {
      if (arch === "i386") view.setUint32(slot * 4, word, true);
      else view.setBigUint64(slot * 8, BigInt(word), true);
    });
    return bytes;
  });
}

function expectedPairs(segments: readonly { destination: number; sources: readonly number[] }[]) {
  return segments.flatMap(({ destination, sources }) =>
    sources.map((source, index): PagePair => ({ destination: destination + index, source }))
  );
}

Deno.test("emitEntryList lays words out as the kernel does", () => {
  const list = emitEntryList({
    arch: "i386",
    segments: [{ destination: 0x100, sources: [0x2000, 0x2001] }, {
      destination: 0x800,
      sources: [0x800],
    }],
    indirectionPages: [0x3000, 0x3001],
  });
  strictEqual(list.head, 0x300_0000 | IND_INDIRECTION);
  deepStrictEqual(list.pages.map((page) => page.pfn), [0x3000]);
  deepStrictEqual(words("i386", list.pages[0]?.bytes).slice(0, 7), [
    0x10_0000 | IND_DESTINATION,
    0x200_0000 | IND_SOURCE,
    0x200_1000 | IND_SOURCE,
    0x80_0000 | IND_DESTINATION,
    0x80_0000 | IND_SOURCE,
    IND_DONE,
    0,
  ]);
});

Deno.test("emitEntryList keeps the last word of a page for the link, or the end", () => {
  for (const arch of ARCHES) {
    const usable = entriesPerPage(arch);
    strictEqual(usable, arch === "i386" ? 1023 : 511);
    const indirectionPages = [0x50, 0x90, 0x70];
    const make = (pages: number) =>
      emitEntryList({
        arch,
        segments: [{
          destination: 0x1000,
          sources: Array.from({ length: pages }, (_, i) => 0x9000 + i),
        }],
        indirectionPages,
      });
    const full = make(usable - 1);
    strictEqual(full.pages.length, 1);
    strictEqual(words(arch, full.pages[0]?.bytes).at(-1), IND_DONE);
    const over = make(usable);
    deepStrictEqual(over.pages.map((page) => page.pfn), [0x50, 0x90]);
    strictEqual(words(arch, over.pages[0]?.bytes).at(-1), 0x9_0000 | IND_INDIRECTION);
    deepStrictEqual(words(arch, over.pages[1]?.bytes).slice(0, 3), [
      (0x9000 + usable - 1) * 4096 + IND_SOURCE,
      IND_DONE,
      0,
    ]);
    for (const list of [full, over]) {
      const pairs = walkEntryList(arch, list.head, reader(list));
      strictEqual(pairs.length, list === full ? usable - 1 : usable);
    }
  }
});

Deno.test("emitEntryList of no segments is the end alone, as in a crash image", () => {
  const list = emitEntryList({ arch: "i386", segments: [], indirectionPages: [] });
  deepStrictEqual(list, { head: IND_DONE, pages: [] });
  deepStrictEqual(walkEntryList("i386", list.head, reader(list)), []);
});

Deno.test("emitEntryList keeps a destination word for an empty segment", () => {
  const segments = [{ destination: 0, sources: [] }];
  strictEqual(entryCount(segments), 1);
  const list = emitEntryList({ arch: "x86_64", segments, indirectionPages: [7] });
  deepStrictEqual(words("x86_64", list.pages[0]?.bytes).slice(0, 2), [IND_DESTINATION, IND_DONE]);
  deepStrictEqual(walkEntryList("x86_64", list.head, reader(list)), []);
});

Deno.test("walkEntryList gives back what emitEntryList was given", () => {
  const segment = (max: number) =>
    fc.record({
      destination: fc.nat(max),
      sources: fc.array(fc.nat(max), { maxLength: 700 }),
    });
  for (const arch of ARCHES) {
    const max = arch === "i386" ? 0xf_ffff : 2 ** 40;
    fc.assert(
      fc.property(fc.array(segment(max), { maxLength: 5 }), (segments) => {
        const needed = indirectionPagesNeeded(arch, entryCount(segments));
        const indirectionPages = Array.from({ length: needed }, (_, i) => 0x100 + i * 3);
        const list = emitEntryList({ arch, segments, indirectionPages });
        strictEqual(list.pages.length, needed);
        const pairs = walkEntryList(arch, list.head, reader(list));
        deepStrictEqual(pairs, expectedPairs(segments));
        if (needed > 0) {
          const tooFew = indirectionPages.slice(1);
          throws(() => emitEntryList({ arch, segments, indirectionPages: tooFew }), RangeError);
        }
      }),
      { numRuns: 60 },
    );
  }
});

Deno.test("walkEntryList tests flags in the kernel's order and passes over other words", () => {
  for (const arch of ARCHES) {
    const pairs = walkWords(arch, [
      0x5000 | IND_DESTINATION | IND_DONE | IND_SOURCE,
      0,
      0x123_0000,
      0x123_0010,
      0x9000 | IND_SOURCE,
      0x8000 | IND_SOURCE | 0xf00,
      0x7000 | IND_DONE | IND_SOURCE,
      0x6000 | IND_SOURCE,
    ]);
    deepStrictEqual(pairs, [{ destination: 5, source: 9 }, { destination: 6, source: 8 }]);
  }
});

Deno.test("walkEntryList refuses loops, missing ends and sources without a destination", () => {
  for (const arch of ARCHES) {
    const cases: readonly (readonly [number[], RegExp])[] = [
      [[0x1000 | IND_INDIRECTION], /page 0x1 comes a second time \(at byte 4096\)/],
      [[0x2000 | IND_INDIRECTION], /page 0x2 gave 0 of 4096 bytes/],
      [[], /neither a link nor an end \(at byte 8192\)/],
      [[0x9000 | IND_SOURCE], /before any destination \(at byte 4096\)/],
    ];
    for (const [list, message] of cases) {
      throws(() => walkWords(arch, list), { name: "FormatError", message });
    }
    for (const head of [0, 0x1000, 0x1000 | IND_DESTINATION]) {
      throws(() => walkWords(arch, [], head), /the head neither links/);
    }
  }
  throws(() => walkWords("x86_64", [2 ** 53]), /a word over 2\^53/);
});

Deno.test("walkEntryList ends with pairs or FormatError on any memory", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ARCHES),
      fc.array(fc.nat(0xffff), { maxLength: 60 }),
      fc.nat(0xffff),
      (arch, list, head) => {
        try {
          walkEntryList(arch, head, (pfn) => {
            const bytes = new Uint8Array(4096);
            const view = new DataView(bytes.buffer);
            list.forEach((word, slot) => view.setUint32(slot * wordBytes(arch), word ^ pfn, true));
            return bytes;
          });
        } catch (error) {
          strictEqual(error instanceof FormatError, true, String(error));
        }
      },
    ),
  );
});

Deno.test("emitEntryList refuses page frames that do not fit a word", () => {
  const make = (arch: KimageArch, pfn: number) => () =>
    emitEntryList({
      arch,
      segments: [{ destination: pfn, sources: [] }],
      indirectionPages: [1],
    });
  throws(make("i386", 0x10_0000), RangeError);
  throws(make("x86_64", 2 ** 41), RangeError);
  throws(make("x86_64", -1), RangeError);
  throws(make("x86_64", 0.5), RangeError);
  make("i386", 0xf_ffff)();
});

Deno.test("pairRuns joins pairs that ascend on both sides", () => {
  const pairs = [[1, 9], [2, 10], [3, 12], [5, 13], [6, 14], [6, 15]].map((
    [destination = 0, source = 0],
  ) => ({ destination, source }));
  strictEqual(formatPairRuns(pairRuns(pairs)), "1:9+2,3:c+1,5:d+2,6:f+1");
  const any = fc.array(fc.record({ destination: fc.nat(4), source: fc.nat(4) }, {
    noNullPrototype: true,
  }));
  fc.assert(fc.property(any, (list) => {
    const back = pairRuns(list).flatMap(({ destination, source, count }) =>
      Array.from({ length: count }, (_, i) => ({
        destination: destination + i,
        source: source + i,
      }))
    );
    deepStrictEqual(back, list);
  }));
});
