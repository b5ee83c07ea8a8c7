/**
 * The arch part of a swsusp header on x86_64: what the boot kernel must know of the image kernel
 * to enter it (protocol.md B.5.8, B.5.9). The record of August 2007 has two words, that of 6.1 has
 * five.
 *
 * Promises: only {@linkcode FormatError} is thrown, and only for records of another length: a
 * magic number that is not the right one is a value like any other, for the loader to compare.
 *
 * @module
 */
import { FormatError } from "../errors.ts";

/** XORed with the jump address, in the record of 2007. */
export const RESTORE_MAGIC_2007 = 0x0123_4567_89ab_cdefn;
/** Stored plainly, in the record of 6.1. */
export const RESTORE_MAGIC = 0x2345_6789_abcd_ef02n;

/** Bytes of each record. */
export const RECORD_BYTES = { seed: 16, current: 40 } as const;

const FORMAT = "restore record";
const WORD = (1n << 64n) - 1n;

/** The record of August 2007. Words are 64 bits, unsigned. */
export interface SeedRecord {
  /** Virtual address of restore_registers in the image kernel. */
  readonly jumpAddress: bigint;
  readonly control: bigint;
}

/** The record of 6.1. */
export interface RestoreRecord {
  readonly jumpAddress: bigint;
  readonly jumpAddressPhysical: bigint;
  readonly cr3: bigint;
  readonly magic: bigint;
  /** CRC-32 of the firmware's memory map. */
  readonly mapChecksum: bigint;
}

/** The control word that belongs to a jump address in the record of 2007. */
export function controlWord(jumpAddress: bigint): bigint {
  return (jumpAddress ^ RESTORE_MAGIC_2007) & WORD;
}

function words(bytes: Uint8Array, length: number): bigint[] {
  if (bytes.length < length) {
    throw new FormatError(FORMAT, bytes.length, `${bytes.length} bytes, ${length} are needed`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: length / 8 }, (_, index) => view.getBigUint64(index * 8, true));
}

function emitWords(values: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    if (value < 0n || value > WORD) throw new FormatError(FORMAT, index * 8, `${value} is no u64`);
    view.setBigUint64(index * 8, value, true);
  });
  return bytes;
}

/** @throws {FormatError} under 16 bytes. */
export function parseSeedRecord(bytes: Uint8Array): SeedRecord {
  const [jumpAddress = 0n, control = 0n] = words(bytes, RECORD_BYTES.seed);
  return { jumpAddress, control };
}

/** 16 bytes. */
export function emitSeedRecord({ jumpAddress, control }: SeedRecord): Uint8Array {
  return emitWords([jumpAddress, control]);
}

/** @throws {FormatError} under 40 bytes. */
export function parseRestoreRecord(bytes: Uint8Array): RestoreRecord {
  const [jumpAddress = 0n, jumpAddressPhysical = 0n, cr3 = 0n, magic = 0n, mapChecksum = 0n] =
    words(bytes, RECORD_BYTES.current);
  return { jumpAddress, jumpAddressPhysical, cr3, magic, mapChecksum };
}

/** 40 bytes. */
export function emitRestoreRecord(record: RestoreRecord): Uint8Array {
  const { jumpAddress, jumpAddressPhysical, cr3, magic, mapChecksum } = record;
  return emitWords([jumpAddress, jumpAddressPhysical, cr3, magic, mapChecksum]);
}
