/**
 * How a machine's disk is divided (DESIGN.md 3): 1 boot, 2 A's root, 3 hibernating, 4 the
 * firmware's NVRAM. The sizes follow from the machine's RAM alone, so that a disk can be checked
 * against a machine without looking at its contents.
 *
 * @module
 */
import { withinLimit } from "../limits.ts";
import { ALIGNMENT_SECTORS, type Partition, PARTITION_TYPE, SECTOR_BYTES } from "./mbr.ts";

const MIB = 1_048_576;

/** Partition numbers, counted from 1 as in `hda1`. */
export const PARTITION = { boot: 1, root: 2, hibernating: 3, nvram: 4 } as const;

/**
 * The four partitions of a disk for a machine with so much RAM, each starting on a MiB. The
 * hibernating partition holds the whole RAM, a tenth more for headers and tables, and 16 MiB.
 *
 * @throws {LimitError} if `memoryBytes` is over the limit of that name.
 */
export function diskLayout({ memoryBytes }: { readonly memoryBytes: number }): Partition[] {
  withinLimit("memoryBytes", memoryBytes);
  const hibernatingMib = Math.ceil((memoryBytes + Math.ceil(memoryBytes / 10)) / MIB) + 16;
  const sizes = [
    { bootable: true, type: PARTITION_TYPE.linux, mib: 16 },
    { bootable: false, type: PARTITION_TYPE.linux, mib: 64 },
    { bootable: false, type: PARTITION_TYPE.linux, mib: hibernatingMib },
    { bootable: false, type: PARTITION_TYPE.nonFileSystem, mib: 1 },
  ];
  let firstSector = ALIGNMENT_SECTORS;
  return sizes.map(({ bootable, type, mib }) => {
    const partition = { bootable, type, firstSector, sectorCount: mib * (MIB / SECTOR_BYTES) };
    firstSector += partition.sectorCount;
    return partition;
  });
}

/** Sectors of 512 bytes of the smallest disk that holds these partitions. */
export function diskSectorCount(partitions: readonly Partition[]): number {
  return Math.max(
    ALIGNMENT_SECTORS,
    ...partitions.map((partition) => partition.firstSector + partition.sectorCount),
  );
}
