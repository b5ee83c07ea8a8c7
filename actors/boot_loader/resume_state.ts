/**
 * What the boot loader knows of an image it resumes: plain data, as all of its state.
 *
 * @module
 */
import type { FileExtent } from "../../machine/formats/ext2/mod.ts";
import type { Range } from "../../machine/messages/declare.ts";
import type { SectorMove } from "./load_plan.ts";

/** Bytes of the file and the memory they go to. */
export interface PlacedSegment {
  readonly offset: number;
  readonly start: number;
  readonly length: number;
}

/** A plan that can be carried out. */
export interface ResumePlan {
  readonly id: string;
  readonly of?: string;
  readonly entry: number;
  readonly class: "32" | "64";
  readonly moves: readonly SectorMove[];
  readonly segments: readonly PlacedSegment[];
  /** Memory that is in the image as zeros only. */
  readonly zero: readonly Range[];
  /** Bytes before the first page. */
  readonly headBytes: number;
  /** Where the text of the sums stands, and what its SHA-256 must be. */
  readonly sums: { readonly start: number; readonly length: number; readonly digest: string };
}

/** See the module's header. */
export interface ResumeState {
  /** The image, and the file of its sums. */
  readonly path: string;
  readonly sumsPath: string;
  /** The texts beside it. */
  manifest: string;
  entry: string;
  bytes: number;
  sumsBytes: number;
  sumsExtents: readonly FileExtent[];
  /** Its first bytes, in hexadecimal: headers and note. */
  head: string;
  extents: FileExtent[];
  /** First block whose place is not known yet. */
  nextBlock: number;
  plan: ResumePlan | null;
  /** SHA-256 of each 64 KiB. */
  sums: readonly string[];
  /** Next 64 KiB to be compared. */
  nextSum: number;
  /** Blocks of the file system that were changed and are to be written. */
  dirty: number[];
}

/** The state at the beginning. */
export function freshResume(path: string): ResumeState {
  return {
    path,
    sumsPath: `${path}.sum`,
    manifest: "",
    entry: "",
    bytes: 0,
    sumsBytes: 0,
    sumsExtents: [],
    head: "",
    extents: [],
    nextBlock: 0,
    plan: null,
    sums: [],
    nextSum: 0,
    dirty: [],
  };
}

/** The directory an image is in, with the slash at its end. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}
