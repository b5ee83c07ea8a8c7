/**
 * Gives and takes back blocks and inodes.
 *
 * Blocks come as few runs as possible: one run if there is one near the goal or in one of the
 * next groups with room, otherwise free runs in order from the goal's group on. Only the bitmaps
 * that are looked at are needed, and as many as can be known at once are asked for together.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";
import { fillBits, nextBit } from "./bitmap.ts";
import { BLOCK_BYTES, Ext2Error, type Extent } from "./block_access.ts";
import type { InodeRecord } from "./inode_record.ts";
import { FIRST_INODE } from "./superblock.ts";
import type { Volume } from "./volume.ts";

/** Groups that are searched for one whole run before runs are gathered. */
const CANDIDATES = 4;

/** Group numbers, once around from this one. */
function groupsFrom(volume: Volume, first: number): number[] {
  const { groups } = volume.geometry;
  return Array.from({ length: groups }, (_, index) => (first + index) % groups);
}

/** Blocks of a group; the last one may be shorter. */
function groupBlocks(volume: Volume, group: number): number {
  const { blockCount, blocksPerGroup } = volume.geometry;
  return Math.min(blocksPerGroup, blockCount - group * blocksPerGroup);
}

/** The first run of `count` free blocks of a group at or after a bit of its bitmap. */
function findRun(volume: Volume, group: number, from: number, count: number): number | undefined {
  const bitmap = volume.read(volume.descriptor(group).blockBitmap);
  const limit = groupBlocks(volume, group);
  let start = nextBit(bitmap, 0, from, limit);
  while (start + count <= limit) {
    const end = nextBit(bitmap, 1, start, start + count);
    if (end === start + count) return start;
    start = nextBit(bitmap, 0, end, limit);
  }
  return undefined;
}

/** Marks a run of one group as used. */
function take(volume: Volume, group: number, bit: number, count: number): Extent {
  fillBits(volume.write(volume.descriptor(group).blockBitmap), 1, bit, count);
  volume.adjust(group, "freeBlocks", -count);
  return { block: group * volume.geometry.blocksPerGroup + bit, count };
}

function takeWhole(volume: Volume, count: number, goal: number): Extent | undefined {
  const { blocksPerGroup } = volume.geometry;
  const first = Math.floor(goal / blocksPerGroup);
  const groups = groupsFrom(volume, first)
    .filter((group) => volume.descriptor(group).freeBlocks >= count).slice(0, CANDIDATES);
  const places = groups.map((group) => ({ group, from: group === first ? goal : 0 }));
  for (const { group, from } of [...places, { group: first, from: 0 }]) {
    if (!groups.includes(group)) continue;
    const bit = findRun(volume, group, from % blocksPerGroup, count);
    if (bit !== undefined) return take(volume, group, bit, count);
  }
  return undefined;
}

function gather(volume: Volume, count: number, first: number): Extent[] {
  const groups: number[] = [];
  let promised = 0;
  for (const group of groupsFrom(volume, first)) {
    const { freeBlocks } = volume.descriptor(group);
    if (freeBlocks === 0 || promised >= count) continue;
    groups.push(group);
    promised += freeBlocks;
  }
  volume.need(groups.map((group) => volume.descriptor(group).blockBitmap));
  const extents: Extent[] = [];
  let left = count;
  for (const group of groups) {
    const limit = groupBlocks(volume, group);
    for (let bit = 0; left > 0;) {
      const bitmap = volume.read(volume.descriptor(group).blockBitmap);
      bit = nextBit(bitmap, 0, bit, limit);
      if (bit === limit) break;
      const end = nextBit(bitmap, 1, bit, Math.min(limit, bit + left));
      extents.push(take(volume, group, bit, end - bit));
      left -= end - bit;
      bit = end;
    }
  }
  if (left > 0) throw new FormatError("ext2", 0, `${left} blocks are counted free but are not`);
  return extents;
}

/**
 * Takes `count` blocks, near the block `goal` where that is possible.
 *
 * @throws {Ext2Error} ENOSPC if there are fewer.
 */
export function allocateBlocks(volume: Volume, count: number, goal: number): Extent[] {
  if (count === 0) return [];
  const free = volume.counter("freeBlocks");
  if (count > free) {
    throw new Ext2Error("ENOSPC", `${count} blocks of 4 KiB are wanted, ${free} are free`);
  }
  const near = goal < volume.geometry.blockCount ? goal : 0;
  const whole = takeWhole(volume, count, near);
  if (whole !== undefined) return [whole];
  return gather(volume, count, Math.floor(near / volume.geometry.blocksPerGroup));
}

/** Runs of one group each, joined where they are neighbours. */
function splitByGroup(volume: Volume, extents: readonly Extent[]): Extent[] {
  const { blocksPerGroup } = volume.geometry;
  const pieces: { block: number; count: number }[] = [];
  for (const extent of extents.toSorted((a, b) => a.block - b.block)) {
    const end = extent.block + extent.count;
    for (let block = extent.block; block < end;) {
      const inGroup = block % blocksPerGroup;
      const count = Math.min(end - block, blocksPerGroup - inGroup);
      const last = pieces.at(-1);
      if (last !== undefined && inGroup > 0 && last.block + last.count === block) {
        last.count += count;
      } else pieces.push({ block, count });
      block += count;
    }
  }
  return pieces;
}

/**
 * Gives blocks back.
 *
 * @throws {FormatError} if one of them is free already.
 */
export function freeBlocks(volume: Volume, extents: readonly Extent[]): void {
  const { blocksPerGroup } = volume.geometry;
  const pieces = splitByGroup(volume, extents);
  const groupOf = ({ block }: Extent) => Math.floor(block / blocksPerGroup);
  const groups = new Set(pieces.map(groupOf));
  volume.need([...groups].map((group) => volume.descriptor(group).blockBitmap));
  for (const piece of pieces) {
    const group = groupOf(piece);
    const from = piece.block % blocksPerGroup;
    const { blockBitmap } = volume.descriptor(group);
    const bitmap = volume.write(blockBitmap);
    const clear = nextBit(bitmap, 0, from, from + piece.count);
    if (clear < from + piece.count) {
      const offset = blockBitmap * BLOCK_BYTES + (clear >> 3);
      throw new FormatError("ext2", offset, `a block of a file is free in group ${group}`);
    }
    fillBits(bitmap, 0, from, piece.count);
    volume.adjust(group, "freeBlocks", piece.count);
  }
  volume.freed(pieces);
}

/**
 * Takes an inode, in the group of `near` where that is possible; all its fields are zero.
 *
 * @throws {Ext2Error} ENOSPC if there is none.
 */
export function allocateInode(volume: Volume, near: number, directory: boolean): InodeRecord {
  const { inodesPerGroup } = volume.geometry;
  for (const group of groupsFrom(volume, Math.floor((near - 1) / inodesPerGroup))) {
    const { freeInodes, inodeBitmap } = volume.descriptor(group);
    if (freeInodes === 0) continue;
    const reserved = Math.max(0, FIRST_INODE - 1 - group * inodesPerGroup);
    const bit = nextBit(volume.read(inodeBitmap), 0, reserved, inodesPerGroup);
    if (bit >= inodesPerGroup) {
      throw new FormatError("ext2", inodeBitmap * BLOCK_BYTES, "inodes counted free are not");
    }
    const record = volume.inode(group * inodesPerGroup + bit + 1);
    record.raw.fill(0);
    Object.assign(record, { userId: 0, groupId: 0, size: 0, links: 0, blocks: 0, flags: 0 });
    record.deletionTime = 0;
    record.pointers.fill(0);
    fillBits(volume.write(inodeBitmap), 1, bit, 1);
    volume.adjust(group, "freeInodes", -1);
    if (directory) volume.adjust(group, "directories", 1);
    volume.changedInode(record);
    return record;
  }
  throw new Ext2Error("ENOSPC", "no inode is free");
}

/** Gives an inode back. */
export function freeInode(volume: Volume, number: number, directory: boolean): void {
  const { inodesPerGroup } = volume.geometry;
  const group = Math.floor((number - 1) / inodesPerGroup);
  const bitmap = volume.write(volume.descriptor(group).inodeBitmap);
  fillBits(bitmap, 0, (number - 1) % inodesPerGroup, 1);
  volume.adjust(group, "freeInodes", 1);
  if (directory) volume.adjust(group, "directories", -1);
}
