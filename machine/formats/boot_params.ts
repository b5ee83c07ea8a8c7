/**
 * The zero page, `boot_params`: how a boot loader or kexec tells a kernel its command line,
 * ramdisk and memory map.
 *
 * A value holds the set-up header as the bzImage has it and, beside it, what the loader filled
 * in; those fields are zero in the header's bytes of a parsed value. 64-bit addresses are split
 * over the header's 32-bit fields and the `ext_` fields of protocol 2.12. Video, disk and APM
 * fields are not modelled and are zero.
 *
 * @module
 */
import { FormatError } from "../errors.ts";
import { FieldReader, FieldWriter } from "./byte_fields.ts";
import {
  E820_ENTRIES_MAX,
  E820_ENTRY_BYTES,
  type E820Entry,
  emitE820,
  parseE820,
} from "./e820_table.ts";
import {
  HEADER_FIELD,
  parseSetupHeader,
  SETUP_HEADER_BYTES_MAX,
  SETUP_HEADER_OFFSET,
} from "./setup_header.ts";

const FORMAT = "boot_params";
const MAGIC_FIELDS_END = 0x230;
const ACPI_RSDP = 0x070;
const EXT_RAMDISK_IMAGE = 0x0c0;
const EXT_RAMDISK_SIZE = 0x0c4;
const EXT_COMMAND_LINE = 0x0c8;
const E820_COUNT = 0x1e8;
const E820_TABLE = 0x2d0;

/** Bytes of the zero page. */
export const BOOT_PARAMS_BYTES = 4096;

/** Bytes a kernel looks at for its command line, the terminating zero among them. */
export const COMMAND_LINE_BYTES = 2048;
/** Of these, what a kexec tool keeps free for ` kexec_jump_back_entry=0x…`. */
export const JUMP_BACK_SPARE_BYTES = 64;

/** The loader type that kexec-tools writes. */
export const LOADER_KEXEC = 0xd0;

/** What the page says. Addresses are physical; 0 means there is none. */
export interface BootParams {
  /** Bytes from 0x1f1 on (`setupHeaderBytes` of the bzImage), at most 127. */
  readonly setupHeader: Uint8Array;
  readonly loaderType: number;
  readonly commandLineAddress: number;
  readonly ramdiskAddress: number;
  readonly ramdiskBytes: number;
  /** First `setup_data` record of protocol 2.09. */
  readonly setupDataAddress: number;
  readonly acpiRsdpAddress: number;
  /** At most 128 entries. */
  readonly e820: readonly E820Entry[];
}

/** Header fields that the loader fills in: offset and length in bytes. */
const LOADER_FIELDS: readonly (readonly [number, number])[] = [
  [HEADER_FIELD.loaderType, 1],
  [HEADER_FIELD.ramdiskImage, 4],
  [HEADER_FIELD.ramdiskSize, 4],
  [HEADER_FIELD.commandLinePointer, 4],
  [HEADER_FIELD.setupData, 8],
];

/** The header's bytes with the loader's fields zero, as far as they reach. */
function pristine(header: Uint8Array): Uint8Array {
  const copy = header.slice();
  for (const [offset, length] of LOADER_FIELDS) {
    const start = offset - SETUP_HEADER_OFFSET;
    copy.fill(0, Math.min(start, copy.length), Math.min(start + length, copy.length));
  }
  return copy;
}

const TWO_32 = 2 ** 32;

function joined(reader: FieldReader, low: number, high: number): number {
  const value = reader.u32(low) + reader.u32(high) * TWO_32;
  if (!Number.isSafeInteger(value)) reader.fail(high, "address is over 2^53 - 1");
  return value;
}

function split(writer: FieldWriter, low: number, high: number, value: number): void {
  writer.u32(low, value % TWO_32);
  writer.u32(high, Math.floor(value / TWO_32));
}

/**
 * The value of a zero page; bytes after the 4096th are not looked at.
 *
 * @throws {FormatError} if the input is shorter than 4096 bytes, boot flag or "HdrS" are missing,
 * or the e820 count passes 128.
 */
export function parseBootParams(bytes: Uint8Array): BootParams {
  const reader = new FieldReader(FORMAT, bytes);
  if (bytes.length < BOOT_PARAMS_BYTES) {
    reader.fail(bytes.length, `${bytes.length} bytes, ${BOOT_PARAMS_BYTES} wanted`);
  }
  const { protocolVersion } = parseSetupHeader(reader);
  const end = HEADER_FIELD.magic + reader.u8(HEADER_FIELD.jump + 1);
  if (end < MAGIC_FIELDS_END - 4 || end - SETUP_HEADER_OFFSET > SETUP_HEADER_BYTES_MAX) {
    reader.fail(HEADER_FIELD.jump, `set-up header ends at ${end}`);
  }
  const count = reader.u8(E820_COUNT);
  if (count > E820_ENTRIES_MAX) reader.fail(E820_COUNT, `${count} e820 entries, at most 128`);
  return {
    setupHeader: pristine(reader.slice(SETUP_HEADER_OFFSET, end - SETUP_HEADER_OFFSET)),
    loaderType: reader.u8(HEADER_FIELD.loaderType),
    commandLineAddress: joined(reader, HEADER_FIELD.commandLinePointer, EXT_COMMAND_LINE),
    ramdiskAddress: joined(reader, HEADER_FIELD.ramdiskImage, EXT_RAMDISK_IMAGE),
    ramdiskBytes: joined(reader, HEADER_FIELD.ramdiskSize, EXT_RAMDISK_SIZE),
    setupDataAddress: protocolVersion >= 0x0209 ? reader.u64(HEADER_FIELD.setupData) : 0,
    acpiRsdpAddress: reader.u64(ACPI_RSDP),
    e820: parseE820(reader.slice(E820_TABLE, count * E820_ENTRY_BYTES)),
  };
}

/**
 * The 4096 bytes of a zero page.
 *
 * @throws {FormatError} if the header is too long, too short for its own length byte or has no
 * magic, there are more than 128 e820 entries, or a number does not fit.
 */
export function emitBootParams(params: BootParams): Uint8Array {
  const { setupHeader } = params;
  if (setupHeader.length > SETUP_HEADER_BYTES_MAX) {
    throw new FormatError(FORMAT, SETUP_HEADER_OFFSET, `header of ${setupHeader.length} bytes`);
  }
  const writer = new FieldWriter(FORMAT, BOOT_PARAMS_BYTES);
  writer.put(SETUP_HEADER_OFFSET, pristine(setupHeader));
  const reader = new FieldReader(FORMAT, writer.bytes);
  const { protocolVersion } = parseSetupHeader(reader);
  const stated = HEADER_FIELD.magic + reader.u8(HEADER_FIELD.jump + 1) - SETUP_HEADER_OFFSET;
  if (stated !== setupHeader.length) {
    throw new FormatError(FORMAT, HEADER_FIELD.jump, `header states ${stated} bytes`);
  }
  if (protocolVersion < 0x0209 && params.setupDataAddress !== 0) {
    throw new FormatError(FORMAT, HEADER_FIELD.setupData, "setup_data needs protocol 2.09");
  }
  writer.u8(HEADER_FIELD.loaderType, params.loaderType);
  split(writer, HEADER_FIELD.commandLinePointer, EXT_COMMAND_LINE, params.commandLineAddress);
  split(writer, HEADER_FIELD.ramdiskImage, EXT_RAMDISK_IMAGE, params.ramdiskAddress);
  split(writer, HEADER_FIELD.ramdiskSize, EXT_RAMDISK_SIZE, params.ramdiskBytes);
  if (protocolVersion >= 0x0209) writer.u64(HEADER_FIELD.setupData, params.setupDataAddress);
  writer.u64(ACPI_RSDP, params.acpiRsdpAddress);
  if (params.e820.length > E820_ENTRIES_MAX) {
    throw new FormatError(FORMAT, E820_COUNT, `${params.e820.length} e820 entries, at most 128`);
  }
  writer.u8(E820_COUNT, params.e820.length);
  writer.put(E820_TABLE, emitE820(params.e820));
  return writer.bytes;
}
