import assert from "node:assert/strict";
import { toHex } from "../../machine/digest.ts";
import type { Grant } from "../../machine/messages/declare.ts";
import type { HardwareActor } from "../../actors/hardware.ts";
import {
  actorOf,
  type BenchRun,
  driverOf,
  type Hands,
  LINK_NS,
  runBench,
  type Story,
} from "./bench.ts";

const MEMORY: HardwareActor = {
  name: "memory",
  behaviour: "memory_controller",
  config: { memoryBytesPerSecond: 1_000_000_000, swapPageNs: 1000 },
};

function tell(story: (hands: Hands) => Story): BenchRun {
  return runBench({
    hardware: [MEMORY, { name: "A", behaviour: "driver", config: null }],
    behaviours: [driverOf("driver", story)],
  });
}

function grantsIn(envelope: { readonly body: object }): readonly Grant[] {
  return Reflect.get(envelope.body, "grants") as readonly Grant[];
}

const write = (hands: Hands, address: number, bytes: string) =>
  hands.ask("memory", "memory.write", { tag: "w", by: "A", address, bytes });

function acquire(hands: Hands, start: number, length: number, forWriting: boolean, tag = "g") {
  const ranges = [{ start, length }];
  return hands.ask("memory", "memory.acquire", { tag, by: "A", ranges, write: forWriting });
}

Deno.test("memoryController reads back what was written in messages", () => {
  let read = "";
  const run = tell(function* (hands) {
    yield* write(hands, 0x1ffe, "01020304");
    const data = yield* hands.ask("memory", "memory.read", {
      tag: "r",
      by: "A",
      address: 0x1fff,
      length: 2,
    });
    read = String(Reflect.get(data.body, "bytes"));
  });
  assert.equal(read, "0203");
  assert.deepEqual(run.facts("memory_write"), [{ k: "A", by: "A", runs: "1+2" }]);
  assert.deepEqual(run.facts("memory_read"), []);
});

Deno.test("memoryController opens a grant per range, says which frames, and takes them back", () => {
  const run = tell(function* (hands) {
    const ranges = [{ start: 0x3000, length: 0x1000 }, { start: 0x5000, length: 0x10 }];
    const granted = yield* hands.ask("memory", "memory.acquire", {
      tag: "g",
      by: "A",
      ranges,
      write: true,
    });
    assert.equal(grantsIn(granted).length, 2);
    hands.access.write(0x3000, Uint8Array.of(7));
    hands.out.send("memory", "memory.release", { grants: grantsIn(granted) });
    const again = yield* acquire(hands, 0x3000, 0x1000, false, "again");
    assert.equal(hands.access.read(0x3000, 1)[0], 7);
    hands.out.send("memory", "memory.release", { grants: grantsIn(again) });
  });
  assert.deepEqual(run.facts("memory_write"), [{ k: "A", by: "A", runs: "3+1,5+1" }]);
  assert.deepEqual(run.facts("memory_read"), [{ k: "A", by: "A", runs: "3+1" }]);
});

Deno.test("memoryController puts a long list of frames beside the event", () => {
  const run = tell(function* (hands) {
    const ranges = Array.from({ length: 60 }, (_, index) => ({
      start: 0x10_0000 + index * 0x2000,
      length: 0x1000,
    }));
    yield* hands.ask("memory", "memory.acquire", { tag: "g", by: "A", ranges, write: true });
  });
  assert.deepEqual(run.facts("memory_write"), [{ k: "A", by: "A" }]);
  const event = run.events.find((candidate) => candidate.type === "fact.memory_write");
  assert.match(event?.blob ?? "", /^sha256:/);
});

Deno.test("memoryController charges bulk data by its bandwidth", () => {
  const run = tell(function* (hands) {
    yield* acquire(hands, 0, 0x10_0000, true);
  });
  const times = run.events.filter((event) => event.type === "memory.granted")
    .map((event) => event.vt);
  // 1 MiB at 1e9 bytes a second, and the link.
  assert.equal((times[1] ?? 0) - (times[0] ?? 0), 0x10_0000 + LINK_NS);
});

/** A run in which the processor exchanges pages, since nobody else may. */
function exchange(pairs: string): BenchRun {
  return runBench({
    hardware: [MEMORY, { name: "cpu", behaviour: "exchanger", config: null }],
    behaviours: [
      actorOf("exchanger", "cpu", () => {}, (out) => {
        ["aa", "ab", "ba", "bb"].forEach((bytes, index) => {
          const address = (index < 2 ? 0x10 : 0x1e) * 4096 + index * 4096;
          out.send("memory", "memory.write", { tag: "w", by: "A", address, bytes });
        });
        out.send("memory", "memory.exchange", { tag: "e", by: "A", pairs, temporary: 0x30000 });
      }),
    ],
  });
}

Deno.test("memoryController exchanges pages through the scratch page; twice is not at all", () => {
  const firstBytes = (run: BenchRun) =>
    [0x10, 0x11, 0x20, 0x21, 0x30].map((pfn) => run.scheduler.ram.view(pfn * 4096, 1)[0]);
  assert.deepEqual(firstBytes(exchange("10:20+2")), [0xba, 0xbb, 0xaa, 0xab, 0xbb]);
  assert.deepEqual(firstBytes(exchange("10:20+2,10:20+2")), [0xaa, 0xab, 0xba, 0xbb, 0xab]);
  assert.deepEqual(firstBytes(exchange("10:10+1,11:21+1")), [0xaa, 0xbb, 0xba, 0xab, 0xbb]);
});

Deno.test("memoryController takes its time for pairs it exchanged, not for those it skipped", () => {
  const done = (run: BenchRun) =>
    run.events.findLast((event) => event.kind === "deliver" && event.type === "memory.done")?.vt;
  const time = (done(exchange("10:20+2,11:11+1")) ?? 0) - (done(exchange("10:20+1")) ?? 0);
  assert.equal(time, 1000);
});

Deno.test("memoryController exchanges at most 256 pairs at a time", () => {
  assert.throws(() => exchange("10:20+101"), /exchangePairs/);
});

Deno.test("memoryController refuses what is outside RAM, too large or malformed", () => {
  const refused = (story: (hands: Hands) => Story, message: RegExp) =>
    assert.throws(() => tell(story), { name: "ProtocolError", message });
  refused(function* (hands) {
    yield* acquire(hands, 0, 0x10_0001, false);
  }, /A grant of 1048577 bytes/);
  refused(function* (hands) {
    yield* acquire(hands, 0x1f_f000, 0x2000, false);
  }, /beyond the end of RAM/);
  refused(function* (hands) {
    yield* acquire(hands, 0x1000, 0, false);
  }, /Empty range/);
  refused(function* (hands) {
    yield* write(hands, 0x1000, "00".repeat(4097));
  }, /4097 bytes in one message/);
  refused(function* (hands) {
    yield* hands.ask("memory", "memory.copy", { tag: "c", by: "A", pairs: "1:2+0" });
  }, /empty run/);
  refused(function* (hands) {
    yield* hands.ask("memory", "memory.copy", { tag: "c", by: "A" });
  }, /Neither pairs nor zero/);
});

Deno.test("memoryController refuses a grant over a range that is out for writing", () => {
  assert.throws(() =>
    tell(function* (hands) {
      yield* acquire(hands, 0x1000, 0x1000, true);
      yield* acquire(hands, 0x1800, 0x1000, false, "second");
    }), { name: "ProtocolError", message: /overlaps grant 1 of 'A'/ });
});

Deno.test("memoryController will not write into a range that is out", () => {
  assert.throws(() =>
    tell(function* (hands) {
      yield* acquire(hands, 0x1000, 0x1000, false);
      yield* write(hands, 0x1000, "00");
    }), { name: "ProtocolError", message: /crosses grant/ });
});

Deno.test("memoryController copies runs in their order and clears others", () => {
  const run = tell(function* (hands) {
    yield* write(hands, 0x10000, "11");
    yield* write(hands, 0x11000, "22");
    yield* write(hands, 0x40000, toHex(new Uint8Array(16).fill(9)));
    yield* hands.ask("memory", "memory.copy", {
      tag: "c",
      by: "B",
      pairs: "20:10+2,30:21+1",
      zero: "40+1",
    });
  });
  const { ram } = run.scheduler;
  assert.deepEqual([0x20, 0x21, 0x30, 0x40].map((pfn) => ram.view(pfn * 4096, 1)[0]), [
    0x11,
    0x22,
    0x22,
    0,
  ]);
  assert.deepEqual(run.facts("memory_write").at(-1), { k: "B", by: "A", runs: "20+2,30+1,40+1" });
});
