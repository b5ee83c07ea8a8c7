/**
 * What the boot loader knows of an image it resumes: plain data, as all of its state.
 *
 * @module
 */
import type { FileExtent } from "../../machine/formats/ext2/mod.ts";
import type { ResumePlan } from "./resume_plan.ts";

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
