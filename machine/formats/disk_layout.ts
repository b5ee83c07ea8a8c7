/**
 * How a machine's disk is divided (DESIGN.md 3). The standard one has 1 boot, 2 A's root, 3
 * hibernating, 4 the firmware's NVRAM. The workshop has room for every system beside each other:
 * 3 is the extended partition, with 5 a third root, 6 swap, 7 raw and 8 hibernating. The sizes
 * follow from the machine's RAM alone, so that a disk can be checked against a machine without
 * looking at its contents.
 *
 * @module
 */
import { withinLimit } from "../limits.ts";
import { ALIGNMENT_SECTORS, type Partition, PARTITION_TYPE, SECTOR_BYTES } from "./mbr.ts";

const MIB = 1_048_576;
const MIB_SECTORS = MIB / SECTOR_BYTES;

/** Partition numbers, counted from 1 as in `hda1`. */
export const PARTITION = { boot: 1, root: 2, hibernating: 3, nvram: 4 } as const;

/** Partition numbers of the workshop. */
export const WORKSHOP_PARTITION = {
  boot: 1,
  root: 2,
  extended: 3,
  nvram: 4,
  thirdRoot: 5,
  swap: 6,
  raw: 7,
  hibernating: 8,
} as const;

/**
 * Number of the partition that images are kept on in a file system, as the disk's table says: the
 * third, unless that is the extended one of the workshop.
 *
 * @param third Type byte of the table's third entry, or `undefined` where it has none.
 */
export function hibernatingNumber(third: number | undefined): number {
  return third === PARTITION_TYPE.extended ? WORKSHOP_PARTITION.hibernating : PARTITION.hibernating;
}

/** Name of a layout. */
export type DiskLayoutName = "standard" | "workshop";

/** What a layout follows from. */
export interface LayoutBasis {
  readonly memoryBytes: number;
  /** The standard one unless given. */
  readonly layout?: DiskLayoutName;
}

interface Share {
  readonly bootable?: boolean;
  readonly type: number;
  readonly mib: number;
}

/** MiB that hold the whole RAM, a tenth more for headers and tables, and 16 MiB. */
function imageMib(memoryBytes: number): number {
  return Math.ceil((memoryBytes + Math.ceil(memoryBytes / 10)) / MIB) + 16;
}

/** Partitions behind each other, each after `gap` sectors. */
function laidOut(shares: readonly Share[], start: number, gap: number): Partition[] {
  let free = start;
  return shares.map(({ bootable = false, type, mib }) => {
    const firstSector = free + gap;
    const partition = { bootable, type, firstSector, sectorCount: mib * MIB_SECTORS };
    free = firstSector + partition.sectorCount;
    return partition;
  });
}

/** The workshop's logical partitions, 5 to 8. */
function logicalShares(memoryBytes: number): Share[] {
  const mib = imageMib(memoryBytes);
  return [
    { type: PARTITION_TYPE.linux, mib: 64 },
    { type: PARTITION_TYPE.swap, mib },
    { type: PARTITION_TYPE.nonFileSystem, mib },
    { type: PARTITION_TYPE.linux, mib },
  ];
}

function thirdShare({ memoryBytes, layout = "standard" }: LayoutBasis): Share {
  if (layout === "standard") return { type: PARTITION_TYPE.linux, mib: imageMib(memoryBytes) };
  // Each logical partition has a record of its own, a MiB before it.
  const mib = logicalShares(memoryBytes).reduce((sum, share) => sum + share.mib + 1, 0);
  return { type: PARTITION_TYPE.extended, mib };
}

/**
 * The four primary partitions of a disk for a machine with so much RAM, each starting on a MiB.
 *
 * @throws {LimitError} if `memoryBytes` is over the limit of that name.
 */
export function diskLayout(basis: LayoutBasis): Partition[] {
  withinLimit("memoryBytes", basis.memoryBytes);
  const shares = [
    { bootable: true, type: PARTITION_TYPE.linux, mib: 16 },
    { type: PARTITION_TYPE.linux, mib: 64 },
    thirdShare(basis),
    { type: PARTITION_TYPE.nonFileSystem, mib: 1 },
  ];
  return laidOut(shares, ALIGNMENT_SECTORS, 0);
}

/** The logical partitions 5, 6 … of such a disk; none in the standard layout. */
export function logicalLayout(basis: LayoutBasis): Partition[] {
  const extended = diskLayout(basis)[WORKSHOP_PARTITION.extended - 1];
  if (basis.layout !== "workshop" || extended === undefined) return [];
  return laidOut(logicalShares(basis.memoryBytes), extended.firstSector, ALIGNMENT_SECTORS);
}

/** Sectors of 512 bytes of the smallest disk that holds these partitions. */
export function diskSectorCount(partitions: readonly Partition[]): number {
  return Math.max(
    ALIGNMENT_SECTORS,
    ...partitions.map((partition) => partition.firstSector + partition.sectorCount),
  );
}
