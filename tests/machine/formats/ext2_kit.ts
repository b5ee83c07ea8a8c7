/**
 * What the ext2 tests share: a file system to begin with, a buffer cache that has only some blocks
 * at hand, and a check of everything that must agree, by its own reading of the bytes.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  BLOCK_BYTES,
  type BlockAccess,
  extentsOf,
  formatExt2,
  type Inode,
  isDirectory,
  NeedBlock,
  readDirectory,
  readInode,
  readSuperblock,
  SparseBlocks,
} from "../../../machine/formats/ext2/mod.ts";

/** A time that no clock gave. */
export const TIME = 1_190_000_000;

export const UUID: Uint8Array = Uint8Array.from({ length: 16 }, (_, index) => 0xa0 + index);

/** An empty file system with every block at hand, all of it still to be taken as changed. */
export function freshVolume(blockCount: number, inodeCount?: number): SparseBlocks {
  const name = { volumeName: "test", uuid: UUID, time: TIME };
  const options = inodeCount === undefined ? name : { ...name, inodeCount };
  const disk = new SparseBlocks();
  for (const { block, bytes } of formatExt2({ blockCount, ...options })) {
    disk.fresh(block).set(bytes);
    disk.changed(block);
  }
  return disk;
}

/** A disk, and a cache in front of it that throws NeedBlock for what it does not have. */
export class CacheOverDisk implements BlockAccess {
  /** What would have to be written back. */
  readonly dirty: Set<number> = new Set();
  /** How often the operations had to be called again. */
  rounds = 0;
  #disk: SparseBlocks;
  #cache = new Map<number, Uint8Array>();
  constructor(disk: SparseBlocks) {
    this.#disk = disk;
  }
  fetch(number: number): void {
    this.#cache.set(number, this.#disk.block(number).slice());
  }
  block(number: number): Uint8Array {
    const bytes = this.#cache.get(number);
    if (bytes === undefined) throw new NeedBlock(number);
    return bytes;
  }
  changed(number: number): void {
    assert(this.#cache.has(number));
    this.dirty.add(number);
  }
  fresh(number: number): Uint8Array {
    const bytes = new Uint8Array(BLOCK_BYTES);
    this.#cache.set(number, bytes);
    return bytes;
  }
  forget(number: number, count: number): void {
    for (const block of [...this.#cache.keys()]) {
      if (block < number || block >= number + count) continue;
      this.#cache.delete(block);
      this.dirty.delete(block);
    }
  }
  /** Calls until it no longer needs a block; nothing may change before it succeeds or fails. */
  run<T>(operation: (access: BlockAccess) => T): T {
    for (;;) {
      try {
        return operation(this);
      } catch (error) {
        this.assertUnchanged();
        if (!(error instanceof NeedBlock)) throw error;
        this.rounds++;
        assert.equal(error.block, error.blocks[0]);
        assert.equal(new Set(error.blocks).size, error.blocks.length);
        for (const block of error.blocks) {
          assert(!this.#cache.has(block), `block ${block} is asked for again`);
          this.fetch(block);
        }
      }
    }
  }
  assertUnchanged(): void {
    assert.equal(this.dirty.size, 0);
    for (const [block, bytes] of this.#cache) {
      assert.deepEqual(bytes, this.#disk.block(block), `block ${block}`);
    }
  }
  /** Writes back what is dirty and keeps only the blocks that `keep` picks. */
  writeBack(keep: (block: number) => boolean): void {
    for (const block of this.dirty) this.#disk.fresh(block).set(this.block(block));
    for (const block of this.dirty) this.#disk.changed(block);
    this.dirty.clear();
    for (const block of [...this.#cache.keys()]) if (!keep(block)) this.#cache.delete(block);
  }
}

function u32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

function u16(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint16(at, true);
}

function bitsSet(bitmap: Uint8Array, limit: number): number[] {
  const set: number[] = [];
  for (let bit = 0; bit < limit; bit++) {
    if ((((bitmap[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1) set.push(bit);
  }
  return set;
}

/** All blocks of an inode, data and indirect ones, by a walk of our own. */
function blocksOfInode(access: BlockAccess, inode: Inode): number[] {
  const { inodesPerGroup } = readSuperblock(access);
  const group = Math.floor((inode.number - 1) / inodesPerGroup);
  const index = (inode.number - 1) % inodesPerGroup;
  const table = u32(access.block(1 + (group >> 7)), (group & 127) * 32 + 8);
  const at = (index % 32) * 128;
  const raw = access.block(table + Math.floor(index / 32)).subarray(at, at + 128);
  const found: number[] = [];
  const walk = (pointer: number, level: number) => {
    if (pointer === 0) return;
    found.push(pointer);
    if (level === 0) return;
    const bytes = access.block(pointer);
    for (let entry = 0; entry < 1024; entry++) walk(u32(bytes, entry * 4), level - 1);
  };
  for (let slot = 0; slot < 15; slot++) walk(u32(raw, 40 + 4 * slot), Math.max(0, slot - 11));
  assert.equal(u32(raw, 28), found.length * 8, `sector count of inode ${inode.number}`);
  return found;
}

/** Every inode in use by its number, with how many names were found for it. */
function inodesByNames(access: BlockAccess): Map<number, number> {
  const names = new Map<number, number>();
  const walk = (path: string) => {
    for (const { name, inode } of readDirectory(access, path)) {
      names.set(inode, (names.get(inode) ?? 0) + 1);
      const below = name !== "." && name !== "..";
      if (below && isDirectory(readInode(access, { number: inode }))) walk(`${path}/${name}`);
    }
  };
  walk("/");
  return names;
}

/** Fails unless names, links, bitmaps, counters and block maps say the same. */
export function assertConsistent(access: BlockAccess): void {
  const info = readSuperblock(access);
  const used = new Set<number>();
  const names = inodesByNames(access);
  for (const [number, links] of names) {
    const inode = readInode(access, { number });
    assert.equal(inode.links, links, `links of inode ${number}`);
    for (const block of blocksOfInode(access, inode)) {
      assert(!used.has(block), `block ${block} is used twice`);
      used.add(block);
    }
    const mapped = extentsOf(access, inode).reduce((sum, { count }) => sum + count, 0);
    assert.equal(mapped, Math.ceil(inode.size / BLOCK_BYTES), `blocks of inode ${number}`);
  }
  let freeBlocks = 0;
  let freeInodes = 0;
  const descriptorBlocks = Math.ceil(info.groups / 128);
  const tableBlocks = info.inodesPerGroup / 32;
  for (let group = 0; group < info.groups; group++) {
    const start = group * info.blocksPerGroup;
    const present = Math.min(info.blocksPerGroup, info.blockCount - start);
    for (let block = 0; block < 3 + descriptorBlocks + tableBlocks; block++) {
      assert(!used.has(start + block), `block ${start + block} belongs to the tables`);
      used.add(start + block);
    }
    const descriptor = access.block(1 + (group >> 7)).subarray((group & 127) * 32);
    const marked = bitsSet(access.block(u32(descriptor, 0)), present).map((bit) => start + bit);
    const expected = [...used].filter((block) => block >= start && block < start + present);
    assert.deepEqual(marked, expected.sort((a, b) => a - b), `block bitmap of group ${group}`);
    assert.equal(u16(descriptor, 12), present - marked.length, `free blocks of group ${group}`);
    freeBlocks += present - marked.length;
    const first = group * info.inodesPerGroup + 1;
    const inodes = bitsSet(access.block(u32(descriptor, 4)), info.inodesPerGroup)
      .map((bit) => first + bit);
    const named = new Set([...names.keys(), ...Array.from({ length: 10 }, (_, i) => i + 1)]);
    const here = [...named].filter((n) => n >= first && n < first + info.inodesPerGroup);
    assert.deepEqual(inodes, here.sort((a, b) => a - b), `inode bitmap of group ${group}`);
    assert.equal(u16(descriptor, 14), info.inodesPerGroup - inodes.length);
    freeInodes += info.inodesPerGroup - inodes.length;
    const directories = here.filter((number) => isDirectory(readInode(access, { number })));
    assert.equal(u16(descriptor, 16), directories.length, `directories of group ${group}`);
  }
  assert.equal(info.freeBlocks, freeBlocks);
  assert.equal(info.freeInodes, freeInodes);
}
