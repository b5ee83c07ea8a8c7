/**
 * The header of a hibernating partition (khibernation v7's `khdev`): one block of 4 KiB at its
 * start; the memory image, an ELF core, follows verbatim at {@linkcode KHDEV_IMAGE_OFFSET}
 * (DESIGN.md 3). The posting does not tell its container, so this one is ours (protocol.md I.6).
 *
 * Promises: all fields lie in the first 512 bytes under one CRC-32, so that a write torn at a
 * sector leaves the old header or the new one. The image counts only while `valid` is
 * {@linkcode KHDEV_VALID}. Not here: who writes when, and what is flushed between.
 *
 * Layout, little endian: 0 magic `KJKHDEV1`, 8 CRC-32 of bytes 12 … 511, 12 version, 16 valid,
 * 20 CRC-32 of the firmware's memory map, 24 FACS hardware signature (0 for a kernel without
 * ACPI), 28 pages in the image, 32 length of the ELF (64 bits), 40 jump-back entry (64 bits),
 * 48 offset of the ELF in the partition (64 bits), 56 wall clock in s since 1970 (64 bits),
 * 64 SHA-256 (32 bytes), 96 length of the id, 98 length of the kernel's name, 100 both in UTF-8.
 *
 * The SHA-256 is over the SHA-256 digests of the ELF's blocks of 64 KiB, in their order, so that
 * blocks may be read and written in any order.
 *
 * @module
 */
import { crc32, fromHex, sha256Bytes } from "../digest.ts";
import { FormatError } from "../errors.ts";

/** Bytes of the header block. */
export const KHDEV_HEADER_BYTES = 4096;
/** Where the ELF begins in the partition, in bytes. */
export const KHDEV_IMAGE_OFFSET = 0x10_0000;
/** The version this laboratory writes. */
export const KHDEV_VERSION = 1;
/** `valid` of an image that may be resumed; any other number is one that may not. */
export const KHDEV_VALID = 0x6469_6c56;

/** What the header says. */
export interface KhdevHeader {
  readonly version: number;
  readonly valid: number;
  readonly e820Crc: number;
  /** 0 where the saving kernel had no ACPI. */
  readonly hardwareSignature: number;
  readonly pages: number;
  /** Bytes of the ELF. */
  readonly lengthBytes: number;
  /** Physical address at which the kernel in the image is entered. */
  readonly entry: number;
  readonly imageOffset: number;
  /** Wall clock in s since 1970. */
  readonly savedSeconds: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  readonly id: string;
  /** Name of the kernel in the image; empty where the saver did not learn it. */
  readonly kernel: string;
}

const FORMAT = "khdev header";
const MAGIC = new TextEncoder().encode("KJKHDEV1");
const CRC_AT = 8;
const COVERED = { from: 12, to: 512 } as const;
const TEXT_AT = 100;
const DIGEST_BYTES = 32;

function fail(offset: number, message: string): never {
  throw new FormatError(FORMAT, offset, message);
}

const WORDS = [
  ["version", 12],
  ["valid", 16],
  ["e820Crc", 20],
  ["hardwareSignature", 24],
  ["pages", 28],
] as const;
const LONGS = [
  ["lengthBytes", 32],
  ["entry", 40],
  ["imageOffset", 48],
  ["savedSeconds", 56],
] as const;

/**
 * The block of a header.
 *
 * @throws {FormatError} if a number has no room in its field, the digest is none, or the texts
 * are over 412 bytes.
 */
export function emitKhdevHeader(header: KhdevHeader): Uint8Array {
  const bytes = new Uint8Array(KHDEV_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  for (const [name, at] of WORDS) {
    const value = header[name];
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
      fail(at, `${name} ${value} cannot be written in 32 bits`);
    }
    view.setUint32(at, value, true);
  }
  for (const [name, at] of LONGS) {
    const value = header[name];
    if (!Number.isSafeInteger(value) || value < 0) fail(at, `${name} ${value} is no address`);
    view.setBigUint64(at, BigInt(value), true);
  }
  if (!/^[0-9a-f]{64}$/.test(header.sha256)) fail(64, `'${header.sha256}' is no SHA-256`);
  bytes.set(fromHex(header.sha256), 64);
  const id = new TextEncoder().encode(header.id);
  const kernel = new TextEncoder().encode(header.kernel);
  if (TEXT_AT + id.length + kernel.length > COVERED.to) fail(96, "the texts are too long");
  view.setUint16(96, id.length, true);
  view.setUint16(98, kernel.length, true);
  bytes.set(id, TEXT_AT);
  bytes.set(kernel, TEXT_AT + id.length);
  view.setUint32(CRC_AT, crc32(bytes.subarray(COVERED.from, COVERED.to)), true);
  return bytes;
}

function long(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) fail(at, `${value} is over 2^53`);
  return Number(value);
}

/**
 * The header at the start of a partition; versions and marks of validity that are not ours are
 * kept as numbers.
 *
 * @throws {FormatError} if it is shorter than a block, has another magic or a wrong CRC-32, or
 * its fields do not fit their room.
 */
export function parseKhdevHeader(bytes: Uint8Array): KhdevHeader {
  if (bytes.length < KHDEV_HEADER_BYTES) {
    fail(bytes.length, `${bytes.length} bytes, ${KHDEV_HEADER_BYTES} are needed`);
  }
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) fail(0, "no memory image here");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(CRC_AT, true) !== crc32(bytes.subarray(COVERED.from, COVERED.to))) {
    fail(CRC_AT, "the CRC-32 is wrong, the write of this header was torn");
  }
  const idEnd = TEXT_AT + view.getUint16(96, true);
  const kernelEnd = idEnd + view.getUint16(98, true);
  if (kernelEnd > COVERED.to) fail(96, "the texts end behind their sector");
  const text = (from: number, to: number): string =>
    new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(from, to));
  const word = (at: number): number => view.getUint32(at, true);
  return {
    version: word(12),
    valid: word(16),
    e820Crc: word(20),
    hardwareSignature: word(24),
    pages: word(28),
    lengthBytes: long(view, 32),
    entry: long(view, 40),
    imageOffset: long(view, 48),
    savedSeconds: long(view, 56),
    sha256: Array.from(
      bytes.subarray(64, 64 + DIGEST_BYTES),
      (byte) => byte.toString(16).padStart(2, "0"),
    ).join(""),
    id: text(TEXT_AT, idEnd),
    kernel: text(idEnd, kernelEnd),
  };
}

/** The SHA-256 of an image whose blocks of 64 KiB have these SHA-256, in hexadecimal. */
export function digestOfSums(sums: readonly string[]): string {
  const joined = new Uint8Array(sums.length * DIGEST_BYTES);
  sums.forEach((sum, index) => joined.set(fromHex(sum), index * DIGEST_BYTES));
  return Array.from(sha256Bytes(joined), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** One line for each field, as a person reads it. */
export function describeKhdevHeader(header: KhdevHeader): string[] {
  const hex = (value: number): string => `0x${value.toString(16)}`;
  return [
    `image ${header.id}${header.valid === KHDEV_VALID ? "" : " (not valid)"}`,
    `kernel ${header.kernel === "" ? "unknown" : header.kernel}`,
    `kexec_jump_back_entry=${hex(header.entry)}`,
    `${header.pages} pages, ${header.lengthBytes} bytes at ${hex(header.imageOffset)}`,
    `e820 CRC ${hex(header.e820Crc)}, hardware signature ${hex(header.hardwareSignature)}`,
    `sha256 ${header.sha256}`,
  ];
}
