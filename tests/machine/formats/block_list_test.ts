import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import {
  BLOCK_LIST_BYTES,
  BLOCK_RUNS_MAX,
  blockCount,
  type BlockList,
  emitBlockList,
  firstSectorOf,
  parseBlockList,
  runsBehindFirst,
} from "../../../machine/formats/block_list.ts";

const LIST: BlockList = {
  partition: 2,
  firstSector: 133_120,
  runs: [
    { fileBlock: 0, block: 700, count: 3 },
    { fileBlock: 3, block: 500, count: 10 },
  ],
};

const lists = fc.record({
  partition: fc.nat(63),
  firstSector: fc.nat(),
  gaps: fc.array(fc.tuple(fc.nat(100), fc.integer({ min: 1, max: 5000 })), {
    maxLength: BLOCK_RUNS_MAX,
  }),
}).map(({ partition, firstSector, gaps }): BlockList => {
  let fileBlock = 0;
  let block = 0;
  const runs = gaps.map(([gap, count]) => {
    const run = { fileBlock, block: block + gap, count };
    fileBlock += count;
    block += gap + count;
    return run;
  });
  return { partition, firstSector, runs };
});

Deno.test("emitBlockList lays the list out to the byte", () => {
  const bytes = emitBlockList(LIST);
  strictEqual(bytes.length, BLOCK_LIST_BYTES);
  strictEqual(new TextDecoder().decode(bytes.subarray(0, 8)), "KJBLOCKS");
  const view = new DataView(bytes.buffer);
  deepStrictEqual([12, 16, 20].map((at) => view.getUint32(at, true)), [1, 2, 2]);
  strictEqual(view.getBigUint64(24, true), 133_120n);
  deepStrictEqual(
    [32, 36, 40, 44, 48, 52].map((at) => view.getUint32(at, true)),
    [0, 700, 3, 3, 500, 10],
  );
});

Deno.test("parseBlockList gives back what emitBlockList wrote", () => {
  fc.assert(
    fc.property(lists, (list) => deepStrictEqual(parseBlockList(emitBlockList(list)), list)),
  );
});

Deno.test("parseBlockList refuses a list truncated at every byte, and any flipped bit", () => {
  const bytes = emitBlockList(LIST);
  for (let length = 0; length < bytes.length; length++) {
    throws(() => parseBlockList(bytes.subarray(0, length)), FormatError);
  }
  for (let at = 0; at < bytes.length; at++) {
    const bad = bytes.slice();
    bad[at] = (bad[at] ?? 0) ^ 0x10;
    throws(() => parseBlockList(bad), FormatError, `byte ${at}`);
  }
});

Deno.test("emitBlockList refuses holes, empty runs, blocks named twice and too many runs", () => {
  const bad = (runs: BlockList["runs"], message: RegExp) =>
    throws(() => emitBlockList({ ...LIST, runs }), message);
  bad([{ fileBlock: 1, block: 5, count: 1 }], /a hole before block 1/);
  bad([{ fileBlock: 0, block: 5, count: 0 }], /empty run/);
  bad(
    [{ fileBlock: 0, block: 5, count: 4 }, { fileBlock: 4, block: 8, count: 1 }],
    /block 8 is in/,
  );
  const many = Array.from({ length: BLOCK_RUNS_MAX + 1 }, (_, index) => ({
    fileBlock: index,
    block: 2 * index,
    count: 1,
  }));
  bad(many, /297 runs of blocks, at most 296/);
  strictEqual(
    emitBlockList({
      ...LIST,
      runs: many.slice(1).map((run) => ({
        ...run,
        fileBlock: run.fileBlock - 1,
      })),
    }).length,
    BLOCK_LIST_BYTES,
  );
});

Deno.test("runsBehindFirst leaves the first block out and counts from the second", () => {
  deepStrictEqual(runsBehindFirst(LIST), [
    { fileBlock: 0, block: 701, count: 2 },
    { fileBlock: 2, block: 500, count: 10 },
  ]);
  strictEqual(blockCount(LIST), 13);
  strictEqual(firstSectorOf(LIST), 133_120 + 5600);
  strictEqual(firstSectorOf({ ...LIST, runs: [] }), undefined);
  const single = { ...LIST, runs: [{ fileBlock: 0, block: 9, count: 1 }] };
  deepStrictEqual(runsBehindFirst(single), []);
  ok(blockCount(single) === 1);
});
