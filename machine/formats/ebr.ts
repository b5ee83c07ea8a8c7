/**
 * Logical partitions of a PC disk: a chain of extended boot records inside the extended partition.
 * Each has two entries: its partition, counted from the record itself, and the next record,
 * counted from the start of the extended partition.
 *
 * A reader that waits for each sector walks the chain with {@linkcode firstRecord},
 * {@linkcode parseEbr} and {@linkcode PartitionWalk}'s plain fields; one that has the disk at hand
 * asks {@linkcode partitionsOf}. Promises: only {@linkcode FormatError} is thrown, and a chain that
 * leads out of the extended partition, backwards or past 60 partitions is one.
 *
 * @module
 */
import { FormatError } from "../errors.ts";
import {
  ALIGNMENT_SECTORS,
  emitEntry,
  ENTRY_BYTES,
  MARK_AT,
  parseEntry,
  parseMbr,
  type Partition,
  PARTITION_TYPE,
  SECTOR_BYTES,
  TABLE_AT,
} from "./mbr.ts";

/** Number of the first logical partition. */
export const FIRST_LOGICAL = 5;

const LOGICAL_MAX = 60;
const EXTENDED_TYPES: readonly number[] = [PARTITION_TYPE.extended, 0x0f, 0x85];

/** A record of the chain that is to be read. Plain data: a kernel keeps it in its RAM. */
export interface PartitionWalk {
  /** Number of the logical partition the record tells of. */
  readonly number: number;
  /** Where the record stands, in sectors of the disk. */
  readonly sector: number;
  /** The extended partition. */
  readonly start: number;
  readonly end: number;
}

/** What a record says. */
export interface Ebr {
  /** Its partition, in sectors of the disk; an empty one has type 0. */
  readonly partition: Partition;
  /** The next record, where there is one. */
  readonly next?: PartitionWalk;
}

/** Where the chain begins, or `undefined` on a disk without an extended partition. */
export function firstRecord(primary: readonly Partition[]): PartitionWalk | undefined {
  const extended = primary.find(({ type }) => EXTENDED_TYPES.includes(type));
  if (extended === undefined) return undefined;
  const { firstSector: start, sectorCount } = extended;
  return { number: FIRST_LOGICAL, sector: start, start, end: start + sectorCount };
}

function nextRecord(walk: PartitionWalk, link: Partition): PartitionWalk | undefined {
  if (!EXTENDED_TYPES.includes(link.type)) return undefined;
  const sector = walk.start + link.firstSector;
  const number = walk.number + 1;
  if (sector <= walk.sector || sector >= walk.end) {
    const message = `the next record, at sector ${sector}, is not behind this one`;
    throw new FormatError("ebr", TABLE_AT + ENTRY_BYTES, message);
  }
  if (number >= FIRST_LOGICAL + LOGICAL_MAX) {
    throw new FormatError("ebr", TABLE_AT + ENTRY_BYTES, `over ${LOGICAL_MAX} logical partitions`);
  }
  return { ...walk, sector, number };
}

/**
 * Reads one record of the chain.
 *
 * @throws {FormatError} if it is shorter than 512 bytes, lacks 55 AA, or its partition or its
 * successor is not inside the extended partition.
 */
export function parseEbr(sector: Uint8Array, walk: PartitionWalk): Ebr {
  if (sector.length < SECTOR_BYTES) {
    throw new FormatError("ebr", sector.length, `${sector.length} bytes, 512 are needed`);
  }
  const view = new DataView(sector.buffer, sector.byteOffset, SECTOR_BYTES);
  if (view.getUint16(MARK_AT) !== 0x55aa) {
    throw new FormatError("ebr", MARK_AT, "the mark 55 AA is missing");
  }
  const own = parseEntry(view, TABLE_AT);
  const partition = { ...own, firstSector: own.firstSector + walk.sector };
  const used = own.type !== PARTITION_TYPE.empty;
  if (used && partition.firstSector + own.sectorCount > walk.end) {
    const message = `partition ${walk.number} ends behind the extended partition`;
    throw new FormatError("ebr", TABLE_AT, message);
  }
  const next = nextRecord(walk, parseEntry(view, TABLE_AT + ENTRY_BYTES));
  return next === undefined ? { partition } : { partition, next };
}

/** The partitions of a disk by number; `read` gives a sector. @throws {FormatError} */
export function partitionsOf(read: (sector: number) => Uint8Array): Map<number, Partition> {
  const { partitions } = parseMbr(read(0));
  const found = new Map<number, Partition>();
  partitions.forEach((partition, index) => {
    if (partition.type !== PARTITION_TYPE.empty) found.set(index + 1, partition);
  });
  for (let walk = firstRecord(partitions); walk !== undefined;) {
    const record = parseEbr(read(walk.sector), walk);
    if (record.partition.type !== PARTITION_TYPE.empty) found.set(walk.number, record.partition);
    walk = record.next;
  }
  return found;
}

/** A record as it goes to the disk. */
export interface EbrSector {
  readonly sector: number;
  readonly bytes: Uint8Array;
}

/**
 * The chain for logical partitions, which must lie in order, each at least 1 MiB behind the one
 * before or the extended partition's start: its record stands that MiB before it.
 *
 * @throws {FormatError} if they do not, or end behind the extended partition.
 */
export function emitEbrs(extended: Partition, logical: readonly Partition[]): EbrSector[] {
  let free = extended.firstSector;
  const records = logical.map((partition) => {
    const sector = partition.firstSector - ALIGNMENT_SECTORS;
    const end = partition.firstSector + partition.sectorCount;
    if (sector < free || end > extended.firstSector + extended.sectorCount) {
      const message = `a logical partition at sector ${partition.firstSector} has no room`;
      throw new FormatError("ebr", TABLE_AT, message);
    }
    free = end;
    return { sector, partition, end };
  });
  if (records[0] !== undefined && records[0].sector !== extended.firstSector) {
    throw new FormatError("ebr", TABLE_AT, "the first record is not where the chain begins");
  }
  return records.map(({ sector, partition }, index) => {
    const bytes = new Uint8Array(SECTOR_BYTES);
    emitEntry(bytes, TABLE_AT, partition, sector);
    const following = records[index + 1];
    if (following !== undefined) {
      const link = {
        bootable: false,
        type: PARTITION_TYPE.extended,
        firstSector: following.sector,
        sectorCount: following.end - following.sector,
      };
      emitEntry(bytes, TABLE_AT + ENTRY_BYTES, link, extended.firstSector);
    }
    bytes.set([0x55, 0xaa], MARK_AT);
    return { sector, bytes };
  });
}
