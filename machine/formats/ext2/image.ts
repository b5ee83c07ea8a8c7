/**
 * A file system as the tools see it: whole files and the tree of names. For the image builder,
 * the `inspect` command and tests; a kernel uses the operations themselves.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";
import { withinLimit } from "../../limits.ts";
import { BLOCK_BYTES, type BlockAccess, Ext2Error } from "./block_access.ts";
import { extentsOf } from "./block_map.ts";
import { ImageBlocks } from "./block_stores.ts";
import { type Inode, isDirectory, isRegular } from "./inode_record.ts";
import { lookup, readDirectory, readInode } from "./path.ts";
import { readSuperblock, ROOT_INODE, type SuperblockInfo } from "./superblock.ts";

/** A file or directory with its path from the root. */
export interface ListedFile {
  readonly path: string;
  readonly inode: Inode;
}

/** A file system whose blocks are all at hand. */
export class Ext2Image {
  readonly access: BlockAccess;

  /** Over any access that never throws NeedBlock. */
  constructor(access: BlockAccess) {
    this.access = access;
  }

  /** Over a whole image, or over the partition that begins at `offsetBytes` of one. */
  static of(image: Uint8Array, offsetBytes = 0): Ext2Image {
    return new Ext2Image(new ImageBlocks(image, offsetBytes));
  }

  /** What the superblock says. */
  superblock(): SuperblockInfo {
    return readSuperblock(this.access);
  }

  /** The inode at a path, or undefined. */
  inodeAt(path: string): Inode | undefined {
    return lookup(this.access, path);
  }

  /**
   * `length` bytes of a file from `offset` on, fewer at its end; holes read as zeros.
   *
   * @throws {Ext2Error} ENOENT, EISDIR, EINVAL if it is no regular file.
   * @throws {LimitError} if it is more than a payload may have.
   */
  readAt(path: string, offset: number, length: number): Uint8Array {
    const inode = lookup(this.access, path);
    if (inode === undefined) throw new Ext2Error("ENOENT", `'${path}' does not exist`);
    if (isDirectory(inode)) throw new Ext2Error("EISDIR", `'${path}' is a directory`);
    if (!isRegular(inode)) throw new Ext2Error("EINVAL", `'${path}' is no regular file`);
    const end = Math.min(inode.size, offset + length);
    if (end <= offset) return new Uint8Array(0);
    withinLimit("payloadBytes", end - offset, "read the file in parts");
    const bytes = new Uint8Array(end - offset);
    const fileBlock = Math.floor(offset / BLOCK_BYTES);
    const range = { fileBlock, count: Math.ceil(end / BLOCK_BYTES) - fileBlock };
    for (const extent of extentsOf(this.access, inode, range)) {
      for (let index = 0; index < extent.count; index++) {
        const at = (extent.fileBlock + index) * BLOCK_BYTES - offset;
        const from = Math.max(0, -at);
        const block = this.access.block(extent.block + index);
        bytes.set(block.subarray(from, Math.min(BLOCK_BYTES, bytes.length - at)), at + from);
      }
    }
    return bytes;
  }

  /** A whole file. Errors as `readAt`. */
  fileAt(path: string): Uint8Array {
    return this.readAt(path, 0, Number.MAX_SAFE_INTEGER);
  }

  /**
   * Everything below a directory in the order of its entries, each directory before what is in it.
   *
   * @throws {FormatError} if a directory is found in two places.
   */
  list(path = "/"): ListedFile[] {
    return this.#listBelow(path === "/" ? "" : path, new Set([ROOT_INODE]));
  }

  #listBelow(path: string, seen: Set<number>): ListedFile[] {
    const found: ListedFile[] = [];
    for (const { name, inode: number } of readDirectory(this.access, path)) {
      if (name === "." || name === "..") continue;
      const inode = readInode(this.access, { number });
      const below = `${path}/${name}`;
      found.push({ path: below, inode });
      if (!isDirectory(inode)) continue;
      if (seen.has(number)) {
        throw new FormatError("ext2", 0, `directory ${number} is in two places, one is ${below}`);
      }
      seen.add(number);
      for (const file of this.#listBelow(below, seen)) found.push(file);
    }
    return found;
  }
}
