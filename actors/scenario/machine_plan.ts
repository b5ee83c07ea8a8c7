/**
 * A machine made ready, whatever system is to run on it: the plan for the scheduler, and the disk
 * it begins with. Scenarios say who sits at it and what the boot menu offers; this says what a
 * machine is made of.
 *
 * @module
 */
import type { Choice } from "../../machine/choices.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { hardwareProfile, physicalTop } from "../../machine/hardware_profile.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { observe } from "../../machine/observer.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import { buildDisk, DISK_PATHS, type DiskBuild, type RootFile } from "../disk_image/build_disk.ts";
import { syntheticInitramfs } from "../disk_image/synthetic_initramfs.ts";
import { syntheticKernel } from "../disk_image/synthetic_kernel.ts";
import { hardwareActors, type HardwareSetup } from "../hardware.ts";
import type { KernelProfile } from "../kernel/profiles.ts";
import type { OperatorConfig } from "../operator.ts";
import { REGISTRY } from "../registry.ts";

/** Steps that may run at the same time. */
const BATCH_MAX = 16;

/** A line of the boot menu. */
export interface MenuEntry {
  readonly name: string;
  /** Command line; `hostname=` gives the kernel its name. */
  readonly append: string;
  /** Path on the boot partition; the machine's own kernel unless given. */
  readonly kernel?: string;
}

/** What a machine is made of. */
export interface MachineSettings {
  /** The machine's own kernel. */
  readonly profile: KernelProfile;
  readonly memoryBytes: number;
  readonly cpus: number;
  /** Name of a hardware profile. */
  readonly hardware: string;
  readonly seed: number;
  readonly choices: readonly Choice[];
  readonly seededOrder: boolean;
  /** Wall clock at virtual time 0, in us since 1970. */
  readonly realBaseUs: number;
  readonly brokenNetwork: boolean;
  readonly operator: OperatorConfig;
  /** The boot menu; at least one entry. */
  readonly menu: readonly MenuEntry[];
  /** The kernel that hibernates and resumes it, where that is another one. */
  readonly jumpKernel?: Uint8Array;
  /** More files for partition 2. */
  readonly rootFiles?: readonly RootFile[];
  /** What else the hardware does: bad sectors, ignored sleeps, another signature. */
  readonly setup?: Partial<HardwareSetup>;
}

/** The actors that power-on starts. */
export function machineActors(settings: MachineSettings): RunPlan["hardware"] {
  const setup: HardwareSetup = {
    memoryBytes: settings.memoryBytes,
    cpuCount: settings.cpus,
    hardwareProfile: settings.hardware,
    realBaseUs: settings.realBaseUs,
    brokenNetwork: settings.brokenNetwork,
    refusals: settings.choices.flatMap((choice) => choice.kind === "refuse" ? [choice] : []),
    ...settings.setup,
  };
  const { jumpNs, kernelBootNs } = hardwareProfile(settings.hardware);
  const processor = {
    name: "cpu",
    behaviour: "cpu",
    config: { count: settings.cpus, jumpNs, kernelBootNs },
  };
  // The firmware begins its self-test as it is started, so it comes last.
  return [processor, ...hardwareActors(setup)];
}

/** The plan of a run on such a machine. */
export function planMachine(settings: MachineSettings): RunPlan {
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
      config: JSON.parse(JSON.stringify(settings.operator)) as Plain,
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

/** The bytes of a profile's kernel. */
export function kernelOf(profile: KernelProfile): Uint8Array {
  return syntheticKernel({
    arch: profile.arch,
    version: profile.version,
    profile: profile.name,
    release: profile.release,
  });
}

/** A new machine's disk. */
export function machineDisk(settings: MachineSettings): DiskBuild {
  const { jumpKernel } = settings;
  return buildDisk({
    memoryBytes: settings.memoryBytes,
    cpuCount: settings.cpus,
    hardwareProfile: settings.hardware,
    kernelBytes: {
      bzImage: kernelOf(settings.profile),
      initramfs: syntheticInitramfs(),
      ...(jumpKernel === undefined ? {} : { jumpKernel }),
    },
    loaderEntries: settings.menu.map(({ name, append, kernel = DISK_PATHS.boot.kernel }) => ({
      name,
      kernel,
      initrd: DISK_PATHS.boot.initrd,
      append,
    })),
    rootFiles: settings.rootFiles ?? [],
    realSeconds: Math.floor(settings.realBaseUs / 1_000_000),
    seed: settings.seed,
    diskSignature: (0x6b6a_0000 + settings.seed) >>> 0,
  });
}
