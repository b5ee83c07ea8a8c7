/**
 * Operations on files: create, change the size, remove, set times. Each takes effect wholly or
 * not at all, and may be repeated from the start after a NeedBlock (see block_access.ts).
 *
 * Data blocks are not touched: blocks that a file gains hold whatever the disk holds there until
 * the caller writes them, and bytes after the end in the last block are the caller's to clear.
 *
 * @module
 */
import { allocateInode, freeInode } from "./allocator.ts";
import { type BlockAccess, Ext2Error } from "./block_access.ts";
import { blocksOfSize, type FileExtent, fileExtents, growFile, shrinkFile } from "./block_map.ts";
import { findEntry, insertEntry, removeEntry } from "./directory.ts";
import {
  FILE_TYPE,
  type Inode,
  inodeOf,
  type InodeRecord,
  type InodeReference,
  isDirectory,
  isRegular,
} from "./inode_record.ts";
import { resolveParent } from "./path.ts";
import { change, type Volume } from "./volume.ts";

/** Largest size that a revision 0 file system may have. */
const SMALL_FILE_MAX = 0x7fff_ffff;

/** How a file is created. */
export interface CreateOptions {
  /** Permission bits. */
  readonly mode: number;
  /** Seconds since 1970, 32 bits. */
  readonly time: number;
  /** Bytes to allocate blocks for at once; 0 by default. */
  readonly size?: number;
}

/** A file and where its blocks lie. */
export interface FileWithExtents {
  readonly inode: Inode;
  readonly extents: readonly FileExtent[];
}

/** A time in seconds since 1970, 32 bits. */
export interface AtTime {
  readonly time: number;
}

/** Gives a regular file another size, and blocks for it. */
function resize(volume: Volume, record: InodeRecord, size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new Ext2Error("EINVAL", `${size} is no size of a file`);
  }
  const before = blocksOfSize(record.size);
  const after = blocksOfSize(size);
  if (after > before) growFile(volume, record, before, after);
  if (after < before) shrinkFile(volume, record, after);
  if (size > SMALL_FILE_MAX) volume.setLargeFile();
  record.size = size;
  volume.changedInode(record);
}

function withExtents(volume: Volume, record: InodeRecord): FileWithExtents {
  const extents = fileExtents(volume, record, 0, blocksOfSize(record.size));
  return { inode: inodeOf(record), extents };
}

/**
 * Creates a file, with all blocks for `size` in as few runs as possible.
 *
 * @throws {Ext2Error} EEXIST, ENOENT, ENOTDIR, ENAMETOOLONG, ENOSPC, EFBIG.
 * @throws {NeedBlock} if blocks are not at hand.
 */
export function createFile(
  access: BlockAccess,
  path: string,
  { mode, time, size = 0 }: CreateOptions,
): FileWithExtents {
  return change(access, time, (volume) => {
    const { parent, name } = resolveParent(volume, path, "EEXIST");
    if (findEntry(volume, parent, name) !== undefined) {
      throw new Ext2Error("EEXIST", `'${path}' exists already`);
    }
    const record = allocateInode(volume, parent.number, false);
    record.mode = FILE_TYPE.regular | (mode & 0o7777);
    record.links = 1;
    record.accessTime = record.changeTime = record.modificationTime = time;
    insertEntry(volume, parent, name, record.number, time);
    resize(volume, record, size);
    return withExtents(volume, record);
  });
}

/**
 * Makes a file longer, with blocks for all of it, or shorter, giving its blocks back.
 *
 * @throws {Ext2Error} EISDIR, EINVAL if it is no regular file, ENOSPC, EFBIG.
 * @throws {NeedBlock} if blocks are not at hand.
 */
export function setSize(
  access: BlockAccess,
  inode: InodeReference,
  size: number,
  { time }: AtTime,
): FileWithExtents {
  return change(access, time, (volume) => {
    const record = volume.inode(inode.number);
    if (isDirectory(record)) {
      throw new Ext2Error("EISDIR", `inode ${inode.number} is a directory`);
    }
    if (!isRegular(record) || record.links === 0) {
      throw new Ext2Error("EINVAL", `inode ${inode.number} is no regular file`);
    }
    resize(volume, record, size);
    record.changeTime = record.modificationTime = time;
    return withExtents(volume, record);
  });
}

/** Takes one name from an inode; without a name left it and its blocks become free. */
export function dropLink(volume: Volume, record: InodeRecord, time: number): void {
  const directory = isDirectory(record);
  record.links -= directory ? 2 : 1;
  record.changeTime = time;
  volume.changedInode(record);
  if (record.links > 0) return;
  record.links = 0;
  record.deletionTime = time;
  if (record.blocks > 0) shrinkFile(volume, record, 0);
  record.size = 0;
  freeInode(volume, record.number, directory);
}

/**
 * Removes a file's name, and the file with its last one.
 *
 * @throws {Ext2Error} ENOENT, ENOTDIR, EISDIR, ENAMETOOLONG.
 * @throws {NeedBlock} if blocks are not at hand.
 */
export function unlink(access: BlockAccess, path: string, { time }: AtTime): void {
  change(access, time, (volume) => {
    const { parent, name } = resolveParent(volume, path, "EISDIR");
    const entry = findEntry(volume, parent, name);
    if (entry === undefined) throw new Ext2Error("ENOENT", `'${path}' does not exist`);
    const record = volume.inode(entry.inode);
    if (isDirectory(record)) throw new Ext2Error("EISDIR", `'${path}' is a directory`);
    removeEntry(volume, parent, entry, time);
    dropLink(volume, record, time);
  });
}

/**
 * Sets the times of an inode: modification and change, or only access.
 *
 * @throws {NeedBlock} if blocks are not at hand.
 */
export function touch(
  access: BlockAccess,
  inode: InodeReference,
  { time, accessOnly = false }: AtTime & { readonly accessOnly?: boolean },
): Inode {
  return change(access, time, (volume) => {
    const record = volume.inode(inode.number);
    record.accessTime = time;
    if (!accessOnly) record.modificationTime = record.changeTime = time;
    volume.changedInode(record);
    return inodeOf(record);
  });
}
