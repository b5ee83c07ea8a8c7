/**
 * Byte ranges of RAM as they can be asked for: none longer than one grant may be.
 *
 * @module
 */
import { LIMITS } from "./limits.ts";
import type { Range } from "./messages/declare.ts";

/** Byte ranges, cut so that none is longer than one grant may be. */
export function cutRanges(ranges: readonly Range[]): Range[] {
  const cut: Range[] = [];
  for (const { start, length } of ranges) {
    for (let at = 0; at < length; at += LIMITS.grantBytes) {
      cut.push({ start: start + at, length: Math.min(LIMITS.grantBytes, length - at) });
    }
  }
  return cut;
}
