/**
 * One operation on a file system, as a transaction over its blocks.
 *
 * Promises: `read` gives what the operation itself has written so far; nothing that `write`,
 * `fresh`, `inode` or `free` gave or took is visible to anybody else before `commit`, which cannot
 * fail. So an operation may throw NeedBlock, Ext2Error or FormatError at any point before it and
 * has changed nothing. The cost is a copy of each block that is changed.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";
import { BLOCK_BYTES, type BlockAccess, type Extent, NeedBlock } from "./block_access.ts";
import { emitInode, type InodeRecord, parseInode } from "./inode_record.ts";
import {
  DESCRIPTOR_BYTES,
  FEATURE_LARGE_FILE,
  FIRST_INODE,
  type Geometry,
  INODE_BYTES,
  parseSuperblock,
  SUPERBLOCK_FIELD as FIELD,
} from "./superblock.ts";

/** Byte offsets in a group descriptor. */
export const DESCRIPTOR_FIELD = {
  blockBitmap: 0,
  inodeBitmap: 4,
  inodeTable: 8,
  freeBlocks: 12,
  freeInodes: 14,
  directories: 16,
} as const;

/** What a group descriptor says. */
export interface GroupDescriptor {
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
  readonly freeBlocks: number;
  readonly freeInodes: number;
  readonly directories: number;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The blocks, counters and inodes of a file system during one operation. */
export class Volume {
  readonly geometry: Geometry;
  #access: BlockAccess;
  #original = new Map<number, Uint8Array>();
  #staged = new Map<number, Uint8Array>();
  #fresh = new Set<number>();
  #inodes = new Map<number, InodeRecord>();
  #changedInodes = new Set<number>();
  #freed: Extent[] = [];

  /**
   * @throws {FormatError} if block 0 holds no superblock that this code reads.
   * @throws {NeedBlock} if block 0 is not at hand.
   */
  constructor(access: BlockAccess) {
    this.#access = access;
    this.#original.set(0, access.block(0));
    this.geometry = parseSuperblock(this.read(0));
  }

  /** The bytes of a block as this operation sees them; they must not be written to. */
  read(block: number): Uint8Array {
    const known = this.#staged.get(block) ?? this.#original.get(block);
    if (known !== undefined) return known;
    this.#check(block);
    const bytes = this.#access.block(block);
    this.#original.set(block, bytes);
    return bytes;
  }

  /** The same, to be written to. A view that `read` gave earlier does not follow. */
  write(block: number): Uint8Array {
    const staged = this.#staged.get(block);
    if (staged !== undefined) return staged;
    const copy = this.read(block).slice();
    this.#staged.set(block, copy);
    return copy;
  }

  /** The block as zeros, to be written to. */
  fresh(block: number): Uint8Array {
    this.#check(block);
    const bytes = new Uint8Array(BLOCK_BYTES);
    this.#staged.set(block, bytes);
    this.#fresh.add(block);
    return bytes;
  }

  /** Throws one NeedBlock for all of these blocks that are not at hand, if there are any. */
  need(blocks: Iterable<number>): void {
    const missing = new Set<number>();
    for (const block of blocks) {
      try {
        this.read(block);
      } catch (error) {
        if (!(error instanceof NeedBlock)) throw error;
        for (const number of error.blocks) missing.add(number);
      }
    }
    const [first, ...more] = missing;
    if (first !== undefined) throw new NeedBlock(first, ...more);
  }

  /** Remembers that these blocks were freed, for the access to drop what it caches of them. */
  freed(extents: readonly Extent[]): void {
    for (const extent of extents) this.#freed.push(extent);
    const last = ({ block, count }: Extent) => block + count - 1;
    for (const block of [...this.#staged.keys()]) {
      if (!extents.some((extent) => extent.block <= block && block <= last(extent))) continue;
      this.#staged.delete(block);
      this.#fresh.delete(block);
    }
  }

  /** A 32-bit counter of the superblock. */
  counter(field: "freeBlocks" | "freeInodes"): number {
    return viewOf(this.read(0)).getUint32(FIELD[field], true);
  }

  /** The descriptor of a group, `group` in 0 … groups - 1. */
  descriptor(group: number): GroupDescriptor {
    const { block, at } = this.#descriptorPlace(group);
    const view = viewOf(this.read(block));
    const D = DESCRIPTOR_FIELD;
    const descriptor = {
      blockBitmap: view.getUint32(at + D.blockBitmap, true),
      inodeBitmap: view.getUint32(at + D.inodeBitmap, true),
      inodeTable: view.getUint32(at + D.inodeTable, true),
      freeBlocks: view.getUint16(at + D.freeBlocks, true),
      freeInodes: view.getUint16(at + D.freeInodes, true),
      directories: view.getUint16(at + D.directories, true),
    };
    const { blockBitmap, inodeBitmap, inodeTable } = descriptor;
    if (blockBitmap === 0 || inodeBitmap === 0 || inodeTable === 0) {
      const offset = block * BLOCK_BYTES + at;
      throw new FormatError("ext2", offset, `group ${group} has its tables in block 0`);
    }
    return descriptor;
  }

  /** The blocks that hold all group descriptors. */
  descriptorBlocks(): number[] {
    const count = Math.ceil(this.geometry.groups * DESCRIPTOR_BYTES / BLOCK_BYTES);
    return Array.from({ length: count }, (_, index) => 1 + index);
  }

  /** Adds to a counter of a group, and to the superblock's where it has one too. */
  adjust(
    group: number,
    field: "freeBlocks" | "freeInodes" | "directories",
    delta: number,
  ): void {
    const { block, at } = this.#descriptorPlace(group);
    const view = viewOf(this.write(block));
    const place = at + DESCRIPTOR_FIELD[field];
    const count = view.getUint16(place, true) + delta;
    if (count < 0 || count > 0xffff) {
      const offset = block * BLOCK_BYTES + place;
      throw new FormatError("ext2", offset, `group ${group} would count ${count} ${field}`);
    }
    view.setUint16(place, count, true);
    if (field === "directories") return;
    const total = this.counter(field) + delta;
    if (total < 0) throw new FormatError("ext2", FIELD[field], `the total would be ${total}`);
    viewOf(this.write(0)).setUint32(FIELD[field], total, true);
  }

  /** Writes fields of the superblock; the last element of each entry is its width in bits. */
  setSuperblock(fields: readonly (readonly [keyof typeof FIELD, number, 16 | 32])[]): void {
    const view = viewOf(this.write(0));
    for (const [field, value, bits] of fields) {
      if (bits === 16) view.setUint16(FIELD[field], value, true);
      else view.setUint32(FIELD[field], value, true);
    }
  }

  /** Says on the file system that it has a file of 2 GiB or more; makes revision 0 revision 1. */
  setLargeFile(): void {
    const { revision, readOnlyCompatible } = parseSuperblock(this.read(0));
    if (revision === 1 && (readOnlyCompatible & FEATURE_LARGE_FILE) !== 0) return;
    this.setSuperblock([
      ["revision", 1, 32],
      ["firstInode", FIRST_INODE, 32],
      ["inodeBytes", INODE_BYTES, 16],
      ["readOnlyCompatible", readOnlyCompatible | FEATURE_LARGE_FILE, 32],
    ]);
  }

  /** The one record of an inode in this operation. */
  inode(number: number): InodeRecord {
    const known = this.#inodes.get(number);
    if (known !== undefined) return known;
    const { block, at } = this.#inodePlace(number);
    const record = parseInode(this.read(block), at, number);
    this.#inodes.set(number, record);
    return record;
  }

  /** Says that the record is to be written. */
  changedInode(record: InodeRecord): void {
    this.#changedInodes.add(record.number);
  }

  /** Makes everything visible, with this time of the last write; nothing, if nothing changed. */
  commit(time: number): void {
    if (this.#staged.size === 0 && this.#changedInodes.size === 0) return;
    for (const number of this.#changedInodes) {
      const { block, at } = this.#inodePlace(number);
      emitInode(this.inode(number), this.write(block), at);
    }
    this.setSuperblock([["writeTime", time, 32]]);
    for (const { block, count } of this.#freed) this.#access.forget?.(block, count);
    for (const [block, bytes] of this.#staged) {
      const original = this.#fresh.has(block) ? undefined : this.#original.get(block);
      (original ?? this.#access.fresh(block)).set(bytes);
      this.#access.changed(block);
    }
  }

  #check(block: number): void {
    if (block >= this.geometry.blockCount) {
      const count = this.geometry.blockCount;
      throw new FormatError("ext2", 0, `block ${block} is named, there are ${count}`);
    }
  }

  #descriptorPlace(group: number): { block: number; at: number } {
    const perBlock = BLOCK_BYTES / DESCRIPTOR_BYTES;
    return { block: 1 + Math.floor(group / perBlock), at: (group % perBlock) * DESCRIPTOR_BYTES };
  }

  #inodePlace(number: number): { block: number; at: number } {
    const { inodeCount, inodesPerGroup } = this.geometry;
    if (number < 1 || number > inodeCount) {
      throw new FormatError("ext2", 0, `inode ${number} is named, there are ${inodeCount}`);
    }
    const index = (number - 1) % inodesPerGroup;
    const perBlock = BLOCK_BYTES / INODE_BYTES;
    const { inodeTable } = this.descriptor(Math.floor((number - 1) / inodesPerGroup));
    const block = inodeTable + Math.floor(index / perBlock);
    return { block, at: (index % perBlock) * INODE_BYTES };
  }
}

/** Runs an operation that changes something, and commits it. `time` in seconds since 1970. */
export function change<T>(access: BlockAccess, time: number, body: (volume: Volume) => T): T {
  const volume = new Volume(access);
  volume.need(volume.descriptorBlocks());
  const result = body(volume);
  volume.commit(time);
  return result;
}
