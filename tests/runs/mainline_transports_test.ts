import assert from "node:assert/strict";
import { BlockStore } from "../../machine/block_store.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { openBlocks } from "../../machine/host/block_source.ts";
import { WorkerTransport } from "../../machine/host/worker_transport.ts";
import { LIMITS } from "../../machine/limits.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import type { Transport } from "../../machine/transport/transport.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { REGISTRY } from "../../actors/registry.ts";
import { machineDisk, planMachine } from "../../actors/scenario/machine_plan.ts";
import { workerEntryOf } from "../../actors/worker_entries.ts";
import { machineSettings } from "./machine_kit.ts";
import { finish } from "./run_kit.ts";

const typed = (at: string, line: string): OperatorStep => ({ do: "type", at, line });

const settings = machineSettings({
  profile: "2.6.27",
  cpus: 2,
  choices: [{ kind: "wake", at: 1500 }, { kind: "wake", at: 1800, by: "power_button" }],
  menu: [{ name: "A", append: "hostname=A root=/dev/sda2 freezer=left-out drivers=adapted" }],
  script: [
    { do: "power_on" },
    { do: "choose", entry: "A", append: "" },
    typed("A", "work 32 2"),
    typed("A", "kexec --load-preserve-context --args-none /boot/phy_mode --mem-max=0xffffff"),
    typed("A", "ticker /tick 500 &"),
    typed("A", "kexec -e"),
    typed("A", "check"),
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "returned" },
  ],
});

function diskParts(): { medium: FlatStore; cache: FlatStore } {
  const { byteLength, writes } = machineDisk(settings);
  const medium = FlatStore.make(byteLength);
  for (const { offset, bytes } of writes) medium.write(offset, bytes);
  return { medium, cache: FlatStore.make(LIMITS.diskCacheBytes) };
}

function runOn(transport: Transport): { outcome: string; hash: string } {
  const recorder = new Recorder(new MemorySink());
  const scheduler = new Scheduler(planMachine(settings), transport, recorder);
  const outcome = finish(scheduler);
  return { outcome, hash: recorder.hash() };
}

Deno.test("physical-mode code, wake-up events and unfrozen tasks give one trace on every transport", () => {
  const { medium, cache } = diskParts();
  const inline = runOn(
    new InlineTransport(REGISTRY, new BlockStore(new MemoryMedium(medium), cache)),
  );
  assert.equal(inline.outcome, "returned");
  const other = diskParts();
  const blocks = {
    kind: "memory",
    medium: other.medium.parts,
    cache: other.cache.parts,
  } as const;
  assert.ok(openBlocks(blocks).sectors > 0);
  const workers = new WorkerTransport({ entry: workerEntryOf, registry: REGISTRY, blocks });
  try {
    assert.deepEqual(runOn(workers), inline);
  } finally {
    workers.close();
  }
});
