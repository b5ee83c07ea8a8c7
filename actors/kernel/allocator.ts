/**
 * The page allocator: runs of free pages and runs given out, both plain data. It hands out the
 * lowest pages first and in few runs, so that what is free stays in few runs too and a filtered
 * dump stays within 16 segments (protocol.md B.4.7).
 *
 * @module
 */
import { ramRanges } from "../../machine/formats/e820.ts";
import { FRAME, setFrames } from "../../machine/formats/mem_map.ts";
import {
  countPages,
  mergeRuns,
  PAGE_BYTES,
  type PageRun,
  subtract,
  union,
} from "../../machine/formats/page_runs.ts";
import type { KernelState, OwnedRun } from "./state.ts";

/** What pages are wanted for. */
export interface PageRequest {
  readonly pages: number;
  /** `mem_map` flag bits. */
  readonly flags: number;
  /** Process or file number, 0 for the kernel. */
  readonly owner: number;
  /** Lowest frame wanted; those below are taken only if nothing else is left. */
  readonly from?: number;
  /** Whether the pages must be one run. */
  readonly contiguous?: boolean;
  /** Frames that may not be taken. */
  readonly avoid?: readonly PageRun[];
}

function pick(free: readonly PageRun[], request: PageRequest): PageRun[] | undefined {
  const from = request.from ?? 0;
  const above: PageRun[] = [];
  const below: PageRun[] = [];
  for (const run of free) {
    const end = run.pfn + run.count;
    if (end <= from) below.push(run);
    else if (run.pfn >= from) above.push(run);
    else {
      below.push({ pfn: run.pfn, count: from - run.pfn });
      above.push({ pfn: from, count: end - from });
    }
  }
  const ordered = [...above, ...below];
  if (request.contiguous) {
    // A run that lies on both sides of `from` is better than none.
    const fits = (run: PageRun): boolean => run.count >= request.pages;
    const fit = ordered.find(fits) ?? free.find(fits);
    return fit === undefined ? undefined : [{ pfn: fit.pfn, count: request.pages }];
  }
  const taken: PageRun[] = [];
  let left = request.pages;
  for (const run of ordered) {
    if (left === 0) break;
    const count = Math.min(left, run.count);
    taken.push({ pfn: run.pfn, count });
    left -= count;
  }
  return left === 0 ? taken : undefined;
}

/** Gives out pages, or `undefined` when there are not enough. */
export function allocatePages(
  state: KernelState,
  request: PageRequest,
): readonly PageRun[] | undefined {
  if (request.pages === 0) return [];
  const free = request.avoid === undefined ? state.free : subtract(state.free, request.avoid);
  const taken = pick(free, request);
  if (taken === undefined) return undefined;
  takePages(state, taken, request.flags, request.owner);
  return taken;
}

/** Marks given pages, which must be free, as given out. */
export function takePages(
  state: KernelState,
  runs: readonly PageRun[],
  flags: number,
  owner: number,
): void {
  state.free = subtract(state.free, mergeRuns(runs));
  state.owned = [...state.owned, ...runs.map((run): OwnedRun => ({ ...run, flags, owner }))];
}

/** Takes pages back. */
export function releasePages(state: KernelState, runs: readonly PageRun[]): void {
  const back = mergeRuns(runs);
  const kept: OwnedRun[] = [];
  for (const owned of state.owned) {
    for (const left of subtract([{ pfn: owned.pfn, count: owned.count }], back)) {
      kept.push({ ...left, flags: owned.flags, owner: owned.owner });
    }
  }
  state.owned = kept;
  state.free = union(state.free, back);
}

/** Pages there are to give out. */
export function freePages(state: KernelState): number {
  return countPages(state.free);
}

/** Writes the part of the `mem_map` that covers `count` frames from `first` into `table`. */
export function writeFrames(
  state: KernelState,
  table: Uint8Array,
  first: number,
  count: number,
): void {
  const end = first + count;
  const put = (run: PageRun, flags: number, owner: number): void => {
    const from = Math.max(run.pfn, first);
    const to = Math.min(run.pfn + run.count, end);
    if (from >= to) return;
    const references = (flags & (FRAME.free | FRAME.reserved)) !== 0 ? 0 : 1;
    setFrames(table, { pfn: from, count: to - from }, { flags, owner, count: references }, first);
  };
  // What is no RAM is nobody's to save; RAM that was never given out is the firmware's.
  put({ pfn: first, count }, FRAME.reserved | FRAME.nosave, 0);
  for (const { start, length } of ramRanges(state.map)) {
    const pfn = Math.ceil(start / PAGE_BYTES);
    put({ pfn, count: Math.floor((start + length) / PAGE_BYTES) - pfn }, FRAME.reserved, 0);
  }
  for (const run of state.free) put(run, FRAME.free, 0);
  for (const run of state.owned) put(run, run.flags, run.owner);
}
