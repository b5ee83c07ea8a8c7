import assert from "node:assert/strict";
import type { HardwareActor } from "../../actors/hardware.ts";
import { type BenchRun, driverOf, type Hands, runBench, type Story } from "./bench.ts";

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

Deno.test("memoryController copies byte ranges in their order, also over themselves", () => {
  let read = "";
  const run = tell(function* (hands) {
    yield* hands.ask("memory", "memory.write", {
      ...{ tag: "w", by: "A", address: 0x1ffe, bytes: "0102030405060708" },
    });
    // Down by one, then two of these behind a page's edge elsewhere.
    yield* hands.ask("memory", "memory.copy", {
      ...{ tag: "c", by: "A", bytes: "1ffd:1ffe+8,5fff:1ffd+2" },
    });
    const data = yield* hands.ask("memory", "memory.read", {
      ...{ tag: "r", by: "A", address: 0x5fff, length: 2 },
    });
    read = String(Reflect.get(data.body, "bytes"));
  });
  assert.equal(read, "0102");
  assert.deepEqual(run.facts("memory_write").at(-1), { k: "A", by: "A", runs: "1+2,5+2" });
  assert.deepEqual([...run.scheduler.ram.view(0x1ffd, 9)], [1, 2, 3, 4, 5, 6, 7, 8, 8]);
});

Deno.test("memoryController refuses byte copies that are malformed or leave RAM", () => {
  for (const bytes of ["1:2", "xyz", "0:ffffffffff+10", "ffffffffff:0+10"]) {
    assert.throws(() =>
      tell(function* (hands) {
        yield* hands.ask("memory", "memory.copy", { tag: "c", by: "A", bytes });
      }), /ProtocolError|cannot read|beyond the end/);
  }
});
