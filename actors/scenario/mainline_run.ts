/**
 * A mainline run made ready: the plan for the scheduler and, where the run begins with a new
 * machine, the disk it begins with.
 *
 * @module
 */
import type { Choice } from "../../machine/choices.ts";
import { UsageError } from "../../machine/errors.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { hardwareProfile, physicalTop } from "../../machine/hardware_profile.ts";
import { COMMAND_LINE_BYTES, JUMP_BACK_SPARE_BYTES } from "../../machine/formats/boot_params.ts";
import { parseBzImage } from "../../machine/formats/bzimage.ts";
import { leastWindow } from "../../machine/formats/kernel_window.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { observe } from "../../machine/observer.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import { buildDisk, DISK_PATHS, type DiskBuild } from "../disk_image/build_disk.ts";
import { syntheticInitramfs } from "../disk_image/synthetic_initramfs.ts";
import { syntheticKernel } from "../disk_image/synthetic_kernel.ts";
import { hardwareActors, type HardwareSetup } from "../hardware.ts";
import type { KernelProfile } from "../kernel/profiles.ts";
import type { OperatorConfig } from "../operator.ts";
import { REGISTRY } from "../registry.ts";
import { bootMenu, type MainlineOptions, mainlineScript, recoveryScript } from "./mainline.ts";

const MIB = 0x10_0000;
/** A person waits that long for a prompt, in virtual ns: longer than the slowest transfer. */
const PATIENCE_NS = 3_600_000_000_000;
/** Steps that may run at the same time. */
const BATCH_MAX = 16;
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

/** The actors that power-on starts. */
export function machineActors(settings: RunSettings): RunPlan["hardware"] {
  const setup: HardwareSetup = {
    memoryBytes: settings.memoryBytes,
    cpuCount: settings.cpus,
    hardwareProfile: settings.hardware,
    realBaseUs: settings.realBaseUs,
    brokenNetwork: settings.brokenNetwork,
    refusals: settings.choices.flatMap((choice) => choice.kind === "refuse" ? [choice] : []),
  };
  const { jumpNs, kernelBootNs } = hardwareProfile(settings.hardware);
  const processor = {
    name: "cpu",
    behaviour: "cpu",
    config: { count: settings.cpus, jumpNs, kernelBootNs },
  };
  const others = hardwareActors(setup);
  // The firmware begins its self-test as it is started, so it comes last.
  return [processor, ...others];
}

/** The plan of a run. */
export function planRun(settings: RunSettings): RunPlan {
  checkSize(settings.mainline.profile, settings.memoryBytes);
  const operator: OperatorConfig = {
    script: mainlineScript(settings.mainline),
    recovery: recoveryScript(settings.mainline),
    recoversFromReset: settings.mainline.part !== "jump",
    patienceNs: PATIENCE_NS + settings.mainline.awayNs,
  };
  const ramBytes = physicalTop({
    hardwareProfile: settings.hardware,
    memoryBytes: settings.memoryBytes,
    cpuCount: settings.cpus,
  });
  return {
    registry: REGISTRY,
    people: [{
      name: "operator",
      behaviour: "operator",
      config: JSON.parse(JSON.stringify(operator)) as Plain,
    }],
    hardware: machineActors(settings),
    makeRam: () => FlatStore.make(ramBytes),
    linkLatency: hardwareProfile(settings.hardware).linkLatencyNs,
    seed: settings.seed,
    choices: settings.choices,
    seededOrder: settings.seededOrder,
    observer: observe,
    batchMax: BATCH_MAX,
  };
}

/** A new machine's disk. */
export function newDisk(settings: RunSettings): DiskBuild {
  const { profile } = settings.mainline;
  const { kernelFile } = settings;
  const bzImage = syntheticKernel({
    arch: profile.arch,
    version: profile.version,
    profile: profile.name,
    release: profile.release,
  });
  return buildDisk({
    memoryBytes: settings.memoryBytes,
    cpuCount: settings.cpus,
    hardwareProfile: settings.hardware,
    kernelBytes: {
      bzImage,
      initramfs: syntheticInitramfs(),
      ...(kernelFile === undefined ? {} : { jumpKernel: kernelFile }),
    },
    loaderEntries: bootMenu(settings.mainline).map(({ name, append }) => ({
      name,
      kernel: name === "C" && kernelFile !== undefined
        ? DISK_PATHS.boot.jumpKernel
        : DISK_PATHS.boot.kernel,
      initrd: DISK_PATHS.boot.initrd,
      append,
    })),
    rootFiles: settings.payload === undefined
      ? []
      : [{ path: "/root/payload", data: settings.payload, mode: 0o600 }],
    realSeconds: Math.floor(settings.realBaseUs / 1_000_000),
    seed: settings.seed,
    diskSignature: (0x6b6a_0000 + settings.seed) >>> 0,
  });
}
