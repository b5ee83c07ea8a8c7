/**
 * Facts of the jump itself: processor, control page, and what stands after it (see `../facts.ts`
 * for what a fact is).
 *
 * @module
 */
import { flag, natural, oneOf, optional, record, text } from "../../messages/shape.ts";

/** Facts of the jump itself: processor, control page, and what stands after it. */
export const JUMPING_FACTS = {
  /** State was written into the kernel's memory; digest over what C.8 lists. */
  save: record({
    k: text,
    what: oneOf("cpu", "device", "nvs"),
    device: optional(text),
    /** Absent where a recording cannot know it. */
    digest: optional(text),
  }),
  /** State was put back from the kernel's memory. */
  restore: record({
    k: text,
    what: oneOf("cpu", "device", "nvs"),
    device: optional(text),
    /** Absent where a recording cannot know it. */
    digest: optional(text),
  }),
  /** The set of CPUs online, as `0-3`. */
  cpus: record({ k: text, online: text }),
  /** The interrupt flag of the running CPU. */
  interrupts: record({ k: text, enabled: flag }),
  /** `IO-APIC` mode before a preserving jump (protocol.md C.7 step 3). */
  ioapic: record({ k: text, mode: oneOf("legacy", "symmetric") }),
  /** machine_kexec begins: from here nothing can fail. */
  point_of_no_return: record({ k: text, preserve: flag }),
  /**
   * A walk of an entry list: whose list, how many pairs, the scratch page; `walk` counts walks
   * of this list from 1; pairs as in `kimage`.
   */
  swap: record({
    k: text,
    head: text,
    temporary: text,
    count: natural,
    walk: natural,
    pairs: optional(text),
  }),
  /**
   * Control goes over: `call` preserves (the word at `sp` is the return address), `return` is a
   * plain return or a peer's call of a jump-back entry, `plain` ends the one that leaves.
   * `to` is the kernel or program entered.
   */
  jump: record({
    from: text,
    to: text,
    /** Absent, as `sp` and `word`, where a recording shows only who prints next. */
    entry: optional(text),
    preserve: flag,
    sp: optional(text),
    word: optional(text),
  }),
  /** The kernel's last instruction before its control page runs; where its page table stands. */
  leave: record({ k: text, mem_map: text, frames: natural }),
  /**
   * A kernel goes on after its own jump: the peer's re-entry word it read, and (as in `leave`)
   * where its page table stands.
   */
  resumed: record({
    k: text,
    peer: optional(text),
    mem_map: optional(text),
    frames: optional(natural),
  }),
  /** `image->start` after a return (protocol.md C.7 step 20). */
  image_start: record({ k: text, start: text }),
  /** The RFC's jump buffer: its page frame, and what was done with the number (B.1). */
  jump_buffer: record({ k: text, op: oneOf("export", "save", "write", "use"), pfn: text }),
  /** The observer's CRC-32 of every frame (blob: u32 each, little-endian). */
  frames: record({ k: text, when: oneOf("jump", "return"), count: natural }),
  /** What each frame was to the kernel at its jump (blob: one byte of `mem_map` flags each). */
  frame_classes: record({ k: text, when: oneOf("jump", "return"), count: natural }),
} as const;
