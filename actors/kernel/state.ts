/**
 * A kernel's state: plain data, all of it, because on leaving the processor it is written into
 * the kernel's own pages and the actor ends (DESIGN.md law 2).
 *
 * @module
 */
import type { E820Entry } from "../../machine/formats/e820.ts";
import type { PageRun } from "../../machine/formats/page_runs.ts";
import type { Plain } from "../../machine/messages/shape.ts";

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
  /** Pages it owns, by purpose. */
  memory: { readonly purpose: string; readonly runs: readonly PageRun[] }[];
  status: number;
  /** Lines it wrote, where its caller reads them instead of the console. */
  streams?: { readonly output: string[]; readonly errors: string[] };
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
  /** Entry address; rewritten after every jump. */
  start: number;
  /** Head word of the entry list. */
  readonly head: number;
  /** First page frame of the control page allocation. */
  readonly controlPfn: number;
  readonly swapPfn: number;
  readonly indirection: readonly number[];
  /** Pages owned by the image: source, control, swap and indirection pages. */
  readonly owned: readonly PageRun[];
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

/** All of it. */
export interface KernelState {
  readonly name: string;
  readonly profile: string;
  label: "loaded" | "booting" | "running" | "leaving" | "resuming" | "halted";
  commandLine: string;
  firmwareMap: readonly E820Entry[];
  map: readonly E820Entry[];
  acpi?: { readonly pm1aControl: number; readonly pm1aStatus: number; readonly s5: number };
  layout?: Layout;
  free: readonly PageRun[];
  owned: readonly OwnedRun[];
  processes: Process[];
  nextPid: number;
  nextTag: number;
  drivers: DriverState[];
  mounts: Mount[];
  files: MemoryFile[];
  nextInode: number;
  image: KexecImage | null;
  /** Who holds the kexec lock; empty for nobody. */
  lock: string;
  online: number;
  cpus: number;
  interrupts: boolean;
  /** Lines of the printk buffer. */
  log: string[];
  /** Wall clock in us since 1970 at `clock.at`. */
  realAtClock: number;
  /** Virtual time at which the monotonic clock was last set right, and what it read. */
  clock: { at: number; monotonic: number };
  /** Lines that were typed and not read. */
  typed: string[];
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
    log: [],
    realAtClock: 0,
    clock: { at: 0, monotonic: 0 },
    typed: [],
  };
}
