/**
 * How a transfer between a file and physical memory is cut: into units of at most 1 MiB, which
 * end at multiples of 1 MiB of the file, and these into parts that lie in one run on the disk.
 * Because of the cut, the file's 64 KiB blocks that sums are taken of are never shared by units.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { Sha256 } from "../../machine/digest.ts";
import { BLOCK_BYTES, type FileExtent } from "../../machine/formats/ext2/mod.ts";
import { LIMITS } from "../../machine/limits.ts";
import { type Range, rangeShape } from "../../machine/messages/declare.ts";
import { flag, type Infer, list, natural, record } from "../../machine/messages/shape.ts";
import { BLOCK_SECTORS } from "./buffer_cache.ts";

/** Bytes of the file that one SHA-256 of a sum list is over. */
export const SUM_BYTES = 65_536;

const UNIT_BYTES = LIMITS.grantBytes;

/** Shape of {@linkcode TransferJob}. */
export const TRANSFER_JOB = record({
  /** First sector of the partition. */
  firstSector: natural,
  write: flag,
  /** Whether sums are taken on the way, of what is written or read. */
  sums: flag,
  /** Where in the file it begins: bytes, a multiple of 4096. */
  offset: natural,
  /** Bytes of the file; the memory is a multiple of 4096 of them. */
  length: natural,
  /** Bytes of the whole file. */
  size: natural,
  pieces: list(rangeShape),
  extents: list(record({ fileBlock: natural, block: natural, count: natural })),
});

/** What is to be moved. */
export type TransferJob = Infer<typeof TRANSFER_JOB>;

/** A part of a unit. */
export interface TransferPart {
  /** First sector on the disk; `undefined` in a hole of the file. */
  readonly sector: number | undefined;
  readonly ranges: readonly Range[];
  readonly sectors: number;
}

/** A unit of a transfer. */
export interface TransferUnit {
  /** Where in the file it begins and ends: bytes. */
  readonly start: number;
  readonly end: number;
  readonly parts: readonly TransferPart[];
}

/** A sum: of the block at `index` times 64 KiB. */
export interface BlockSum {
  readonly index: number;
  readonly sum: string;
}

function endOf(job: TransferJob): number {
  return job.offset + Math.ceil(job.length / BLOCK_BYTES) * BLOCK_BYTES;
}

/** Units of a job. */
export function countUnits(job: TransferJob): number {
  if (job.length === 0) return 0;
  return Math.ceil(endOf(job) / UNIT_BYTES) - Math.floor(job.offset / UNIT_BYTES);
}

/** The memory that holds `length` bytes from `position` of the job. */
function memoryAt(job: TransferJob, position: number, length: number): Range[] {
  const ranges: Range[] = [];
  let at = 0;
  for (const piece of job.pieces) {
    const from = Math.max(position, at);
    const to = Math.min(position + length, at + piece.length);
    if (from < to) ranges.push({ start: piece.start + from - at, length: to - from });
    at += piece.length;
    if (at >= position + length) break;
  }
  return ranges;
}

/** The extent a block of the file is in, or the next one behind it. */
function extentFrom(extents: readonly FileExtent[], fileBlock: number): FileExtent | undefined {
  return extents.find((extent) => extent.fileBlock + extent.count > fileBlock);
}

/** Unit `index` of a job, from 0. */
export function planUnit(job: TransferJob, index: number): TransferUnit {
  const first = Math.floor(job.offset / UNIT_BYTES) + index;
  const start = Math.max(job.offset, first * UNIT_BYTES);
  const end = Math.min(endOf(job), (first + 1) * UNIT_BYTES);
  const parts: TransferPart[] = [];
  for (let at = start; at < end;) {
    const fileBlock = at / BLOCK_BYTES;
    const extent = extentFrom(job.extents, fileBlock);
    const inside = extent !== undefined && extent.fileBlock <= fileBlock;
    const last = inside ? extent.fileBlock + extent.count : extent?.fileBlock ?? Infinity;
    const length = Math.min(end, last * BLOCK_BYTES) - at;
    const block = inside ? extent.block + fileBlock - extent.fileBlock : undefined;
    parts.push({
      sector: block === undefined ? undefined : job.firstSector + block * BLOCK_SECTORS,
      ranges: memoryAt(job, at - job.offset, length),
      sectors: length / BLOCK_BYTES * BLOCK_SECTORS,
    });
    at += length;
  }
  return { start, end, parts };
}

/** All memory of a unit, in the order of the file. */
export function rangesOf(unit: TransferUnit): Range[] {
  return unit.parts.flatMap((part) => part.ranges);
}

/**
 * SHA-256 of each 64 KiB block of the file that the unit has whole; of the file's last block as
 * much as there is. The access must reach the unit's memory.
 */
export function sumBlocks(job: TransferJob, unit: TransferUnit, access: Access): BlockSum[] {
  const sums: BlockSum[] = [];
  const limit = Math.min(unit.end, job.offset + job.length);
  let at = unit.start;
  let hash: Sha256 | undefined;
  for (const range of rangesOf(unit)) {
    for (let done = 0; done < range.length && at < limit;) {
      if (at % SUM_BYTES === 0) hash = new Sha256();
      const blockEnd = (Math.floor(at / SUM_BYTES) + 1) * SUM_BYTES;
      const length = Math.min(range.length - done, Math.min(blockEnd, limit) - at);
      hash?.update(access.read(range.start + done, length));
      at += length;
      done += length;
      if (hash !== undefined && (at === blockEnd || at === job.size)) {
        sums.push({ index: Math.ceil(at / SUM_BYTES) - 1, sum: hash.hex() });
      }
    }
  }
  return sums;
}
