/**
 * Facts of loading and executing an image by kexec (see `../facts.ts` for what a fact is).
 *
 * @module
 */
import { flag, integer, natural, oneOf, optional, record, text } from "../../messages/shape.ts";

/** Facts of loading and executing an image by kexec. */
export const LOADING_FACTS = {
  /** A kernel begins to run from its start: its RAM as `start-end` ranges, its command line. */
  boot: record({ k: text, release: text, ranges: text, cmdline: text }),
  /**
   * A `kexec_load` call with what its checks look at (protocol.md C.2). `list` has the segments
   * as `mem+memsz/bufsz`, comma-separated hexadecimal; `limit` the arch's destination limit.
   */
  load: record({
    k: text,
    slot: oneOf("default", "crash"),
    flags: text,
    preserve: flag,
    arch: oneOf("i386", "x86_64"),
    capable: flag,
    disabled: flag,
    segments: natural,
    list: optional(text),
    entry: text,
    limit: text,
    ram_pages: natural,
    half_ram: flag,
    /** What `crashkernel=` reserved, as `start-end`, where anything is reserved. */
    region: optional(text),
    /** Flags this kernel knows besides ON_CRASH and PRESERVE_CONTEXT: v7's state flags (A.6). */
    more_flags: optional(text),
    result: integer,
  }),
  /** A successful load's pages: `pairs` are destination:source, the rest page sets. */
  kimage: record({
    k: text,
    slot: oneOf("default", "crash"),
    control: text,
    swap: text,
    indirection: text,
    pairs: optional(text),
  }),
  /** A load with 0 segments. */
  unload: record({ k: text, slot: oneOf("default", "crash"), result: integer }),
  /**
   * The reboot command that executes an image begins; `start` is 0x0 where none is loaded.
   * `slot` is the default one unless said (protocol.md A.5, KJUMP_TO); `command` is the word that
   * travels with a command-driven jump (B.2.1).
   */
  exec: record({
    k: text,
    loaded: flag,
    preserve: flag,
    start: text,
    slot: optional(oneOf("default", "crash")),
    command: optional(text),
  }),
  /** The command came back to its caller. */
  exec_done: record({ k: text, result: integer }),
  /** The kexec lock is asked for or given back. */
  lock: record({
    k: text,
    holder: text,
    op: oneOf("take", "refuse", "release"),
    result: integer,
  }),
  /** A program looked whether something is loaded: the file, if it could be read, its value. */
  loaded_check: record({ k: text, file: text, found: flag, value: integer }),
  /** /proc/kimgcore (protocol.md B.3); `digest` over the bytes a read gave. */
  kimgcore: record({
    k: text,
    op: oneOf("open", "read", "release"),
    result: integer,
    loaded: optional(flag),
    entry: optional(text),
    start: optional(text),
    segments: optional(natural),
    size: optional(natural),
    offset: optional(natural),
    length: optional(natural),
    digest: optional(text),
  }),
  /** Purgatory compared its segments' digest. */
  purgatory: record({ k: text, expected: text, actual: text }),
} as const;
