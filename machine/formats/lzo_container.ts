/**
 * A compressed file of this laboratory: what B writes when it compresses A's image. Not a format
 * of any real tool, as kexec's own reading of compressed files is not.
 *
 * | offset | size | field |
 * |---|---|---|
 * | 0 | 8 | "KJUMPLZO" |
 * | 8 | 4 | version, 1 |
 * | 12 | 4 | bytes of a unit before compression, 131072 |
 * | 16 | 8 | bytes of the whole before compression |
 * | 24 | | units: length u32, then LZO1X data; the last unit may be short |
 *
 * Promises: little-endian; anything else, truncation at any byte included, is a
 * {@linkcode FormatError}.
 *
 * @module
 */
import { FormatError } from "../errors.ts";
import { FieldReader, FieldWriter } from "./byte_fields.ts";
import { lzo1xBound, lzo1xCompress, lzo1xDecompress } from "./lzo1x.ts";

const FORMAT = "LZO container";
const MAGIC = "KJUMPLZO";
const VERSION = 1;

/** Bytes of the header. */
export const LZO_HEADER_BYTES = 24;
/** Bytes of a unit before compression. */
export const LZO_UNIT_BYTES = 131_072;
/** Most bytes a unit has in the file, with its length. */
export const LZO_UNIT_BYTES_MAX: number = 4 + lzo1xBound(LZO_UNIT_BYTES);

/** Whether a file begins like one. */
export function isLzoContainer(bytes: Uint8Array): boolean {
  if (bytes.length < MAGIC.length) return false;
  return new FieldReader(FORMAT, bytes).text(0, MAGIC.length) === MAGIC;
}

/** The header of a file of so many bytes before compression. */
export function emitLzoHeader(lengthBytes: number): Uint8Array {
  const writer = new FieldWriter(FORMAT, LZO_HEADER_BYTES);
  writer.text(0, MAGIC.length, MAGIC);
  writer.u32(8, VERSION);
  writer.u32(12, LZO_UNIT_BYTES);
  writer.u64(16, lengthBytes);
  return writer.bytes;
}

/**
 * Bytes of the whole before compression.
 *
 * @throws {FormatError} if that is no header of such a file.
 */
export function parseLzoHeader(bytes: Uint8Array): number {
  const reader = new FieldReader(FORMAT, bytes);
  if (bytes.length < LZO_HEADER_BYTES) {
    reader.fail(bytes.length, `${bytes.length} of ${LZO_HEADER_BYTES} bytes of the header`);
  }
  if (!isLzoContainer(bytes)) reader.fail(0, "no magic");
  if (reader.u32(8) !== VERSION) reader.fail(8, `version ${reader.u32(8)}, wanted ${VERSION}`);
  const unit = reader.u32(12);
  if (unit !== LZO_UNIT_BYTES) reader.fail(12, `units of ${unit} bytes, wanted ${LZO_UNIT_BYTES}`);
  return reader.u64(16);
}

/** A unit as it stands in the file. */
export function emitLzoUnit(content: Uint8Array): Uint8Array {
  const data = lzo1xCompress(content);
  const bytes = new Uint8Array(4 + data.length);
  new DataView(bytes.buffer).setUint32(0, data.length, true);
  bytes.set(data, 4);
  return bytes;
}

/** A unit that was read, and the bytes it has in the file. */
export interface LzoUnit {
  readonly content: Uint8Array;
  readonly fileBytes: number;
}

/**
 * The unit that begins with these bytes; undefined if they do not hold all of it.
 *
 * @param length bytes it must have before compression.
 * @throws {FormatError} if it is too long or does not give those bytes.
 */
export function readLzoUnit(bytes: Uint8Array, length: number): LzoUnit | undefined {
  if (bytes.length < 4) return undefined;
  const size = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  if (size === 0 || size + 4 > LZO_UNIT_BYTES_MAX) {
    throw new FormatError(FORMAT, 0, `a unit of ${size} bytes`);
  }
  if (bytes.length < 4 + size) return undefined;
  const content = lzo1xDecompress(bytes.subarray(4, 4 + size), length);
  if (content.length !== length) {
    throw new FormatError(FORMAT, 4, `a unit gives ${content.length} bytes, ${length} wanted`);
  }
  return { content, fileBytes: 4 + size };
}
