import assert from "node:assert/strict";
import type { BlockStore } from "../../machine/block_store.ts";
import {
  blocksOf,
  type Checkpoint,
  continueFrom,
  copyStores,
  keepOnly,
  rewindTo,
  takeCheckpoint,
} from "../../machine/checkpoint.ts";
import { closeBlocks, fileBlocks, openBlocks } from "../../machine/host/block_source.ts";
import { createDiskFile } from "../../machine/host/file_medium.ts";
import { WorkerTransport } from "../../machine/host/worker_transport.ts";
import { type RunPlan, Scheduler } from "../../machine/scheduler.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import type { Transport } from "../../machine/transport/transport.ts";
import {
  DISK_BYTES,
  diskContent,
  runInline,
  TOY_WORKER,
  toyBlocks,
  toyPlan,
} from "./toy_machine.ts";

interface Machine {
  readonly scheduler: Scheduler;
  readonly blocks: BlockStore;
  readonly sink: MemorySink;
}

function machineOf(plan: RunPlan, blocks: BlockStore, transport: Transport): Machine {
  const sink = new MemorySink();
  return { scheduler: new Scheduler(plan, transport, new Recorder(sink)), blocks, sink };
}

function inlineMachine(plan: RunPlan): Machine {
  const blocks = toyBlocks();
  return machineOf(plan, blocks, new InlineTransport(plan.registry, blocks));
}

/** Lets a machine run to its end and gives what identifies the run. */
function finish({ scheduler, blocks }: Machine): unknown[] {
  while (scheduler.advance(50));
  return [
    scheduler.recorder.hash(),
    JSON.stringify(scheduler.random.state()),
    scheduler.outcome,
    scheduler.choicesMade(),
    diskContent(blocks),
  ];
}

function expected(plan: RunPlan): unknown[] {
  const { hash, generator, outcome, choices, disk } = runInline(plan);
  return [hash, generator, outcome, choices, disk];
}

/** Goes on from a checkpoint with copies of its stores. */
function goOn(checkpoint: Checkpoint, plan: RunPlan, worker: boolean): unknown[] {
  const copies = copyStores(checkpoint);
  const blocks = blocksOf(copies);
  const transport = worker
    ? new WorkerTransport({
      entry: TOY_WORKER,
      registry: plan.registry,
      blocks: { kind: "memory", medium: copies.medium.parts, cache: copies.cache.parts },
    })
    : new InlineTransport(plan.registry, blocks);
  const sink = new MemorySink();
  const recorder = new Recorder(sink, checkpoint.recorder);
  const scheduler = continueFrom(checkpoint, copies, plan, transport, recorder);
  const end = finish({ scheduler, blocks, sink });
  transport.close();
  return end;
}

function planOf(seed: number): RunPlan {
  return toyPlan({
    seed,
    seededOrder: seed % 2 === 0,
    choices: seed % 3 === 0 ? [{ kind: "power_cut", at: 160, durable: "seeded" }] : [],
  });
}

Deno.test("takeCheckpoint at any barrier goes on to the same end, in place and elsewhere", () => {
  for (let seed = 1; seed <= 6; seed++) {
    const plan = planOf(seed);
    const wanted = expected(plan);
    const machine = inlineMachine(plan);
    const checkpoints: Checkpoint[] = [];
    do checkpoints.push(takeCheckpoint(machine.scheduler, machine.blocks)); while (
      machine.scheduler.advance(9)
    );
    assert.deepEqual(finish(machine), wanted, `seed ${seed}: checkpoints change nothing`);
    for (const [index, checkpoint] of checkpoints.entries()) {
      if (index % 4 === seed % 4) {
        assert.deepEqual(goOn(checkpoint, plan, false), wanted, `seed ${seed}, copy ${index}`);
      }
    }
    for (const [index, checkpoint] of [...checkpoints.entries()].reverse()) {
      rewindTo(checkpoint, machine.scheduler, machine.blocks);
      assert.equal(machine.scheduler.recorder.next, checkpoint.seq);
      assert.deepEqual(finish(machine), wanted, `seed ${seed}, rewound to ${index}`);
      assert.equal(machine.sink.text, runInline(plan).text);
    }
  }
});

Deno.test("continueFrom goes on in workers from a checkpoint taken inline, and back", () => {
  for (const seed of [2, 3]) {
    const plan = planOf(seed);
    const machine = inlineMachine(plan);
    machine.scheduler.advance(60);
    const checkpoint = takeCheckpoint(machine.scheduler, machine.blocks);
    machine.scheduler.advance(30);
    assert.deepEqual(goOn(checkpoint, plan, true), expected(plan), `seed ${seed}`);
  }
});

Deno.test("rewindTo puts workers back, with a disk in a file", () => {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/disk.img`;
  createDiskFile(path, DISK_BYTES);
  const source = fileBlocks(path, 16 * 1024);
  const blocks = openBlocks(source);
  const plan = planOf(4);
  const transport = new WorkerTransport({
    entry: TOY_WORKER,
    registry: plan.registry,
    blocks: source,
  });
  try {
    const machine = machineOf(plan, blocks, transport);
    machine.scheduler.advance(40);
    const checkpoint = takeCheckpoint(machine.scheduler, blocks);
    const wanted = expected(plan);
    assert.deepEqual(goOn(checkpoint, plan, false), wanted, "inline");
    assert.deepEqual(finish(machine), wanted);
    rewindTo(checkpoint, machine.scheduler, blocks);
    assert.deepEqual(finish(machine), wanted, "rewound");
  } finally {
    transport.close();
    closeBlocks(blocks);
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("rewindTo refuses a checkpoint from after one that was gone back to", () => {
  const plan = planOf(5);
  const machine = inlineMachine(plan);
  machine.scheduler.advance(20);
  const early = takeCheckpoint(machine.scheduler, machine.blocks);
  machine.scheduler.advance(20);
  const late = takeCheckpoint(machine.scheduler, machine.blocks);
  rewindTo(early, machine.scheduler, machine.blocks);
  machine.scheduler.advance(40);
  assert.throws(() => rewindTo(late, machine.scheduler, machine.blocks), RangeError);
});

Deno.test("keepOnly frees what only forgotten checkpoints needed", () => {
  const plan = planOf(1);
  const machine = inlineMachine(plan);
  const all: Checkpoint[] = [];
  do all.push(takeCheckpoint(machine.scheduler, machine.blocks)); while (
    machine.scheduler.advance(10)
  );
  const { store } = all[0]?.marks.cache ?? assert.fail();
  const before = store.pagesAside;
  const kept = all.filter((_, index) => index % 5 === 0);
  keepOnly(kept, all);
  assert.ok(store.pagesAside < before, `${store.pagesAside} of ${before}`);
  for (const checkpoint of kept.reverse()) {
    rewindTo(checkpoint, machine.scheduler, machine.blocks);
    assert.deepEqual(finish(machine), expected(plan));
  }
});
