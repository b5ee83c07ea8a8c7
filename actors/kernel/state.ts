/**
 * A kernel's state: plain data, all of it, because on leaving the processor it is written into
 * the kernel's own pages and the actor ends (DESIGN.md law 2).
 *
 * @module
 */
import type { E820Entry } from "../../machine/formats/e820.ts";
import type { PageRun } from "../../machine/formats/page_runs.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import type { AcpiSleepHardware, AcpiSleepState } from "./acpi_sleep_hardware.ts";
import type { SwsuspState } from "./swsusp_types.ts";

/** Local variables of a procedure. */
export type Vars = { [name: string]: Plain };

/** One activation of a procedure: with its step, the program counter that is kept in RAM. */
export interface Frame {
  readonly procedure: string;
  /** Index of the step that runs or waits. */
  step: number;
  vars: Vars;
  /** Steps that are done and can be undone, oldest first. */
  done: number[];
  /** While it unwinds: the error it will return. */
  error?: number;
}

/** What a waiting process waits for. */
export type Wait =
  | { readonly kind: "ready" }
  /** An answer with this tag. */
  | { readonly kind: "reply"; readonly tag: string }
  /** The end of processes. */
  | { readonly kind: "children"; readonly pids: readonly number[] }
  /** A line typed on the console. */
  | { readonly kind: "line" }
  /** The processor, which comes back behind a jump. */
  | { readonly kind: "return" }
  | { readonly kind: "exited" };

/** A task: of a user program or of the kernel itself. */
export interface Process {
  readonly pid: number;
  readonly name: string;
  readonly kind: "user" | "kernel";
  readonly parent: number;
  frames: Frame[];
  wait: Wait;
  frozen: boolean;
  /** Whether it waits for the timer: a sleep that a jump cuts short. */
  sleeping: boolean;
  /** An answer that came while it was frozen. */
  held?: Plain;
  /** A request that waits in an adapted driver's queue; its answer is waited for. */
  queued?: {
    readonly target: string;
    readonly type: string;
    readonly body: Plain;
    /** Memory it is about, mapped only when the request goes out. */
    readonly ranges: readonly { readonly start: number; readonly length: number }[];
    readonly write: boolean;
  };
  /** Pages it owns, by purpose. */
  memory: { readonly purpose: string; readonly runs: readonly PageRun[] }[];
  status: number;
  /** Lines it wrote, where its caller reads them instead of the console. */
  streams?: { readonly output: string[]; readonly errors: string[] };
  /** Working directory; the root where it has none of its own. */
  cwd?: string;
  /** The last thing it said on failing, for the record. */
  message?: string;
}

/** Pages given out by the allocator: what for, to whom. */
export interface OwnedRun extends PageRun {
  /** Sum of `mem_map` flag bits. */
  readonly flags: number;
  /** Process or file number, 0 for the kernel. */
  readonly owner: number;
}

/** A segment of a loaded image. */
export interface ImageSegment {
  readonly mem: number;
  readonly memsz: number;
  readonly bufsz: number;
}

/** A loaded kexec image (protocol.md C.1). */
export interface KexecImage {
  readonly segments: readonly ImageSegment[];
  readonly preserve: boolean;
  /** Flags of the load, without the architecture's. */
  readonly flags?: number;
  /** Entry address; rewritten after every jump. */
  start: number;
  /** Whether it was executed and came back: then `start` is what was found on the stack. */
  returned?: boolean;
  /** Head word of the entry list. */
  readonly head: number;
  /** First page frame of the control page allocation. */
  readonly controlPfn: number;
  readonly swapPfn: number;
  readonly indirection: readonly number[];
  /** Pages owned by the image: source, control, swap and indirection pages. */
  readonly owned: readonly PageRun[];
}

/** /proc/kimgcore while somebody has it open: its opener holds the kexec lock (B.3.1). */
export interface OpenKimgcore {
  /** Frames that hold the ELF header, and its bytes. */
  readonly header: readonly PageRun[];
  readonly headerBytes: number;
  /** Length of the file as the kernel keeps it: an unsigned 32-bit number. */
  readonly size: number;
  position: number;
  /** Frame through which pages above the direct map are read; taken when the first one is. */
  bounce: number | null;
}

/** What `crashkernel=` reserved, and the image that stands there (protocol.md B.1, C.1). */
export interface CrashSlot {
  /** The region, in bytes; shrinking moves its end. */
  start: number;
  end: number;
  image: KexecImage | null;
}

/** The RFC's jump buffer: frames of this kernel's own, and the number its file shows. */
export interface JumpBufferFrames {
  /** Frame of the page itself. */
  readonly pfn: number;
  /** Frame on whose top the return address of a jump stands. */
  readonly stackPfn: number;
  /** What /sys/kernel/kexec_jump_buf_pfn reads: another kernel's, where one was given. */
  shown: number;
}

/** What several calls of kexec_load have brought of one image so far. */
export interface StagedLoad {
  /** Whose calls they are. */
  readonly pid: number;
  readonly segments: readonly ImageSegment[];
  /** Page frames with the content of each page of each segment. */
  readonly pages: readonly (readonly number[])[];
}

/** A device as its driver in this kernel knows it. */
export interface DriverState {
  readonly device: string;
  readonly parent?: string;
  probed: boolean;
  /** Registers the driver programs when it probes. */
  readonly program: { readonly [name: string]: number };
  /** Registers as they were at the freeze. */
  saved?: Plain;
  /** Phase reached on the way down, for unwinding. */
  phase: string;
}

/** A mounted file system. */
export interface Mount {
  readonly path: string;
  readonly partition: number;
  readonly firstSector: number;
  readonly readOnly: boolean;
  /** Frames of its buffer cache: one contiguous run. */
  readonly cache: PageRun;
  /** Block number held by each frame of the cache, -1 for none. */
  blocks: number[];
  dirty: number[];
}

/** A swap area in use. */
export interface SwapArea {
  /** Where it lies on the disk. */
  readonly place: {
    readonly partition: number;
    readonly type: number;
    readonly firstSector: number;
    readonly sectorCount: number;
  };
  /** Pages it has, its header included. */
  readonly pages: number;
  /** Pages in use: runs of page numbers in the area. */
  used: readonly PageRun[];
  /** Those of them that hold a hibernation image. */
  image: readonly PageRun[];
}

/** A file in the kernel's own memory. */
export interface MemoryFile {
  readonly path: string;
  readonly inode: number;
  size: number;
  runs: readonly PageRun[];
  /** SHA-256 its writer noted; empty where nobody did. */
  digest: string;
}

/** Where the kernel's own structures stand. Physical addresses. */
export interface Layout {
  readonly text: PageRun;
  readonly memMap: number;
  readonly vmcoreinfo: number;
  readonly context: number;
  readonly log: PageRun;
  /** Pages for the encoded state. */
  state: PageRun;
  readonly frameCount: number;
  readonly pageTable: number;
}

/** What a v7 jump has taken down, and must bring up again whatever comes back (B.2.1). */
export interface CommandJumpState {
  /** How it was taken down; `up` when nothing is. */
  mode: "up" | "default" | "snapshot" | "resume";
  /** Which state is kept: the load flags (A.6). */
  flags: number;
  /** Whether the firmware was told of S4. */
  platform: boolean;
  /** The command with which this kernel was entered last; 0 for none. */
  received: number;
}

/** All of it. */
export interface KernelState {
  readonly name: string;
  readonly profile: string;
  label: "loaded" | "booting" | "running" | "leaving" | "resuming" | "halted";
  commandLine: string;
  firmwareMap: readonly E820Entry[];
  map: readonly E820Entry[];
  acpi?: {
    readonly pm1aControl: number;
    readonly pm1aStatus: number;
    readonly s5: number;
    /** What sleeping takes besides; not there in kernels that were started without it. */
    readonly sleep?: AcpiSleepHardware;
  };
  /** A sleep transition under way. */
  acpiSleep?: AcpiSleepState;
  /** A command-driven jump under way, and the command that came with the last return. */
  commandJump?: CommandJumpState;
  layout?: Layout;
  free: readonly PageRun[];
  owned: readonly OwnedRun[];
  processes: Process[];
  nextPid: number;
  nextTag: number;
  drivers: DriverState[];
  mounts: Mount[];
  /** Swap areas in use; none where it was never used. */
  swaps?: SwapArea[];
  files: MemoryFile[];
  nextInode: number;
  image: KexecImage | null;
  /** Loading was switched off for good through /proc/sys/kernel/kexec_load_disabled. */
  kexecLoadDisabled?: boolean;
  /** There where a region is reserved. */
  crash?: CrashSlot;
  jumpBuffer?: JumpBufferFrames;
  /** What v4's /sys/kernel/kexec_jump_back_entry reads; 0 for none. */
  jumpBackEntry?: number;
  /** Who holds the kexec lock; empty for nobody. */
  lock: string;
  kimgcore?: OpenKimgcore;
  /** An image of which not all is loaded yet, where one takes several calls (B.4.7). */
  staged?: StagedLoad;
  /** The peer's re-entry word that the last return from a jump brought (C.7 step 15). */
  peerEntry?: number;
  online: number;
  cpus: number;
  interrupts: boolean;
  /** Wake-up events since tasks were last frozen: looked at by those transitions that care. */
  wakeupPending: number;
  /** A transition that freezes no tasks: whose it is, and whether nobody else runs any more. */
  unfrozen?: { readonly pid: number; readonly alone: boolean; readonly adapted: boolean };
  /** Hibernation into swap: settings, and what is under way. */
  swsusp?: SwsuspState;
  /** Lines of the printk buffer. */
  log: string[];
  /** Wall clock in us since 1970 at `clock.at`. */
  realAtClock: number;
  /** Virtual time at which the monotonic clock was last set right, and what it read. */
  clock: { at: number; monotonic: number };
  /** Lines that were typed, and calls of the console's terminal program, that nobody took yet. */
  typed: Plain[];
  /** Directories that were made in the kernel's own memory. */
  folders?: string[];
  /** The previous kernel's memory, where this one was started by kexec with core headers. */
  vmcore?: { readonly address: number; readonly bytes: number };
}

/** A state of nothing: before the first instruction. */
export function blankState(name: string, profile: string): KernelState {
  return {
    name,
    profile,
    label: "loaded",
    commandLine: "",
    firmwareMap: [],
    map: [],
    free: [],
    owned: [],
    processes: [],
    nextPid: 1,
    nextTag: 1,
    drivers: [],
    mounts: [],
    files: [],
    nextInode: 1,
    image: null,
    lock: "",
    online: 1,
    cpus: 1,
    interrupts: false,
    wakeupPending: 0,
    log: [],
    realAtClock: 0,
    clock: { at: 0, monotonic: 0 },
    typed: [],
  };
}
