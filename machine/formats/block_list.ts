/**
 * The block list of a file that is written without its file system (planned for khibernation v7,
 * protocol.md B.2.6): where each block of the file is on the disk. The kernel that has the file
 * system makes the list; another one writes and reads by it.
 *
 * It is 3584 bytes long, so that it fits behind the 512 bytes of a `khdev` header in the
 * file's first block, and any page of memory.
 *
 * Layout, little endian: 0 magic `KJBLOCKS`, 8 CRC-32 of bytes 12 … 3583, 12 version, 16 count of
 * runs, 20 partition, 24 first sector of the partition (64 bits), 32 runs of 12 bytes: first block
 * of the file, first block of the partition, blocks.
 *
 * Promises: {@linkcode parseBlockList} throws only {@linkcode FormatError}; runs follow each other
 * in the file from its block 0 without a hole, and do not cover a block of the disk twice.
 *
 * @module
 */
import { crc32 } from "../digest.ts";
import { FormatError } from "../errors.ts";

/** Bytes of a list. */
export const BLOCK_LIST_BYTES = 3584;
/** Where in the file's first block it stands: behind the sector of the `khdev` header. */
export const BLOCK_LIST_OFFSET = 512;
/** Most runs there is room for. */
export const BLOCK_RUNS_MAX = 296;

/** A run of blocks, as ext2 extents are. */
export interface BlockRun {
  readonly fileBlock: number;
  readonly block: number;
  readonly count: number;
}

/** Where a file is. */
export interface BlockList {
  readonly partition: number;
  readonly firstSector: number;
  readonly runs: readonly BlockRun[];
}

const FORMAT = "block list";
const MAGIC = new TextEncoder().encode("KJBLOCKS");
const VERSION = 1;
const CRC_FROM = 12;
const RUNS_AT = 32;
const RUN_BYTES = 12;
const SECTORS_PER_BLOCK = 8;

function fail(offset: number, message: string): never {
  throw new FormatError(FORMAT, offset, message);
}

function checkRuns(runs: readonly BlockRun[]): void {
  let next = 0;
  const places: BlockRun[] = [];
  runs.forEach((run, index) => {
    const at = RUNS_AT + index * RUN_BYTES;
    if (run.fileBlock !== next) fail(at, `a hole before block ${run.fileBlock} of the file`);
    if (run.count === 0) fail(at + 8, "an empty run");
    next += run.count;
    places.push(run);
  });
  places.sort((left, right) => left.block - right.block).forEach((run, index) => {
    const before = places[index - 1];
    if (before !== undefined && before.block + before.count > run.block) {
      fail(RUNS_AT, `block ${run.block} is in two runs`);
    }
  });
}

/** The bytes of a list. @throws {FormatError} if it has a hole, too many runs or bad numbers. */
export function emitBlockList({ partition, firstSector, runs }: BlockList): Uint8Array {
  if (runs.length > BLOCK_RUNS_MAX) {
    fail(16, `${runs.length} runs of blocks, at most ${BLOCK_RUNS_MAX} have room`);
  }
  checkRuns(runs);
  const bytes = new Uint8Array(BLOCK_LIST_BYTES);
  const view = new DataView(bytes.buffer);
  const word = (at: number, value: number): void => {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
      fail(at, `${value} cannot be written in 32 bits`);
    }
    view.setUint32(at, value, true);
  };
  bytes.set(MAGIC);
  word(12, VERSION);
  word(16, runs.length);
  word(20, partition);
  if (!Number.isSafeInteger(firstSector) || firstSector < 0) fail(24, "no sector");
  view.setBigUint64(24, BigInt(firstSector), true);
  runs.forEach(({ fileBlock, block, count }, index) => {
    const at = RUNS_AT + index * RUN_BYTES;
    word(at, fileBlock);
    word(at + 4, block);
    word(at + 8, count);
  });
  view.setUint32(8, crc32(bytes.subarray(CRC_FROM)), true);
  return bytes;
}

/**
 * The list in the bytes.
 *
 * @throws {FormatError} for anything {@linkcode emitBlockList} never makes.
 */
export function parseBlockList(bytes: Uint8Array): BlockList {
  if (bytes.length < BLOCK_LIST_BYTES) {
    fail(bytes.length, `${bytes.length} bytes, ${BLOCK_LIST_BYTES} are needed`);
  }
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) fail(0, "no block list here");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const crc = crc32(bytes.subarray(CRC_FROM, BLOCK_LIST_BYTES));
  if (view.getUint32(8, true) !== crc) fail(8, "the CRC-32 is wrong");
  if (view.getUint32(12, true) !== VERSION) fail(12, `version ${view.getUint32(12, true)}`);
  const count = view.getUint32(16, true);
  if (count > BLOCK_RUNS_MAX) fail(16, `${count} runs, at most ${BLOCK_RUNS_MAX} have room`);
  const firstSector = view.getBigUint64(24, true);
  if (firstSector > BigInt(Number.MAX_SAFE_INTEGER)) fail(24, "a sector over 2^53");
  const runs = Array.from({ length: count }, (_, index): BlockRun => {
    const at = RUNS_AT + index * RUN_BYTES;
    return {
      fileBlock: view.getUint32(at, true),
      block: view.getUint32(at + 4, true),
      count: view.getUint32(at + 8, true),
    };
  });
  checkRuns(runs);
  return { partition: view.getUint32(20, true), firstSector: Number(firstSector), runs };
}

/** Blocks of the file. */
export function blockCount({ runs }: BlockList): number {
  return runs.reduce((sum, { count }) => sum + count, 0);
}

/** The sector of the file's first block; `undefined` for a list of nothing. */
export function firstSectorOf({ firstSector, runs }: BlockList): number | undefined {
  const [first] = runs;
  return first === undefined ? undefined : firstSector + first.block * SECTORS_PER_BLOCK;
}

/** Runs of what follows the file's first block, counted from there. */
export function runsBehindFirst({ runs }: BlockList): BlockRun[] {
  return runs.flatMap(({ fileBlock, block, count }) => {
    if (fileBlock > 0) return [{ fileBlock: fileBlock - 1, block, count }];
    return count > 1 ? [{ fileBlock: 0, block: block + 1, count: count - 1 }] : [];
  });
}
