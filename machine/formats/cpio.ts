/**
 * "newc" cpio archives, the container of an initramfs (protocol.md A.2).
 *
 * Promises: regular files, directories, symbolic links (target as data) and whatever else a mode
 * says, with path, mode and data; owners, times and device numbers are written as zero and not
 * read; malformed archives throw only {@linkcode FormatError}. Hard links are not resolved: each
 * entry has the data that stand in it. Archives with checksums ("070702") are refused.
 *
 * @module
 */
import { FormatError } from "../errors.ts";

/** One member of an archive. */
export interface CpioEntry {
  /** As it stands in the archive, without a leading "/". */
  readonly path: string;
  /** Type and permission bits, e.g. 0o100755. */
  readonly mode: number;
  readonly data: Uint8Array;
}

/** Type bits of a mode. */
export const MODE_DIRECTORY = 0o040000;
export const MODE_FILE = 0o100000;
export const MODE_LINK = 0o120000;

const FORMAT = "cpio archive";
const HEADER_BYTES = 110;
const MAGIC = "070701";
const TRAILER = "TRAILER!!!";
/** The whole archive is padded to this, as cpio's own output is. */
const BLOCK_BYTES = 512;
const PATH_BYTES_MAX = 4096;
/** Index of the header's eight-digit fields. */
const FIELD = { ino: 0, mode: 1, nlink: 4, fileSize: 6, nameSize: 11 } as const;
const FIELD_COUNT = 13;

/**
 * The members up to the trailer; what follows it is not read.
 *
 * @throws {FormatError} for a wrong magic, a field that is not hexadecimal, a name without its
 * NUL, or bytes that end before the trailer does.
 */
export function parseCpio(bytes: Uint8Array): CpioEntry[] {
  const entries: CpioEntry[] = [];
  let offset = 0;
  for (;;) {
    if (bytes.length - offset < HEADER_BYTES) {
      throw new FormatError(FORMAT, offset, "the archive ends before its trailer");
    }
    const magic = ascii(bytes, offset, offset + 6);
    if (magic !== MAGIC) throw new FormatError(FORMAT, offset, `magic '${magic}', wanted ${MAGIC}`);
    const mode = readField(bytes, offset, FIELD.mode);
    const fileSize = readField(bytes, offset, FIELD.fileSize);
    const nameSize = readField(bytes, offset, FIELD.nameSize);
    const nameAt = offset + HEADER_BYTES;
    const dataAt = padded(nameAt + nameSize);
    if (nameSize === 0 || nameSize > PATH_BYTES_MAX || nameAt + nameSize > bytes.length) {
      throw new FormatError(FORMAT, nameAt, `a name of ${nameSize} bytes`);
    }
    const path = readName(bytes.subarray(nameAt, nameAt + nameSize), nameAt);
    if (path === TRAILER) return entries;
    if (dataAt + fileSize > bytes.length) {
      throw new FormatError(FORMAT, dataAt, `'${path}' ends past the end of the archive`);
    }
    entries.push({ path, mode, data: bytes.slice(dataAt, dataAt + fileSize) });
    offset = padded(dataAt + fileSize);
  }
}

/**
 * An archive of the entries in their order, with its trailer.
 *
 * @throws {RangeError} if a path is empty, too long, holds a NUL or is the trailer's name, or a
 * mode or size does not fit 32 bits.
 */
export function emitCpio(entries: readonly CpioEntry[]): Uint8Array {
  const members = entries.map((entry, index) => {
    if (entry.path === "" || entry.path === TRAILER || entry.path.includes("\0")) {
      throw new RangeError(`Cannot emit cpio archive: path '${entry.path}'`);
    }
    return { ...entry, ino: index + 1, name: new TextEncoder().encode(`${entry.path}\0`) };
  });
  members.push({
    path: TRAILER,
    mode: 0,
    data: new Uint8Array(),
    ino: 0,
    name: new TextEncoder().encode(`${TRAILER}\0`),
  });
  let length = 0;
  for (const { path, mode, data, name } of members) {
    if (name.length > PATH_BYTES_MAX || data.length > 0xffff_ffff || mode > 0xffff_ffff) {
      throw new RangeError(`Cannot emit cpio archive: '${path}' does not fit the header`);
    }
    length = padded(padded(length + HEADER_BYTES + name.length) + data.length);
  }
  const bytes = new Uint8Array(Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES);
  let offset = 0;
  for (const member of members) {
    const fields = new Array<number>(FIELD_COUNT).fill(0);
    fields[FIELD.ino] = member.ino;
    fields[FIELD.mode] = member.mode;
    fields[FIELD.nlink] = (member.mode & 0o170000) === MODE_DIRECTORY ? 2 : 1;
    fields[FIELD.fileSize] = member.data.length;
    fields[FIELD.nameSize] = member.name.length;
    const header = MAGIC + fields.map((field) => field.toString(16).padStart(8, "0")).join("");
    bytes.set(new TextEncoder().encode(header), offset);
    bytes.set(member.name, offset + HEADER_BYTES);
    offset = padded(offset + HEADER_BYTES + member.name.length);
    bytes.set(member.data, offset);
    offset = padded(offset + member.data.length);
  }
  return bytes;
}

function readField(bytes: Uint8Array, header: number, index: number): number {
  const at = header + 6 + index * 8;
  const digits = ascii(bytes, at, at + 8);
  if (!/^[0-9a-fA-F]{8}$/.test(digits)) {
    throw new FormatError(FORMAT, at, `'${digits}' is not eight hexadecimal digits`);
  }
  return Number.parseInt(digits, 16);
}

function readName(name: Uint8Array, offset: number): string {
  if (name.indexOf(0) !== name.length - 1) {
    throw new FormatError(FORMAT, offset, "a name that is not ended by one NUL");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(name.subarray(0, -1));
  } catch {
    throw new FormatError(FORMAT, offset, "a name that is not UTF-8");
  }
}

/** Bytes as Latin-1, so that any byte has a character for the message. */
function ascii(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}
