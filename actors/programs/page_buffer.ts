/**
 * A buffer of a process in physical memory: bytes into its pages and out of them, and the pages
 * that are copied into it batch by batch.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import type { Range } from "../../machine/messages/declare.ts";

/** The first `length` bytes of ranges, or as many as they have. */
export function gather(access: Access, ranges: readonly Range[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const range of ranges) {
    if (at >= length) break;
    const part = access.read(range.start, range.length).subarray(0, length - at);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Puts bytes into ranges from byte `from` on. */
export function put(
  access: Access,
  ranges: readonly Range[],
  from: number,
  bytes: Uint8Array,
): void {
  let start = 0;
  let at = 0;
  let place = from;
  for (const range of ranges) {
    const begin = Math.max(0, place - start);
    if (begin < range.length && at < bytes.length) {
      const part = bytes.subarray(at, at + range.length - begin);
      access.writable(range.start, range.length).set(part, begin);
      at += part.length;
      place += part.length;
    }
    start += range.length;
  }
}

/** The first `length` bytes of ranges, as pieces for a write. */
export function firstBytes(ranges: readonly Range[], length: number): Range[] {
  let left = length;
  return ranges.flatMap((range) => {
    const part = Math.min(left, range.length);
    left -= part;
    return part > 0 ? [{ start: range.start, length: part }] : [];
  });
}

/** Frames of some content from its page `first` on, at most `most`. */
export function framesFrom(pieces: readonly Range[], first: number, most: number): number[] {
  let skip = first;
  const frames: number[] = [];
  for (const { start, length } of pieces) {
    const count = Math.ceil(length / PAGE_BYTES);
    for (let index = skip; index < count && frames.length < most; index++) {
      frames.push(start / PAGE_BYTES + index);
    }
    skip = Math.max(0, skip - count);
  }
  return frames;
}
