import assert from "node:assert/strict";
import fc from "fast-check";
import { BlockStore, EMPTY_CACHE, SECTOR_BYTES } from "../../machine/block_store.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { createDiskFile, DiskFileError, FileMedium } from "../../machine/host/file_medium.ts";
import { type Medium, MemoryMedium } from "../../machine/medium.ts";

const SECTORS = 64;
const DISK_BYTES = SECTORS * SECTOR_BYTES;
const CACHE_BYTES = 8192;

interface Write {
  readonly sector: number;
  readonly count: number;
  readonly value: number;
  readonly flush: boolean;
}

const writes: fc.Arbitrary<Write[]> = fc.array(
  fc.record({
    sector: fc.nat(SECTORS - 8),
    count: fc.integer({ min: 1, max: 8 }),
    value: fc.integer({ min: 1, max: 255 }),
    flush: fc.boolean(),
  }),
  { maxLength: 40 },
);

function memory(): BlockStore {
  return new BlockStore(new MemoryMedium(FlatStore.make(DISK_BYTES)), FlatStore.make(CACHE_BYTES));
}

function content(medium: Medium): number[] {
  const bytes = new Uint8Array(DISK_BYTES);
  medium.read(0, bytes);
  return [...bytes];
}

function fill(model: number[], write: Write, sectors = write.count): void {
  model.fill(
    write.value,
    write.sector * SECTOR_BYTES,
    (write.sector + sectors) * SECTOR_BYTES,
  );
}

Deno.test("BlockStore reads what was written last, and a flush makes it last", () => {
  fc.assert(
    fc.property(writes, (list) => {
      const blocks = memory();
      const model: number[] = new Array(DISK_BYTES).fill(0);
      let cache = EMPTY_CACHE;
      for (const write of list) {
        const bytes = new Uint8Array(write.count * SECTOR_BYTES).fill(write.value);
        cache = blocks.write(cache, write.sector, bytes);
        fill(model, write);
        const seen = new Uint8Array(DISK_BYTES);
        blocks.read(cache, 0, seen);
        assert.deepEqual([...seen], model);
        if (!write.flush) continue;
        cache = blocks.flush(cache);
        assert.deepEqual(cache, EMPTY_CACHE);
        assert.deepEqual(content(blocks.medium), model);
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("BlockStore.powerCut keeps the named survivors and a torn write's first sectors", () => {
  const blocks = memory();
  const list: Write[] = [
    { sector: 0, count: 2, value: 1, flush: false },
    { sector: 1, count: 4, value: 2, flush: false },
    { sector: 8, count: 4, value: 3, flush: false },
  ];
  let cache = EMPTY_CACHE;
  for (const { sector, count, value } of list) {
    cache = blocks.write(cache, sector, new Uint8Array(count * SECTOR_BYTES).fill(value));
  }
  const model: number[] = new Array(DISK_BYTES).fill(0);
  assert.deepEqual(content(blocks.medium), model);
  blocks.powerCut(cache, [0], { index: 2, sectors: 3 });
  const [first, , third] = list;
  if (first !== undefined) fill(model, first);
  if (third !== undefined) fill(model, third, 3);
  assert.deepEqual(content(blocks.medium), model);
});

Deno.test("FileMedium holds what a medium in memory holds", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/disk.img`;
    createDiskFile(path, DISK_BYTES);
    assert.throws(() => createDiskFile(path, 1), DiskFileError);
    const medium = new FileMedium(path);
    const model = new MemoryMedium(FlatStore.make(DISK_BYTES));
    fc.assert(
      fc.property(writes, (list) => {
        for (const { sector, count, value } of list) {
          const bytes = new Uint8Array(count * SECTOR_BYTES).fill(value);
          for (const target of [medium, model]) target.write(sector * SECTOR_BYTES, bytes);
        }
        medium.sync();
        assert.deepEqual(content(medium), content(model));
      }),
      { numRuns: 20 },
    );
    const past = (): void => medium.read(DISK_BYTES - 1, new Uint8Array(2));
    assert.throws(past, (error) => error instanceof DiskFileError && error.path === path);
    Deno.truncateSync(path, 100);
    assert.throws(() => medium.read(0, new Uint8Array(512)), /ends at 100, it was cut short/);
    medium.close();
    assert.throws(() => medium.sync(), DiskFileError);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("createDiskFile takes no room before it is written", () => {
  const folder = Deno.makeTempDirSync();
  try {
    createDiskFile(`${folder}/disk.img`, 2 ** 34);
    const { size, blocks } = Deno.statSync(`${folder}/disk.img`);
    assert.equal(size, 2 ** 34);
    assert.ok((blocks ?? 0) < 64);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
