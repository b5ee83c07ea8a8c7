/**
 * From paths to inodes. A path counts from the root of the file system; empty components and `.`
 * are passed over, `..` is the entry of that name. Symbolic links are not followed.
 *
 * @module
 */
import { type BlockAccess, Ext2Error } from "./block_access.ts";
import { findEntry, nameBytesOf, usedEntries } from "./directory.ts";
import { type Inode, inodeOf, type InodeRecord, isDirectory } from "./inode_record.ts";
import { ROOT_INODE } from "./superblock.ts";
import { Volume } from "./volume.ts";

/** A name in a directory and the inode it stands for. */
export interface DirectoryEntry {
  readonly name: string;
  readonly inode: number;
}

/** The directory a path's last component is in, and that component. */
export interface ParentPlace {
  readonly parent: InodeRecord;
  readonly name: Uint8Array;
}

function componentsOf(path: string): string[] {
  return path.split("/").filter((component) => component !== "" && component !== ".");
}

function walk(volume: Volume, components: readonly string[], path: string): InodeRecord {
  let record = volume.inode(ROOT_INODE);
  for (const component of components) {
    if (!isDirectory(record)) {
      throw new Ext2Error("ENOTDIR", `'${path}' goes through something that is no directory`);
    }
    const entry = findEntry(volume, record, nameBytesOf(component));
    if (entry === undefined) throw new Ext2Error("ENOENT", `'${path}' does not exist`);
    record = volume.inode(entry.inode);
  }
  return record;
}

/**
 * The inode a path names.
 *
 * @throws {Ext2Error} ENOENT, ENOTDIR or ENAMETOOLONG.
 */
export function resolve(volume: Volume, path: string): InodeRecord {
  return walk(volume, componentsOf(path), path);
}

/**
 * Where a path's last component is or would be.
 *
 * @throws {Ext2Error} ENOENT, ENOTDIR or ENAMETOOLONG for the directory; `rootCode` if the path
 * is the root; EINVAL if it ends with `..`.
 */
export function resolveParent(
  volume: Volume,
  path: string,
  rootCode: "EBUSY" | "EEXIST" | "EISDIR",
): ParentPlace {
  const components = componentsOf(path);
  const last = components.pop();
  if (last === undefined) throw new Ext2Error(rootCode, `'${path}' is the root directory`);
  if (last === "..") throw new Ext2Error("EINVAL", `'${path}' ends with '..'`);
  const parent = walk(volume, components, path);
  if (!isDirectory(parent)) {
    throw new Ext2Error("ENOTDIR", `'${path}' goes through something that is no directory`);
  }
  return { parent, name: nameBytesOf(last) };
}

/**
 * The inode a path names, or undefined if there is none.
 *
 * @throws {Ext2Error} ENOTDIR if it goes through a file, ENAMETOOLONG.
 * @throws {NeedBlock} if a block is not at hand; {FormatError} if one makes no sense.
 */
export function lookup(access: BlockAccess, path: string): Inode | undefined {
  try {
    return inodeOf(resolve(new Volume(access), path));
  } catch (error) {
    if (error instanceof Ext2Error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** An inode by its number, as it is now. */
export function readInode(access: BlockAccess, inode: { readonly number: number }): Inode {
  return inodeOf(new Volume(access).inode(inode.number));
}

/**
 * The entries of a directory in the order they stand in, with `.` and `..`.
 *
 * @throws {Ext2Error} ENOENT, ENOTDIR, ENAMETOOLONG.
 * @throws {NeedBlock} if a block is not at hand; {FormatError} if one makes no sense.
 */
export function readDirectory(access: BlockAccess, path: string): DirectoryEntry[] {
  const volume = new Volume(access);
  const directory = resolve(volume, path);
  if (!isDirectory(directory)) throw new Ext2Error("ENOTDIR", `'${path}' is no directory`);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return Array.from(
    usedEntries(volume, directory),
    ({ name, inode }) => ({ name: decoder.decode(name.slice()), inode }),
  );
}
