/**
 * What a kernel knows of the machine's sleep hardware after it has walked the ACPI tables, and
 * what it may be told about it on its command line (protocol.md A.4, E.6).
 *
 * @module
 */
import type { AcpiView } from "../../machine/formats/acpi/walk.ts";
import { parseSleepPackage } from "../../machine/formats/acpi/sleep_package.ts";
import { E820_TYPE, type E820Entry } from "../../machine/formats/e820_table.ts";
import { PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";

/** Bits of the PM1 registers that sleeping takes (protocol.md E.6.4). */
export const PM1 = {
  sleepTypeShift: 10,
  sleepEnable: 1 << 13,
  sciEnable: 1,
  powerButton: 1 << 8,
  wakeStatus: 1 << 15,
} as const;

/** Last FADT revision with which `_GTS` and `_BFS` are run: ACPI 5.0. */
const OLD_METHODS_REVISION_MAX = 5;

/** Sleep hardware as the tables have it. Ports are I/O ports, -1 stands for a missing state. */
export interface AcpiSleepHardware {
  readonly s0: number;
  readonly s4: number;
  readonly gpe0: number;
  readonly smiCommand: number;
  readonly acpiEnable: number;
  /** Physical address of the FACS, and its hardware signature at boot. */
  readonly facs: number;
  readonly signature: number;
  /** Whether the table's revision still has `_GTS` and `_BFS`. */
  readonly oldMethods: boolean;
  /** General-purpose events that devices wake by, as bits of GPE0_EN. */
  readonly wakeGpes: number;
  /** Page frames of non-volatile storage, as the firmware's map has them. */
  readonly nvs: readonly PageRun[];
}

/** A sleep transition under way. */
export interface AcpiSleepState {
  /** The sleeping state that is the target; 0 while there is none. */
  target: number;
  /** Devices that may wake the machine are enabled. */
  wakeDevices: boolean;
  /** Pages that hold, or will hold, the content of non-volatile storage. */
  nvs: readonly PageRun[];
  /** Whether they hold it. */
  nvsSaved: boolean;
}

const NAME_OP = 0x08;
const PACKAGE_OP = 0x12;
const BYTE_PREFIX = 0x0a;

/** Events that `_PRW` packages of the DSDT name, as bits; those above 15 are not in GPE0 here. */
export function wakeEvents(dsdt: Uint8Array): number {
  const wanted = [NAME_OP, ...new TextEncoder().encode("_PRW"), PACKAGE_OP];
  let mask = 0;
  for (let at = 0; at + wanted.length + 3 < dsdt.length; at++) {
    if (wanted.some((byte, index) => dsdt[at + index] !== byte)) continue;
    // After the package's length and count stands the event: 0, 1 or a prefixed byte.
    const place = at + wanted.length + 2;
    const event = dsdt[place] === BYTE_PREFIX ? dsdt[place + 1] ?? 0 : dsdt[place] ?? 0;
    if (event < 16) mask |= 1 << event;
  }
  return mask;
}

/** Takes out of the tables what sleeping needs. */
export function sleepHardware(
  view: AcpiView,
  firmwareMap: readonly E820Entry[],
): AcpiSleepHardware {
  const { fadt, dsdt } = view;
  return {
    s0: parseSleepPackage(dsdt, "_S0_")?.a ?? -1,
    s4: view.s4?.a ?? -1,
    gpe0: fadt.gpe0.port,
    smiCommand: fadt.smiCommand,
    acpiEnable: fadt.acpiEnable,
    facs: view.facsAddress,
    signature: view.facs.hardwareSignature,
    oldMethods: fadt.revision <= OLD_METHODS_REVISION_MAX,
    wakeGpes: wakeEvents(dsdt),
    nvs: firmwareMap.filter(({ type }) => type === E820_TYPE.nvs).map(({ start, length }) => {
      const pfn = Math.floor(start / PAGE_BYTES);
      return { pfn, count: Math.ceil((start + length) / PAGE_BYTES) - pfn };
    }),
  };
}

/** Whether a word stands in the command line's `acpi_sleep=` lists. */
export function sleepOption(commandLine: string, word: string): boolean {
  return commandLine.split(/\s+/).some((parameter) =>
    parameter.startsWith("acpi_sleep=") &&
    parameter.slice("acpi_sleep=".length).split(",").includes(word)
  );
}

/** Whether `_GTS` (or `_BFS`) is to be run: `acpi.gts=1`, `acpi.bfs=1`, off unless given. */
export function oldMethodEnabled(
  commandLine: string,
  hardware: AcpiSleepHardware,
  method: "gts" | "bfs",
): boolean {
  return hardware.oldMethods && commandLine.split(/\s+/).includes(`acpi.${method}=1`);
}
