/**
 * Which block of the disk holds which block of a file: 12 numbers in the inode, then trees of
 * one, two and three levels of blocks with 1024 numbers each.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";
import { allocateBlocks, freeBlocks } from "./allocator.ts";
import { BLOCK_BYTES, type BlockAccess, Ext2Error, type Extent } from "./block_access.ts";
import { type InodeRecord, type InodeReference, isDirectory, isRegular } from "./inode_record.ts";
import { Volume } from "./volume.ts";

/** Block numbers in one indirect block. */
const POINTERS = BLOCK_BYTES / 4;

/** Block numbers in the inode itself. */
const DIRECT = 12;

/** Most blocks the trees can name: a little over 4 TiB. */
const BLOCKS_MAX = DIRECT + POINTERS + POINTERS ** 2 + POINTERS ** 3;

/** Most blocks an inode can count, which it does in 512-byte sectors. */
const BLOCKS_COUNTED_MAX = Math.floor((2 ** 32 - 1) / 8);

/** A run of blocks that follow each other in the file and on the disk. */
export interface FileExtent extends Extent {
  /** Number of its first block within the file. */
  readonly fileBlock: number;
}

/** A part of a file, in blocks. */
export interface FileRange {
  readonly fileBlock: number;
  readonly count: number;
}

/** An indirect block: `level` 1 names data, 2 and 3 name blocks of the level below. */
interface Node {
  readonly pointer: number;
  readonly level: number;
  /** First file block under it. */
  readonly first: number;
}

/** File blocks under one entry of a node of this level. */
function span(level: number): number {
  return POINTERS ** (level - 1);
}

/** First file block of the tree of this level. */
function treeStart(level: number): number {
  return level === 1 ? DIRECT : level === 2 ? DIRECT + POINTERS : DIRECT + POINTERS + POINTERS ** 2;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function checkPointer(volume: Volume, pointer: number, inode: number): void {
  const { blockCount } = volume.geometry;
  if (pointer >= blockCount) {
    const message = `inode ${inode} names block ${pointer}, there are ${blockCount}`;
    throw new FormatError("ext2", 0, message);
  }
}

/** The nodes below a node that have file blocks of `from` … `to` - 1, holes left out. */
function childrenOf(volume: Volume, node: Node, from: number, to: number): Node[] {
  const view = viewOf(volume.read(node.pointer));
  const children: Node[] = [];
  const width = span(node.level);
  const start = Math.max(0, Math.floor((from - node.first) / width));
  for (let index = start; index < POINTERS; index++) {
    const first = node.first + index * width;
    if (first >= to) break;
    const pointer = view.getUint32(index * 4, true);
    if (pointer !== 0) children.push({ pointer, level: node.level - 1, first });
  }
  return children;
}

/** All indirect blocks for file blocks `from` … `to` - 1, those above before those below. */
function nodesOf(volume: Volume, record: InodeRecord, from: number, to: number): Node[] {
  const all: Node[] = [];
  const seen = new Set<number>();
  let level = [1, 2, 3].map((level): Node => ({
    pointer: record.pointers[DIRECT + level - 1] ?? 0,
    level,
    first: treeStart(level),
  })).filter(({ pointer, level, first }) =>
    pointer !== 0 && first < to && first + span(level) * POINTERS > from
  );
  while (level.length > 0) {
    for (const { pointer } of level) {
      checkPointer(volume, pointer, record.number);
      if (seen.has(pointer)) {
        const message = `the block map of inode ${record.number} names block ${pointer} twice`;
        throw new FormatError("ext2", 0, message);
      }
      seen.add(pointer);
    }
    volume.need(level.map(({ pointer }) => pointer));
    for (const node of level) all.push(node);
    level = level.filter((node) => node.level > 1)
      .flatMap((node) => childrenOf(volume, node, from, to));
  }
  return all;
}

/** Appends a run of block numbers to extents. */
class ExtentList {
  readonly extents: { fileBlock: number; block: number; count: number }[] = [];
  add(fileBlock: number, block: number): void {
    const last = this.extents.at(-1);
    if (
      last !== undefined && last.block + last.count === block &&
      last.fileBlock + last.count === fileBlock
    ) last.count++;
    else this.extents.push({ fileBlock, block, count: 1 });
  }
}

/** The data blocks among `from` … `to` - 1, given all nodes for them. */
function dataExtents(
  volume: Volume,
  record: InodeRecord,
  nodes: readonly Node[],
  from: number,
  to: number,
): FileExtent[] {
  const list = new ExtentList();
  let count = 0;
  const add = (fileBlock: number, pointer: number) => {
    if (pointer === 0) return;
    checkPointer(volume, pointer, record.number);
    list.add(fileBlock, pointer);
    if (++count > volume.geometry.blockCount) {
      const message = `inode ${record.number} names more blocks than there are`;
      throw new FormatError("ext2", 0, message);
    }
  };
  for (let index = from; index < Math.min(to, DIRECT); index++) {
    add(index, record.pointers[index] ?? 0);
  }
  const leaves = nodes.filter(({ level }) => level === 1).toSorted((a, b) => a.first - b.first);
  for (const { pointer, first } of leaves) {
    const view = viewOf(volume.read(pointer));
    const end = Math.min(POINTERS, to - first);
    for (let index = Math.max(0, from - first); index < end; index++) {
      add(first + index, view.getUint32(index * 4, true));
    }
  }
  return list.extents;
}

/** The runs of a file's blocks among `from` … `to` - 1, in the order of the file. */
export function fileExtents(
  volume: Volume,
  record: InodeRecord,
  from: number,
  to: number,
): FileExtent[] {
  return dataExtents(volume, record, nodesOf(volume, record, from, to), from, to);
}

/** Blocks that a size in bytes takes. */
export function blocksOfSize(size: number): number {
  return Math.ceil(size / BLOCK_BYTES);
}

/**
 * Where a file's or directory's blocks lie, in the order of the file, holes left out, no further
 * than its size. With a `range` only what is needed for that part is looked at.
 *
 * @throws {Ext2Error} EINVAL if the inode is neither a regular file nor a directory.
 * @throws {FormatError} if a block number is past the end, or the map has a loop.
 * @throws {NeedBlock} if a block of the map is not at hand.
 */
export function extentsOf(
  access: BlockAccess,
  inode: InodeReference,
  range?: FileRange,
): FileExtent[] {
  const volume = new Volume(access);
  const record = volume.inode(inode.number);
  if (!isRegular(record) && !isDirectory(record)) {
    throw new Ext2Error("EINVAL", `inode ${inode.number} has no blocks of its own`);
  }
  const end = Math.min(blocksOfSize(record.size), BLOCKS_MAX);
  const from = range?.fileBlock ?? 0;
  const to = range === undefined ? end : Math.min(end, range.fileBlock + range.count);
  return from < to ? fileExtents(volume, record, from, to) : [];
}

/** A place for consecutive block numbers: in the inode or in an indirect block. */
interface Slots {
  readonly count: number;
  set(index: number, pointer: number): void;
}

/** Refuses to overwrite a number, which stands past the end of the file on a damaged disk only. */
function checkUnused(before: number | undefined, record: InodeRecord): void {
  if (before === 0) return;
  throw new FormatError("ext2", 0, `inode ${record.number} has block ${before} past its end`);
}

/** The slots from a file block to the end of its leaf, making indirect blocks that are missing. */
function slotsFrom(
  volume: Volume,
  record: InodeRecord,
  fileBlock: number,
  newNode: () => number,
): Slots {
  const { pointers } = record;
  if (fileBlock < DIRECT) {
    return {
      count: DIRECT - fileBlock,
      set: (index, pointer) => {
        checkUnused(pointers[fileBlock + index], record);
        pointers[fileBlock + index] = pointer;
      },
    };
  }
  const level = fileBlock < treeStart(2) ? 1 : fileBlock < treeStart(3) ? 2 : 3;
  let pointer = pointers[DIRECT + level - 1] ?? 0;
  if (pointer === 0) pointers[DIRECT + level - 1] = pointer = newNode();
  let index = fileBlock - treeStart(level);
  for (let depth = level; depth > 1; depth--) {
    checkPointer(volume, pointer, record.number);
    const view = viewOf(volume.write(pointer));
    const entry = Math.floor(index / span(depth));
    index %= span(depth);
    let child = view.getUint32(entry * 4, true);
    if (child === 0) view.setUint32(entry * 4, child = newNode(), true);
    pointer = child;
  }
  checkPointer(volume, pointer, record.number);
  const view = viewOf(volume.write(pointer));
  return {
    count: POINTERS - index,
    set: (offset, block) => {
      const at = (index + offset) * 4;
      checkUnused(view.getUint32(at, true), record);
      view.setUint32(at, block, true);
    },
  };
}

/**
 * Gives a file new blocks `from` … `to` - 1, data first and in as few runs as possible.
 *
 * @throws {Ext2Error} ENOSPC, or EFBIG if the trees cannot name so many.
 */
export function growFile(volume: Volume, record: InodeRecord, from: number, to: number): void {
  if (to > BLOCKS_MAX) throw new Ext2Error("EFBIG", `a file cannot have ${to} blocks`);
  if (from >= to) return;
  const before = from === 0 ? undefined : fileExtents(volume, record, from - 1, from).at(-1);
  const { blocksPerGroup, inodesPerGroup } = volume.geometry;
  const home = Math.floor((record.number - 1) / inodesPerGroup) * blocksPerGroup;
  const goal = before === undefined ? home : before.block + before.count;
  const extents = allocateBlocks(volume, to - from, goal);
  const last = extents.at(-1);
  let nodeGoal = last === undefined ? goal : last.block + last.count;
  const newNode = () => {
    const node = allocateBlocks(volume, 1, nodeGoal)[0]?.block ?? 0;
    volume.fresh(node);
    record.blocks++;
    nodeGoal = node + 1;
    return node;
  };
  let fileBlock = from;
  for (const { block, count } of extents) {
    for (let done = 0; done < count;) {
      const slots = slotsFrom(volume, record, fileBlock, newNode);
      const now = Math.min(slots.count, count - done);
      for (let index = 0; index < now; index++) slots.set(index, block + done + index);
      done += now;
      fileBlock += now;
    }
  }
  record.blocks += to - from;
  if (record.blocks > BLOCKS_COUNTED_MAX) {
    throw new Ext2Error("EFBIG", `a file cannot count ${record.blocks} blocks`);
  }
  volume.changedInode(record);
}

/** Takes away all blocks of a file from `keep` on, and the indirect blocks this leaves empty. */
export function shrinkFile(volume: Volume, record: InodeRecord, keep: number): void {
  const nodes = nodesOf(volume, record, keep, BLOCKS_MAX);
  const data = dataExtents(volume, record, nodes, keep, BLOCKS_MAX);
  const gone = nodes.filter((node) => node.first >= keep);
  const freed = [...data, ...gone.map(({ pointer }) => ({ block: pointer, count: 1 }))];
  for (const node of nodes) {
    if (node.first >= keep) continue;
    const view = viewOf(volume.write(node.pointer));
    const entry = Math.ceil((keep - node.first) / span(node.level));
    for (let index = entry; index < POINTERS; index++) view.setUint32(index * 4, 0, true);
  }
  record.pointers = record.pointers.map((pointer, slot) => {
    const first = slot < DIRECT ? slot : treeStart(slot - DIRECT + 1);
    return first >= keep ? 0 : pointer;
  });
  record.blocks -= freed.reduce((sum, { count }) => sum + count, 0);
  freeBlocks(volume, freed);
  volume.changedInode(record);
}
