/**
 * What a run's memory is compared with: A's frames at its jump, a reference written then, the
 * payload the user gave.
 *
 * A reference (`pages.crc`) has the CRC-32 of each page frame in 4 bytes, little-endian, from
 * frame 0 on; 0 stands for a frame that nobody compares, because it was free, belonged to a loaded
 * image or is not to be saved.
 *
 * @module
 */
import { UsageError } from "../../machine/errors.ts";
import type { FlatStore } from "../../machine/flat_store.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { compareFrames, LOOSE } from "../../machine/protocol/rules/frames.ts";
import type { Frames, RunLog } from "./run_log.ts";

/** What came of comparing frames. */
export interface FrameComparison {
  /** What stands on both sides, in words. */
  readonly what: string;
  readonly frames: number;
  readonly compared: number;
  readonly different: number;
  /** First frame that differs. */
  readonly first?: number;
}

/** What came of comparing the payload. */
export interface PayloadComparison {
  readonly path: string;
  readonly bytes: number;
  /** Offset of the first byte that differs, or where one of both ends. */
  readonly differsAt?: number;
  /** Why there was nothing to compare. */
  readonly missing?: string;
}

/** Every pair of a kernel's jump and its return after it, in the order of the returns. */
export function comparePairs(log: RunLog): FrameComparison[] {
  const left = new Map<string, Frames>();
  return log.frames.flatMap((seen) => {
    const { kernel, when, sums, seq } = seen;
    if (when === "jump") {
      left.set(kernel, seen);
      return [];
    }
    const jump = left.get(kernel);
    left.delete(kernel);
    if (jump?.sums === undefined || jump.classes === undefined || sums === undefined) return [];
    const frames = jump.classes.length;
    const what = `page frames of ${kernel} at its return (seq ${seq}) with those at its jump ` +
      `(seq ${jump.seq})`;
    return [{ what, frames, ...compareFrames(jump.sums, sums, jump.classes, 0, frames) }];
  });
}

/** The reference that a jump's frames make. */
export function referenceOf({ sums, classes }: Frames): Uint8Array | undefined {
  if (sums === undefined || classes === undefined) return undefined;
  const bytes = sums.slice();
  for (let pfn = 0; pfn < classes.length; pfn++) {
    if (((classes[pfn] ?? LOOSE) & LOOSE) !== 0) bytes.fill(0, pfn * 4, pfn * 4 + 4);
  }
  return bytes;
}

/**
 * A kernel's frames at its last return with a reference.
 *
 * @throws {UsageError} if the reference is of another machine.
 */
export function compareReference(
  log: RunLog,
  kernel: string,
  reference: Uint8Array,
  name: string,
): FrameComparison | undefined {
  const back = log.frames.findLast((each) => each.kernel === kernel && each.when === "return");
  const sums = back?.sums;
  if (sums === undefined) return undefined;
  if (sums.length !== reference.length) {
    throw new UsageError(
      `'${name}' has ${reference.length / 4} frames, ${kernel} has ${sums.length / 4}: ` +
        "it is the reference of another machine",
    );
  }
  const view = new DataView(reference.buffer, reference.byteOffset, reference.byteLength);
  const classes = new Uint8Array(reference.length / 4);
  for (let pfn = 0; pfn < classes.length; pfn++) {
    if (view.getUint32(pfn * 4, true) === 0) classes[pfn] = LOOSE;
  }
  const what = `page frames of ${kernel} at its return with ${name}`;
  return {
    what,
    frames: classes.length,
    ...compareFrames(reference, sums, classes, 0, classes.length),
  };
}

interface FileRuns {
  readonly path: string;
  readonly size: number;
  readonly runs: readonly { readonly pfn: number; readonly count: number }[];
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fileRuns(value: unknown): FileRuns | undefined {
  if (!isRecord(value)) return undefined;
  const { path, size, runs } = value;
  if (typeof path !== "string" || typeof size !== "number" || !Array.isArray(runs)) {
    return undefined;
  }
  const list: { pfn: number; count: number }[] = [];
  for (const run of runs) {
    if (!isRecord(run)) return undefined;
    const { pfn, count } = run;
    if (typeof pfn !== "number" || typeof count !== "number") return undefined;
    list.push({ pfn, count });
  }
  return { path, size, runs: list };
}

/** A file of a kernel's tmpfs, from the kernel's plain state. */
export function memoryFile(state: Plain, path: string): FileRuns | undefined {
  const kernel: unknown = isRecord(state) ? state["kernel"] : undefined;
  const files: unknown = isRecord(kernel) ? kernel["files"] : undefined;
  if (!Array.isArray(files)) return undefined;
  return files.map(fileRuns).find((file) => file?.path === path);
}

/** The payload with the pages that the kernel's file has in RAM. */
export function comparePayload(
  state: Plain | undefined,
  ram: FlatStore,
  payload: Uint8Array,
  path: string,
): PayloadComparison {
  const bytes = payload.length;
  if (state === undefined) return { path, bytes, missing: "A does not run" };
  const file = memoryFile(state, path);
  if (file === undefined) return { path, bytes, missing: `A has no ${path}` };
  let at = 0;
  for (const { pfn, count } of file.runs) {
    const length = Math.min(count * PAGE_BYTES, file.size - at);
    const content = ram.view(pfn * PAGE_BYTES, length);
    for (let index = 0; index < length; index++) {
      if (content[index] !== payload[at + index]) return { path, bytes, differsAt: at + index };
    }
    at += length;
  }
  const end = Math.min(file.size, bytes);
  return at !== bytes || file.size !== bytes ? { path, bytes, differsAt: end } : { path, bytes };
}
