/**
 * Page runs as lists: page number i of a list of runs, and the bytes of consecutive ones. Unlike
 * the sets of formats/page_runs.ts, a list keeps its order.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { countPages, PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";

/** Pages `from` to `from + count` of a list; fewer where it ends. */
export function slicePages(list: readonly PageRun[], from: number, count: number): PageRun[] {
  const slice: PageRun[] = [];
  let skip = from;
  let left = count;
  for (const run of list) {
    if (left <= 0) break;
    if (skip >= run.count) {
      skip -= run.count;
      continue;
    }
    const part = Math.min(left, run.count - skip);
    slice.push({ pfn: run.pfn + skip, count: part });
    left -= part;
    skip = 0;
  }
  return slice;
}

/** A list with neighbours joined; its order stays. */
export function joined(list: readonly PageRun[]): PageRun[] {
  const result: PageRun[] = [];
  for (const run of list) {
    const last = result.at(-1);
    if (last !== undefined && last.pfn + last.count === run.pfn) {
      result[result.length - 1] = { pfn: last.pfn, count: last.count + run.count };
    } else if (run.count > 0) result.push({ ...run });
  }
  return result;
}

/** The bytes of a list's pages, one after the other; each run must lie in one grant. */
export function readPages(access: Access, list: readonly PageRun[]): Uint8Array {
  const bytes = new Uint8Array(countPages(list) * PAGE_BYTES);
  let at = 0;
  for (const { pfn, count } of list) {
    bytes.set(access.read(pfn * PAGE_BYTES, count * PAGE_BYTES), at);
    at += count * PAGE_BYTES;
  }
  return bytes;
}

/** Puts bytes into a list's pages; what they leave of the last page they reach is zeros. */
export function writePages(access: Access, list: readonly PageRun[], bytes: Uint8Array): void {
  let at = 0;
  for (const { pfn, count } of list) {
    if (at >= bytes.length) return;
    const part = bytes.subarray(at, at + count * PAGE_BYTES);
    const room = access.writable(
      pfn * PAGE_BYTES,
      Math.ceil(part.length / PAGE_BYTES) * PAGE_BYTES,
    );
    room.set(part);
    room.fill(0, part.length);
    at += part.length;
  }
}
