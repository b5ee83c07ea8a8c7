/**
 * What the firmware leaves in RAM before it enters the boot sector: the EBDA segment in the BIOS
 * data area, the memory map, the ACPI tables.
 *
 * The map stands at {@linkcode E820_OFFSET} in the EBDA as a count and entries: it stands in for
 * the INT 15h E820 service, which has no place in a machine without real mode.
 *
 * @module
 */
import { buildAcpiTables } from "../../machine/formats/acpi/build.ts";
import { emitE820Counted } from "../../machine/formats/e820_table.ts";
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

/** Everything the firmware writes, in pieces of at most 4096 bytes. */
export function bootTables(config: FirmwareConfig): Placed[] {
  const profile = hardwareProfile(config.hardwareProfile);
  const ebda = ebdaStart(config);
  const segment = ebda / PARAGRAPH_BYTES;
  const pieces: Placed[] = [
    { address: EBDA_SEGMENT_AT, bytes: Uint8Array.of(segment & 0xff, segment >> 8) },
    // The EBDA's first byte is its length in KiB.
    { address: ebda, bytes: Uint8Array.of((0xa_0000 - ebda) / KIBIBYTE) },
    { address: e820Address(config), bytes: emitE820Counted(profile.e820(config.memoryBytes)) },
    ...buildAcpiTables(acpiMachine(config, config.hardwareSignature)),
  ];
  return pieces.flatMap(chunks);
}
