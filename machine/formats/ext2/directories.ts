/**
 * Operations on names and directories: make, remove, rename. Each takes effect wholly or not at
 * all, and may be repeated from the start after a NeedBlock (see block_access.ts).
 *
 * @module
 */
import { allocateInode } from "./allocator.ts";
import { type BlockAccess, Ext2Error } from "./block_access.ts";
import {
  findEntry,
  initialiseDirectory,
  insertEntry,
  isEmptyDirectory,
  removeEntry,
  setEntry,
} from "./directory.ts";
import { type AtTime, dropLink } from "./files.ts";
import { FILE_TYPE, type Inode, inodeOf, type InodeRecord, isDirectory } from "./inode_record.ts";
import { resolveParent } from "./path.ts";
import { ROOT_INODE } from "./superblock.ts";
import { change, type Volume } from "./volume.ts";

/** Most links an ext2 inode may have. */
const LINKS_MAX = 32_000;

const DOT_DOT = new Uint8Array([0x2e, 0x2e]);

/** Counts a subdirectory that was added or taken away. */
function addLinks(volume: Volume, directory: InodeRecord, delta: number): void {
  if (directory.links + delta > LINKS_MAX) {
    throw new Ext2Error("EMLINK", `directory ${directory.number} has ${directory.links} links`);
  }
  directory.links += delta;
  volume.changedInode(directory);
}

/** Adds a directory to an open operation. */
export function addDirectory(
  volume: Volume,
  path: string,
  { mode, time }: { readonly mode: number; readonly time: number },
): InodeRecord {
  const { parent, name } = resolveParent(volume, path, "EEXIST");
  if (findEntry(volume, parent, name) !== undefined) {
    throw new Ext2Error("EEXIST", `'${path}' exists already`);
  }
  const record = allocateInode(volume, parent.number, true);
  record.mode = FILE_TYPE.directory | (mode & 0o7777);
  record.links = 2;
  record.accessTime = record.changeTime = record.modificationTime = time;
  addLinks(volume, parent, 1);
  initialiseDirectory(volume, record, parent.number);
  insertEntry(volume, parent, name, record.number, time);
  return record;
}

/**
 * Creates a directory.
 *
 * @throws {Ext2Error} EEXIST, ENOENT, ENOTDIR, ENAMETOOLONG, ENOSPC, EMLINK.
 * @throws {NeedBlock} if blocks are not at hand.
 */
export function makeDirectory(
  access: BlockAccess,
  path: string,
  options: { readonly mode: number; readonly time: number },
): Inode {
  return change(access, options.time, (volume) => inodeOf(addDirectory(volume, path, options)));
}

/**
 * Removes an empty directory.
 *
 * @throws {Ext2Error} ENOENT, ENOTDIR, ENOTEMPTY, EBUSY for the root, ENAMETOOLONG.
 * @throws {NeedBlock} if blocks are not at hand.
 */
export function removeDirectory(access: BlockAccess, path: string, { time }: AtTime): void {
  change(access, time, (volume) => {
    const { parent, name } = resolveParent(volume, path, "EBUSY");
    const entry = findEntry(volume, parent, name);
    if (entry === undefined) throw new Ext2Error("ENOENT", `'${path}' does not exist`);
    const record = volume.inode(entry.inode);
    if (!isDirectory(record)) throw new Ext2Error("ENOTDIR", `'${path}' is no directory`);
    if (!isEmptyDirectory(volume, record)) {
      throw new Ext2Error("ENOTEMPTY", `'${path}' is not empty`);
    }
    removeEntry(volume, parent, entry, time);
    addLinks(volume, parent, -1);
    dropLink(volume, record, time);
  });
}

/** Refuses to move a directory below itself. */
function checkNotBelow(volume: Volume, directory: InodeRecord, target: InodeRecord): void {
  const seen = new Set<number>();
  for (let at = target; !seen.has(at.number);) {
    if (at.number === directory.number) {
      throw new Ext2Error("EINVAL", "a directory cannot be moved below itself");
    }
    if (at.number === ROOT_INODE) return;
    seen.add(at.number);
    const up = findEntry(volume, at, DOT_DOT);
    if (up === undefined) return;
    at = volume.inode(up.inode);
  }
}

/** Whether the source may take the place of an existing target. */
function checkReplaceable(volume: Volume, source: InodeRecord, target: InodeRecord): void {
  if (!isDirectory(target)) {
    if (isDirectory(source)) throw new Ext2Error("ENOTDIR", "a directory cannot replace a file");
    return;
  }
  if (!isDirectory(source)) throw new Ext2Error("EISDIR", "a file cannot replace a directory");
  if (!isEmptyDirectory(volume, target)) {
    throw new Ext2Error("ENOTEMPTY", "the directory to be replaced is not empty");
  }
}

/**
 * Gives a file or directory another name, in the place of what has that name already. If both
 * names are one inode, nothing happens.
 *
 * @throws {Ext2Error} ENOENT, ENOTDIR, EISDIR, ENOTEMPTY, EINVAL for a directory below itself,
 * EBUSY for the root, ENAMETOOLONG, ENOSPC, EMLINK.
 * @throws {NeedBlock} if blocks are not at hand.
 */
export function rename(access: BlockAccess, from: string, to: string, { time }: AtTime): void {
  change(access, time, (volume) => {
    const source = resolveParent(volume, from, "EBUSY");
    const entry = findEntry(volume, source.parent, source.name);
    if (entry === undefined) throw new Ext2Error("ENOENT", `'${from}' does not exist`);
    const target = resolveParent(volume, to, "EBUSY");
    const record = volume.inode(entry.inode);
    const moved = isDirectory(record);
    if (moved) checkNotBelow(volume, record, target.parent);
    const old = findEntry(volume, target.parent, target.name);
    if (old?.inode === entry.inode) return;
    if (old === undefined) {
      insertEntry(volume, target.parent, target.name, record.number, time);
    } else {
      const replaced = volume.inode(old.inode);
      checkReplaceable(volume, record, replaced);
      setEntry(volume, target.parent, old, record.number, time);
      dropLink(volume, replaced, time);
      if (moved) addLinks(volume, target.parent, -1);
    }
    // The entry is looked for again: an insertion may have split the one before it.
    const now = findEntry(volume, source.parent, source.name);
    if (now !== undefined) removeEntry(volume, source.parent, now, time);
    record.changeTime = time;
    volume.changedInode(record);
    if (!moved) return;
    addLinks(volume, source.parent, -1);
    addLinks(volume, target.parent, 1);
    const up = findEntry(volume, record, DOT_DOT);
    if (up !== undefined) setEntry(volume, record, up, target.parent.number, time);
  });
}
