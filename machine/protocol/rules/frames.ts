/**
 * What the observer saw of every page frame when a kernel left and when it came back, and what
 * each frame was to that kernel.
 *
 * @module
 */
import type { RuleContext } from "../../conformance/rule.ts";
import { FRAME } from "../../formats/mem_map.ts";
import type { TraceEvent } from "../../trace/event.ts";
import type { Fact } from "../facts.ts";

/** Frames whose content a kernel does not expect to find again. */
export const LOOSE = FRAME.free | FRAME.kimage | FRAME.nosave;

/** Bytes of one frame's CRC-32 in a blob of `frames`. */
const CRC_BYTES = 4;

/** CRC-32 of every frame, as bytes. */
export type FrameSums = Uint8Array;

/** Bytes of a `frames` or `frame_classes` blob; undefined if missing or of another length. */
export function framesOf(
  context: RuleContext,
  fact: Fact<"frames"> | Fact<"frame_classes">,
  event: TraceEvent,
  bytesEach: 1 | 4,
): Uint8Array | undefined {
  const bytes = context.bytes(event);
  if (bytes === undefined) return undefined;
  if (bytes.length === fact.count * bytesEach) return bytes;
  context.violated(`${bytes.length} bytes stand for ${fact.count} frames of kernel ${fact.k}`);
  return undefined;
}

/** What came of comparing two sets of frames. */
export interface Comparison {
  readonly compared: number;
  readonly different: number;
  /** First frame that differs. */
  readonly first?: number;
}

/**
 * Compares the frames [start, end) whose content must be the same.
 *
 * @param classes one byte of `mem_map` flags each; all but {@linkcode LOOSE} ones count.
 */
export function compareFrames(
  before: FrameSums,
  after: FrameSums,
  classes: Uint8Array,
  start: number,
  end: number,
): Comparison {
  let compared = 0;
  let different = 0;
  let first: number | undefined;
  for (let pfn = start; pfn < end; pfn++) {
    if (((classes[pfn] ?? LOOSE) & LOOSE) !== 0) continue;
    compared++;
    const at = pfn * CRC_BYTES;
    if (
      before[at] === after[at] && before[at + 1] === after[at + 1] &&
      before[at + 2] === after[at + 2] && before[at + 3] === after[at + 3]
    ) continue;
    different++;
    first ??= pfn;
  }
  return first === undefined ? { compared, different } : { compared, different, first };
}
