/**
 * The table in purgatory's body: which segments it checks, their digest, where the kernel, its
 * boot_params and its command line are. What kexec-tools writes into purgatory's symbols.
 *
 * Promises: little-endian, at most {@linkcode PURGATORY_SEGMENTS_MAX} segments; a truncated table
 * or an impossible count throws {@linkcode FormatError}.
 *
 * @module
 */
import { fromHex, toHex } from "../digest.ts";
import { FormatError } from "../errors.ts";

/** Most segments one table holds. */
export const PURGATORY_SEGMENTS_MAX = 16;

const FORMAT = "purgatory table";
const FIXED_BYTES = 64;
const SEGMENT_BYTES = 16;
const FLAGS = 60;
/** A backup's three words stand behind the segments. */
const HAS_BACKUP = 1;
/** Addresses have 64 bits. */
const IS_64_BIT = 2;
const BACKUP_BYTES = 24;

/** See the module's header. Addresses are physical, lengths in bytes. */
export interface PurgatoryTable {
  /** Lower-case hexadecimal SHA-256 over all segments' bytes in order. */
  readonly digest: string;
  readonly kernelEntry: number;
  readonly bootParams: number;
  readonly commandLine: number;
  readonly segments: readonly { readonly start: number; readonly length: number }[];
  /**
   * Of a kernel in a reserved region: memory it uses besides, which is copied before it runs
   * (protocol.md D.3). Such a purgatory passes no jump-back entry on.
   */
  readonly backup?: PurgatoryBackup;
  /** Bytes of an address in the jump-back entry it writes: twice as many digits. */
  readonly wordBytes: 4 | 8;
}

/** `length` bytes from `start` go to `copy`; all multiples of a page. */
export interface PurgatoryBackup {
  readonly start: number;
  readonly length: number;
  readonly copy: number;
}

/** The table's bytes. */
export function emitPurgatory(table: PurgatoryTable): Uint8Array {
  const { segments } = table;
  if (segments.length > PURGATORY_SEGMENTS_MAX) {
    throw new RangeError(`Cannot emit ${FORMAT}: ${segments.length} segments, at most 16`);
  }
  const { backup } = table;
  const end = FIXED_BYTES + segments.length * SEGMENT_BYTES;
  const bytes = new Uint8Array(end + (backup === undefined ? 0 : BACKUP_BYTES));
  const view = new DataView(bytes.buffer);
  bytes.set(fromHex(table.digest), 0);
  view.setBigUint64(32, BigInt(table.kernelEntry), true);
  view.setBigUint64(40, BigInt(table.bootParams), true);
  view.setBigUint64(48, BigInt(table.commandLine), true);
  view.setUint32(56, segments.length, true);
  segments.forEach(({ start, length }, index) => {
    view.setBigUint64(FIXED_BYTES + index * SEGMENT_BYTES, BigInt(start), true);
    view.setBigUint64(FIXED_BYTES + index * SEGMENT_BYTES + 8, BigInt(length), true);
  });
  const flags = (backup === undefined ? 0 : HAS_BACKUP) | (table.wordBytes === 8 ? IS_64_BIT : 0);
  view.setUint32(FLAGS, flags, true);
  if (backup !== undefined) {
    view.setBigUint64(end, BigInt(backup.start), true);
    view.setBigUint64(end + 8, BigInt(backup.length), true);
    view.setBigUint64(end + 16, BigInt(backup.copy), true);
  }
  return bytes;
}

/**
 * Reads a table; bytes behind it are not looked at.
 *
 * @throws {FormatError} see the module's header.
 */
export function parsePurgatory(bytes: Uint8Array): PurgatoryTable {
  if (bytes.length < FIXED_BYTES) {
    throw new FormatError(FORMAT, bytes.length, `${bytes.length} bytes, need ${FIXED_BYTES}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = (offset: number): number => {
    const value = view.getBigUint64(offset, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new FormatError(FORMAT, offset, `0x${value.toString(16)} is no address`);
    }
    return Number(value);
  };
  const count = view.getUint32(56, true);
  if (count > PURGATORY_SEGMENTS_MAX) throw new FormatError(FORMAT, 56, `${count} segments`);
  const flags = view.getUint32(FLAGS, true);
  if (flags > (HAS_BACKUP | IS_64_BIT)) throw new FormatError(FORMAT, FLAGS, `flags ${flags}`);
  const hasBackup = (flags & HAS_BACKUP) !== 0;
  const segmentsEnd = FIXED_BYTES + count * SEGMENT_BYTES;
  const end = segmentsEnd + (hasBackup ? BACKUP_BYTES : 0);
  if (bytes.length < end) throw new FormatError(FORMAT, bytes.length, `need ${end} bytes`);
  return {
    digest: toHex(bytes.subarray(0, 32)),
    kernelEntry: wide(32),
    bootParams: wide(40),
    commandLine: wide(48),
    segments: Array.from({ length: count }, (_, index) => ({
      start: wide(FIXED_BYTES + index * SEGMENT_BYTES),
      length: wide(FIXED_BYTES + index * SEGMENT_BYTES + 8),
    })),
    wordBytes: (flags & IS_64_BIT) === 0 ? 4 : 8,
    ...(!hasBackup ? {} : {
      backup: {
        start: wide(segmentsEnd),
        length: wide(segmentsEnd + 8),
        copy: wide(segmentsEnd + 16),
      },
    }),
  };
}
