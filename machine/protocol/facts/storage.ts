/**
 * Facts of disks, images and file systems (see `../facts.ts` for what a fact is).
 *
 * @module
 */
import { flag, integer, natural, oneOf, optional, record, text } from "../../messages/shape.ts";

/** Facts of disks, images and file systems. */
export const STORAGE_FACTS = {
  /** Sectors read from the disk. */
  disk_read: record({ k: text, block: natural, count: natural }),
  /** Sectors handed to the disk, which may keep them in its volatile cache. */
  disk_write: record({ k: text, block: natural, count: natural }),
  /** The disk's cache was emptied to the medium. */
  flush: record({ k: text, op: oneOf("begin", "done") }),
  /** What happened to a hibernation image. `id` names it, `of` is the kernel that is in it. */
  image: record({
    k: text,
    op: oneOf("begin", "page", "commit", "check", "invalidate", "load", "abort"),
    id: text,
    of: optional(text),
    digest: optional(text),
    runs: optional(text),
    device: optional(text),
    /** Bytes of the image so far, or in all. */
    bytes: optional(natural),
  }),
  /** Frames of an image by the ranges that stand in it (`start-end`), before it is used. */
  image_ranges: record({ k: text, id: text, ranges: text, class: optional(oneOf("32", "64")) }),
  /**
   * The device an image goes to: what its first block says, whether it is active swap, whether a
   * file system on it is mounted by anybody.
   */
  image_device: record({
    k: text,
    device: text,
    kind: oneOf("swap", "raw", "file"),
    signature: text,
    active: flag,
    mounted: flag,
  }),
  /** What a loader compares before it uses an image: stored and found, in the order it looks. */
  header_check: record({
    k: text,
    what: oneOf("signature", "magic", "control", "e820", "memory", "hardware", "crc", "version"),
    stored: optional(text),
    found: optional(text),
    /** What the loader makes of it: 0 goes on, else a negative errno. */
    result: integer,
    /** Whether a difference is to be obeyed (`acpi_sleep=s4_hwsig`). */
    obeyed: optional(flag),
  }),
  /** `resume` at boot: the device looked at, or why it was not. */
  resume_attempt: record({ k: text, device: text, noresume: flag, read: flag, result: integer }),
  /** Room for the image header's arch record: bytes given, bytes needed. */
  header_save: record({ k: text, room: natural, needed: natural, result: integer }),
  /** Swap taken into use or given up, blocks of an image given back. */
  swap_area: record({
    k: text,
    device: text,
    op: oneOf("on", "off", "allocate", "free"),
    blocks: optional(natural),
    result: integer,
  }),
  /** A file system taken into use; `clean` and `mounts` as its superblock had them before. */
  mount: record({ k: text, fs: text, read_only: flag, clean: flag, mounts: natural }),
  /** A file system given up. */
  unmount: record({ k: text, fs: text }),
  /** A file read. */
  fs_read: record({ k: text, fs: text, path: text }),
  /** A file, or its name, changed. */
  fs_write: record({ k: text, fs: text, path: text }),
  /** File systems written back. */
  sync: record({ k: text }),
} as const;
