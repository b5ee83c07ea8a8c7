/**
 * The hardware of one machine but for its processor: which actors power-on starts, with which
 * configurations, all from a hardware profile and a few switches.
 *
 * @module
 */
import type { AnyBehaviour } from "../machine/actor.ts";
import {
  hardwareProfile,
  hardwareSignature,
  type MachineSize,
  type TargetCosts,
} from "../machine/hardware_profile.ts";
import type { Plain } from "../machine/messages/shape.ts";
import { bootLoader } from "./boot_loader/boot_loader.ts";
import { consoleDevice } from "./console.ts";
import type { Refusal } from "./device_common.ts";
import { disk } from "./disk.ts";
import { firmware } from "./firmware/firmware.ts";
import { memoryController } from "./memory_controller.ts";
import { network } from "./network.ts";
import { pciBridge } from "./pci_bridge.ts";
import { rtc } from "./rtc.ts";

/** A machine, and how it misbehaves. */
export interface HardwareSetup extends MachineSize {
  /** Wall clock at virtual time 0, in µs since 1970. */
  readonly realBaseUs: number;
  /** Refusals by device and phase; none unless given. */
  readonly refusals?: readonly Refusal[];
  /** FACS hardware signature; that of the machine unless given. */
  readonly signature?: number;
  /** A part was replaced while the machine was off: its signature from that time on. */
  readonly replaced?: { readonly afterNs: number; readonly signature: number };
  /** Whether the network card goes on with DMA after a freeze. */
  readonly brokenNetwork?: boolean;
  /** How many writes of SLP_EN are ignored. */
  readonly ignoredSleeps?: number;
  /** The plug was pulled while the machine slept: S4 has become S5 (protocol.md E.6.5). */
  readonly unplugged?: boolean;
  /** Sectors of the disk that are on a device of another class: where images go. */
  readonly elsewhere?: TargetCosts & { readonly sector: number; readonly count: number };
  /** Sectors that fail. */
  readonly badSectors?: readonly {
    readonly sector: number;
    readonly count: number;
    readonly on: "read" | "write";
  }[];
}

/** An actor with its name, behaviour and configuration. */
export interface HardwareActor {
  readonly name: string;
  readonly behaviour: string;
  readonly config: Plain;
}

/** Behaviours of the hardware and of the boot loader, for a registry. */
export const HARDWARE_BEHAVIOURS: readonly AnyBehaviour[] = [
  memoryController,
  disk,
  consoleDevice,
  network,
  rtc,
  pciBridge,
  firmware,
  bootLoader,
];

/** Parent of a device in the device tree; devices that are not named hang from nothing. */
export const DEVICE_PARENTS: Readonly<Record<string, string>> = { disk: "pci", network: "pci" };

/**
 * The actors that power-on starts, the processor left out: its configuration is its own.
 *
 * @throws {UsageError} if there is no such hardware profile.
 */
export function hardwareActors(setup: HardwareSetup): HardwareActor[] {
  const profile = hardwareProfile(setup.hardwareProfile);
  const { realBaseUs, memoryBytes, cpuCount } = setup;
  // Entries of a run's choices have more fields than the devices take.
  const refusals = (setup.refusals ?? []).map(({ device, phase, time, result }) => ({
    device,
    phase,
    time,
    result,
  }));
  const device = { phaseNs: profile.devicePhaseNs, probeNs: profile.probeNs, refusals };
  const { memoryBytesPerSecond, swapPageNs, packetNs, postNs } = profile;
  const { diskReadBytesPerSecond, diskWriteBytesPerSecond, diskSeekNs, flushNs } = profile;
  const drive = {
    ...{ diskReadBytesPerSecond, diskWriteBytesPerSecond, diskSeekNs, flushNs },
    ...(setup.elsewhere === undefined ? {} : { elsewhere: { ...setup.elsewhere } }),
  };
  const { badSectors = [], brokenNetwork = false, ignoredSleeps = 0 } = setup;
  return [
    {
      name: "memory",
      behaviour: "memory_controller",
      config: { memoryBytesPerSecond, swapPageNs },
    },
    { name: "disk", behaviour: "disk", config: { ...device, ...drive, badSectors } },
    { name: "console", behaviour: "console", config: device },
    {
      name: "network",
      behaviour: "network",
      config: { ...device, packetNs, broken: brokenNetwork },
    },
    { name: "rtc", behaviour: "rtc", config: { ...device, realBaseUs } },
    { name: "pci", behaviour: "pci_bridge", config: device },
    {
      name: "firmware",
      behaviour: "firmware",
      config: {
        hardwareProfile: profile.name,
        memoryBytes,
        cpuCount,
        hardwareSignature: setup.signature ?? hardwareSignature(setup),
        realBaseUs,
        postNs,
        refusals,
        ignoredSleeps,
        ...(setup.unplugged === undefined ? {} : { unplugged: setup.unplugged }),
        ...(setup.replaced === undefined ? {} : { replaced: { ...setup.replaced } }),
      },
    },
  ];
}
