/**
 * What is durable, cached and torn on a machine's disk at a moment. The medium is what is left if
 * the power goes now; the drive answers with its cache in front of it. What a kernel has not
 * handed to the drive yet is in its RAM and not here.
 *
 * @module
 */
import { type CacheState, EMPTY_CACHE, SECTOR_BYTES } from "../../machine/block_store.ts";
import { FormatError } from "../../machine/errors.ts";
import { type FlatStore, PAGE_BYTES } from "../../machine/flat_store.ts";
import { PARTITION, WORKSHOP_PARTITION } from "../../machine/formats/disk_layout.ts";
import { partitionsOf } from "../../machine/formats/ebr.ts";
import { type Partition, PARTITION_TYPE } from "../../machine/formats/mbr.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import type { DiskMap } from "../api/shapes/machine.ts";
import type { LostWrite } from "./journal.ts";
import { diskFiles, type DiskView, fileSystemOf } from "./disk_files.ts";
import { cacheOf, type Moment, type Session } from "./session.ts";

/** A run of sectors. */
export interface SectorRun {
  readonly sector: number;
  readonly count: number;
}

/** Runs that are told at most; where there are more, small gaps between them count as filled. */
const RUNS_MAX = 4096;

const NAMES: Readonly<Record<number, string>> = {
  [PARTITION.boot]: "boot",
  [PARTITION.root]: "root",
  [PARTITION.hibernating]: "hibernating",
  [PARTITION.nvram]: "nvram",
  [WORKSHOP_PARTITION.thirdRoot]: "third root",
  [WORKSHOP_PARTITION.swap]: "swap",
  [WORKSHOP_PARTITION.raw]: "raw",
  [WORKSHOP_PARTITION.hibernating]: "hibernating",
};

/** Joins runs that are nearer to each other than a gap, until they are few enough. */
export function fewRuns(runs: readonly SectorRun[], most: number = RUNS_MAX): SectorRun[] {
  let kept: SectorRun[] = [...runs];
  for (let gap = 8; kept.length > most; gap *= 2) {
    const joined: { sector: number; count: number }[] = [];
    for (const { sector, count } of kept) {
      const last = joined.at(-1);
      if (last !== undefined && sector - (last.sector + last.count) < gap) {
        last.count = sector + count - last.sector;
      } else joined.push({ sector, count });
    }
    kept = joined;
  }
  return kept;
}

function isZero(store: FlatStore, offset: number): boolean {
  const words = new BigUint64Array(store.parts.bytes, offset, SECTOR_BYTES / 8);
  for (const word of words) if (word !== 0n) return false;
  return true;
}

/** Sectors of a medium that hold something but zeros. */
export function filledSectors(store: FlatStore): SectorRun[] {
  const runs: { sector: number; count: number }[] = [];
  const touched = new Uint8Array(store.parts.touched);
  let last = { sector: 0, count: 0 };
  for (let page = touched.indexOf(1); page >= 0; page = touched.indexOf(1, page + 1)) {
    for (let at = 0; at < PAGE_BYTES; at += SECTOR_BYTES) {
      const offset = page * PAGE_BYTES + at;
      if (isZero(store, offset)) continue;
      const sector = offset / SECTOR_BYTES;
      if (last.count > 0 && last.sector + last.count === sector) last.count++;
      else runs.push(last = { sector, count: 1 });
    }
  }
  return runs;
}

/** The disk through the drive, and as the medium alone has it. */
export function viewsOf(
  { blocks }: Session,
  cache: CacheState,
): Record<"drive" | "medium", DiskView> {
  const reader = (state: CacheState): DiskView => ({
    read(sector, count) {
      const bytes = new Uint8Array(count * SECTOR_BYTES);
      const room = Math.max(0, Math.min(count, blocks.sectors - sector));
      if (room > 0) blocks.read(state, sector, bytes.subarray(0, room * SECTOR_BYTES));
      return bytes;
    },
  });
  return { drive: reader(cache), medium: reader(EMPTY_CACHE) };
}

/** The partitions of a disk by number; none of one without a table that can be read. */
export function readPartitions(view: DiskView): ReadonlyMap<number, Partition> {
  try {
    return partitionsOf((sector) => view.read(sector, 1));
  } catch (error) {
    if (error instanceof FormatError) return new Map();
    throw error;
  }
}

function labelOf(number: number, { type }: Partition): string {
  return type === PARTITION_TYPE.extended ? "extended" : NAMES[number] ?? `partition ${number}`;
}

/** What waits in the drive's cache; nothing where there is no drive. */
export function cachedIn(session: Session): CacheState {
  const lives = session.scheduler.lives().some(({ name }) => name === "disk");
  return lives ? cacheOf(session) : EMPTY_CACHE;
}

function filledOf(session: Session): SectorRun[] {
  const { medium } = session.blocks;
  if (!(medium instanceof MemoryMedium)) throw new TypeError("A replay's disk is in memory");
  return filledSectors(medium.store);
}

/** See the module's header. */
export function diskMap(session: Session, moment: Moment): DiskMap {
  const cache = cachedIn(session);
  const views = viewsOf(session, cache);
  const partitions = readPartitions(views.drive);
  const lost: readonly LostWrite[] = session.journal.lost;
  return {
    ...moment,
    sectors: session.blocks.sectors,
    sectorBytes: SECTOR_BYTES,
    partitions: [...partitions].map(([number, partition]) => ({
      number,
      firstSector: partition.firstSector,
      sectorCount: partition.sectorCount,
      label: labelOf(number, partition),
      fileSystem: fileSystemOf(views.drive, partition),
    })),
    durable: fewRuns(filledOf(session)),
    cached: cache.pending.map(({ sector, count }) => ({ sector, count })),
    torn: lost.map(({ sector, count, survived }) => ({ sector, count, survived })),
    files: diskFiles(views, partitions, cache.pending, lost),
  };
}
