/**
 * A mainline run made ready: the plan for the scheduler and, where the run begins with a new
 * machine, the disk it begins with.
 *
 * @module
 */
import type { Choice } from "../../machine/choices.ts";
import { UsageError } from "../../machine/errors.ts";
import { COMMAND_LINE_BYTES, JUMP_BACK_SPARE_BYTES } from "../../machine/formats/boot_params.ts";
import { parseBzImage } from "../../machine/formats/bzimage.ts";
import { leastWindow } from "../../machine/formats/kernel_window.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import { DISK_PATHS, type DiskBuild } from "../disk_image/build_disk.ts";
import { syntheticInitramfs } from "../disk_image/synthetic_initramfs.ts";
import type { KernelProfile } from "../kernel/profiles.ts";
import { machineDisk, type MachineSettings, planMachine } from "./machine_plan.ts";
import { bootMenu, type MainlineOptions, mainlineScript, recoveryScript } from "./mainline.ts";

const MIB = 0x10_0000;
/** A person waits that long for a prompt, in virtual ns: longer than the slowest transfer. */
const PATIENCE_NS = 3_600_000_000_000;
/** 20 November 2026, when the machine was bought. */
export const REAL_SECONDS = 1_795_132_800;

/** What a run is to be. */
export interface RunSettings {
  readonly mainline: MainlineOptions;
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly hardware: string;
  readonly seed: number;
  readonly choices: readonly Choice[];
  readonly seededOrder: boolean;
  /** Wall clock at virtual time 0, in us since 1970. */
  readonly realBaseUs: number;
  readonly brokenNetwork: boolean;
  /** bzImage of B and C where it is not the laboratory's own, with the initramfs they get. */
  readonly kernelFile?: Uint8Array;
  readonly payload?: Uint8Array;
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / MIB)} MiB`;
}

/**
 * Says what is wrong with a machine's size for a kernel profile.
 *
 * @throws {UsageError} with the least that works, or the profile to take.
 */
export function checkSize(profile: KernelProfile, memoryBytes: number): void {
  if (memoryBytes < profile.memoryMin) {
    throw new UsageError(
      `${mebibytes(memoryBytes)} of memory is too little for kernel profile ${profile.name}: ` +
        `its window ends at ${mebibytes(profile.window.end)} and A needs as much again for what ` +
        `stood there; the least that works is ${mebibytes(profile.memoryMin)}`,
    );
  }
  if (memoryBytes > profile.memoryMax) {
    throw new UsageError(
      `${mebibytes(memoryBytes)} of memory is more than kernel profile ${profile.name} ` +
        `(${profile.arch}) can swap: at most ${mebibytes(profile.memoryMax)}; ` +
        "take --kernel-profile 6.1-cured",
    );
  }
}

/** What B wants besides its kernel's init_size to boot and to save an image. */
const B_RESERVED_BYTES = 24 * MIB;

/**
 * The window a kernel file needs: from the profile's start, as large as its init_size, initramfs,
 * parameters, purgatory and what it allocates make it.
 *
 * @throws {FormatError} if the file is no bzImage.
 * @throws {UsageError} if no window would do, or the machine is too small for the one that does.
 */
export function windowOf(
  profile: KernelProfile,
  memoryBytes: number,
  kernelFile: Uint8Array | undefined,
): { readonly start: number; readonly end: number } {
  if (kernelFile === undefined) return profile.window;
  const info = parseBzImage(kernelFile);
  const least = leastWindow({
    arch: profile.arch,
    kernel: info,
    initrdBytes: syntheticInitramfs().length + B_RESERVED_BYTES,
    cmdlineBytes: COMMAND_LINE_BYTES - JUMP_BACK_SPARE_BYTES,
    coreHeaderBytes: 16 * 1024,
    purgatoryBytes: 4096,
    memMin: profile.window.start,
    fillHoles: true,
  });
  if (least === undefined) {
    throw new UsageError("The kernel is not relocatable: no window outside A would hold it");
  }
  const end = Math.max(profile.window.end, least.memMax + 1);
  // The dump of such a machine holds the window's source pages, and C loads at most half of RAM.
  const memory = Math.ceil(Math.max(least.memoryBytes, 3 * (end - profile.window.start)) / MIB);
  if (memoryBytes < memory * MIB) {
    throw new UsageError(
      `${mebibytes(memoryBytes)} of memory is too little for this kernel (init_size ` +
        `${mebibytes(info.initSize)}): the least that works is --memory ${memory}M, with B's ` +
        `window ending at --mem-max=0x${(end - 1).toString(16)}`,
    );
  }
  return { start: profile.window.start, end };
}

/** The machine a mainline run happens on. */
export function machineOf(settings: RunSettings): MachineSettings {
  const { profile } = settings.mainline;
  const { kernelFile } = settings;
  const { memoryBytes, cpus, hardware, seed, choices, seededOrder } = settings;
  return {
    profile,
    ...{ memoryBytes, cpus, hardware, seed, choices, seededOrder },
    realBaseUs: settings.realBaseUs,
    brokenNetwork: settings.brokenNetwork,
    operator: {
      script: mainlineScript(settings.mainline),
      recovery: recoveryScript(settings.mainline),
      recoversFromReset: settings.mainline.part !== "jump",
      patienceNs: PATIENCE_NS + settings.mainline.awayNs,
    },
    menu: bootMenu(settings.mainline).map((entry) => ({
      ...entry,
      ...(entry.name === "C" && kernelFile !== undefined
        ? { kernel: DISK_PATHS.boot.jumpKernel }
        : {}),
    })),
    ...(kernelFile === undefined ? {} : { jumpKernel: kernelFile }),
    rootFiles: settings.payload === undefined
      ? []
      : [{ path: "/root/payload", data: settings.payload, mode: 0o600 }],
  };
}

/** The plan of a run. */
export function planRun(settings: RunSettings): RunPlan {
  checkSize(settings.mainline.profile, settings.memoryBytes);
  return planMachine(machineOf(settings));
}

/** A new machine's disk. */
export function newDisk(settings: RunSettings): DiskBuild {
  return machineDisk(machineOf(settings));
}
