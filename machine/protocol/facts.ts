/**
 * The vocabulary of facts: what kernels, firmware, disk, memory controller and the observer say
 * happened that is no message of its own (protocol.md F.0). A fact is a trace event of kind
 * `note` and type `fact.<name>`, its fields the event's summary. Rules are folds over these, so
 * a foreign trace that carries them can be judged as well as ours.
 *
 * No field states a verdict: facts give what was found on both sides and rules compare.
 * Conventions: `k` is the kernel that acts; addresses are hexadecimal text with `0x`; page sets
 * and pairs are the run-length text of `formats/page_runs.ts`, in the summary while short, else
 * in the event's blob (then the field is absent); `result` is 0 or a negative errno.
 *
 * @module
 */
import {
  flag,
  type Infer,
  integer,
  natural,
  oneOf,
  optional,
  record,
  text,
} from "../messages/shape.ts";

/** Phases of device power management, down then up (protocol.md B.5.3). */
export const DOWN_PHASES = ["prepare", "freeze", "freeze_late", "freeze_noirq"] as const;
/** See {@linkcode DOWN_PHASES}. */
export const UP_PHASES = ["restore_noirq", "restore_early", "restore", "complete"] as const;

const phaseName = oneOf(
  ...DOWN_PHASES,
  ...UP_PHASES,
  "thaw_noirq",
  "thaw_early",
  "thaw",
  "poweroff",
  "poweroff_late",
  "poweroff_noirq",
  "suspend",
  "suspend_late",
  "suspend_noirq",
  "resume_noirq",
  "resume_early",
  "resume",
  "shutdown",
);

/** Every fact with its fields. */
export const FACTS = {
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
  /** State was written into the kernel's memory; digest over what C.8 lists. */
  save: record({
    k: text,
    what: oneOf("cpu", "device", "nvs"),
    device: optional(text),
    digest: text,
  }),
  /** State was put back from the kernel's memory. */
  restore: record({
    k: text,
    what: oneOf("cpu", "device", "nvs"),
    device: optional(text),
    digest: text,
  }),
  /** One device callback; `parent` names the device it hangs from, `message` the PM event. */
  phase: record({
    k: text,
    device: text,
    parent: optional(text),
    name: phaseName,
    message: oneOf(
      "FREEZE",
      "QUIESCE",
      "THAW",
      "RECOVER",
      "HIBERNATE",
      "RESTORE",
      "SUSPEND",
      "RESUME",
    ),
    powered: flag,
    wake_armed: flag,
    result: integer,
  }),
  /** A device wrote or read memory by itself, on behalf of the kernel that programmed it. */
  dma: record({ k: text, device: text }),
  /** A device raised its line. */
  irq: record({ k: text, device: text }),
  /** The set of CPUs online, as `0-3`. */
  cpus: record({ k: text, online: text }),
  /** The interrupt flag of the running CPU. */
  interrupts: record({ k: text, enabled: flag }),
  /** System devices (timekeeping, interrupt controllers) below the device tree. */
  syscore: record({ k: text, op: oneOf("suspend", "resume"), result: integer }),
  /** `IO-APIC` mode before a preserving jump (protocol.md C.7 step 3). */
  ioapic: record({ k: text, mode: oneOf("legacy", "symmetric") }),
  /** machine_kexec begins: from here nothing can fail. */
  point_of_no_return: record({ k: text, preserve: flag }),
  /** The kernel took pages from its allocator. */
  allocate: record({ k: text, pages: natural }),
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
    entry: text,
    preserve: flag,
    sp: text,
    word: text,
  }),
  /** The kernel's last instruction before its control page runs; where its page table stands. */
  leave: record({ k: text, mem_map: text, frames: natural }),
  /**
   * A kernel goes on after its own jump: the peer's re-entry word it read, and (as in `leave`)
   * where its page table stands.
   */
  resumed: record({
    k: text,
    peer: text,
    mem_map: optional(text),
    frames: optional(natural),
  }),
  /** `image->start` after a return (protocol.md C.7 step 20). */
  image_start: record({ k: text, start: text }),
  /** Purgatory compared its segments' digest. */
  purgatory: record({ k: text, expected: text, actual: text }),
  /** Page frames an actor was given for writing; `k` is the kernel on whose behalf. */
  memory_write: record({ k: text, by: text, runs: optional(text) }),
  /** Page frames an actor was given for reading. */
  memory_read: record({ k: text, by: text, runs: optional(text) }),
  /** The observer's CRC-32 of every frame (blob: u32 each, little-endian). */
  frames: record({ k: text, when: oneOf("jump", "return"), count: natural }),
  /** What each frame was to the kernel at its jump (blob: one byte of `mem_map` flags each). */
  frame_classes: record({ k: text, when: oneOf("jump", "return"), count: natural }),
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
  /** The memory the saver was shown as the previous kernel's (ranges `start-end`). */
  vmcore: record({ k: text, ranges: text }),
  /** An ACPI method run or a register written. */
  acpi: record({
    k: text,
    method: optional(text),
    register: optional(text),
    argument: optional(integer),
    value: optional(text),
  }),
  /** The machine's power. `k` is the kernel that asked, where one did. */
  power: record({
    op: oneOf("on", "off", "loss", "reset", "sleep", "wake"),
    state: optional(text),
    k: optional(text),
  }),
  /** A file system taken into use; `clean` and `mounts` as its superblock had them before. */
  mount: record({ k: text, fs: text, read_only: flag, clean: flag, mounts: natural }),
  /** A file system given up. */
  unmount: record({ k: text, fs: text }),
  /** A file read. */
  fs_read: record({ k: text, fs: text, path: text }),
  /** A file, or its name, changed. */
  fs_write: record({ k: text, fs: text, path: text }),
  /** Tasks stopped; `what` is user or kernel threads. */
  freeze: record({ k: text, what: oneOf("user", "kthreads"), result: integer }),
  /** Tasks go on. */
  thaw: record({ k: text, what: oneOf("user", "kthreads", "all") }),
  /** The console around a transition. */
  console: record({ k: text, op: oneOf("prepare", "suspend", "resume", "restore") }),
  /** File systems written back. */
  sync: record({ k: text }),
  /** Clocks at leaving and entering: monotonic (ns) stands still meanwhile, real (us) goes on. */
  clock: record({ k: text, op: oneOf("leave", "enter"), monotonic: natural, real: natural }),
  /** A program ended. */
  tool: record({
    k: text,
    program: text,
    arguments: text,
    status: integer,
    message: optional(text),
  }),
  /** A kernel's own check of itself: what it expects and what it finds. */
  selftest: record({
    k: text,
    what: oneOf("process", "file", "device", "state"),
    name: text,
    expected: text,
    actual: text,
  }),
  /** A kernel stopped for good. */
  panic: record({ k: text, reason: text }),
  /**
   * A callback of a notifier chain was called: `pm` with its event (PM_HIBERNATION_PREPARE …),
   * `pre` and `post` around a command-driven jump with the command as event (protocol.md B.2.1).
   * `returned` is what it gave back; the callback `default` stands for the default actions.
   */
  notifier: record({
    k: text,
    chain: oneOf("pm", "pre", "post"),
    event: text,
    callback: text,
    returned: oneOf("done", "stop", "error"),
    result: integer,
  }),
  /** A pending wake-up event was looked for; `at` names the step that looked. */
  wakeup: record({ k: text, at: text, pending: flag }),
  /** The memory map firmware gave, as `start-end:type` with decimal types, comma-separated. */
  firmware_map: record({ k: text, ranges: text, crc: text }),
  /** A program looked whether something is loaded: the file, whether it could be read, its value. */
  loaded_check: record({ k: text, file: text, found: flag, value: integer }),
  /** The RFC's jump buffer: its page frame, and what was done with the number (B.1). */
  jump_buffer: record({ k: text, op: oneOf("export", "save", "write", "use"), pfn: text }),
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
    stored: text,
    found: text,
    /** What the loader makes of it: 0 goes on, else a negative errno. */
    result: integer,
    /** Whether a difference is to be obeyed (`acpi_sleep=s4_hwsig`). */
    obeyed: optional(flag),
  }),
  /** `resume` at boot: the device looked at, or why it was not. */
  resume_attempt: record({ k: text, device: text, noresume: flag, read: flag, result: integer }),
  /** Room for the image header's arch record: bytes given, bytes needed. */
  header_save: record({ k: text, room: natural, needed: natural, result: integer }),
  /** Pages were preallocated for a copy in RAM, before devices are touched (B.5.5). */
  preallocate: record({
    k: text,
    pages: natural,
    usable: natural,
    metadata: natural,
    reserved: natural,
    result: integer,
  }),
  /** The atomic copy: saveable pages went into image pages. */
  snapshot: record({ k: text, pages: natural, free: natural, result: integer }),
  /** The flag that tells the two returns of the copy apart (B.5.2, B.5.8). */
  in_suspend: record({
    k: text,
    value: natural,
    at: oneOf("copy", "first return", "second return"),
    returned: optional(integer),
  }),
  /** Frames a loader put image pages into: in place and safe ones, as run-length text. */
  loader_pages: record({
    k: text,
    image: optional(text),
    safe: optional(text),
    code: text,
    id: text,
  }),
  /** The page tables the processor uses while an image is put in place (protocol.md C.9, B.5.8). */
  page_tables: record({ k: text, which: oneOf("boot", "temporary", "image"), root: text }),
  /** The final copy: the frames written in their order, and the frame the copying code runs from. */
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
  /** What identifies the hardware configuration, at preparing or using an image of B (F13). */
  hardware: record({ k: text, at: oneOf("prepare", "use"), signature: text, map: text }),
  /** Swap taken into use or given up, blocks of an image given back. */
  swap_area: record({
    k: text,
    device: text,
    op: oneOf("on", "off", "allocate", "free"),
    blocks: optional(natural),
    result: integer,
  }),
} as const;

/** Name of a fact. */
export type FactName = keyof typeof FACTS;

/** Fields of a fact. */
export type Fact<N extends FactName> = Infer<typeof FACTS[N]>;

/** The trace type of a fact: `fact.<name>`. */
export type FactType = `fact.${FactName}`;
