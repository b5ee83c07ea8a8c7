import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { pagePairsText, placeImage, runsOfList } from "../../actors/kernel/image_pages.ts";
import type { ImageSegment, KernelState } from "../../actors/kernel/state.ts";
import { controlPageBytes } from "../../machine/formats/control_page.ts";
import { indirectionPagesNeeded, type KimageArch } from "../../machine/formats/kimage.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import {
  countPages,
  fromRuns,
  type PageRun,
  parsePairRuns,
} from "../../machine/formats/page_runs.ts";
import { Collected, framesOf, kernelOf, runsOf, stateWith } from "./kernel_pure.ts";

const PAGE = 4096;
const PROFILES = { i386: "2.6.27", x86_64: "6.1-cured" } as const;

/** Segments that are apart, from gaps and lengths. */
function segmentsOf(
  parts: readonly { gap: number; pages: number }[],
  from: number,
): ImageSegment[] {
  let pfn = from;
  return parts.map(({ gap, pages }) => {
    pfn += gap;
    const segment = { mem: pfn * PAGE, memsz: pages * PAGE, bufsz: 0 };
    pfn += pages;
    return segment;
  });
}

interface Case {
  readonly arch: KimageArch;
  readonly free: readonly PageRun[];
  readonly segments: readonly ImageSegment[];
}

/** Machines of some hundred frames about the window's start, in which an image barely fits or not. */
const aCase: fc.Arbitrary<Case> = fc.record({
  arch: fc.constantFrom<KimageArch>("i386", "x86_64"),
  runs: fc.array(fc.record({ gap: fc.nat(12), pages: fc.integer({ min: 1, max: 60 }) }), {
    minLength: 1,
    maxLength: 8,
  }),
  parts: fc.array(fc.record({ gap: fc.nat(20), pages: fc.nat(40) }), {
    minLength: 1,
    maxLength: 6,
  }),
  from: fc.constantFrom(240, 4000, 16_300, 32_700),
}).map(({ arch, runs, parts, from }) => ({
  arch,
  free: runsOf(
    segmentsOf(runs, from).flatMap(({ mem, memsz }) =>
      fromRuns([{ pfn: mem / PAGE, count: memsz / PAGE }])
    ),
  ),
  segments: segmentsOf(parts, from),
}));

function place({ arch, free, segments }: Case) {
  const state: KernelState = stateWith({ free }, PROFILES[arch]);
  const out = new Collected();
  const pages = placeImage(kernelOf(state, out), arch, segments);
  return { state, out, pages };
}

/** Destination frames, in order of the segments. */
function destinationsOf(segments: readonly ImageSegment[]): number[] {
  return segments.flatMap(({ mem, memsz }) => fromRuns([{ pfn: mem / PAGE, count: memsz / PAGE }]));
}

Deno.test("placeImage keeps the invariants of protocol.md C.4 for any free map and segments", () => {
  let placed = 0;
  fc.assert(
    fc.property(aCase, (one) => {
      const { state, pages } = place(one);
      if (pages === undefined) return;
      placed++;
      const destinations = destinationsOf(one.segments);
      const isDestination = new Set(destinations);
      const sources = pages.sources.flat();
      strictEqual(sources.length, destinations.length);
      deepStrictEqual(
        pages.sources.map((list) => list.length),
        one.segments.map(({ memsz }) => memsz / PAGE),
      );
      sources.forEach((source, index) => {
        const own = source === destinations[index];
        strictEqual(own || !isDestination.has(source), true, "I1: its own or nobody's");
      });
      const control = fromRuns([{
        pfn: pages.controlPfn,
        count: controlPageBytes(one.arch) / PAGE,
      }]);
      const fixed = [...control, pages.swapPfn, ...pages.indirection];
      strictEqual(fixed.some((pfn) => isDestination.has(pfn)), false, "I2: nobody's destination");
      const taken = [...sources, ...fixed];
      strictEqual(new Set(taken).size, taken.length, "nothing is taken twice");
      const free = framesOf(one.free);
      strictEqual(taken.every((pfn) => free.has(pfn)), true, "all was free");
      deepStrictEqual(framesOf(pages.owned), new Set(taken.sort((a, b) => a - b)));
      const entries = destinations.length + one.segments.length + 1;
      strictEqual(pages.indirection.length >= indirectionPagesNeeded(one.arch, entries), true);
      strictEqual(countPages(state.free) + taken.length, free.size);
      strictEqual(state.owned.every(({ flags }) => flags === FRAME.kimage), true);
    }),
    { numRuns: 2000 },
  );
  strictEqual(placed > 200, true, `only ${placed} images fitted`);
});

Deno.test("placeImage that finds too little leaves the allocator as it was and says nothing", () => {
  let refused = 0;
  fc.assert(
    fc.property(aCase, (one) => {
      const before = JSON.stringify(one.free);
      const { state, out, pages } = place(one);
      if (pages !== undefined) return;
      refused++;
      strictEqual(JSON.stringify(state.free), before);
      deepStrictEqual([state.owned, out.facts], [[], []]);
    }),
    { numRuns: 1000 },
  );
  strictEqual(refused > 100, true, `only ${refused} images were refused`);
});

Deno.test("placeImage refuses only what cannot be placed: too few pages, or no control run", () => {
  fc.assert(
    fc.property(aCase, (one) => {
      if (place(one).pages !== undefined) return;
      const destinations = new Set(destinationsOf(one.segments));
      const outside = fromRuns(one.free).filter((pfn) => !destinations.has(pfn));
      const inside = countPages(one.free) - outside.length;
      const control = controlPageBytes(one.arch) / PAGE;
      const entries = destinations.size + one.segments.length + 1;
      const fixed = control + 1 + Math.max(1, indirectionPagesNeeded(one.arch, entries));
      const enough = outside.length >= fixed &&
        outside.length + inside >= destinations.size + fixed;
      const run = runsOf(outside).some(({ count }) => count >= control);
      strictEqual(enough && run, false);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("placeImage takes sources outside the destinations while these last", () => {
  const window = { pfn: 256, count: 100 };
  const segments = segmentsOf([{ gap: 0, pages: 100 }], 256);
  const roomy = place({ arch: "i386", free: [{ pfn: 256, count: 300 }], segments });
  const pages = roomy.pages?.sources.flat() ?? [];
  strictEqual(pages.length, 100);
  strictEqual(pages.some((pfn) => pfn < window.pfn + window.count), false);
  // With three pages outside for control, swap and list, all destinations are used in place.
  const tight = place({ arch: "i386", free: [{ pfn: 256, count: 103 }], segments });
  deepStrictEqual(tight.pages?.sources.flat(), fromRuns([window]));
  const none = place({ arch: "i386", free: [{ pfn: 256, count: 102 }], segments });
  strictEqual(none.pages, undefined);
});

Deno.test("placeImage puts the image's structures behind the window while there is room", () => {
  const segments = segmentsOf([{ gap: 0, pages: 8 }], 256);
  const free = [{ pfn: 300, count: 100 }, { pfn: 4096, count: 100 }];
  const { pages } = place({ arch: "i386", free, segments });
  notStrictEqual(pages, undefined);
  strictEqual(pages?.owned.every(({ pfn }) => pfn >= 4096), true);
});

Deno.test("placeImage of an empty segment takes control, swap and one list page", () => {
  const segments = [{ mem: 0, memsz: 0, bufsz: 0 }];
  const { pages } = place({ arch: "x86_64", free: [{ pfn: 40_000, count: 10 }], segments });
  deepStrictEqual(pages?.sources, [[]]);
  strictEqual(countPages(pages?.owned ?? []), 4);
});

Deno.test("pagePairsText names exactly the pairs of two lists, in order", () => {
  const list = fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { maxLength: 30, size: "max" });
  fc.assert(
    fc.property(list, (pairs) => {
      const text = pagePairsText(pairs.map(([to]) => to), pairs.map(([, from]) => from));
      const back = parsePairRuns(text).flatMap(({ destination, source, count }) =>
        Array.from({ length: count }, (_, at) => [destination + at, source + at])
      );
      deepStrictEqual(back, pairs);
    }),
  );
  deepStrictEqual(runsOfList([9, 3, 4, 5]), [{ pfn: 3, count: 3 }, { pfn: 9, count: 1 }]);
});
