/**
 * Kernel profiles: one code, several kernels. A profile is the set of switches by which the
 * versions differ (DESIGN.md 3; the quirks are those of protocol.md F.2 and of the recordings).
 *
 * @module
 */
import type { KimageArch } from "../../machine/formats/kimage.ts";

/** Generations of the tools: RFC of August 2007, khibernation v4 and v7, kexec jump, 2.0.25. */
export type ToolGeneration = "rfc" | "v4" | "v7" | "jump" | "modern";

/** See the module's header. */
export interface KernelProfile {
  readonly name: string;
  /** What `uname -r` says. */
  readonly release: string;
  /** Version number in the stamp of its text. */
  readonly version: number;
  readonly arch: KimageArch;
  readonly elfClass: 32 | 64;
  /** Addresses B may have: bytes. */
  readonly window: { readonly start: number; readonly end: number };
  /** Least RAM in bytes on which it hibernates. */
  readonly memoryMin: number;
  /** Most RAM in bytes this architecture can swap. */
  readonly memoryMax: number;
  /** Where B may be below 640 KiB, as a range B is given; B's pages there are swapped or not. */
  readonly low: { readonly start: number; readonly end: number; readonly swapped: boolean };
  /** kexec_load refuses more than half of RAM (protocol.md C.2 S8f, S8g). */
  readonly halfRam: boolean;
  /** Destination limit of kexec_load (C.2 S8c). */
  readonly destinationLimit: number;
  /** Order of B.4.1: late device phase before the other CPUs go off, or after. */
  readonly cpusBeforeLatePhase: boolean;
  /** The restore code loads the GDT itself; without it the jump back faults (C.7 P2). */
  readonly reloadsGdt: boolean;
  /**
   * The relocate code pushes what it calls, so that a callee that merely returns can be called
   * again; without it the next word of memory is taken for the callee's entry (C.7 P1).
   */
  readonly pushesEntry: boolean;
  /** kexec tool gives B an exact memory map (B.4.3 f). */
  readonly exactMap: boolean;
  /** kexec tool keeps the VMCOREINFO note in preserve mode (B.4.3 c). */
  readonly keepsNote: boolean;
  /** /proc/vmcore exists without any note [unsure, so a setting]. */
  readonly vmcoreWithoutNote: boolean;
  /**
   * Core headers as kexec-tools 2.0.25 makes them: ranges to the byte, not to the page, and the
   * kernel's text a second time under its own address (real recordings, fact 22).
   */
  readonly rawCoreHeaders: boolean;
  /**
   * /proc/vmcore needs headers and notes outside this kernel's own RAM: they are mapped as device
   * memory is (real recordings, fact 23: -14).
   */
  readonly vmcoreNotInRam: boolean;
  /** A failing dpm_suspend_start leaves devices frozen (B.4.2). */
  readonly skipsResume: boolean;
  /** Generation of the kexec tool and its companions (protocol.md A.7). */
  readonly tools: ToolGeneration;
  /** Callbacks used to quiesce devices: v7 and the RFC misuse those of suspend (B.2.6 issue 1). */
  readonly quiesce: "freeze" | "suspend";
  /** Has /proc/kimgcore: v7's patch, with CONFIG_KEXEC (protocol.md B.3). */
  readonly kimgcore: boolean;
  /** A jump carries a command word and runs notifier chains on both sides (B.2.1). */
  readonly commandJump: boolean;
  /** Flags of kexec_load that say what state is kept around a jump, v7's bits 1 to 5 (A.6). */
  readonly stateFlags: number;
  /** Exports a jump buffer by its page frame number: the RFC (protocol.md B.1). */
  readonly jumpBuffer: boolean;
  /** /sys/kernel/kexec_jump_back_entry, the jump buffer's successor in v4 (protocol.md A.3). */
  readonly jumpBackFile: boolean;
  /** /dev/oldmem: the posters' patches made it writable, 6.1 has none (protocol.md A.3). */
  readonly oldMemory: "none" | "read" | "write";
  /** Puts a trampoline into low memory at boot, so that [0,640K) must be saved (B.1.1 step 5). */
  readonly lowTrampoline: boolean;
  /**
   * Drivers turn on what they find in low power. Those of 2007 did not: where suspend callbacks
   * with ACPI took the power away, the next kernel cannot use the devices (B.1.5 limit 2).
   */
  readonly probePowersUp: boolean;
  /** Layout of the record by which a boot kernel enters an image kernel (protocol.md B.5.8-9). */
  readonly restoreRecord: "seed" | "current" | "none";
  /**
   * hibernate() tells its outcomes apart by in_suspend alone: a wake-up event before the copy
   * returns 0 without an image, and any failure before it brings devices up with RESTORE (Q1).
   */
  readonly trustsInSuspend: boolean;
  /** A platform sleep that does not come about ends in power-off, not in a rollback (B.5.4). */
  readonly sleepFallsToOff: boolean;
  /**
   * An image's last map page is on the swap area before its signature, and the drive's cache is
   * emptied around each change of the signature (protocol.md B.5.6). 6.1 does neither (Q3).
   */
  readonly swapBarriers: boolean;
  /** One image may be loaded by several calls: the planned cure of the segment limit (B.4.7). */
  readonly multiLoad: boolean;
  /** TuxOnIce is patched in (protocol.md B.6). */
  readonly tuxOnIce: boolean;
  /** `kexec -e` prints a failure and exits 255 when the jump comes back (recorded fact 19). */
  readonly execReportsFailure: boolean;
}

const MIB = 0x10_0000;
const GIB = 0x4000_0000;

const current: KernelProfile = {
  name: "2.6.27",
  release: "2.6.27",
  version: 2627,
  arch: "i386",
  elfClass: 32,
  window: { start: MIB, end: 16 * MIB },
  memoryMin: 64 * MIB,
  memoryMax: 3 * GIB,
  low: { start: 0, end: 640 * 1024, swapped: true },
  halfRam: false,
  destinationLimit: 0xffff_ffff,
  cpusBeforeLatePhase: true,
  reloadsGdt: true,
  pushesEntry: false,
  exactMap: true,
  // The tool of 2008 leaves the note out and needs makedumpfile -i; ours keeps it, so that the
  // saver finds the page table without a file made beforehand.
  keepsNote: true,
  vmcoreWithoutNote: true,
  rawCoreHeaders: false,
  vmcoreNotInRam: false,
  skipsResume: false,
  tools: "jump",
  quiesce: "freeze",
  kimgcore: false,
  commandJump: false,
  stateFlags: 0,
  multiLoad: false,
  jumpBuffer: false,
  jumpBackFile: false,
  oldMemory: "read",
  lowTrampoline: false,
  probePowersUp: true,
  restoreRecord: "none",
  trustsInSuspend: false,
  sleepFallsToOff: false,
  swapBarriers: true,
  tuxOnIce: false,
  execReportsFailure: false,
};

/** The RFC's: B runs as a crash kernel in a reserved region (protocol.md B.1). */
const rfc: KernelProfile = {
  ...current,
  name: "2.6.23-rfc",
  release: "2.6.23-rc3-mm1",
  version: 2623,
  window: { start: 32 * MIB, end: 48 * MIB },
  low: { start: 0, end: 640 * 1024, swapped: false },
  tools: "rfc",
  quiesce: "suspend",
  jumpBuffer: true,
  oldMemory: "write",
  lowTrampoline: true,
  probePowersUp: false,
};

/** Kexec jump v4, the series mailed as "-v3" in September 2007: no reserved memory (A.1, B.2.7). */
const v4: KernelProfile = {
  ...current,
  name: "2.6.23-v4",
  release: "2.6.23-rc6-mm1",
  version: 2644,
  tools: "v4",
  quiesce: "suspend",
  jumpBackFile: true,
  oldMemory: "write",
  probePowersUp: false,
};

/** khibernation v7: command-driven jump, ACPI S4 (protocol.md B.2). */
const v7: KernelProfile = {
  ...current,
  name: "2.6.24-v7",
  release: "2.6.24-rc4-mm1",
  version: 2624,
  tools: "v7",
  quiesce: "suspend",
  kimgcore: true,
  commandJump: true,
  stateFlags: 0x3e,
  oldMemory: "write",
};

const modern: KernelProfile = {
  name: "6.1",
  release: "6.1.192",
  version: 6100,
  arch: "x86_64",
  elfClass: 64,
  window: { start: 64 * MIB, end: 128 * MIB },
  memoryMin: 512 * MIB,
  memoryMax: 64 * GIB,
  low: { start: 0x1000, end: 0xa_0000, swapped: false },
  halfRam: true,
  destinationLimit: 2 ** 46,
  cpusBeforeLatePhase: false,
  reloadsGdt: false,
  pushesEntry: false,
  exactMap: false,
  keepsNote: false,
  vmcoreWithoutNote: false,
  rawCoreHeaders: true,
  vmcoreNotInRam: true,
  skipsResume: true,
  tools: "modern",
  quiesce: "freeze",
  kimgcore: false,
  commandJump: false,
  stateFlags: 0,
  multiLoad: false,
  jumpBuffer: false,
  jumpBackFile: false,
  oldMemory: "none",
  lowTrampoline: false,
  probePowersUp: true,
  restoreRecord: "current",
  trustsInSuspend: true,
  sleepFallsToOff: true,
  swapBarriers: false,
  tuxOnIce: false,
  execReportsFailure: true,
};

/** swsusp with the arbitrary boot kernel of August 2007 (protocol.md B.5.8). */
const x64: KernelProfile = {
  ...modern,
  name: "2.6.23-x64",
  release: "2.6.23-rc3",
  version: 2664,
  memoryMin: 64 * MIB,
  window: { start: MIB, end: 16 * MIB },
  halfRam: false,
  cpusBeforeLatePhase: true,
  reloadsGdt: true,
  skipsResume: false,
  tools: "rfc",
  restoreRecord: "seed",
  trustsInSuspend: false,
  sleepFallsToOff: false,
  swapBarriers: true,
  tuxOnIce: false,
  execReportsFailure: false,
};

/** 2.6.27 with the planned cure of the segment limit (protocol.md B.4.7), which never came. */
const multiLoad: KernelProfile = {
  ...current,
  name: "2.6.27-multi",
  release: "2.6.27-multi",
  version: 2628,
  multiLoad: true,
};

/** Profiles by name. */
export const KERNEL_PROFILES: Readonly<Record<string, KernelProfile>> = {
  "2.6.23-rfc": rfc,
  "2.6.23-v4": v4,
  "2.6.23-x64": x64,
  "2.6.23-toi": {
    ...x64,
    name: "2.6.23-toi",
    release: "2.6.23-tuxonice",
    version: 2665,
    tuxOnIce: true,
  },
  "2.6.24-v7": v7,
  "2.6.27": current,
  "2.6.27-multi": multiLoad,
  "6.1": modern,
  "6.1-cured": {
    ...modern,
    name: "6.1-cured",
    version: 6101,
    low: { start: 0x1000, end: 0x7_0000, swapped: false },
    reloadsGdt: true,
    pushesEntry: true,
    exactMap: true,
    keepsNote: true,
    trustsInSuspend: false,
    sleepFallsToOff: false,
    swapBarriers: true,
    skipsResume: false,
  },
};

/** The profile of that name. */
export function kernelProfile(name: string): KernelProfile {
  const profile = KERNEL_PROFILES[name];
  if (profile === undefined) throw new RangeError(`Unknown kernel profile '${name}'`);
  return profile;
}

/** The profile whose text carries that version, if one does. */
export function profileOfVersion(version: number): KernelProfile | undefined {
  return Object.values(KERNEL_PROFILES).find((profile) => profile.version === version);
}
