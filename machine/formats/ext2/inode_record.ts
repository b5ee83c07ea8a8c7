/**
 * The 128 bytes of an ext2 inode as a record that operations change, and as the plain value that
 * callers see.
 *
 * @module
 */
import { INODE_BYTES } from "./superblock.ts";

/** Type bits of a mode. */
export const FILE_TYPE = { mask: 0xf000, directory: 0x4000, regular: 0x8000 } as const;

/** An inode as it was when the operation that returned it ended. Times in seconds since 1970. */
export interface Inode {
  readonly number: number;
  /** File type and permission bits. */
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  /** In bytes. */
  readonly size: number;
  /** Blocks of 4 KiB that it occupies, with those that hold block numbers. */
  readonly blocks: number;
  readonly links: number;
  readonly accessTime: number;
  readonly changeTime: number;
  readonly modificationTime: number;
  readonly deletionTime: number;
}

/** Names an inode; its state is always read again, so that an older {@linkcode Inode} will do. */
export interface InodeReference {
  readonly number: number;
}

/** An inode in the hands of an operation. `raw` keeps the fields that are not understood here. */
export interface InodeRecord {
  readonly number: number;
  readonly raw: Uint8Array;
  mode: number;
  userId: number;
  groupId: number;
  size: number;
  accessTime: number;
  changeTime: number;
  modificationTime: number;
  deletionTime: number;
  links: number;
  blocks: number;
  flags: number;
  /** 12 data blocks, then one single, one double and one triple indirect block; 0 for none. */
  pointers: number[];
}

const POINTERS_AT = 40;
const SIZE_HIGH_AT = 108;
const SECTORS_PER_BLOCK = 8;

/** The index of a directory's hashed tree, which becomes stale when entries are changed. */
export const FLAG_INDEXED = 0x1000;

/** True for a directory. */
export function isDirectory({ mode }: { readonly mode: number }): boolean {
  return (mode & FILE_TYPE.mask) === FILE_TYPE.directory;
}

/** True for a regular file. */
export function isRegular({ mode }: { readonly mode: number }): boolean {
  return (mode & FILE_TYPE.mask) === FILE_TYPE.regular;
}

/** Reads the inode that begins at `at`; the caller knows that 128 bytes are there. */
export function parseInode(block: Uint8Array, at: number, number: number): InodeRecord {
  const raw = block.slice(at, at + INODE_BYTES);
  const view = new DataView(raw.buffer);
  const mode = view.getUint16(0, true);
  const high = isRegular({ mode }) ? view.getUint32(SIZE_HIGH_AT, true) : 0;
  return {
    number,
    raw,
    mode,
    userId: view.getUint16(2, true),
    size: high * 2 ** 32 + view.getUint32(4, true),
    accessTime: view.getUint32(8, true),
    changeTime: view.getUint32(12, true),
    modificationTime: view.getUint32(16, true),
    deletionTime: view.getUint32(20, true),
    groupId: view.getUint16(24, true),
    links: view.getUint16(26, true),
    blocks: Math.floor(view.getUint32(28, true) / SECTORS_PER_BLOCK),
    flags: view.getUint32(32, true),
    pointers: Array.from({ length: 15 }, (_, i) => view.getUint32(POINTERS_AT + 4 * i, true)),
  };
}

/** Writes an inode at `at` of a block of the inode table. */
export function emitInode(record: InodeRecord, block: Uint8Array, at: number): void {
  const bytes = record.raw.slice();
  const view = new DataView(bytes.buffer);
  view.setUint16(0, record.mode, true);
  view.setUint16(2, record.userId, true);
  view.setUint32(4, record.size % 2 ** 32, true);
  view.setUint32(8, record.accessTime, true);
  view.setUint32(12, record.changeTime, true);
  view.setUint32(16, record.modificationTime, true);
  view.setUint32(20, record.deletionTime, true);
  view.setUint16(24, record.groupId, true);
  view.setUint16(26, record.links, true);
  view.setUint32(28, record.blocks * SECTORS_PER_BLOCK, true);
  view.setUint32(32, record.flags, true);
  record.pointers.forEach((pointer, i) => view.setUint32(POINTERS_AT + 4 * i, pointer, true));
  if (isRegular(record)) view.setUint32(SIZE_HIGH_AT, Math.floor(record.size / 2 ** 32), true);
  block.set(bytes, at);
}

/** The value that callers see. */
export function inodeOf(record: InodeRecord): Inode {
  const { number, mode, userId, groupId, size, blocks, links } = record;
  const { accessTime, changeTime, modificationTime, deletionTime } = record;
  return {
    number,
    mode,
    userId,
    groupId,
    size,
    blocks,
    links,
    accessTime,
    changeTime,
    modificationTime,
    deletionTime,
  };
}
