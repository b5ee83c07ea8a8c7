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
  /** kexec tool gives B an exact memory map (B.4.3 f). */
  readonly exactMap: boolean;
  /** kexec tool keeps the VMCOREINFO note in preserve mode (B.4.3 c). */
  readonly keepsNote: boolean;
  /** /proc/vmcore exists without any note [unsure, so a setting]. */
  readonly vmcoreWithoutNote: boolean;
  /** A failing dpm_suspend_start leaves devices frozen (B.4.2). */
  readonly skipsResume: boolean;
  /** Generation of the kexec tool and its companions (protocol.md A.7). */
  readonly tools: ToolGeneration;
  /** Callbacks used to quiesce devices: v7 and the RFC misuse those of suspend (B.2.6 issue 1). */
  readonly quiesce: "freeze" | "suspend";
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
  exactMap: true,
  // The tool of 2008 leaves the note out and needs makedumpfile -i; ours keeps it, so that the
  // saver finds the page table without a file made beforehand.
  keepsNote: true,
  vmcoreWithoutNote: true,
  skipsResume: false,
  tools: "jump",
  quiesce: "freeze",
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
};

/** khibernation v7: command-driven jump, ACPI S4 (protocol.md B.2). */
const v7: KernelProfile = {
  ...current,
  name: "2.6.24-v7",
  release: "2.6.24-rc4-mm1",
  version: 2624,
  tools: "v7",
  quiesce: "suspend",
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
  exactMap: false,
  keepsNote: false,
  vmcoreWithoutNote: false,
  skipsResume: true,
  tools: "modern",
  quiesce: "freeze",
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
  execReportsFailure: false,
};

/** Profiles by name. */
export const KERNEL_PROFILES: Readonly<Record<string, KernelProfile>> = {
  "2.6.23-rfc": rfc,
  "2.6.23-x64": x64,
  "2.6.24-v7": v7,
  "2.6.27": current,
  "6.1": modern,
  "6.1-cured": {
    ...modern,
    name: "6.1-cured",
    version: 6101,
    low: { start: 0x1000, end: 0x7_0000, swapped: false },
    reloadsGdt: true,
    exactMap: true,
    keepsNote: true,
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
