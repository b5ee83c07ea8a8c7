/**
 * Sets of page frames and lists of page pairs as runs, and the text they have in traces.
 *
 * A set is a list of {@linkcode PageRun}s that is *normal*: ascending, no run empty, no two runs
 * overlapping or touching. Every function here that returns a set returns a normal one, and all
 * but {@linkcode mergeRuns} and {@linkcode toRuns} need normal ones; they cost time linear in the
 * number of runs, not of pages. Text: "100+40,200+1", first frame and count in hexadecimal; pairs
 * "destination:source+count". The empty set is the empty text.
 *
 * @module
 */
import { FormatError } from "../errors.ts";
import { withinLimit } from "../limits.ts";

/** Bytes of one page. */
export const PAGE_BYTES = 4096;

/** `count` page frames from `pfn` on. */
export interface PageRun {
  readonly pfn: number;
  readonly count: number;
}

/** `count` pairs: destination + i goes with source + i. */
export interface PairRun {
  readonly destination: number;
  readonly source: number;
  readonly count: number;
}

/** Bytes [start, end) of physical memory. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The set of the given frame numbers, which may come in any order and more than once. */
export function toRuns(pfns: Iterable<number>): PageRun[] {
  // Frames mostly arrive in order, so runs are grown first and only then sorted.
  const grown: { pfn: number; count: number }[] = [];
  let last: { pfn: number; count: number } | undefined;
  for (const pfn of pfns) {
    if (last !== undefined && pfn === last.pfn + last.count) last.count++;
    else grown.push(last = { pfn, count: 1 });
  }
  return mergeRuns(grown);
}

/**
 * The frame numbers of a list of runs, in its order.
 *
 * @throws {LimitError} if they are more than a machine can have.
 */
export function fromRuns(runs: readonly PageRun[]): number[] {
  withinLimit("memoryBytes", countPages(runs) * PAGE_BYTES, "a page set to be listed");
  const pfns: number[] = [];
  for (const run of runs) {
    for (let index = 0; index < run.count; index++) pfns.push(run.pfn + index);
  }
  return pfns;
}

/** The normal form of runs in any order, which may overlap, touch or be empty. */
export function mergeRuns(runs: readonly PageRun[]): PageRun[] {
  const sorted = runs.filter((run) => run.count > 0);
  if (!isAscending(sorted)) sorted.sort((a, b) => a.pfn - b.pfn);
  const merged: PageRun[] = [];
  for (const run of sorted) pushRun(merged, run.pfn, run.pfn + run.count);
  return merged;
}

/** Frames in either set. */
export function union(left: readonly PageRun[], right: readonly PageRun[]): PageRun[] {
  const result: PageRun[] = [];
  let leftIndex = 0;
  let rightIndex = 0;
  for (;;) {
    const a = left[leftIndex];
    const b = right[rightIndex];
    const next = b === undefined || (a !== undefined && a.pfn <= b.pfn) ? a : b;
    if (next === undefined) return result;
    if (next === a) leftIndex++;
    else rightIndex++;
    pushRun(result, next.pfn, next.pfn + next.count);
  }
}

/** Frames in both sets. */
export function intersect(left: readonly PageRun[], right: readonly PageRun[]): PageRun[] {
  const result: PageRun[] = [];
  let leftIndex = 0;
  let rightIndex = 0;
  for (;;) {
    const a = left[leftIndex];
    const b = right[rightIndex];
    if (a === undefined || b === undefined) return result;
    const aEnd = a.pfn + a.count;
    const bEnd = b.pfn + b.count;
    const start = Math.max(a.pfn, b.pfn);
    const end = Math.min(aEnd, bEnd);
    if (start < end) result.push({ pfn: start, count: end - start });
    if (aEnd <= bEnd) leftIndex++;
    else rightIndex++;
  }
}

/** Frames of `from` that are not in `away`. */
export function subtract(from: readonly PageRun[], away: readonly PageRun[]): PageRun[] {
  const result: PageRun[] = [];
  let awayIndex = 0;
  for (const run of from) {
    const end = run.pfn + run.count;
    let start = run.pfn;
    for (let hole = away[awayIndex]; hole !== undefined; hole = away[awayIndex]) {
      if (hole.pfn >= end) break;
      const holeEnd = hole.pfn + hole.count;
      if (hole.pfn > start) result.push({ pfn: start, count: hole.pfn - start });
      start = Math.max(start, holeEnd);
      // A hole that reaches past this run may also cut the next one.
      if (holeEnd > end) break;
      awayIndex++;
    }
    if (start < end) result.push({ pfn: start, count: end - start });
  }
  return result;
}

/** Whether a frame is in the set; binary search. */
export function contains(runs: readonly PageRun[], pfn: number): boolean {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const run = runs[middle];
    if (run === undefined) return false;
    if (pfn < run.pfn) high = middle;
    else if (pfn >= run.pfn + run.count) low = middle + 1;
    else return true;
  }
  return false;
}

/** How many frames the runs have together. */
export function countPages(runs: readonly PageRun[]): number {
  let pages = 0;
  for (const run of runs) pages += run.count;
  return pages;
}

/** The whole pages that lie in the byte ranges; a page cut by a range's edge is left out. */
export function rangesToRuns(ranges: readonly ByteRange[]): PageRun[] {
  return mergeRuns(ranges.map(({ start, end }) => {
    const pfn = Math.ceil(start / PAGE_BYTES);
    return { pfn, count: Math.max(0, Math.floor(end / PAGE_BYTES) - pfn) };
  }));
}

/** The bytes that the runs cover. */
export function runsToRanges(runs: readonly PageRun[]): ByteRange[] {
  return runs.map(({ pfn, count }) => ({
    start: pfn * PAGE_BYTES,
    end: (pfn + count) * PAGE_BYTES,
  }));
}

/** Text of a run list: "100+40,200+1". */
export function formatRuns(runs: readonly PageRun[]): string {
  return runs.map((run) => `${run.pfn.toString(16)}+${run.count.toString(16)}`).join(",");
}

/**
 * The set that a text names.
 *
 * @throws {FormatError} if it is not the text of a normal list.
 */
export function parseRuns(text: string): PageRun[] {
  const runs: PageRun[] = [];
  eachItem(text, "page runs", /^([0-9a-f]{1,13})\+([0-9a-f]{1,13})$/, (numbers, offset) => {
    const [pfn = 0, count = 0] = numbers;
    const last = runs.at(-1);
    if (count === 0) throw new FormatError("page runs", offset, "empty run");
    if (last !== undefined && pfn <= last.pfn + last.count) {
      throw new FormatError("page runs", offset, "runs that are not ascending and apart");
    }
    runs.push({ pfn, count });
  });
  return runs;
}

/** Text of a pair list, "destination:source+count,…", in its order, which is that of the walk. */
export function formatPairRuns(runs: readonly PairRun[]): string {
  return runs.map((run) =>
    `${run.destination.toString(16)}:${run.source.toString(16)}+${run.count.toString(16)}`
  ).join(",");
}

/**
 * The pair list that a text names.
 *
 * @throws {FormatError} if it is not the text of one.
 */
export function parsePairRuns(text: string): PairRun[] {
  const runs: PairRun[] = [];
  const item = /^([0-9a-f]{1,13}):([0-9a-f]{1,13})\+([0-9a-f]{1,13})$/;
  eachItem(text, "page pair runs", item, (numbers, offset) => {
    const [destination = 0, source = 0, count = 0] = numbers;
    if (count === 0) throw new FormatError("page pair runs", offset, "empty run");
    runs.push({ destination, source, count });
  });
  return runs;
}

function eachItem(
  text: string,
  format: string,
  pattern: RegExp,
  use: (numbers: readonly number[], offset: number) => void,
): void {
  if (text === "") return;
  let offset = 0;
  for (const item of text.split(",")) {
    const match = pattern.exec(item);
    if (match === null) {
      throw new FormatError(format, offset, `cannot read '${item.slice(0, 40)}'`);
    }
    const numbers = match.slice(1).map((digits) => Number.parseInt(digits, 16));
    if (numbers.reduce((sum, number) => sum + number, 0) > Number.MAX_SAFE_INTEGER) {
      throw new FormatError(format, offset, `'${item}' is over 2^53`);
    }
    use(numbers, offset);
    offset += item.length + 1;
  }
}

function isAscending(runs: readonly PageRun[]): boolean {
  let previous = -1;
  for (const run of runs) {
    if (run.pfn < previous) return false;
    previous = run.pfn;
  }
  return true;
}

/** Appends [start, end), whose start is not below the last run's, joining what touches. */
function pushRun(runs: PageRun[], start: number, end: number): void {
  const last = runs.at(-1);
  if (last === undefined || start > last.pfn + last.count) {
    runs.push({ pfn: start, count: end - start });
  } else if (end > last.pfn + last.count) {
    runs[runs.length - 1] = { pfn: last.pfn, count: end - last.pfn };
  }
}
