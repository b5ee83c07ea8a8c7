/**
 * Makes an empty ext2 file system of revision 0: superblock and group descriptors with a copy in
 * every group, bitmaps, the root directory and `lost+found`.
 *
 * @module
 */
import { fillBits } from "./bitmap.ts";
import { BLOCK_BYTES } from "./block_access.ts";
import { type InitialisedBlock, SparseBlocks } from "./block_stores.ts";
import { addDirectory } from "./directories.ts";
import { growDirectory, initialiseDirectory } from "./directory.ts";
import { FILE_TYPE } from "./inode_record.ts";
import {
  DESCRIPTOR_BYTES,
  EXT2_MAGIC,
  EXT2_STATE,
  FIRST_INODE,
  INODE_BYTES,
  ROOT_INODE,
  SUPERBLOCK_AT,
  SUPERBLOCK_FIELD as FIELD,
} from "./superblock.ts";
import { change, DESCRIPTOR_FIELD, type Volume } from "./volume.ts";

/** Blocks of a group: as many as one bitmap has bits. */
export const BLOCKS_PER_GROUP: number = BLOCK_BYTES * 8;

/** Blocks that one inode is made for by default: one inode for 64 KiB. */
const BLOCKS_PER_INODE = 16;

/** A last group with fewer blocks for data than this is left out. */
const LEAST_DATA_BLOCKS = 50;

const INODES_PER_BLOCK = BLOCK_BYTES / INODE_BYTES;

/** Blocks of `lost+found`: room for a check to put names in, without allocating. */
const LOST_AND_FOUND_BLOCKS = 4;

/** What a file system is made from. */
export interface FormatOptions {
  /** Blocks of 4 KiB that there are; a few at the end may stay unused. */
  readonly blockCount: number;
  /** At most 16 bytes of UTF-8. */
  readonly volumeName: string;
  /** 16 bytes. */
  readonly uuid: Uint8Array;
  /** Seconds since 1970, 32 bits. */
  readonly time: number;
  /** Inodes there should at least be; one for 64 KiB by default. */
  readonly inodeCount?: number;
}

interface Plan {
  readonly blockCount: number;
  readonly groups: number;
  readonly inodesPerGroup: number;
  readonly descriptorBlocks: number;
  readonly tableBlocks: number;
  /** Blocks of each group that hold no data. */
  readonly overhead: number;
}

function planFor(blockCount: number, inodesWanted: number): Plan {
  const groups = Math.ceil(blockCount / BLOCKS_PER_GROUP);
  const perGroup = Math.ceil(Math.max(inodesWanted, FIRST_INODE + 1) / groups);
  const tableBlocks = Math.ceil(perGroup / INODES_PER_BLOCK);
  const descriptorBlocks = Math.ceil(groups * DESCRIPTOR_BYTES / BLOCK_BYTES);
  const overhead = 1 + descriptorBlocks + 2 + tableBlocks;
  const inodesPerGroup = tableBlocks * INODES_PER_BLOCK;
  return { blockCount, groups, inodesPerGroup, descriptorBlocks, tableBlocks, overhead };
}

function checkedPlan({ blockCount, inodeCount }: FormatOptions): Plan {
  const wanted = inodeCount ?? Math.floor(blockCount / BLOCKS_PER_INODE);
  if (!Number.isSafeInteger(blockCount) || blockCount < 1 || blockCount >= 2 ** 32) {
    throw new RangeError(`Cannot make a file system of ${blockCount} blocks`);
  }
  let plan = planFor(blockCount, wanted);
  const last = blockCount - (plan.groups - 1) * BLOCKS_PER_GROUP;
  if (last < plan.overhead + LEAST_DATA_BLOCKS && plan.groups > 1) {
    plan = planFor(blockCount - last, wanted);
  }
  const least = plan.overhead + (plan.groups > 1 ? LEAST_DATA_BLOCKS : 8);
  const smallest = Math.min(plan.blockCount, BLOCKS_PER_GROUP);
  if (smallest < least || plan.inodesPerGroup > BLOCKS_PER_GROUP) {
    const what = `${blockCount} blocks and ${wanted} inodes`;
    throw new RangeError(`Cannot make a file system: ${what} do not go together`);
  }
  return plan;
}

function writeSuperblock(bytes: Uint8Array, plan: Plan, options: FormatOptions): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, BLOCK_BYTES);
  const name = new TextEncoder().encode(options.volumeName);
  if (name.length > 16) throw new RangeError(`Volume name of ${name.length} bytes, at most 16`);
  if (options.uuid.length !== 16) {
    throw new RangeError(`UUID of ${options.uuid.length} bytes, 16 are needed`);
  }
  view.setUint32(FIELD.inodeCount, plan.groups * plan.inodesPerGroup, true);
  view.setUint32(FIELD.blockCount, plan.blockCount, true);
  view.setUint32(FIELD.blockSizeLog, 2, true);
  view.setUint32(FIELD.fragmentSizeLog, 2, true);
  view.setUint32(FIELD.blocksPerGroup, BLOCKS_PER_GROUP, true);
  view.setUint32(FIELD.fragmentsPerGroup, BLOCKS_PER_GROUP, true);
  view.setUint32(FIELD.inodesPerGroup, plan.inodesPerGroup, true);
  view.setInt16(FIELD.maxMountCount, -1, true);
  view.setUint16(FIELD.magic, EXT2_MAGIC, true);
  view.setUint16(FIELD.state, EXT2_STATE.valid, true);
  view.setUint16(FIELD.errorBehaviour, 1, true);
  view.setUint32(FIELD.checkTime, options.time, true);
  view.setUint32(FIELD.firstInode, FIRST_INODE, true);
  view.setUint16(FIELD.inodeBytes, INODE_BYTES, true);
  bytes.set(options.uuid, FIELD.uuid);
  bytes.set(name, FIELD.volumeName);
}

/** Descriptor and bitmaps of one group, with the tables marked as used; returns its free blocks. */
function writeGroup(blocks: SparseBlocks, plan: Plan, group: number): number {
  const start = group * BLOCKS_PER_GROUP;
  const present = Math.min(BLOCKS_PER_GROUP, plan.blockCount - start);
  const blockBitmap = start + 1 + plan.descriptorBlocks;
  const reserved = group === 0 ? FIRST_INODE - 1 : 0;
  const perBlock = BLOCK_BYTES / DESCRIPTOR_BYTES;
  const bytes = blocks.block(1 + Math.floor(group / perBlock));
  const at = (group % perBlock) * DESCRIPTOR_BYTES;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, DESCRIPTOR_BYTES);
  view.setUint32(DESCRIPTOR_FIELD.blockBitmap, blockBitmap, true);
  view.setUint32(DESCRIPTOR_FIELD.inodeBitmap, blockBitmap + 1, true);
  view.setUint32(DESCRIPTOR_FIELD.inodeTable, blockBitmap + 2, true);
  view.setUint16(DESCRIPTOR_FIELD.freeBlocks, present - plan.overhead, true);
  view.setUint16(DESCRIPTOR_FIELD.freeInodes, plan.inodesPerGroup - reserved, true);
  const blockBits = blocks.fresh(blockBitmap);
  fillBits(blockBits, 1, 0, plan.overhead);
  fillBits(blockBits, 1, present, BLOCKS_PER_GROUP - present);
  const inodeBits = blocks.fresh(blockBitmap + 1);
  fillBits(inodeBits, 1, 0, reserved);
  fillBits(inodeBits, 1, plan.inodesPerGroup, BLOCKS_PER_GROUP - plan.inodesPerGroup);
  for (let block = 0; block < 1 + plan.descriptorBlocks; block++) blocks.changed(start + block);
  blocks.changed(blockBitmap);
  blocks.changed(blockBitmap + 1);
  return present - plan.overhead;
}

/** The root directory and lost+found, by the same operations that a mounted system uses. */
function addDirectories(volume: Volume, time: number): void {
  const root = volume.inode(ROOT_INODE);
  root.mode = FILE_TYPE.directory | 0o755;
  root.links = 2;
  root.accessTime = root.changeTime = root.modificationTime = time;
  volume.changedInode(root);
  volume.adjust(0, "directories", 1);
  initialiseDirectory(volume, root, ROOT_INODE);
  const lost = addDirectory(volume, "/lost+found", { mode: 0o700, time });
  for (let count = 1; count < LOST_AND_FOUND_BLOCKS; count++) growDirectory(volume, lost);
}

/** Copies superblock and descriptors into every other group. */
function writeCopies(blocks: SparseBlocks, plan: Plan): void {
  const superblock = blocks.block(0).subarray(SUPERBLOCK_AT, 2 * SUPERBLOCK_AT);
  for (let group = 1; group < plan.groups; group++) {
    const start = group * BLOCKS_PER_GROUP;
    blocks.block(start).set(superblock);
    for (let index = 1; index <= plan.descriptorBlocks; index++) {
      blocks.block(start + index).set(blocks.block(index));
    }
  }
}

/** Makes the file system in an access of its own; `buildExt2` goes on with it. */
export function formatInto(blocks: SparseBlocks, options: FormatOptions): void {
  const plan = checkedPlan(options);
  writeSuperblock(blocks.fresh(0), plan, options);
  const free = Array.from({ length: plan.groups }, (_, group) => writeGroup(blocks, plan, group));
  const view = new DataView(blocks.block(0).buffer);
  view.setUint32(FIELD.freeBlocks, free.reduce((sum, count) => sum + count, 0), true);
  const inodes = plan.groups * plan.inodesPerGroup;
  view.setUint32(FIELD.freeInodes, inodes - (FIRST_INODE - 1), true);
  change(blocks, options.time, (volume) => addDirectories(volume, options.time));
  writeCopies(blocks, plan);
}

/**
 * An empty file system as the blocks that are not zero. All other blocks must read as zeros (the
 * inode tables at least), as on a blank disk.
 *
 * @throws {RangeError} if the sizes do not go together, the name is over 16 bytes or the UUID has
 * not 16.
 */
export function formatExt2(options: FormatOptions): InitialisedBlock[] {
  const blocks = new SparseBlocks();
  formatInto(blocks, options);
  return blocks.takeChanged();
}
