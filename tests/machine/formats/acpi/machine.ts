/**
 * Machines for the tests of the ACPI tables, and RAM that holds the tables of one.
 *
 * @module
 */
import {
  type AcpiMachine,
  PC_ACPI_PORTS,
  type PlacedTable,
  SLEEP_TYPES,
} from "../../../../machine/formats/acpi/build.ts";
import type { ReadMemory } from "../../../../machine/formats/acpi/walk.ts";

/** A notebook with the revision, in the T42-like map of 512 MiB. */
export function notebook(revision: number): AcpiMachine {
  return {
    ...PC_ACPI_PORTS,
    revision,
    rsdpAddress: 0xf_59d0,
    data: { start: 0x1ff6_0000, length: 0x1_7000 },
    nvs: { start: 0x1ff7_7000, length: 0x2000 },
    cpuCount: 2,
    hardwareSignature: 0x4b4a_4d50,
    sleepTypes: SLEEP_TYPES.ich,
    oldSleepMethods: revision >= 2 && revision < 5,
    mobile: true,
  };
}

/** Zeroed memory with the tables in it. */
export function memoryOf(tables: readonly PlacedTable[]): ReadMemory {
  return (address, length) => {
    const bytes = new Uint8Array(length);
    for (const table of tables) {
      const from = Math.max(address, table.address);
      const to = Math.min(address + length, table.address + table.bytes.length);
      if (from >= to) continue;
      bytes.set(table.bytes.subarray(from - table.address, to - table.address), from - address);
    }
    return bytes;
  };
}
