import assert from "node:assert/strict";
import type { Choice } from "../../machine/choices.ts";
import { memoryBlocks, openBlocks } from "../../machine/host/block_source.ts";
import { WorkerTransport } from "../../machine/host/worker_transport.ts";
import type { RunPlan } from "../../machine/scheduler.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import {
  DISK_BYTES,
  runInline,
  runToys,
  TOY_WORKER,
  toyBlocks,
  type ToyOptions,
  toyPlan,
  type ToyRun,
} from "./toy_machine.ts";

const CACHE_BYTES = 16 * 1024;

/** A mixture of all that can vary, by seed. */
function variant(seed: number): ToyOptions {
  const choices: Choice[] = [];
  if (seed % 5 === 1) {
    choices.push({ kind: "power_cut", at: 60 + seed, durable: "seeded" });
  }
  return {
    seed,
    choices,
    cycles: 1 + (seed % 2),
    rounds: 2 + (seed % 3),
    seededOrder: seed % 3 === 0,
    batchMax: seed % 7 === 0 ? 1 : 8,
    observe: seed % 2 === 0,
  };
}

/** The same, with two messages of its own trace chosen: one lost, one late. */
function withFates(options: ToyOptions): ToyOptions {
  const [lost, late] = runInline(toyPlan(options)).text.split("\n")
    .filter((line) => line.includes('"kind":"send"') && line.includes('"memory.granted"'))
    .map((line) => Number(JSON.parse(line).seq));
  if (lost === undefined || late === undefined) return options;
  const odd = (options.seed ?? 0) % 2 === 1;
  const fate: Choice = odd ? { kind: "lose", msg: lost } : { kind: "delay", msg: late, ns: 3_333 };
  return { ...options, choices: [...options.choices ?? [], fate] };
}

function runInWorkers(plan: RunPlan, grouping?: (name: string) => string): ToyRun {
  const blocks = memoryBlocks(DISK_BYTES, CACHE_BYTES);
  const transport = new WorkerTransport({
    entry: TOY_WORKER,
    registry: plan.registry,
    blocks,
    ...(grouping === undefined ? {} : { grouping }),
  });
  try {
    return runToys(plan, transport, openBlocks(blocks));
  } finally {
    transport.close();
  }
}

/** The first lines in which two traces differ; a diff of whole traces would take minutes. */
function firstDifference(left: string, right: string): [string | undefined, string | undefined] {
  if (left === right) return ["", ""];
  const others = right.split("\n");
  const lines = left.split("\n");
  const index = lines.findIndex((line, at) => line !== others[at]);
  return [lines[index], others[index < 0 ? lines.length : index]];
}

function assertSame(left: ToyRun, right: ToyRun, about: string): void {
  assert.equal(...firstDifference(left.text, right.text), about);
  assert.equal(left.hash, right.hash, about);
  assert.equal(left.generator, right.generator, about);
  assert.equal(left.outcome, right.outcome, about);
  assert.deepEqual(left.disk, right.disk, about);
}

const GROUPINGS: readonly ((name: string) => string)[] = [
  () => "one",
  (name) => name < "d" ? "first" : "second",
  (name) => name === "person" || name === "firmware" ? "apart" : name.slice(0, 1),
];

Deno.test("Scheduler gives one trace inline and in workers, over 40 seeds and groupings", () => {
  const kinds = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const options = seed % 4 >= 2 ? withFates(variant(seed)) : variant(seed);
    const plan = toyPlan(options);
    const inline = runInline(plan);
    assertSame(inline, runInline(plan), `seed ${seed} twice inline`);
    // A worker costs some 15 ms to start, so most seeds share one or two.
    const grouping = GROUPINGS[seed <= 12 ? seed % 4 : seed % 2];
    assertSame(inline, runInWorkers(plan, grouping), `seed ${seed} in workers`);
    for (const line of inline.text.trimEnd().split("\n")) kinds.add(JSON.parse(line).kind);
  }
  for (const kind of ["defer", "ignore", "drop", "timer", "fault", "signal", "note", "end"]) {
    assert.ok(kinds.has(kind), `the toys never exercised '${kind}'`);
  }
});

Deno.test("InlineTransport gives the same trace where everything passes through JSON", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const plan = toyPlan(variant(seed));
    const blocks = toyBlocks();
    const isolated = new InlineTransport(plan.registry, blocks, { isolate: true });
    assertSame(runInline(plan), runToys(plan, isolated, blocks), `seed ${seed}`);
  }
});

Deno.test("Scheduler forms batches: different actors, closer together than the latency", () => {
  let widest = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const plan = toyPlan({ seed });
    const blocks = toyBlocks();
    const transport = new InlineTransport(plan.registry, blocks);
    const step = transport.step.bind(transport);
    transport.step = (batch) => {
      widest = Math.max(widest, batch.length);
      const actors = new Set(batch.map((order) => order.actor));
      assert.equal(actors.size, batch.length);
      const times = batch.map((order) => order.now);
      assert.ok(Math.max(...times) - Math.min(...times) < plan.linkLatency, String(times));
      const alone = actors.has("person") || actors.has("firmware");
      assert.ok(!alone || batch.length === 1, "who starts or ends others shares no batch");
      return step(batch);
    };
    runToys(plan, transport, blocks);
  }
  assert.ok(widest >= 2, `widest batch ${widest}`);
});
