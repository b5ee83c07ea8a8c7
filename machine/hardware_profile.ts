/**
 * Machines one can have: how large, how their memory is laid out, how fast their parts are, what
 * their firmware says of itself (DESIGN.md 3). The costs are settings, none is measured; those of
 * "t42" are the suggestions of protocol.md H.
 *
 * @module
 */
import { crc32 } from "./digest.ts";
import { UsageError } from "./errors.ts";
import { type AcpiMachine, PC_ACPI_PORTS, SLEEP_TYPES } from "./formats/acpi/build.ts";
import { type E820Entry, ramRanges } from "./formats/e820_table.ts";
import {
  acpiPlaces,
  laptopE820,
  presentLaptopE820,
  virtualMachineE820,
} from "./formats/e820_profiles.ts";

/** What of the ACPI tables belongs to the kind of machine. */
export type AcpiProfile = Omit<
  AcpiMachine,
  "data" | "dataType" | "nvs" | "nvsType" | "cpuCount" | "hardwareSignature"
>;

/** A kind of machine. Times in ns of virtual time, sizes in bytes. */
export interface HardwareProfile {
  readonly name: string;
  /** Processors unless told otherwise. */
  readonly cpus: number;
  /** RAM unless told otherwise. */
  readonly memoryBytes: number;
  /** The firmware's memory map. @throws {UsageError} for a size this machine cannot have. */
  readonly e820: (memoryBytes: number) => E820Entry[];
  /** From a send to its delivery, at least. */
  readonly linkLatencyNs: number;
  readonly memoryBytesPerSecond: number;
  /** One exchanged pair of pages. */
  readonly swapPageNs: number;
  readonly diskReadBytesPerSecond: number;
  readonly diskWriteBytesPerSecond: number;
  readonly diskSeekNs: number;
  readonly flushNs: number;
  /** Power-on self-test. */
  readonly postNs: number;
  /** A kernel from its entry to its first process, probes left out. */
  readonly kernelBootNs: number;
  /** One driver's probe. */
  readonly probeNs: number;
  /** One power-management callback. */
  readonly devicePhaseNs: number;
  /** One jump, page exchange left out. */
  readonly jumpNs: number;
  /** What one processor compresses and expands (LZO). */
  readonly compressBytesPerSecond: number;
  readonly expandBytesPerSecond: number;
  /** Between two packets that the network card receives. */
  readonly packetNs: number;
  readonly acpi: AcpiProfile;
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const US = 1000;
const MS = 1_000_000;
const SECOND = 1_000_000_000;

const T42: HardwareProfile = {
  name: "t42",
  cpus: 1,
  memoryBytes: 512 * MIB,
  e820: laptopE820,
  linkLatencyNs: 1000,
  memoryBytesPerSecond: 1_000_000_000,
  swapPageNs: US,
  diskReadBytesPerSecond: 50_000_000,
  diskWriteBytesPerSecond: 40_000_000,
  diskSeekNs: 8 * MS,
  flushNs: 20 * MS,
  postNs: 8 * SECOND,
  kernelBootNs: 2 * SECOND,
  probeNs: 200 * MS,
  devicePhaseNs: 5 * MS,
  jumpNs: MS,
  compressBytesPerSecond: 40_000_000,
  expandBytesPerSecond: 120_000_000,
  packetNs: 250 * MS,
  acpi: {
    ...PC_ACPI_PORTS,
    revision: 3,
    rsdpAddress: 0xf_6d70,
    pm1aEventPort: 0x1000,
    pm1aControlPort: 0x1004,
    pmTimerPort: 0x1008,
    gpe0Port: 0x1028,
    sleepTypes: SLEEP_TYPES.ich,
    oldSleepMethods: true,
    mobile: true,
  },
};

const SMALL_VM: HardwareProfile = {
  name: "small-vm",
  cpus: 1,
  memoryBytes: 64 * MIB,
  e820: virtualMachineE820,
  linkLatencyNs: 1000,
  memoryBytesPerSecond: 4_000_000_000,
  swapPageNs: US,
  diskReadBytesPerSecond: 400_000_000,
  diskWriteBytesPerSecond: 300_000_000,
  diskSeekNs: 100 * US,
  flushNs: 2 * MS,
  postNs: SECOND,
  kernelBootNs: SECOND,
  probeNs: 10 * MS,
  devicePhaseNs: MS,
  jumpNs: MS,
  compressBytesPerSecond: 150_000_000,
  expandBytesPerSecond: 450_000_000,
  packetNs: 250 * MS,
  acpi: {
    ...PC_ACPI_PORTS,
    revision: 1,
    rsdpAddress: 0xf_5a60,
    sleepTypes: SLEEP_TYPES.virtualMachine,
    oldSleepMethods: false,
    mobile: false,
  },
};

const LAPTOP: HardwareProfile = {
  name: "laptop",
  cpus: 8,
  memoryBytes: 8 * GIB,
  e820: presentLaptopE820,
  linkLatencyNs: 500,
  memoryBytesPerSecond: 20_000_000_000,
  swapPageNs: 500,
  diskReadBytesPerSecond: 3_000_000_000,
  diskWriteBytesPerSecond: 2_000_000_000,
  diskSeekNs: 20 * US,
  flushNs: 500 * US,
  postNs: 4 * SECOND,
  kernelBootNs: 500 * MS,
  probeNs: 20 * MS,
  devicePhaseNs: MS,
  jumpNs: MS,
  compressBytesPerSecond: 500_000_000,
  expandBytesPerSecond: 1_500_000_000,
  packetNs: 250 * MS,
  acpi: {
    ...PC_ACPI_PORTS,
    revision: 6,
    rsdpAddress: 0xf_0490,
    pm1aEventPort: 0x1800,
    pm1aControlPort: 0x1804,
    pmTimerPort: 0x1808,
    gpe0Port: 0x1860,
    sleepTypes: SLEEP_TYPES.ich,
    oldSleepMethods: false,
    mobile: true,
  },
};

/** Profiles by name. */
export const HARDWARE_PROFILES: Readonly<Record<string, HardwareProfile>> = {
  "t42": T42,
  "small-vm": SMALL_VM,
  "laptop": LAPTOP,
};

/** Name of the profile a machine has unless told otherwise. */
export const DEFAULT_HARDWARE_PROFILE = "small-vm";

/**
 * The profile of that name.
 *
 * @throws {UsageError} if there is none.
 */
export function hardwareProfile(name: string): HardwareProfile {
  const profile = Object.hasOwn(HARDWARE_PROFILES, name) ? HARDWARE_PROFILES[name] : undefined;
  if (profile === undefined) {
    const names = Object.keys(HARDWARE_PROFILES).join(", ");
    throw new UsageError(`Unknown hardware profile '${name}': there are ${names}`);
  }
  return profile;
}

/** Where a hibernation image goes: the machine's own drive, one on USB 2, a server. */
export type ImageTarget = "ide" | "usb" | "nfs";

/** What a device class costs. Times in ns of virtual time; settings, none is measured. */
export interface TargetCosts {
  readonly readBytesPerSecond: number;
  readonly writeBytesPerSecond: number;
  /** To a block that does not follow the last one; of a server, a call and its answer. */
  readonly seekNs: number;
  readonly flushNs: number;
}

/**
 * Costs of the image's place; the machine's own drive costs what the hardware profile says. A
 * server's are those of a network of 100 Mbit/s seen as a block device: its packets are not
 * modelled.
 */
export const IMAGE_TARGETS: Readonly<Record<Exclude<ImageTarget, "ide">, TargetCosts>> = {
  usb: {
    readBytesPerSecond: 32_000_000,
    writeBytesPerSecond: 28_000_000,
    seekNs: 10 * MS,
    flushNs: 30 * MS,
  },
  nfs: {
    readBytesPerSecond: 11_000_000,
    writeBytesPerSecond: 11_000_000,
    seekNs: MS,
    flushNs: 15 * MS,
  },
};

/** One machine of a profile. */
export interface MachineSize {
  readonly hardwareProfile: string;
  readonly memoryBytes: number;
  readonly cpuCount: number;
}

/** The FACS hardware signature of a machine: another machine, another number. */
export function hardwareSignature(size: MachineSize): number {
  const text = `${size.hardwareProfile} ${size.memoryBytes} ${size.cpuCount}`;
  return crc32(new TextEncoder().encode(text));
}

/** What the ACPI tables of a machine are built from. */
export function acpiMachine(size: MachineSize, signature: number): AcpiMachine {
  const profile = hardwareProfile(size.hardwareProfile);
  const places = acpiPlaces(profile.e820(size.memoryBytes));
  return {
    ...profile.acpi,
    ...places,
    cpuCount: size.cpuCount,
    hardwareSignature: signature,
  };
}

/** First address after the last RAM of a machine: what a flat store of its RAM must span. */
export function physicalTop(size: MachineSize): number {
  const ranges = ramRanges(hardwareProfile(size.hardwareProfile).e820(size.memoryBytes));
  // The tables lie above the last RAM of small machines, but below what is installed.
  return Math.max(size.memoryBytes, ...ranges.map((range) => range.start + range.length));
}
