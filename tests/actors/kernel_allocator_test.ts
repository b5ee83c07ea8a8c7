import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  allocatePages,
  freePages,
  releasePages,
  takePages,
  writeFrames,
} from "../../actors/kernel/allocator.ts";
import type { KernelState } from "../../actors/kernel/state.ts";
import { E820_TYPE } from "../../machine/formats/e820.ts";
import { FRAME, FRAME_BYTES } from "../../machine/formats/mem_map.ts";
import { fromRuns, mergeRuns, type PageRun } from "../../machine/formats/page_runs.ts";
import { framesOf, runsOf, stateWith } from "./kernel_pure.ts";

const FRAMES = 96;

const frameSet = fc.uniqueArray(fc.nat(FRAMES - 1), { maxLength: FRAMES, size: "max" });
const aRequest = fc.record({
  pages: fc.nat(24),
  from: fc.option(fc.nat(FRAMES), { nil: undefined }),
  contiguous: fc.boolean(),
  avoid: fc.option(frameSet.map(runsOf), { nil: undefined }),
});

/** A request without the fields that are not there. */
function given(
  { pages, from, contiguous, avoid }: {
    pages: number;
    from: number | undefined;
    contiguous: boolean;
    avoid: PageRun[] | undefined;
  },
) {
  return {
    pages,
    contiguous,
    flags: FRAME.user,
    owner: 7,
    ...(from === undefined ? {} : { from }),
    ...(avoid === undefined ? {} : { avoid }),
  };
}

function snapshot({ free, owned }: KernelState): string {
  return JSON.stringify({ free, owned });
}

/** Frames that are somebody's, each once. */
function ownedFrames(state: KernelState): number[] {
  return state.owned.flatMap((run) => fromRuns([run]));
}

Deno.test("allocatePages gives what was free and wanted, or nothing and leaves all as it was", () => {
  fc.assert(
    fc.property(frameSet, aRequest, (free, fields) => {
      const request = given(fields);
      const state = stateWith({ free: runsOf(free) });
      const before = snapshot(state);
      const taken = allocatePages(state, request);
      const avoid = framesOf(request.avoid ?? []);
      const usable = new Set(free.filter((pfn) => !avoid.has(pfn)));
      if (taken === undefined) {
        const longest = Math.max(0, ...runsOf(usable).map(({ count }) => count));
        const most = request.contiguous ? longest : usable.size;
        strictEqual(request.pages > most, true, "there were enough");
        strictEqual(snapshot(state), before);
        return;
      }
      const frames = taken.flatMap((run) => fromRuns([run]));
      strictEqual(frames.length, request.pages);
      strictEqual(new Set(frames).size, frames.length, "nothing is given twice");
      strictEqual(frames.every((pfn) => usable.has(pfn)), true, "all was free");
      if (request.contiguous) strictEqual(taken.length <= 1, true);
      strictEqual(freePages(state), free.length - frames.length);
      deepStrictEqual(ownedFrames(state).sort((a, b) => a - b), frames.sort((a, b) => a - b));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("allocatePages takes the lowest frames from `from` on, and lower ones only after them", () => {
  fc.assert(
    fc.property(frameSet, fc.nat(40), fc.nat(FRAMES), (free, pages, from) => {
      const state = stateWith({ free: runsOf(free) });
      const taken = allocatePages(state, { pages, from, flags: 4, owner: 0 });
      const sorted = [...free].sort((a, b) => a - b);
      const order = [...sorted.filter((pfn) => pfn >= from), ...sorted.filter((pfn) => pfn < from)];
      const expected = pages > free.length ? undefined : order.slice(0, pages);
      deepStrictEqual(taken?.flatMap((run) => fromRuns([run])), expected);
    }),
    { numRuns: 500 },
  );
});

Deno.test("allocatePages finds a contiguous run that lies on both sides of `from`", () => {
  const state = stateWith({ free: [{ pfn: 10, count: 8 }] });
  const request = { pages: 8, from: 14, contiguous: true, flags: 4, owner: 0 };
  deepStrictEqual(allocatePages(state, request), [{ pfn: 10, count: 8 }]);
});

Deno.test("releasePages after any allocations leaves the free frames there were at first", () => {
  fc.assert(
    fc.property(frameSet, fc.array(aRequest, { maxLength: 8 }), (free, requests) => {
      const state = stateWith({ free: runsOf(free) });
      const all = requests.map((fields) => allocatePages(state, given(fields)) ?? []);
      strictEqual(new Set(ownedFrames(state)).size, ownedFrames(state).length);
      strictEqual(freePages(state) + ownedFrames(state).length, free.length);
      // Not in the order of their taking.
      for (const runs of all.toReversed()) releasePages(state, runs);
      deepStrictEqual(state.free, runsOf(free));
      deepStrictEqual(state.owned, []);
    }),
  );
});

Deno.test("releasePages takes the middle out of a run and leaves the owner its ends", () => {
  const state = stateWith({ free: [{ pfn: 0, count: 10 }] });
  allocatePages(state, { pages: 10, flags: FRAME.user, owner: 3 });
  releasePages(state, [{ pfn: 4, count: 2 }]);
  deepStrictEqual(state.free, [{ pfn: 4, count: 2 }]);
  deepStrictEqual(state.owned, [
    { pfn: 0, count: 4, flags: FRAME.user, owner: 3 },
    { pfn: 6, count: 4, flags: FRAME.user, owner: 3 },
  ]);
});

Deno.test("allocatePages and releasePages keep free memory in one run when all goes in order", () => {
  const state = stateWith({ free: [{ pfn: 100, count: 1000 }] });
  const taken = Array.from(
    { length: 20 },
    (_, index) => allocatePages(state, { pages: 5 + index, flags: FRAME.user, owner: index }) ?? [],
  );
  strictEqual(state.free.length, 1);
  for (const runs of taken) releasePages(state, runs);
  deepStrictEqual(state.free, [{ pfn: 100, count: 1000 }]);
});

interface Model {
  flags: number;
  owner: number;
  count: number;
}

/** What each frame's record must be, told frame by frame. */
function modelOf(state: KernelState, ram: ReadonlySet<number>): Model[] {
  const free = framesOf(state.free);
  return Array.from({ length: FRAMES }, (_, pfn) => {
    const owner = state.owned.find((run) => pfn >= run.pfn && pfn < run.pfn + run.count);
    if (owner !== undefined) return { flags: owner.flags, owner: owner.owner, count: 1 };
    if (free.has(pfn)) return { flags: FRAME.free, owner: 0, count: 0 };
    const flags = ram.has(pfn) ? FRAME.reserved : FRAME.reserved | FRAME.nosave;
    return { flags, owner: 0, count: 0 };
  });
}

Deno.test("writeFrames writes of each frame what it is, in windows of any size", () => {
  const firmware = mergeRuns([{ pfn: 0, count: 20 }, { pfn: 30, count: 50 }]);
  const map = firmware.map(({ pfn, count }) => ({
    start: pfn * 4096,
    length: count * 4096,
    type: E820_TYPE.ram,
  }));
  const ram = framesOf(firmware);
  fc.assert(
    fc.property(
      frameSet,
      fc.array(aRequest, { maxLength: 5 }),
      fc.uniqueArray(fc.nat(FRAMES), { maxLength: 6 }),
      (frames, requests, cuts) => {
        const state = stateWith({ map, free: runsOf(frames.filter((pfn) => ram.has(pfn))) });
        requests.forEach((fields, index) =>
          allocatePages(state, { ...given(fields), flags: 1 << (2 + index), owner: index + 1 })
        );
        const table = new Uint8Array(FRAMES * FRAME_BYTES);
        const edges = [0, ...cuts.sort((a, b) => a - b), FRAMES];
        edges.slice(0, -1).forEach((first, index) => {
          const count = (edges[index + 1] ?? 0) - first;
          const part = table.subarray(first * FRAME_BYTES, (first + count) * FRAME_BYTES);
          writeFrames(state, part, first, count);
        });
        const view = new DataView(table.buffer);
        const actual = Array.from({ length: FRAMES }, (_, pfn): Model => ({
          flags: view.getUint16(pfn * FRAME_BYTES, true),
          owner: view.getUint16(pfn * FRAME_BYTES + 2, true),
          count: view.getUint32(pfn * FRAME_BYTES + 4, true),
        }));
        deepStrictEqual(actual, modelOf(state, ram));
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("takePages takes exactly the frames it is told", () => {
  const state = stateWith({ free: [{ pfn: 0, count: 10 }] });
  takePages(state, [{ pfn: 8, count: 1 }, { pfn: 2, count: 3 }], FRAME.kimage, 0);
  deepStrictEqual(state.free, [{ pfn: 0, count: 2 }, { pfn: 5, count: 3 }, { pfn: 9, count: 1 }]);
  strictEqual(ownedFrames(state).length, 4);
});
