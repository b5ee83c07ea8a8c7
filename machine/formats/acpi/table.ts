/**
 * The 36-byte header that every ACPI table but RSDP and FACS begins with, and its checksum
 * (protocol.md E.6).
 *
 * A parsed table has the right length and a byte sum of zero; an emitted one gets both.
 *
 * @module
 */
import { FieldReader, FieldWriter } from "../byte_fields.ts";

/** Bytes of the header. */
export const TABLE_HEADER_BYTES = 36;

/** Bytes a table may have here; real ones have up to a few hundred KiB. */
export const TABLE_BYTES_MAX = 1_048_576;

/** Whose table it is; texts are Latin-1, padded with blanks to 6, 8 and 4 characters. */
export interface TableIdentity {
  readonly oemId: string;
  readonly oemTableId: string;
  readonly oemRevision: number;
  readonly creatorId: string;
  readonly creatorRevision: number;
}

/** A table: header fields and the bytes after them. */
export interface AcpiTable extends TableIdentity {
  /** Four characters. */
  readonly signature: string;
  readonly revision: number;
  readonly body: Uint8Array;
}

/** The identity of our own firmware's tables. */
export const LABORATORY_IDENTITY: TableIdentity = {
  oemId: "KJUMP",
  oemTableId: "KJUMPLAB",
  oemRevision: 1,
  creatorId: "KJMP",
  creatorRevision: 1,
};

/** Sum of bytes modulo 256. */
export function byteSum(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);
}

/** Sets the byte at `offset` so that the sum of all bytes is 0 modulo 256. */
export function setChecksum(bytes: Uint8Array, offset: number): void {
  bytes[offset] = 0;
  bytes[offset] = (0x100 - byteSum(bytes)) & 0xff;
}

/**
 * Length that a table states, from its first 8 bytes on.
 *
 * @throws {FormatError} if it is shorter than a header or longer than {@linkcode TABLE_BYTES_MAX}.
 */
export function statedTableBytes(bytes: Uint8Array): number {
  const reader = new FieldReader("ACPI table", bytes);
  const length = reader.u32(4);
  if (length < TABLE_HEADER_BYTES || length > TABLE_BYTES_MAX) {
    reader.fail(4, `table of ${length} bytes`);
  }
  return length;
}

/**
 * A table; bytes after its stated length are not looked at.
 *
 * @param signature What the table must be; any when left out.
 * @throws {FormatError} if the input ends before the table, the checksum is wrong or the
 * signature another.
 */
export function parseTable(bytes: Uint8Array, signature?: string): AcpiTable {
  const reader = new FieldReader(signature ?? "ACPI table", bytes);
  const found = reader.text(0, 4);
  if (signature !== undefined && found !== signature) {
    reader.fail(0, `signature '${found}', '${signature}' wanted`);
  }
  const length = statedTableBytes(bytes);
  const whole = reader.slice(0, length);
  const sum = byteSum(whole);
  if (sum !== 0) reader.fail(9, `checksum: bytes sum to ${sum}, not 0`);
  return {
    signature: found,
    revision: reader.u8(8),
    oemId: reader.text(10, 6).trimEnd(),
    oemTableId: reader.text(16, 8).trimEnd(),
    oemRevision: reader.u32(24),
    creatorId: reader.text(28, 4),
    creatorRevision: reader.u32(32),
    body: whole.slice(TABLE_HEADER_BYTES),
  };
}

/**
 * The bytes of a table with length and checksum.
 *
 * @throws {FormatError} if a text is longer than its field or a number does not fit.
 */
export function emitTable(table: AcpiTable): Uint8Array {
  const writer = new FieldWriter(table.signature, TABLE_HEADER_BYTES + table.body.length);
  const blank = 0x20;
  writer.text(0, 4, table.signature, blank);
  writer.u32(4, writer.bytes.length);
  writer.u8(8, table.revision);
  writer.text(10, 6, table.oemId, blank);
  writer.text(16, 8, table.oemTableId, blank);
  writer.u32(24, table.oemRevision);
  writer.text(28, 4, table.creatorId, blank);
  writer.u32(32, table.creatorRevision);
  writer.put(TABLE_HEADER_BYTES, table.body);
  setChecksum(writer.bytes, 9);
  return writer.bytes;
}
