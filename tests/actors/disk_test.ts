import assert from "node:assert/strict";
import { hardwareActors } from "../../actors/hardware.ts";
import type { HardwareActor, HardwareSetup } from "../../actors/hardware.ts";
import type { Choice } from "../../machine/choices.ts";
import type { Grant } from "../../machine/messages/declare.ts";
import type { Medium } from "../../machine/medium.ts";
import { type BenchRun, blankMedium, driverOf, type Hands, runBench, type Story } from "./bench.ts";

const SETUP: HardwareSetup = {
  hardwareProfile: "small-vm",
  memoryBytes: 64 * 1024 ** 2,
  cpuCount: 1,
  realBaseUs: 0,
};
const DRIVER: HardwareActor = { name: "A", behaviour: "driver", config: null };

interface Telling {
  readonly setup?: Partial<HardwareSetup>;
  readonly choices?: readonly Choice[];
  readonly medium?: Medium;
}

function tell(story: (hands: Hands) => Story, telling: Telling = {}): BenchRun {
  const parts = hardwareActors({ ...SETUP, ...telling.setup });
  return runBench({
    hardware: [...parts.filter(({ name }) => name === "memory" || name === "disk"), DRIVER],
    behaviours: [driverOf("driver", story)],
    ...(telling.choices === undefined ? {} : { choices: telling.choices }),
    ...(telling.medium === undefined ? {} : { medium: telling.medium }),
  });
}

function grantsIn(envelope: { readonly body: object }): readonly Grant[] {
  return Reflect.get(envelope.body, "grants") as readonly Grant[];
}

function resultIn(envelope: { readonly body: object }): unknown {
  return Reflect.get(envelope.body, "result");
}

function* probe(hands: Hands): Story {
  yield* hands.ask("disk", "device.probe", { tag: "p", by: "A", registers: { command: 1 } });
}

/** Writes sectors full of `value` from a buffer; gives the result and the grants back. */
function* write(hands: Hands, sector: number, value: number, count = 1, extra: object = {}) {
  const ranges = [{ start: 0x1000, length: count * 512 }];
  const granted = yield* hands.ask("memory", "memory.acquire", {
    tag: "buffer",
    by: "A",
    ranges,
    write: true,
  });
  hands.access.writable(0x1000, count * 512).fill(value);
  const grants = grantsIn(granted);
  const done = yield* hands.ask("disk", "disk.write", {
    tag: "write",
    by: "A",
    sector,
    count,
    grants,
    ...extra,
  });
  hands.out.send("memory", "memory.release", { grants: grantsIn(done) });
  return resultIn(done);
}

/** Reads one sector; gives its first byte, or the errno. */
function* read(hands: Hands, sector: number, extra: object = {}) {
  const ranges = [{ start: 0x8000, length: 512 }];
  const granted = yield* hands.ask("memory", "memory.acquire", {
    tag: "buffer",
    by: "A",
    ranges,
    write: true,
  });
  const done = yield* hands.ask("disk", "disk.read", {
    tag: "read",
    by: "A",
    sector,
    count: 1,
    grants: grantsIn(granted),
    ...extra,
  });
  const result = resultIn(done);
  const value = result === 0 ? hands.access.read(0x8000, 1)[0] : result;
  hands.out.send("memory", "memory.release", { grants: grantsIn(done) });
  return value;
}

function* flush(hands: Hands) {
  return resultIn(yield* hands.ask("disk", "disk.flush", { tag: "flush", by: "A" }));
}

Deno.test("disk answers EIO until a driver programmed it, but serves the firmware", () => {
  tell(function* (hands) {
    assert.equal(yield* read(hands, 3), -5);
    assert.equal(yield* flush(hands), -5);
    assert.equal(yield* read(hands, 3, { bios: true }), 0);
    yield* probe(hands);
    assert.equal(yield* read(hands, 3), 0);
  });
});

Deno.test("disk reads a write from its cache, and the medium has it only after the flush", () => {
  const medium = blankMedium();
  const first = () => medium.store.view(5 * 512, 1)[0];
  const run = tell(function* (hands) {
    yield* probe(hands);
    assert.equal(yield* write(hands, 5, 0x77), 0);
    assert.equal(first(), 0);
    assert.equal(yield* read(hands, 5), 0x77);
    assert.equal(yield* flush(hands), 0);
    assert.equal(first(), 0x77);
  }, { medium });
  assert.deepEqual(run.facts("disk_write"), [{ k: "A", block: 5, count: 1 }]);
  assert.deepEqual(run.facts("flush"), [{ k: "A", op: "begin" }, { k: "A", op: "done" }]);
});

Deno.test("disk lets a power cut during a flush find the cache as it was", () => {
  const story = function* (hands: Hands): Story {
    yield* probe(hands);
    yield* write(hands, 5, 0x55);
    yield* write(hands, 6, 0x66);
    yield* flush(hands);
  };
  const events = tell(story).events;
  const begin = events.find((event) => event.summary?.["op"] === "begin");
  const done = events.find((event) => event.summary?.["op"] === "done");
  assert.ok(begin !== undefined && done !== undefined);
  const cut = (at: number, survivors: readonly number[]) => {
    const medium = blankMedium();
    const listed = { kind: "power_cut", at, durable: "listed", survivors } as const;
    tell(story, { medium, choices: [listed] });
    return [5, 6].map((sector) => medium.store.view(sector * 512, 1)[0]);
  };
  assert.deepEqual(cut(begin.seq + 1, []), [0, 0]);
  assert.deepEqual(cut(begin.seq + 1, [1]), [0, 0x66]);
  assert.deepEqual(cut(begin.seq + 1, [0, 1]), [0x55, 0x66]);
  assert.deepEqual(cut(done.seq + 1, []), [0x55, 0x66]);
});

Deno.test("disk tears the last write of a power cut by whole sectors", () => {
  const medium = blankMedium();
  const story = function* (hands: Hands): Story {
    yield* probe(hands);
    yield* write(hands, 8, 0x88, 4);
    yield* hands.ask("disk", "disk.identify", { tag: "i" });
    yield;
  };
  const at = tell(function* (hands) {
    yield* probe(hands);
    yield* write(hands, 8, 0x88, 4);
  }).events.length;
  const torn = { index: 0, sectors: 3 };
  tell(story, { medium, choices: [{ kind: "power_cut", at, durable: "listed", torn }] });
  assert.deepEqual([8, 9, 10, 11].map((sector) => medium.store.view(sector * 512, 1)[0]), [
    0x88,
    0x88,
    0x88,
    0,
  ]);
});

Deno.test("disk defers what comes during a flush, so that it is not flushed with it", () => {
  const medium = blankMedium();
  tell(function* (hands) {
    yield* probe(hands);
    yield* write(hands, 5, 0x55);
    hands.out.send("disk", "disk.flush", { tag: "early", by: "A" });
    yield* write(hands, 6, 0x66);
    assert.deepEqual([5, 6].map((sector) => medium.store.view(sector * 512, 1)[0]), [0x55, 0]);
  }, { medium });
});

Deno.test("disk writes through its cache without touching what else waits there", () => {
  const medium = blankMedium();
  tell(function* (hands) {
    yield* probe(hands);
    yield* write(hands, 5, 0x55);
    yield* write(hands, 6, 0x66, 1, { fua: true, bios: true });
    assert.deepEqual([5, 6].map((sector) => medium.store.view(sector * 512, 1)[0]), [0, 0x66]);
    yield* write(hands, 5, 0x77, 1, { fua: true });
    assert.equal(yield* read(hands, 5), 0x77);
    yield* flush(hands);
    assert.equal(medium.store.view(5 * 512, 1)[0], 0x77);
  }, { medium });
});

Deno.test("disk answers EIO for sectors that are bad or not there", () => {
  const badSectors = [
    { sector: 10, count: 2, on: "read" as const },
    { sector: 20, count: 1, on: "write" as const },
  ];
  tell(function* (hands) {
    yield* probe(hands);
    assert.equal(yield* read(hands, 11), -5);
    assert.equal(yield* read(hands, 12), 0);
    assert.equal(yield* write(hands, 11, 1), 0);
    assert.equal(yield* write(hands, 19, 1, 2), -5);
    assert.equal(yield* read(hands, 2048), -5);
    assert.equal(yield* read(hands, 2047), 0);
  }, { setup: { badSectors } });
});

Deno.test("disk serves one command after the other", () => {
  const run = tell(function* (hands) {
    yield* probe(hands);
    yield* write(hands, 5, 1, 8);
    yield* write(hands, 13, 1, 8);
    yield* write(hands, 5, 1, 8);
  });
  const times = run.events.filter((event) => event.type === "disk.done").map((event) => event.vt);
  const sent = run.events.filter((event) => event.type === "disk.write").map((event) => event.vt);
  const took = [0, 2, 4].map((index) => (times[index + 1] ?? 0) - (sent[index] ?? 0));
  // 4096 bytes at 300 MB/s, two links; a seek where the sectors do not follow.
  assert.deepEqual(took, [115_654, 15_654, 115_654]);
});

Deno.test("disk refuses grants that do not add up to the sectors", () => {
  assert.throws(() =>
    tell(function* (hands) {
      yield* probe(hands);
      const ranges = [{ start: 0x1000, length: 1024 }];
      const granted = yield* hands.ask("memory", "memory.acquire", {
        tag: "b",
        by: "A",
        ranges,
        write: true,
      });
      const grants = grantsIn(granted);
      yield* hands.ask("disk", "disk.read", { tag: "r", by: "A", sector: 0, count: 1, grants });
    }), { name: "ProtocolError", message: /Grants of 1024 bytes for 1 sectors/ });
});

Deno.test("disk is dead to kernels after a freeze until its registers come back", () => {
  tell(function* (hands) {
    yield* probe(hands);
    const phase = (name: string, registers?: Record<string, number>) =>
      hands.ask("disk", "device.phase", {
        tag: "phase",
        by: "A",
        phase: name,
        event: "FREEZE",
        ...(registers === undefined ? {} : { registers }),
      });
    const frozen = yield* phase("freeze");
    assert.deepEqual(Reflect.get(frozen.body, "registers"), { command: 1 });
    assert.equal(Reflect.get(frozen.body, "powered"), true);
    assert.equal(yield* read(hands, 1), -5);
    yield* phase("restore");
    assert.equal(yield* read(hands, 1), -5);
    yield* phase("restore", { command: 1 });
    assert.equal(yield* read(hands, 1), 0);
  });
});

Deno.test("disk takes the time of another device class for sectors that are elsewhere", () => {
  const elsewhere = {
    sector: 100,
    count: 10,
    readBytesPerSecond: 1_000_000,
    writeBytesPerSecond: 1000,
    seekNs: 5_000_000,
    flushNs: 900_000_000,
  };
  const times: number[] = [];
  tell(function* (hands) {
    yield* probe(hands);
    for (const sector of [99, 100, 110]) {
      const before = hands.out.now;
      yield* write(hands, sector, 1);
      times.push(hands.out.now - before);
      const flushed = hands.out.now;
      yield* flush(hands);
      times.push(hands.out.now - flushed);
    }
  }, { setup: { elsewhere } });
  const slow = times.map((time) => time > 400_000_000);
  assert.deepEqual(slow, [false, false, true, true, false, false], times.join());
});

Deno.test("disk that stands still starts again where its driver knows nothing of that", () => {
  tell(function* (hands) {
    yield* probe(hands);
    yield* hands.ask("disk", "device.phase", {
      tag: "f",
      by: "A",
      phase: "freeze",
      event: "FREEZE",
    });
    assert.equal(yield* write(hands, 5, 0x77), -5);
    assert.equal(yield* write(hands, 5, 0x77, 1, { kick: true }), 0);
    assert.equal(yield* write(hands, 5, 0x77, 1, { kick: true, by: "B" }), -5);
    assert.equal(yield* read(hands, 5, { kick: true }), 0x77);
  });
});
