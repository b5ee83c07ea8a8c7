/**
 * A machine made ready, whatever system is to run on it: the plan for the scheduler, and the disk
 * it begins with. Scenarios say who sits at it and what the boot menu offers; this says what a
 * machine is made of.
 *
 * @module
 */
import type { Registry } from "../../machine/actor.ts";
import type { Choice } from "../../machine/choices.ts";
import {
  diskLayout,
  type DiskLayoutName,
  logicalLayout,
  PARTITION,
} from "../../machine/formats/disk_layout.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import {
  hardwareProfile,
  IMAGE_TARGETS,
  type ImageTarget,
  physicalTop,
} from "../../machine/hardware_profile.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { observe } from "../../machine/observer.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import type { LoaderEntry } from "../boot_loader/loader_conf.ts";
import {
  type BootKernel,
  buildDisk,
  DISK_PATHS,
  type DiskBuild,
  type RootFile,
} from "../disk_image/build_disk.ts";
import { syntheticInitramfs } from "../disk_image/synthetic_initramfs.ts";
import { syntheticKernel } from "../disk_image/synthetic_kernel.ts";
import { hardwareActors, type HardwareSetup } from "../hardware.ts";
import type { KernelProfile } from "../kernel/profiles.ts";
import type { OperatorConfig } from "../operator.ts";
import { PHYSICAL_MODE_PATH, physicalModeFile } from "../programs/physical_mode_program.ts";
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
  /** Path of an image on the hibernating partition that the loader resumes by itself. */
  readonly resume?: string;
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
  /** Who sits at it: somebody with a script, or `"live"`, who does what the host tells him. */
  readonly operator: OperatorConfig | "live";
  /** The boot menu; at least one entry. */
  readonly menu: readonly MenuEntry[];
  /** The kernel that hibernates and resumes it, where that is another one. */
  readonly jumpKernel?: Uint8Array;
  /** More kernels for the boot partition, for menu entries that name them. */
  readonly kernels?: readonly BootKernel[];
  /** More files for partition 2. */
  readonly rootFiles?: readonly RootFile[];
  /** How its disk is divided: the standard layout unless given. */
  readonly layout?: DiskLayoutName;
  /** Behaviours of kernels that were brought along, by the version in their stamp. */
  readonly guests?: Readonly<Record<string, string>>;
  /** The run's behaviours; the laboratory's unless given. */
  readonly registry?: Registry;
  /** Where images go: the machine's own drive unless given. */
  readonly imageTarget?: ImageTarget;
  /** What else the hardware does: bad sectors, ignored sleeps, another signature. */
  readonly setup?: Partial<HardwareSetup>;
}

/** The partitions that images go to, where these are on a device of another class. */
function imagePlace(settings: MachineSettings): Pick<HardwareSetup, "elsewhere"> {
  const { imageTarget = "ide", memoryBytes, layout } = settings;
  if (imageTarget === "ide") return {};
  const basis = { memoryBytes, ...(layout === undefined ? {} : { layout }) };
  const hibernating = diskLayout(basis)[PARTITION.hibernating - 1];
  // In the workshop swap, raw and hibernating partition follow each other at the end.
  const places = layout === "workshop" ? logicalLayout(basis).slice(1) : [hibernating];
  const first = places[0]?.firstSector ?? 0;
  const last = places.at(-1);
  const end = (last?.firstSector ?? 0) + (last?.sectorCount ?? 0);
  return { elsewhere: { ...IMAGE_TARGETS[imageTarget], sector: first, count: end - first } };
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
    ...imagePlace(settings),
    ...settings.setup,
  };
  const hardware = hardwareProfile(settings.hardware);
  const { jumpNs, kernelBootNs, compressBytesPerSecond, expandBytesPerSecond } = hardware;
  const processor = {
    name: "cpu",
    behaviour: "cpu",
    config: {
      ...{ count: settings.cpus, jumpNs, kernelBootNs },
      ...{ compressBytesPerSecond, expandBytesPerSecond },
      guests: settings.guests ?? {},
    },
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
    registry: settings.registry ?? REGISTRY,
    people: [{
      name: "operator",
      behaviour: settings.operator === "live" ? "live_operator" : "operator",
      config: JSON.parse(JSON.stringify(settings.operator)) as Plain,
    }],
    hardware: machineActors(settings),
    makeRam: () => FlatStore.make(ramBytes),
    linkLatency: hardwareProfile(settings.hardware).linkLatencyNs,
    seed: settings.seed,
    choices: settings.choices,
    seededOrder: settings.seededOrder,
    observer: observe,
    ...(settings.operator === "live" ? { live: true } : {}),
    batchMax: BATCH_MAX,
  };
}

/**
 * The bytes of a profile's kernel.
 *
 * @param address Where it asks to be loaded, a multiple of 2 MiB; the usual place unless given.
 */
export function kernelOf(profile: KernelProfile, address?: number): Uint8Array {
  return syntheticKernel({
    ...(address === undefined ? {} : { address }),
    arch: profile.arch,
    version: profile.version,
    profile: profile.name,
    release: profile.release,
  });
}

/** Code to be called in physical mode: one that returns, one that calls its caller's entry. */
function physicalModeFiles({ arch }: KernelProfile): RootFile[] {
  return [
    { path: PHYSICAL_MODE_PATH, data: physicalModeFile({ arch, returns: "ret" }), mode: 0o755 },
    {
      path: `${PHYSICAL_MODE_PATH}_call`,
      data: physicalModeFile({ arch, returns: "call" }),
      mode: 0o755,
    },
  ];
}

function loaderEntry(
  { name, append, kernel = DISK_PATHS.boot.kernel, resume }: MenuEntry,
): LoaderEntry {
  return resume === undefined
    ? { name, kernel, initrd: DISK_PATHS.boot.initrd, append }
    : { name, kernel: "", initrd: "", append: "", resume };
}

/** A new machine's disk. */
export function machineDisk(settings: MachineSettings): DiskBuild {
  const { jumpKernel, layout } = settings;
  return buildDisk({
    memoryBytes: settings.memoryBytes,
    ...(layout === undefined ? {} : { layout }),
    cpuCount: settings.cpus,
    hardwareProfile: settings.hardware,
    kernelBytes: {
      bzImage: kernelOf(settings.profile),
      initramfs: syntheticInitramfs(),
      ...(jumpKernel === undefined ? {} : { jumpKernel }),
    },
    loaderEntries: settings.menu.map(loaderEntry),
    ...(settings.kernels === undefined ? {} : { bootKernels: settings.kernels }),
    rootFiles: [...physicalModeFiles(settings.profile), ...settings.rootFiles ?? []],
    realSeconds: Math.floor(settings.realBaseUs / 1_000_000),
    seed: settings.seed,
    diskSignature: (0x6b6a_0000 + settings.seed) >>> 0,
  });
}
