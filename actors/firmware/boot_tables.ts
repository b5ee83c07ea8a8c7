/**
 * What the firmware leaves in RAM before it enters the boot sector: the EBDA segment in the BIOS
 * data area, the memory map, the ACPI tables, and its own variables in non-volatile storage.
 *
 * The map stands at {@linkcode E820_OFFSET} in the EBDA as a count and entries: it stands in for
 * the INT 15h E820 service, which has no place in a machine without real mode.
 *
 * @module
 */
import { type AcpiMachine, buildAcpiTables } from "../../machine/formats/acpi/build.ts";
import { emitE820Counted } from "../../machine/formats/e820_table.ts";
import { E820_TYPE } from "../../machine/formats/e820_table.ts";
import { FACS_BYTES } from "../../machine/formats/acpi/facs.ts";
import { acpiMachine, hardwareProfile } from "../../machine/hardware_profile.ts";
import { ebdaStart, type FirmwareConfig } from "./firmware_state.ts";

/** Where in the EBDA the memory map stands, in bytes. */
export const E820_OFFSET = 0x100;

/** Word with the EBDA's segment, in the BIOS data area. */
const EBDA_SEGMENT_AT = 0x40e;
const PARAGRAPH_BYTES = 16;
const KIBIBYTE = 1024;
const CHUNK_BYTES = 4096;

/** Bytes to be put at an address. */
export interface Placed {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Physical address of the memory map that the firmware hands to what it boots. */
export function e820Address(config: FirmwareConfig): number {
  return ebdaStart(config) + E820_OFFSET;
}

function chunks({ address, bytes }: Placed): Placed[] {
  const count = Math.ceil(bytes.length / CHUNK_BYTES);
  return Array.from({ length: count }, (_, index) => ({
    address: address + index * CHUNK_BYTES,
    bytes: bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
  }));
}

/** What differs between two power-ons of one machine. */
export interface PowerOn {
  /** Sequence number of the settings' record. */
  readonly boots: number;
  /** Wall clock in s since 1970. */
  readonly realSeconds: number;
}

/** Mark of the firmware's own variables in non-volatile storage. */
const VARIABLES_MAGIC = "KJNVSVAR";
const VARIABLES_BYTES = 24;

/**
 * The firmware's variables behind the FACS: made anew at each power-on, so that storage differs
 * from what a kernel saved of it. Machines without a range of type NVS have no room for them.
 */
function variables(machine: AcpiMachine, { boots, realSeconds }: PowerOn): Placed[] {
  if (machine.nvsType !== E820_TYPE.nvs) return [];
  const bytes = new Uint8Array(VARIABLES_BYTES);
  bytes.set(new TextEncoder().encode(VARIABLES_MAGIC));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(8, BigInt(boots), true);
  view.setBigUint64(16, BigInt(realSeconds), true);
  return [{ address: machine.nvs.start + FACS_BYTES, bytes }];
}

/** Everything the firmware writes, in pieces of at most 4096 bytes. */
export function bootTables(config: FirmwareConfig, powerOn: PowerOn): Placed[] {
  const machine = acpiMachine(config, config.hardwareSignature);
  const profile = hardwareProfile(config.hardwareProfile);
  const ebda = ebdaStart(config);
  const segment = ebda / PARAGRAPH_BYTES;
  const pieces: Placed[] = [
    { address: EBDA_SEGMENT_AT, bytes: Uint8Array.of(segment & 0xff, segment >> 8) },
    // The EBDA's first byte is its length in KiB.
    { address: ebda, bytes: Uint8Array.of((0xa_0000 - ebda) / KIBIBYTE) },
    { address: e820Address(config), bytes: emitE820Counted(profile.e820(config.memoryBytes)) },
    ...buildAcpiTables(machine),
    ...variables(machine, powerOn),
  ];
  return pieces.flatMap(chunks);
}
