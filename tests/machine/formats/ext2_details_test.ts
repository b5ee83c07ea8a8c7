import assert from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import { countZeros, fillBits, nextBit } from "../../../machine/formats/ext2/bitmap.ts";
import {
  createFile,
  extentsOf,
  lookup,
  readDirectory,
  setSize,
  unlink,
} from "../../../machine/formats/ext2/mod.ts";
import { Volume } from "../../../machine/formats/ext2/volume.ts";
import { assertConsistent, freshVolume, TIME } from "./ext2_kit.ts";

const OPTIONS = { mode: 0o644, time: TIME };

Deno.test("nextBit, fillBits and countZeros agree with an array of bits", () => {
  const run = fc.tuple(fc.nat(199), fc.nat(200), fc.constantFrom(0 as const, 1 as const));
  fc.assert(fc.property(fc.array(run), fc.nat(199), fc.nat(200), (runs, from, limit) => {
    const bitmap = new Uint8Array(25);
    const bits: number[] = Array.from({ length: 200 }, () => 0);
    for (const [start, length, value] of runs) {
      const count = Math.min(length, 200 - start);
      fillBits(bitmap, value, start, count);
      bits.fill(value, start, start + count);
    }
    for (const value of [0, 1] as const) {
      const found = bits.findIndex((bit, at) => at >= from && at < limit && bit === value);
      assert.equal(nextBit(bitmap, value, from, limit), found < 0 ? limit : found);
    }
    assert.equal(countZeros(bitmap, limit), bits.slice(0, limit).filter((bit) => bit === 0).length);
  }));
});

Deno.test("setSize lets a file grow behind its last block, not into an earlier gap", () => {
  const disk = freshVolume(4096);
  createFile(disk, "/gap", { ...OPTIONS, size: 100 * 4096 });
  const { inode } = createFile(disk, "/log", { ...OPTIONS, size: 4096 });
  unlink(disk, "/gap", OPTIONS);
  for (let blocks = 2; blocks <= 12; blocks++) setSize(disk, inode, blocks * 4096, OPTIONS);
  assert.equal(extentsOf(disk, inode).length, 1);
  assertConsistent(disk);
});

Deno.test("createFile uses the room of several removed entries for a longer name", () => {
  const disk = freshVolume(4096, 512);
  for (let index = 0; index < 300; index++) createFile(disk, `/${index}`, OPTIONS);
  const { size = 0 } = lookup(disk, "/") ?? {};
  for (let index = 0; index < 300; index++) unlink(disk, `/${index}`, OPTIONS);
  const names = size / 4096 * 15 - 1;
  for (let index = 0; index < names; index++) {
    createFile(disk, `/${String(index).padEnd(255, "x")}`, OPTIONS);
  }
  assert.equal(lookup(disk, "/")?.size, size);
  assertConsistent(disk);
});

Deno.test("readDirectory refuses entries that do not fill their block", () => {
  for (const [at, value] of [[4, 13], [4, 8], [5, 0xff], [6, 200], [28, 0]] as const) {
    const disk = freshVolume(200);
    const root = extentsOf(disk, { number: 2 })[0]?.block ?? 0;
    disk.block(root)[at] = value;
    assert.throws(() => readDirectory(disk, "/"), FormatError, `${at}`);
  }
});

Deno.test("extentsOf refuses blocks past the end and a tree that meets itself", () => {
  const disk = freshVolume(4096);
  const { inode } = createFile(disk, "/f", { ...OPTIONS, size: 3000 * 4096 });
  const volume = new Volume(disk);
  const double = volume.inode(inode.number).pointers[13] ?? 0;
  const view = new DataView(disk.block(double).buffer);
  const first = view.getUint32(0, true);
  view.setUint32(4, first, true);
  assert.throws(() => extentsOf(disk, inode), FormatError);
  view.setUint32(4, 4096, true);
  assert.throws(() => extentsOf(disk, inode), FormatError);
  view.setUint32(4, 0, true);
  assert.equal(extentsOf(disk, inode).reduce((sum, { count }) => sum + count, 0), 12 + 2048);
});

Deno.test("unlink refuses to free a block that is free already, and changes nothing", () => {
  const disk = freshVolume(200);
  const { inode, extents } = createFile(disk, "/f", { ...OPTIONS, size: 4096 });
  const block = extents[0]?.block ?? 0;
  const bitmap = disk.block(new Volume(disk).descriptor(0).blockBitmap);
  fillBits(bitmap, 0, block, 1);
  disk.takeChanged();
  assert.throws(() => unlink(disk, "/f", OPTIONS), FormatError);
  assert.deepEqual(disk.takeChanged(), []);
  assert.equal(lookup(disk, "/f")?.number, inode.number);
});

Deno.test("Volume.commit does not write a block that the operation changed and then freed", () => {
  const disk = freshVolume(200);
  disk.takeChanged();
  const volume = new Volume(disk);
  volume.write(150).fill(1);
  volume.fresh(151).fill(1);
  volume.write(152).fill(1);
  volume.freed([{ block: 150, count: 2 }]);
  volume.commit(TIME);
  assert.deepEqual(disk.takeChanged().map(({ block }) => block), [0, 152]);
});
