import assert from "node:assert/strict";
import { EMPTY_CACHE } from "../../../machine/block_store.ts";
import { FlatStore } from "../../../machine/flat_store.ts";
import { MemoryMedium } from "../../../machine/medium.ts";
import type { Partition } from "../../../machine/formats/mbr.ts";
import type { Summary, TraceEvent } from "../../../machine/trace/event.ts";
import { emitSwapHeader, newSwapHeader } from "../../../machine/formats/swap_header.ts";
import { diskFiles } from "../../../server/replay/disk_files.ts";
import { Journal, type LostWrite } from "../../../server/replay/journal.ts";
import { WatchedBlocks } from "../../../server/replay/watched_blocks.ts";

function fact(seq: number, name: string, summary: Summary): TraceEvent {
  return { seq, vt: 0, lamport: 0, kind: "note", actor: "cpu", type: `fact.${name}`, summary };
}

const jump = (seq: number, from: string, to: string, preserve: boolean, word: string) =>
  fact(seq, "jump", { from, to, preserve, word });

Deno.test("Journal knows who left with the wish to come back, and forgets by going back", () => {
  const journal = new Journal();
  journal.event(jump(5, "A", "purgatory", true, "0x107c0c0"));
  assert.deepEqual(journal.asleep, [{ name: "A", entry: 0x107c0c0 }]);
  journal.event(jump(9, "B", "A", true, "0x3650c0"));
  assert.deepEqual(journal.asleep, [{ name: "B", entry: 0x3650c0 }]);
  journal.event(fact(10, "resumed", { k: "A", mem_map: "0x1000", frames: 4 }));
  assert.deepEqual(journal.back, { name: "A", address: 0x1000, frames: 4 });
  journal.event(fact(12, "boot", { k: "B" }));
  assert.deepEqual(journal.asleep, []);
  journal.rewind(9);
  assert.deepEqual(journal.asleep, [{ name: "A", entry: 0x107c0c0 }]);
  assert.equal(journal.back, undefined);
  journal.event({ seq: 9, vt: 0, lamport: 0, kind: "end", actor: "cpu" });
  assert.deepEqual(journal.asleep, []);
});

Deno.test("Journal takes a plain jump for the end of who leaves", () => {
  const journal = new Journal();
  journal.event(jump(5, "C", "A", false, "0x0"));
  assert.deepEqual(journal.asleep, []);
});

function watched() {
  const told: LostWrite[][] = [];
  const blocks = new WatchedBlocks(
    new MemoryMedium(FlatStore.make(65_536)),
    FlatStore.make(65_536),
    (lost) => void told.push([...lost]),
  );
  let cache = EMPTY_CACHE;
  for (const sector of [8, 16, 24, 32]) {
    cache = blocks.write(cache, sector, new Uint8Array(2048).fill(sector));
  }
  return { blocks, cache, told };
}

Deno.test("WatchedBlocks tells of lost and torn writes, and not of those that survive", () => {
  const { blocks, cache, told } = watched();
  blocks.powerCut(cache, [0], { index: 2, sectors: 1 });
  blocks.powerOff();
  assert.deepEqual(told, [[
    { sector: 16, count: 4, survived: 0 },
    { sector: 24, count: 4, survived: 1 },
    { sector: 32, count: 4, survived: 0 },
  ]]);
});

Deno.test("WatchedBlocks loses what waits when the drive goes off, nothing behind a flush", () => {
  const { blocks, cache, told } = watched();
  const left = blocks.write(blocks.flush(cache), 40, new Uint8Array(512));
  assert.equal(left.pending.length, 1);
  blocks.powerOff();
  blocks.powerOff();
  assert.deepEqual(told, [[{ sector: 40, count: 1, survived: 0 }], []]);
});

Deno.test("diskFiles tells torn from cached from durable by the sectors of a file", () => {
  const partition: Partition = { bootable: false, type: 0x82, firstSector: 8, sectorCount: 800 };
  const header = emitSwapHeader(newSwapHeader({ pages: 100, uuid: new Uint8Array(16) }));
  const view = { read: (sector: number) => sector === 8 ? header : new Uint8Array(4096) };
  const stateOf = (pending: { sector: number; count: number }[], lost: LostWrite[]) =>
    diskFiles({ drive: view, medium: view }, new Map([[6, partition]]), pending, lost)[0]?.state;
  assert.equal(stateOf([], []), "durable");
  assert.equal(stateOf([{ sector: 15, count: 1 }], []), "cached");
  assert.equal(stateOf([{ sector: 16, count: 9 }], []), "durable");
  assert.equal(stateOf([], [{ sector: 4, count: 8, survived: 5 }]), "torn");
  assert.equal(stateOf([], [{ sector: 4, count: 4, survived: 0 }]), "durable");
  assert.equal(stateOf([], [{ sector: 8, count: 8, survived: 8 }]), "durable");
  const empty = { read: () => new Uint8Array(4096) };
  const only = diskFiles({ drive: view, medium: empty }, new Map([[6, partition]]), [], [])[0];
  assert.deepEqual([only?.state, only?.view], ["cached", "drive"]);
});
