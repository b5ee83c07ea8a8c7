/**
 * Facts of memory: who took, read and wrote which page frames (see `../facts.ts` for what a fact
 * is).
 *
 * @module
 */
import { flag, integer, natural, oneOf, optional, record, text } from "../../messages/shape.ts";

/** Facts of memory: who took, read and wrote which page frames. */
export const MEMORY_FACTS = {
  /** The kernel took pages from its allocator. */
  allocate: record({ k: text, pages: natural }),
  /** Page frames an actor was given for writing; `k` is the kernel on whose behalf. */
  memory_write: record({ k: text, by: text, runs: optional(text) }),
  /** Page frames an actor was given for reading. */
  memory_read: record({ k: text, by: text, runs: optional(text) }),
  /** The memory the saver was shown as the previous kernel's (ranges `start-end`). */
  vmcore: record({ k: text, ranges: text }),
  /** Pages were preallocated for a copy in RAM, before devices are touched (B.5.5). */
  preallocate: record({
    k: text,
    pages: natural,
    usable: natural,
    metadata: natural,
    reserved: natural,
    result: integer,
  }),
  /**
   * The atomic copy: saveable pages went into image pages. `user` where a program asked for it
   * through /dev/snapshot (protocol.md B.5.10).
   */
  snapshot: record({
    k: text,
    pages: natural,
    free: natural,
    user: optional(flag),
    result: integer,
  }),
  /**
   * Frames a loader put image pages into, as run-length text: those of the image's own numbers
   * (`image`, in the blob where long) and safe ones, which may be a second line of the blob; `code`
   * are the frames its own code runs from.
   */
  loader_pages: record({
    k: text,
    image: optional(text),
    safe: optional(text),
    code: text,
    id: text,
  }),
  /** The page tables the processor uses while an image is put in place (protocol.md C.9, B.5.8). */
  page_tables: record({ k: text, which: oneOf("boot", "temporary", "image"), root: text }),
  /**
   * The final copy: the set of frames written (`runs`), the last one of them and the frame the
   * copying code runs from, both as page numbers (`0x1234`).
   */
  final_copy: record({
    k: text,
    code: text,
    count: natural,
    last: text,
    stack: flag,
    runs: optional(text),
  }),
  /** One of TuxOnIce's two page sets (B.6). */
  pageset: record({
    k: text,
    set: oneOf("1", "2"),
    op: oneOf("write", "copy", "restore", "read"),
    pages: natural,
    runs: optional(text),
  }),
} as const;
