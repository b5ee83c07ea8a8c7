/**
 * Kernel profiles: one code, several kernels. A profile is the set of switches by which the
 * versions differ (DESIGN.md 3; the quirks are those of protocol.md F.2 and of the recordings).
 *
 * @module
 */
import type { KimageArch } from "../../machine/formats/kimage.ts";

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
  execReportsFailure: false,
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
  execReportsFailure: true,
};

/** Profiles by name. */
export const KERNEL_PROFILES: Readonly<Record<string, KernelProfile>> = {
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
