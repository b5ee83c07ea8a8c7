import assert from "node:assert/strict";
import fc from "fast-check";
import { FormatError, LimitError } from "../../../machine/errors.ts";
import {
  createFile,
  Ext2Error,
  type Ext2ErrorCode,
  Ext2Image,
  extentsOf,
  lookup,
  makeDirectory,
  mountExt2,
  NeedBlock,
  readSuperblock,
  rename,
  SparseBlocks,
  unmountExt2,
  writeWhole,
} from "../../../machine/formats/ext2/mod.ts";
import { assertConsistent, CacheOverDisk, freshVolume, TIME } from "./ext2_kit.ts";
import { HISTORY, Model, perform, STEP } from "./ext2_model.ts";

/** Two groups, the second one short, and few inodes: so that all limits are met. */
const BLOCKS = 33_000;
const INODES = 64;

function codeOf(operation: () => void): Ext2ErrorCode | undefined {
  try {
    operation();
    return undefined;
  } catch (error) {
    if (error instanceof Ext2Error) return error.code;
    throw error;
  }
}

Deno.test("The ext2 operations agree with a Map and leave everything consistent", () => {
  fc.assert(
    fc.property(HISTORY, (steps) => {
      const disk = freshVolume(BLOCKS, INODES);
      let model = new Model();
      const done: typeof steps = [];
      for (const [index, step] of steps.entries()) {
        const code = codeOf(() => perform(disk, step, TIME + index));
        if (code === "ENOSPC") {
          model.assertNoRoom(disk, step);
          model = new Model();
          for (const before of done) model.apply(before);
          continue;
        }
        assert.equal(code, model.apply(step), JSON.stringify(step));
        done.push(step);
      }
      model.assertSame(disk);
      assertConsistent(disk);
    }),
    { numRuns: 150 },
  );
});

Deno.test("The ext2 operations can be called again after NeedBlock, with the same result", () => {
  const keeps = fc.array(fc.array(fc.nat(2), { minLength: 7, maxLength: 7 }), { minLength: 1 });
  fc.assert(
    fc.property(HISTORY, keeps, (steps, keeps) => {
      const direct = freshVolume(BLOCKS, INODES);
      const disk = freshVolume(BLOCKS, INODES);
      const cache = new CacheOverDisk(disk);
      direct.takeChanged();
      disk.takeChanged();
      for (const [index, step] of steps.entries()) {
        const keep = keeps[index % keeps.length] ?? [];
        const wanted = codeOf(() => perform(direct, step, TIME + index));
        const code = codeOf(() => cache.run((access) => perform(access, step, TIME + index)));
        assert.equal(code, wanted);
        cache.writeBack((block) => keep[block % 7] === 0);
        assert.deepEqual(disk.takeChanged(), direct.takeChanged(), JSON.stringify(step));
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("mountExt2, unmountExt2 and writeWhole can be called again after NeedBlock", () => {
  const direct = freshVolume(2000);
  const disk = freshVolume(2000);
  const cache = new CacheOverDisk(disk);
  const data = new Uint8Array(60_000).fill(0x5a);
  const options = { mode: 0o600, time: TIME + 2 };
  mountExt2(direct, { time: TIME + 1, readOnly: false });
  writeWhole(direct, "/data", data, options);
  unmountExt2(direct, { time: TIME + 3 });
  cache.run((access) => mountExt2(access, { time: TIME + 1, readOnly: false }));
  cache.writeBack(() => false);
  cache.run((access) => writeWhole(access, "/data", data, options));
  cache.writeBack(() => false);
  cache.run((access) => unmountExt2(access, { time: TIME + 3 }));
  cache.writeBack(() => false);
  assert.deepEqual(disk.takeChanged(), direct.takeChanged());
});

Deno.test("setSize and unlink say which cached blocks must not be written back any more", () => {
  const disk = freshVolume(4096);
  const cache = new CacheOverDisk(disk);
  for (let block = 0; block < 100; block++) cache.fetch(block);
  const { inode, extents } = createFile(cache, "/f", {
    mode: 0o600,
    time: TIME,
    size: 3000 * 4096,
  });
  const freed = inode.blocks;
  const dirty = new Set(cache.dirty);
  perform(cache, { kind: "unlink", path: "/f" }, TIME);
  const dropped = [...dirty].filter((block) => !cache.dirty.has(block));
  assert.equal(dropped.length, freed - 3000);
  const isData = (block: number) =>
    extents.some((extent) => extent.block <= block && block < extent.block + extent.count);
  assert(!dropped.some(isData));
  for (const block of dropped) assert.throws(() => cache.block(block), NeedBlock);
});

Deno.test("NeedBlock names together what can be known at once", () => {
  const disk = freshVolume(10 * 32_768);
  const size = 200_000 * 4096;
  makeDirectory(disk, "/d", { mode: 0o755, time: TIME });
  const rounds = (operation: (access: CacheOverDisk) => void) => {
    const cache = new CacheOverDisk(disk);
    cache.run(() => operation(cache));
    cache.writeBack(() => false);
    return cache.rounds;
  };
  // Superblock; descriptors; inode of /; its block; inode of /d; its block; bitmaps of inodes and
  // of blocks: one round each, although the file has 200000 blocks in seven groups.
  const options = { mode: 0o600, time: TIME, size };
  assert(rounds((access) => void createFile(access, "/d/dump.elf.part", options)) <= 8);
  assert(rounds((access) => rename(access, "/d/dump.elf.part", "/d/dump.elf", options)) <= 6);
  // Superblock, descriptors, inode, two levels of 196 indirect blocks.
  const inode = lookup(disk, "/d/dump.elf");
  assert(inode !== undefined);
  assert(rounds((access) => void extentsOf(access, inode)) <= 5);
  assert(rounds((access) => perform(access, { kind: "unlink", path: "/d/dump.elf" }, TIME)) <= 12);
  assertConsistent(disk);
});

Deno.test("unlink of a file of 100000 blocks gives every block back, ten times over", () => {
  const disk = freshVolume(4 * 32_768);
  const before = readSuperblock(disk);
  for (let round = 0; round < 10; round++) {
    createFile(disk, "/dump", { mode: 0o600, time: TIME, size: 100_000 * 4096 });
    assert(before.freeBlocks - readSuperblock(disk).freeBlocks >= 100_000);
    perform(disk, { kind: "unlink", path: "/dump" }, TIME);
    assert(readSuperblock(disk).freeBlocks === before.freeBlocks);
  }
});

Deno.test("A damaged file system gives FormatError or an errno, never another error", () => {
  const healthy = freshVolume(300, 32);
  makeDirectory(healthy, "/d", { mode: 0o755, time: TIME });
  createFile(healthy, "/d/a", { mode: 0o644, time: TIME, size: 60_000 });
  createFile(healthy, "/b", { mode: 0o644, time: TIME, size: 5000 });
  const blocks = healthy.takeChanged();
  const damage = fc.record({
    block: fc.nat(blocks.length - 1),
    at: fc.oneof(fc.nat(4095), fc.nat(400), fc.integer({ min: 1024, max: 1160 })),
    value: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 255)),
  });
  const steps = fc.array(STEP, { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 6 }), steps, (damages, steps) => {
      const disk = new SparseBlocks();
      for (const { block, bytes } of blocks) disk.fresh(block).set(bytes);
      for (const { block, at, value } of damages) disk.block(blocks[block]?.block ?? 0)[at] = value;
      const attempt = (operation: () => unknown) => {
        try {
          operation();
        } catch (error) {
          const expected = error instanceof FormatError || error instanceof Ext2Error ||
            error instanceof LimitError;
          if (!expected || error instanceof NeedBlock) throw error;
        }
      };
      attempt(() => mountExt2(disk, { time: TIME, readOnly: false }));
      attempt(() => lookup(disk, "/d/a"));
      for (const { path } of [{ path: "/d/a" }, { path: "/b" }]) {
        attempt(() => new Ext2Image(disk).fileAt(path));
      }
      attempt(() => new Ext2Image(disk).list());
      for (const step of steps) attempt(() => perform(disk, step, TIME));
    }),
    { numRuns: 1500 },
  );
});
