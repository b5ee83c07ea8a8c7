/**
 * The FADT ("FACP"): where FACS and DSDT lie and at which ports the fixed hardware answers
 * (protocol.md E.6.2).
 *
 * A table is read up to its own length; what an older one does not have is 0. Blocks are I/O
 * ports; the extended forms of later revisions are written from them and preferred to them when
 * read. Cache, duty-cycle and sleep-register fields are not modelled and are zero.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";
import { FieldReader, FieldWriter } from "../byte_fields.ts";
import { emitTable, parseTable, TABLE_HEADER_BYTES, type TableIdentity } from "./table.ts";

const FORMAT = "FADT";

/** Bytes of the table by revision. */
export const FADT_BYTES: Readonly<Record<number, number>> = {
  1: 116,
  2: 132,
  3: 244,
  4: 244,
  5: 268,
  6: 276,
};

/** Bits of `flags`. */
export const FADT_FLAG = {
  wbinvd: 1 << 0,
  processorC1: 1 << 2,
  powerButtonDevice: 1 << 4,
  sleepButtonDevice: 1 << 5,
  s4RtcWake: 1 << 7,
  resetRegister: 1 << 10,
  s4RtcStatusValid: 1 << 16,
  hardwareReduced: 1 << 20,
} as const;

/** Field offsets that more than one function needs. */
const OFFSET = {
  facs: 36,
  dsdt: 40,
  profile: 45,
  sci: 46,
  smiCommand: 48,
  acpiEnable: 52,
  acpiDisable: 53,
  s4biosRequest: 54,
  pm1aEvent: 56,
  pm1bEvent: 60,
  pm1aControl: 64,
  pm1bControl: 68,
  pm2Control: 72,
  pmTimer: 76,
  gpe0: 80,
  gpe1: 84,
  lengths: 88,
  p2Latency: 96,
  p3Latency: 98,
  century: 108,
  bootArch: 109,
  flags: 112,
  resetRegister: 116,
  resetValue: 128,
  extendedFacs: 132,
  extendedDsdt: 140,
  extendedBlocks: 148,
} as const;

/** A port block: first I/O port (0 for none) and bytes. */
export interface PortBlock {
  readonly port: number;
  readonly bytes: number;
}

/** The FADT's facts; addresses are physical. */
export interface Fadt {
  /** 1 to 6 when written; any when read. */
  readonly revision: number;
  readonly facsAddress: number;
  readonly dsdtAddress: number;
  /** 1 desktop, 2 mobile, 0 not stated. */
  readonly profile: number;
  readonly sciInterrupt: number;
  /** Port for `acpiEnable`, `acpiDisable` and `s4biosRequest`; 0 if ACPI is always on. */
  readonly smiCommand: number;
  readonly acpiEnable: number;
  readonly acpiDisable: number;
  readonly s4biosRequest: number;
  readonly pm1aEvent: PortBlock;
  readonly pm1bEvent: PortBlock;
  readonly pm1aControl: PortBlock;
  readonly pm1bControl: PortBlock;
  readonly pm2Control: PortBlock;
  readonly pmTimer: PortBlock;
  readonly gpe0: PortBlock;
  readonly gpe1: PortBlock;
  /** CMOS index of the RTC's century, 0 for none. */
  readonly century: number;
  readonly bootArch: number;
  readonly flags: number;
  /** Port of the reset register, 0 for none; of 8 bits. */
  readonly resetPort: number;
  readonly resetValue: number;
}

/** Block names with their port's offset, index in the extended list and length byte. */
const BLOCKS = [
  ["pm1aEvent", OFFSET.pm1aEvent, 0, OFFSET.lengths],
  ["pm1bEvent", OFFSET.pm1bEvent, 1, OFFSET.lengths],
  ["pm1aControl", OFFSET.pm1aControl, 2, OFFSET.lengths + 1],
  ["pm1bControl", OFFSET.pm1bControl, 3, OFFSET.lengths + 1],
  ["pm2Control", OFFSET.pm2Control, 4, OFFSET.lengths + 2],
  ["pmTimer", OFFSET.pmTimer, 5, OFFSET.lengths + 3],
  ["gpe0", OFFSET.gpe0, 6, OFFSET.lengths + 4],
  ["gpe1", OFFSET.gpe1, 7, OFFSET.lengths + 5],
] as const;

const ADDRESS_BYTES = 12;
const SPACE_IO = 1;

/** Writes a generic address of an I/O port; nothing for port 0. */
function writeAddress(writer: FieldWriter, offset: number, port: number, bytes: number): void {
  if (port === 0) return;
  writer.u8(offset, SPACE_IO);
  writer.u8(offset + 1, Math.min(bytes * 8, 0xff));
  writer.u8(offset + 3, bytes >= 4 ? 3 : bytes >= 2 ? 2 : 1);
  writer.u64(offset + 4, port);
}

function preferred(reader: FieldReader, length: number, offset: number, low: number): number {
  const extended = offset + 8 <= length ? reader.u64(offset) : 0;
  return extended === 0 ? low : extended;
}

function block(reader: FieldReader, length: number, index: number): PortBlock {
  const [, portOffset, place, lengthOffset] = BLOCKS[index] ?? BLOCKS[0];
  const low = reader.u32(portOffset);
  const extended = OFFSET.extendedBlocks + place * ADDRESS_BYTES;
  const isPort = extended + ADDRESS_BYTES <= length && reader.u8(extended) === SPACE_IO;
  const port = isPort ? preferred(reader, length, extended + 4, low) : low;
  return { port, bytes: port === 0 ? 0 : reader.u8(lengthOffset) };
}

/**
 * The facts of a FADT.
 *
 * @throws {FormatError} as `parseTable`, or if the table is shorter than that of ACPI 1.0.
 */
export function parseFadt(bytes: Uint8Array): Fadt {
  const { revision, body } = parseTable(bytes, "FACP");
  const length = body.length + TABLE_HEADER_BYTES;
  const reader = new FieldReader(FORMAT, bytes);
  if (length < OFFSET.resetRegister) reader.fail(4, `table of ${length} bytes`);
  const at = (index: number) => block(reader, length, index);
  const hasReset = length > OFFSET.resetValue &&
    (reader.u32(OFFSET.flags) & FADT_FLAG.resetRegister) !== 0;
  return {
    revision,
    facsAddress: preferred(reader, length, OFFSET.extendedFacs, reader.u32(OFFSET.facs)),
    dsdtAddress: preferred(reader, length, OFFSET.extendedDsdt, reader.u32(OFFSET.dsdt)),
    profile: reader.u8(OFFSET.profile),
    sciInterrupt: reader.u16(OFFSET.sci),
    smiCommand: reader.u32(OFFSET.smiCommand),
    acpiEnable: reader.u8(OFFSET.acpiEnable),
    acpiDisable: reader.u8(OFFSET.acpiDisable),
    s4biosRequest: reader.u8(OFFSET.s4biosRequest),
    pm1aEvent: at(0),
    pm1bEvent: at(1),
    pm1aControl: at(2),
    pm1bControl: at(3),
    pm2Control: at(4),
    pmTimer: at(5),
    gpe0: at(6),
    gpe1: at(7),
    century: reader.u8(OFFSET.century),
    bootArch: reader.u16(OFFSET.bootArch),
    flags: reader.u32(OFFSET.flags),
    resetPort: hasReset ? reader.u64(OFFSET.resetRegister + 4) : 0,
    resetValue: hasReset ? reader.u8(OFFSET.resetValue) : 0,
  };
}

function writeBlocks(writer: FieldWriter, fadt: Fadt): void {
  for (const [name, portOffset, index, lengthOffset] of BLOCKS) {
    const { port, bytes } = fadt[name];
    writer.u32(portOffset, port);
    if (port !== 0) writer.u8(lengthOffset, bytes);
    if (fadt.revision >= 3) {
      const extended = OFFSET.extendedBlocks + index * ADDRESS_BYTES;
      writeAddress(writer, extended, port, bytes);
    }
  }
}

/** The table's fields in a buffer that has room for the header in front. */
function fadtFields(fadt: Fadt, length: number): Uint8Array {
  const writer = new FieldWriter(FORMAT, length);
  const later = fadt.revision >= 3;
  writer.u32(OFFSET.facs, fadt.facsAddress);
  writer.u32(OFFSET.dsdt, fadt.dsdtAddress);
  writer.u8(OFFSET.profile, fadt.profile);
  writer.u16(OFFSET.sci, fadt.sciInterrupt);
  writer.u32(OFFSET.smiCommand, fadt.smiCommand);
  writer.u8(OFFSET.acpiEnable, fadt.acpiEnable);
  writer.u8(OFFSET.acpiDisable, fadt.acpiDisable);
  writer.u8(OFFSET.s4biosRequest, fadt.s4biosRequest);
  writeBlocks(writer, fadt);
  // Latencies above 100 and 1000 us state that there is no C2 and no C3.
  writer.u16(OFFSET.p2Latency, 0xfff);
  writer.u16(OFFSET.p3Latency, 0xfff);
  writer.u8(OFFSET.century, fadt.century);
  writer.u16(OFFSET.bootArch, fadt.bootArch);
  writer.u32(OFFSET.flags, fadt.flags);
  if (fadt.revision >= 2) {
    writeAddress(writer, OFFSET.resetRegister, fadt.resetPort, 1);
    writer.u8(OFFSET.resetValue, fadt.resetValue);
  }
  if (later) {
    // FACS by its 32-bit address alone: both at once are an error of ACPI 5 and later tables.
    writer.u64(OFFSET.extendedDsdt, fadt.dsdtAddress);
  }
  return writer.bytes.subarray(TABLE_HEADER_BYTES);
}

/**
 * The bytes of a FADT of the length that its revision has.
 *
 * @throws {FormatError} for an unknown revision, an address of 4 GiB or more, or blocks a and b
 * of different lengths.
 */
export function emitFadt(fadt: Fadt, identity: TableIdentity): Uint8Array {
  const length = FADT_BYTES[fadt.revision];
  if (length === undefined) throw new FormatError(FORMAT, 8, `revision ${fadt.revision}`);
  for (
    const [a, b] of [[fadt.pm1aEvent, fadt.pm1bEvent], [fadt.pm1aControl, fadt.pm1bControl]]
  ) {
    if (a !== undefined && b !== undefined && b.port !== 0 && a.bytes !== b.bytes) {
      throw new FormatError(FORMAT, OFFSET.lengths, "PM1a and PM1b blocks of different lengths");
    }
  }
  const body = fadtFields(fadt, length);
  return emitTable({ ...identity, signature: "FACP", revision: fadt.revision, body });
}
