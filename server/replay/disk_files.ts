/**
 * Files of interest on a disk and whether they would survive: regular files of the ext2 partitions,
 * the signature of a swap area, the header and image of khdev.
 *
 * Each is looked for twice: on the medium alone, as a machine would find it after the power went,
 * and through the drive with its cache. A file's `state` says what becomes of what the drive shows:
 * one whose name, size or sectors are not all on the medium is `cached`.
 *
 * @module
 */
import { SECTOR_BYTES } from "../../machine/block_store.ts";
import { FormatError } from "../../machine/errors.ts";
import {
  BLOCK_BYTES,
  Ext2Error,
  Ext2Image,
  extentsOf,
  isRegular,
  SparseBlocks,
} from "../../machine/formats/ext2/mod.ts";
import {
  KHDEV_HEADER_BYTES,
  KHDEV_VALID,
  parseKhdevHeader,
} from "../../machine/formats/khdev_header.ts";
import { type Partition, PARTITION_TYPE } from "../../machine/formats/mbr.ts";
import { parseSwapHeader, SWAP_HEADER_BYTES } from "../../machine/formats/swap_header.ts";
import type { DiskMap } from "../api/shapes/machine.ts";
import type { LostWrite } from "./journal.ts";

/** Reads sectors; those behind the end are zeros. */
export interface DiskView {
  read(sector: number, count: number): Uint8Array;
}

/** A file as one view has it. */
export interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  readonly runs: readonly { readonly sector: number; readonly count: number }[];
}

type FileOfInterest = DiskMap["files"][number];

/** Files of one partition that are told at most. */
const FILES_MAX = 256;
const BLOCK_SECTORS = BLOCK_BYTES / SECTOR_BYTES;

/** The file system of a partition; its operations throw FormatError or Ext2Error if it is none. */
export function ext2Of(view: DiskView, { firstSector }: Partition): Ext2Image {
  return new Ext2Image(
    new SparseBlocks((block) => view.read(firstSector + block * BLOCK_SECTORS, BLOCK_SECTORS)),
  );
}

/** What `read` gives; `undefined` where the bytes are not what they would have to be. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError || error instanceof Ext2Error) return undefined;
    throw error;
  }
}

/** The header of a khdev, if one stands at the beginning of a partition. */
export function khdevOf(view: DiskView, { firstSector }: Partition) {
  return attempt(() => parseKhdevHeader(view.read(firstSector, KHDEV_HEADER_BYTES / SECTOR_BYTES)));
}

function swapOf(view: DiskView, { firstSector }: Partition) {
  return attempt(() => parseSwapHeader(view.read(firstSector, SWAP_HEADER_BYTES / SECTOR_BYTES)));
}

/** What a partition is formatted as; empty for nothing known. */
export function fileSystemOf(view: DiskView, partition: Partition): string {
  switch (partition.type) {
    case PARTITION_TYPE.linux:
      return attempt(() => ext2Of(view, partition).superblock()) === undefined ? "" : "ext2";
    case PARTITION_TYPE.swap:
      return "swap";
    case PARTITION_TYPE.nonFileSystem:
      return khdevOf(view, partition) === undefined ? "" : "khdev";
    default:
      return "";
  }
}

function ext2Files(view: DiskView, partition: Partition): FoundFile[] {
  const image = ext2Of(view, partition);
  const files = attempt(() => image.list()) ?? [];
  return files.filter(({ inode }) => isRegular(inode)).slice(0, FILES_MAX).flatMap(
    ({ path, inode }) => {
      const extents = attempt(() => extentsOf(image.access, inode));
      if (extents === undefined) return [];
      const runs = extents.map(({ block, count }) => ({
        sector: partition.firstSector + block * BLOCK_SECTORS,
        count: count * BLOCK_SECTORS,
      }));
      return [{ path, bytes: inode.size, runs }];
    },
  );
}

function swapFiles(view: DiskView, partition: Partition): FoundFile[] {
  const header = swapOf(view, partition);
  if (header === undefined || header.signature === "") return [];
  const runs = [{
    sector: partition.firstSector,
    count: SWAP_HEADER_BYTES / SECTOR_BYTES,
  }];
  return [{ path: `swap header, ${header.signature}`, bytes: SWAP_HEADER_BYTES, runs }];
}

function khdevFiles(view: DiskView, partition: Partition): FoundFile[] {
  const header = khdevOf(view, partition);
  if (header === undefined) return [];
  const { valid, lengthBytes, imageOffset } = header;
  const place = (offset: number, bytes: number) => ({
    bytes,
    runs: [{
      sector: partition.firstSector + Math.floor(offset / SECTOR_BYTES),
      count: Math.ceil(bytes / SECTOR_BYTES),
    }],
  });
  const state = valid === KHDEV_VALID ? "valid" : "not valid";
  return [
    { path: `khdev header, ${state}`, ...place(0, KHDEV_HEADER_BYTES) },
    { path: "khdev image", ...place(imageOffset, lengthBytes) },
  ];
}

/** Files of interest of a partition as one view has them. */
export function filesOf(view: DiskView, partition: Partition): FoundFile[] {
  if (partition.type === PARTITION_TYPE.linux) return ext2Files(view, partition);
  if (partition.type === PARTITION_TYPE.swap) return swapFiles(view, partition);
  return partition.type === PARTITION_TYPE.nonFileSystem ? khdevFiles(view, partition) : [];
}

interface Range {
  readonly sector: number;
  readonly count: number;
}

function touches(runs: readonly Range[], ranges: readonly Range[]): boolean {
  return runs.some((run) =>
    ranges.some(({ sector, count }) =>
      sector < run.sector + run.count && run.sector < sector + count
    )
  );
}

/** Sectors of a lost write that did not come onto the medium. */
function missing({ sector, count, survived }: LostWrite): Range {
  return { sector: sector + survived, count: count - survived };
}

/** See the module's header. */
export function diskFiles(
  views: Readonly<Record<"drive" | "medium", DiskView>>,
  partitions: ReadonlyMap<number, Partition>,
  pending: readonly Range[],
  lost: readonly LostWrite[],
): FileOfInterest[] {
  const gone = lost.map(missing);
  return [...partitions].flatMap(([number, partition]): FileOfInterest[] => {
    const drive = filesOf(views.drive, partition);
    const medium = filesOf(views.medium, partition);
    const known = (file: FoundFile): boolean =>
      medium.some((other) => JSON.stringify(other) === JSON.stringify(file));
    const shown = drive.map((file): FileOfInterest => {
      const both = known(file);
      const isCached = !both || touches(file.runs, pending);
      const state = touches(file.runs, gone) ? "torn" : isCached ? "cached" : "durable";
      return { partition: number, ...copyOf(file), state, view: both ? "both" : "drive" };
    });
    // What the drive would not show any more, and a machine would find after the power went.
    const names = new Set(drive.map(({ path }) => path));
    const old = medium.filter(({ path }) => !names.has(path)).map((file): FileOfInterest => ({
      partition: number,
      ...copyOf(file),
      state: touches(file.runs, gone) ? "torn" : "durable",
      view: "medium",
    }));
    return [...shown, ...old];
  });
}

function copyOf({ path, bytes, runs }: FoundFile) {
  return { path, bytes, runs: runs.map(({ sector, count }) => ({ sector, count })) };
}
