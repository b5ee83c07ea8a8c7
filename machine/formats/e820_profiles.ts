/**
 * Memory maps of the machines of the laboratory, and where their firmware puts its ACPI tables.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import { E820_TYPE, type E820Entry, endOf, type MemoryRange } from "./e820_table.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const FOUR_GIB = 4 * GIB;
const { ram, reserved, acpi, nvs } = E820_TYPE;

function range(start: number, end: number, type: number): E820Entry {
  return { start, length: end - start, type };
}

function checkMemory(machine: string, memoryBytes: number, least: number, most: number): void {
  if (memoryBytes % MIB !== 0 || memoryBytes < least || memoryBytes > most) {
    throw new UsageError(
      `Cannot build a ${machine} with ${memoryBytes} bytes of RAM: whole MiB from ` +
        `${least / MIB} to ${most / MIB} are possible`,
    );
  }
}

/**
 * IBM ThinkPad T42 of 2004 (protocol.md D.2, whose 512 MiB example this gives to the byte).
 *
 * @param memoryBytes Whole MiB, 32 MiB to 3 GiB: an i386 kernel without PAE.
 * @throws {UsageError} for another size.
 */
export function laptopE820(memoryBytes: number): E820Entry[] {
  checkMemory("T42", memoryBytes, 32 * MIB, 3 * GIB);
  const top = memoryBytes;
  return [
    range(0, 0x9_f000, ram),
    range(0x9_f000, 0xa_0000, reserved),
    range(0xd_c000, 0x10_0000, reserved),
    range(0x10_0000, top - 0xa_0000, ram),
    range(top - 0xa_0000, top - 0x8_9000, acpi),
    range(top - 0x8_9000, top - 0x8_7000, nvs),
    range(top - 0x8_0000, top, reserved),
  ];
}

/** RAM below 4 GiB of QEMU's `pc` machine: from 3.5 GiB on it ends at 3 GiB. */
function virtualLowBytes(memoryBytes: number): number {
  return memoryBytes < 3.5 * GIB ? memoryBytes : 3 * GIB;
}

/**
 * QEMU's `pc` machine under SeaBIOS, as recorded with 256 MiB and 1 GiB. Its firmware gives its
 * ACPI tables no types of their own: they lie in the reserved range at the top of low RAM.
 *
 * @param memoryBytes Whole MiB, 16 MiB to 16 GiB.
 * @throws {UsageError} for another size.
 */
export function virtualMachineE820(memoryBytes: number): E820Entry[] {
  checkMemory("virtual machine", memoryBytes, 16 * MIB, 16 * GIB);
  const top = virtualLowBytes(memoryBytes);
  const above = memoryBytes - top;
  return [
    range(0, 0x9_fc00, ram),
    range(0x9_fc00, 0xa_0000, reserved),
    range(0xf_0000, 0x10_0000, reserved),
    range(0x10_0000, top - 0x2_3000, ram),
    range(top - 0x2_3000, top, reserved),
    range(0xfffc_0000, FOUR_GIB, reserved),
    ...(above > 0 ? [range(FOUR_GIB, FOUR_GIB + above, ram)] : []),
    range(0xfd_0000_0000, 0x100_0000_0000, reserved),
  ];
}

/**
 * A present-day laptop: 2 GiB of RAM below the PCI hole, the rest from 4 GiB on.
 *
 * @param memoryBytes Whole MiB, more than 4 GiB and up to 16 GiB.
 * @throws {UsageError} for another size.
 */
export function presentLaptopE820(memoryBytes: number): E820Entry[] {
  checkMemory("present-day laptop", memoryBytes, 4 * GIB + MIB, 16 * GIB);
  const lowTop = 2 * GIB;
  return [
    range(0, 0x9_f000, ram),
    range(0x9_f000, 0x10_0000, reserved),
    range(0x10_0000, 0x7a00_0000, ram),
    range(0x7a00_0000, 0x7c80_0000, reserved),
    range(0x7c80_0000, 0x7cf0_0000, nvs),
    range(0x7cf0_0000, 0x7cff_f000, acpi),
    range(0x7cff_f000, 0x7d00_0000, ram),
    range(0x7d00_0000, lowTop, reserved),
    range(0xe000_0000, 0xf000_0000, reserved),
    range(0xfe00_0000, 0xfe01_1000, reserved),
    range(0xfec0_0000, 0xfec0_1000, reserved),
    range(0xfee0_0000, 0xfee0_1000, reserved),
    range(0xff00_0000, FOUR_GIB, reserved),
    range(FOUR_GIB, FOUR_GIB + memoryBytes - lowTop, ram),
  ];
}

/** Where a firmware's tables lie, with the e820 type of each place. */
export interface AcpiPlaces {
  readonly data: MemoryRange;
  readonly dataType: number;
  readonly nvs: MemoryRange;
  readonly nvsType: number;
}

function only(entry: E820Entry): MemoryRange {
  return { start: entry.start, length: entry.length };
}

/**
 * Where the ACPI tables go in a map: the ranges of types 3 and 4, or, as QEMU has it, the
 * reserved range that follows the RAM from 1 MiB on, with FACS first at 0x20000 before its end.
 *
 * @throws {UsageError} if the map has neither.
 */
export function acpiPlaces(entries: readonly E820Entry[]): AcpiPlaces {
  const data = entries.find((entry) => entry.type === acpi);
  const storage = entries.find((entry) => entry.type === nvs);
  if (data !== undefined && storage !== undefined) {
    return { data: only(data), dataType: acpi, nvs: only(storage), nvsType: nvs };
  }
  const low = entries.find((entry) => entry.type === ram && entry.start === 0x10_0000);
  const top = entries.find((entry) =>
    low !== undefined && entry.type === reserved && entry.start === endOf(low)
  );
  if (top === undefined || top.length < 0x2_0000) {
    throw new UsageError("Cannot place ACPI tables: the memory map has no range for them");
  }
  const start = endOf(top) - 0x2_0000;
  return {
    data: { start: start + 0x40, length: 0x2_0000 - 0x40 },
    dataType: reserved,
    nvs: { start, length: 0x40 },
    nvsType: reserved,
  };
}
