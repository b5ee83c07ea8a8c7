/**
 * The blocks of an ext2 directory: entries of inode number, record length, name length and name,
 * each block filled to its end by the record length of its last entry. Names are compared as
 * bytes; the file type is not stored, as in revision 0.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";
import { BLOCK_BYTES, Ext2Error } from "./block_access.ts";
import { blocksOfSize, fileExtents, growFile } from "./block_map.ts";
import { FLAG_INDEXED, type InodeRecord } from "./inode_record.ts";
import type { Volume } from "./volume.ts";

/** Longest name, in bytes of UTF-8. */
export const NAME_BYTES_MAX = 255;

const HEADER_BYTES = 8;

/** Where an entry stands. */
export interface EntryPlace {
  readonly block: number;
  readonly offset: number;
  /** Offset of the entry before it in the same block, if there is one. */
  readonly previous: number | undefined;
}

/** An entry as it stands in a block; inode 0 is an unused one. */
export interface Entry extends EntryPlace {
  readonly inode: number;
  readonly recordBytes: number;
  /** A view of the name's bytes. */
  readonly name: Uint8Array;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes an entry with such a name needs. */
function entryBytes(nameBytes: number): number {
  return HEADER_BYTES + Math.ceil(nameBytes / 4) * 4;
}

/** The entries of one directory block. */
export function* entriesOf(volume: Volume, block: number): Generator<Entry, void> {
  const bytes = volume.read(block);
  const view = viewOf(bytes);
  let previous: number | undefined;
  for (let offset = 0; offset < BLOCK_BYTES;) {
    const room = BLOCK_BYTES - offset;
    const recordBytes = room < HEADER_BYTES ? 0 : view.getUint16(offset + 4, true);
    const nameBytes = room < HEADER_BYTES ? 0 : view.getUint8(offset + 6);
    if (recordBytes < entryBytes(nameBytes) || recordBytes % 4 !== 0 || recordBytes > room) {
      const message = `a directory entry has ${recordBytes} bytes with a name of ${nameBytes}`;
      throw new FormatError("ext2", block * BLOCK_BYTES + offset, message);
    }
    const nameAt = offset + HEADER_BYTES;
    const name = bytes.subarray(nameAt, nameAt + nameBytes);
    yield { block, offset, previous, inode: view.getUint32(offset, true), recordBytes, name };
    previous = offset;
    offset += recordBytes;
  }
}

/**
 * The disk blocks of a directory, all at hand.
 *
 * @throws {FormatError} if its size is not whole blocks, or a block is missing.
 */
export function directoryBlocks(volume: Volume, directory: InodeRecord): number[] {
  const count = blocksOfSize(directory.size);
  const blocks = fileExtents(volume, directory, 0, count)
    .flatMap(({ block, count }) => Array.from({ length: count }, (_, index) => block + index));
  if (blocks.length !== count || directory.size % BLOCK_BYTES !== 0 || count === 0) {
    const message = `directory ${directory.number} has ${blocks.length} of ${count} blocks`;
    throw new FormatError("ext2", 0, `${message} for ${directory.size} bytes`);
  }
  volume.need(blocks);
  return blocks;
}

/** All entries in use, with `.` and `..`. */
export function* usedEntries(volume: Volume, directory: InodeRecord): Generator<Entry, void> {
  for (const block of directoryBlocks(volume, directory)) {
    for (const entry of entriesOf(volume, block)) if (entry.inode !== 0) yield entry;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** The entry of this name. */
export function findEntry(
  volume: Volume,
  directory: InodeRecord,
  name: Uint8Array,
): Entry | undefined {
  for (const entry of usedEntries(volume, directory)) {
    if (sameBytes(entry.name, name)) return entry;
  }
  return undefined;
}

/** True if it has no entry besides `.` and `..`. */
export function isEmptyDirectory(volume: Volume, directory: InodeRecord): boolean {
  for (const { name } of usedEntries(volume, directory)) {
    if (!(name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e)))) {
      return false;
    }
  }
  return true;
}

function writeEntry(
  bytes: Uint8Array,
  offset: number,
  inode: number,
  recordBytes: number,
  name: Uint8Array,
): void {
  const view = viewOf(bytes);
  view.setUint32(offset, inode, true);
  view.setUint16(offset + 4, recordBytes, true);
  view.setUint16(offset + 6, name.length, true);
  bytes.set(name, offset + HEADER_BYTES);
}

function changed(volume: Volume, directory: InodeRecord, time: number): void {
  directory.flags &= ~FLAG_INDEXED;
  directory.modificationTime = directory.changeTime = time;
  volume.changedInode(directory);
}

/** Adds an empty block to a directory. */
export function growDirectory(volume: Volume, directory: InodeRecord): number {
  const count = blocksOfSize(directory.size);
  growFile(volume, directory, count, count + 1);
  directory.size += BLOCK_BYTES;
  const block = fileExtents(volume, directory, count, count + 1)[0]?.block ?? 0;
  writeEntry(volume.fresh(block), 0, 0, BLOCK_BYTES, new Uint8Array(0));
  return block;
}

/**
 * Adds an entry; the caller knows that the name is not there.
 *
 * @throws {Ext2Error} ENOSPC if a block would have to be added and none is free.
 */
export function insertEntry(
  volume: Volume,
  directory: InodeRecord,
  name: Uint8Array,
  inode: number,
  time: number,
): void {
  const wanted = entryBytes(name.length);
  changed(volume, directory, time);
  for (const block of directoryBlocks(volume, directory)) {
    for (const entry of entriesOf(volume, block)) {
      const own = entry.inode === 0 ? 0 : entryBytes(entry.name.length);
      if (entry.recordBytes - own < wanted) continue;
      const bytes = volume.write(block);
      if (own > 0) viewOf(bytes).setUint16(entry.offset + 4, own, true);
      writeEntry(bytes, entry.offset + own, inode, entry.recordBytes - own, name);
      return;
    }
  }
  const block = growDirectory(volume, directory);
  writeEntry(volume.write(block), 0, inode, BLOCK_BYTES, name);
}

/** Makes an entry name another inode. */
export function setEntry(
  volume: Volume,
  directory: InodeRecord,
  place: EntryPlace,
  inode: number,
  time: number,
): void {
  viewOf(volume.write(place.block)).setUint32(place.offset, inode, true);
  changed(volume, directory, time);
}

/** Removes an entry: its bytes fall to the entry before it, or it becomes an unused one. */
export function removeEntry(
  volume: Volume,
  directory: InodeRecord,
  { block, offset, previous }: EntryPlace,
  time: number,
): void {
  const view = viewOf(volume.write(block));
  if (previous === undefined) view.setUint32(offset, 0, true);
  else {
    const bytes = view.getUint16(previous + 4, true) + view.getUint16(offset + 4, true);
    view.setUint16(previous + 4, bytes, true);
  }
  changed(volume, directory, time);
}

/** Gives a new directory its first block with `.` and `..`. */
export function initialiseDirectory(
  volume: Volume,
  directory: InodeRecord,
  parent: number,
): void {
  const bytes = volume.write(growDirectory(volume, directory));
  writeEntry(bytes, 0, directory.number, 12, new Uint8Array([0x2e]));
  writeEntry(bytes, 12, parent, BLOCK_BYTES - 12, new Uint8Array([0x2e, 0x2e]));
}

/**
 * The bytes of a name.
 *
 * @throws {Ext2Error} ENAMETOOLONG.
 */
export function nameBytesOf(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length <= NAME_BYTES_MAX) return bytes;
  throw new Ext2Error("ENAMETOOLONG", `a name of ${bytes.length} bytes, at most 255 are allowed`);
}
