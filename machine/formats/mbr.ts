/**
 * The master boot record of a PC disk: 440 bytes of boot code, a disk signature, four primary
 * partitions and the mark 55 AA.
 *
 * Promises: `parseMbr` throws only {@linkcode FormatError}; partition types it does not know are
 * kept as numbers; `emitMbr` writes only tables whose partitions start on a MiB, do not overlap
 * and can be addressed in 32 bits. Logical partitions are in ebr.ts; GPT is nowhere.
 *
 * @module
 */
import { FormatError } from "../errors.ts";

/** Bytes of a disk sector. */
export const SECTOR_BYTES = 512;

/** Sectors of one MiB, the alignment of partitions. */
export const ALIGNMENT_SECTORS = 2048;

/** Bytes of boot code a record has room for, before the disk signature. */
export const BOOT_CODE_BYTES = 440;

/** Partition types in use here; any other number is kept as it is. */
export const PARTITION_TYPE = {
  empty: 0x00,
  /** Holds logical partitions; 0x0f and 0x85 mean the same. */
  extended: 0x05,
  swap: 0x82,
  linux: 0x83,
  nonFileSystem: 0xda,
} as const;

/** One partition. Sectors are of 512 bytes, counted from the start of the disk. */
export interface Partition {
  readonly bootable: boolean;
  /** Type byte, 0 … 255; 0 is an unused entry. */
  readonly type: number;
  readonly firstSector: number;
  readonly sectorCount: number;
}

/** What a master boot record says. */
export interface Mbr {
  readonly bootCode: Uint8Array;
  /** 32-bit number by which a disk is known; unsigned. */
  readonly diskSignature: number;
  /** Partitions 1 … 4 by position; unused entries at the end are left out. */
  readonly partitions: readonly Partition[];
}

/** What `emitMbr` needs; boot code that is left out is zeros. */
export interface MbrFields {
  readonly bootCode?: Uint8Array;
  readonly diskSignature: number;
  readonly partitions: readonly Partition[];
}

const SIGNATURE_AT = 440;
/** Offset of the partition table in a record. */
export const TABLE_AT = 446;
/** Bytes of an entry of the table. */
export const ENTRY_BYTES = 16;
/** Offset of the mark 55 AA. */
export const MARK_AT = 510;
const HEADS = 255;
const SECTORS_PER_TRACK = 63;

/** Reads one entry of a partition table, its sectors as they stand there. */
export function parseEntry(view: DataView, at: number): Partition {
  const status = view.getUint8(at);
  if (status !== 0x00 && status !== 0x80) {
    throw new FormatError("mbr", at, `boot flag is 0x${status.toString(16)}, not 0x00 or 0x80`);
  }
  return {
    bootable: status === 0x80,
    type: view.getUint8(at + 4),
    firstSector: view.getUint32(at + 8, true),
    sectorCount: view.getUint32(at + 12, true),
  };
}

/**
 * Reads the first sector of a disk. The cylinder, head and sector numbers are not looked at.
 *
 * @throws {FormatError} if it is shorter than 512 bytes, lacks 55 AA or has another boot flag.
 */
export function parseMbr(sector: Uint8Array): Mbr {
  if (sector.length < SECTOR_BYTES) {
    throw new FormatError("mbr", sector.length, `${sector.length} bytes, 512 are needed`);
  }
  const view = new DataView(sector.buffer, sector.byteOffset, SECTOR_BYTES);
  if (view.getUint16(MARK_AT) !== 0x55aa) {
    throw new FormatError("mbr", MARK_AT, "the mark 55 AA is missing");
  }
  const partitions = [0, 1, 2, 3].map((index) => parseEntry(view, TABLE_AT + index * ENTRY_BYTES));
  while (partitions.at(-1)?.type === PARTITION_TYPE.empty) partitions.pop();
  return {
    bootCode: sector.slice(0, BOOT_CODE_BYTES),
    diskSignature: view.getUint32(SIGNATURE_AT, true),
    partitions,
  };
}

/** Cylinder, head, sector of a sector number; the usual FE FF FF where it is past the last. */
function emitChs(bytes: Uint8Array, at: number, sector: number): void {
  const cylinder = Math.floor(sector / (HEADS * SECTORS_PER_TRACK));
  if (cylinder > 1023) return bytes.set([0xfe, 0xff, 0xff], at);
  const head = Math.floor(sector / SECTORS_PER_TRACK) % HEADS;
  const low = (sector % SECTORS_PER_TRACK) + 1;
  bytes.set([head, low | ((cylinder >> 8) << 6), cylinder & 0xff], at);
}

/**
 * Writes one entry; `base` is what its first sector counts from. Cylinder, head and sector are
 * those of the whole disk.
 */
export function emitEntry(bytes: Uint8Array, at: number, partition: Partition, base = 0): void {
  const { bootable, type, firstSector, sectorCount } = partition;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint8(at, bootable ? 0x80 : 0x00);
  emitChs(bytes, at + 1, firstSector);
  view.setUint8(at + 4, type);
  emitChs(bytes, at + 5, firstSector + sectorCount - 1);
  view.setUint32(at + 8, firstSector - base, true);
  view.setUint32(at + 12, sectorCount, true);
}

function checkPartitions(partitions: readonly Partition[]): void {
  if (partitions.length > 4) {
    throw new FormatError("mbr", TABLE_AT, `${partitions.length} partitions, at most 4 fit`);
  }
  const used = partitions.filter((partition) => partition.type !== PARTITION_TYPE.empty);
  for (const { type, firstSector, sectorCount } of used) {
    const whole = Number.isSafeInteger(firstSector) && Number.isSafeInteger(sectorCount);
    if (!whole || sectorCount < 1 || firstSector + sectorCount > 2 ** 32 || type !== (type & 255)) {
      const what = `type ${type}, ${sectorCount} sectors at ${firstSector}`;
      throw new FormatError("mbr", TABLE_AT, `a partition cannot be written: ${what}`);
    }
    if (firstSector < ALIGNMENT_SECTORS || firstSector % ALIGNMENT_SECTORS !== 0) {
      throw new FormatError("mbr", TABLE_AT, `first sector ${firstSector} is not on a MiB`);
    }
  }
  const sorted = used.toSorted((a, b) => a.firstSector - b.firstSector);
  sorted.reduce((end, { firstSector, sectorCount }) => {
    if (firstSector < end) {
      throw new FormatError("mbr", TABLE_AT, `partitions overlap at sector ${firstSector}`);
    }
    return firstSector + sectorCount;
  }, 0);
}

/**
 * The 512 bytes of a master boot record.
 *
 * @throws {FormatError} if the boot code is over 440 bytes, the signature is not 32 bits, or the
 * partitions overlap, are not aligned to 1 MiB, are more than four or end past sector 2^32.
 */
export function emitMbr({ bootCode, diskSignature, partitions }: MbrFields): Uint8Array {
  if (bootCode !== undefined && bootCode.length > BOOT_CODE_BYTES) {
    throw new FormatError("mbr", BOOT_CODE_BYTES, `${bootCode.length} bytes of boot code`);
  }
  if (diskSignature !== diskSignature >>> 0) {
    throw new FormatError("mbr", SIGNATURE_AT, `disk signature ${diskSignature} is not 32 bits`);
  }
  checkPartitions(partitions);
  const bytes = new Uint8Array(SECTOR_BYTES);
  const view = new DataView(bytes.buffer);
  if (bootCode !== undefined) bytes.set(bootCode);
  view.setUint32(SIGNATURE_AT, diskSignature, true);
  partitions.forEach((partition, index) => {
    if (partition.type === PARTITION_TYPE.empty) return;
    emitEntry(bytes, TABLE_AT + index * ENTRY_BYTES, partition);
  });
  view.setUint16(MARK_AT, 0x55aa);
  return bytes;
}
