/**
 * What swsusp keeps in a kernel's state: settings of /sys/power, who owns the transition, and the
 * frames of an image that is being made or put in place. All of it plain data.
 *
 * @module
 */
import type { PageRun } from "../../machine/formats/page_runs.ts";

/** Modes of /sys/power/disk in 6.1's order (protocol.md B.5.4). */
export const HIBERNATION_MODES = [
  "platform",
  "shutdown",
  "reboot",
  "suspend",
  "test_resume",
] as const;

/** See {@linkcode HIBERNATION_MODES}. */
export type HibernationMode = typeof HIBERNATION_MODES[number];

/** An image that a boot kernel has in its frames. */
export interface LoadedImage {
  /** Frames that are not theirs, with where they belong: entries of the list in RAM. */
  readonly list: number;
  /** Virtual address of the image kernel's restore_registers, hexadecimal. */
  readonly jump: string;
  readonly jumpPhysical: number;
  /** Root of the image kernel's page tables; 0 in the record of 2007. */
  readonly root: number;
  /** All frames taken for it. */
  readonly owned: readonly PageRun[];
  /** Frames of the image: what is allocated from here on must lie outside. */
  readonly unsafe: readonly PageRun[];
  readonly safe: readonly PageRun[];
  readonly inPlace: readonly PageRun[];
  readonly id: string;
}

/** What is open of /dev/snapshot. */
export interface SnapshotDevice {
  readonly access: "r" | "w";
  frozen: boolean;
  ready: boolean;
  platform: boolean;
  /** Name of the swap area that was set; empty for none. */
  area: string;
}

/** See the module's header. */
export interface SwsuspState {
  mode: HibernationMode;
  /** Device of /sys/power/resume: a name or MAJOR:MINOR; empty for none. */
  device: string;
  resumeOffset: number;
  /** Bytes. */
  imageSize: number;
  /** Bytes. */
  reservedSize: number;
  /** Who owns the hibernation: a program that has /dev/snapshot open counts; empty for nobody. */
  owner: string;
  /** Whether the transition mutex is held. */
  locked: boolean;
  /** The page of `in_suspend`, which is in no image; 0 before it is needed. */
  nosavePfn: number;
  /** `in_suspend` as it was last read from there. */
  inSuspend: number;
  /** Frames of the memory bitmaps while there are any. */
  bitmaps: readonly PageRun[];
  /** Frames taken for copies. */
  copies: readonly PageRun[];
  /** Frames that are in the image. */
  saved: readonly PageRun[];
  loaded?: LoadedImage;
  /** What is open of /dev/snapshot. */
  user?: SnapshotDevice;
}
