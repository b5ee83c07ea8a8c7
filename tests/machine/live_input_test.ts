import assert from "node:assert/strict";
import { rewindTo, takeCheckpoint } from "../../machine/checkpoint.ts";
import { checkChoice, type Choice } from "../../machine/choices.ts";
import { DivergenceError } from "../../machine/errors.ts";
import { memoryBlocks, openBlocks } from "../../machine/host/block_source.ts";
import { WorkerTransport } from "../../machine/host/worker_transport.ts";
import { type RunPlan, Scheduler } from "../../machine/scheduler.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
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

const PERSON = "person";

function liveMachine(options: ToyOptions) {
  const plan: RunPlan = { ...toyPlan(options), live: true };
  const blocks = toyBlocks();
  const sink = new MemorySink();
  const transport = new InlineTransport(plan.registry, blocks);
  const scheduler = new Scheduler(plan, transport, new Recorder(sink));
  return { scheduler, blocks, sink };
}

function options(seed: number): ToyOptions {
  return { seed, seededOrder: seed % 2 === 0, cycles: 3, batchMax: seed % 3 === 0 ? 1 : 8 };
}

/** A run in which a host interferes here and there, at barriers that the seed decides. */
function interfere(seed: number): { hash: string; choices: readonly Choice[] } {
  const { scheduler } = liveMachine(options(seed));
  for (let round = 0; scheduler.outcome === undefined; round++) {
    const goesOn = scheduler.advance(1 + (seed * 7 + round * 5) % 23);
    if (scheduler.outcome !== undefined) break;
    assert.ok(goesOn || round > 0, "a live machine that stands still has no outcome");
    const isOn = scheduler.lives().some(({ name }) => name === "disk");
    if (round === 4 && isOn) scheduler.cutPower("seeded");
    else if (round < 9) scheduler.input(PERSON, `ponder ${round}`);
    else if (!goesOn || round > 40) scheduler.input(PERSON, "finish");
  }
  return { hash: scheduler.recorder.hash(), choices: scheduler.choicesMade() };
}

function replayInWorkers(plan: RunPlan): ToyRun {
  const blocks = memoryBlocks(DISK_BYTES, 16 * 1024);
  const { registry } = plan;
  const transport = new WorkerTransport({
    entry: TOY_WORKER,
    registry,
    blocks,
    grouping: () => "1",
  });
  try {
    return runToys(plan, transport, openBlocks(blocks));
  } finally {
    transport.close();
  }
}

Deno.test("Scheduler.input: the choices of a live run give the run again, without its host", () => {
  let cuts = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const { hash, choices } = interfere(seed);
    assert.ok(choices.some(({ kind }) => kind === "input"), `seed ${seed} had no input`);
    cuts += choices.filter(({ kind }) => kind === "power_cut").length;
    for (const choice of choices) assert.equal(checkChoice({ ...choice }, "choice"), undefined);
    const plan = toyPlan({ ...options(seed), choices });
    assert.equal(runInline(plan).hash, hash, `seed ${seed}`);
    if (seed <= 4) assert.equal(replayInWorkers(plan).hash, hash, `seed ${seed} in workers`);
  }
  assert.ok(cuts > 10, `power was cut in ${cuts} runs only`);
});

Deno.test("Scheduler.input survives checkpoints, and another input makes another run", () => {
  const { scheduler, blocks } = liveMachine(options(2));
  scheduler.advance(20);
  scheduler.input(PERSON, "first");
  const checkpoint = takeCheckpoint(scheduler, blocks);
  scheduler.advance(30);
  scheduler.input(PERSON, "second");
  while (scheduler.advance(100));
  const hash = scheduler.recorder.hash();
  const choices = scheduler.choicesMade();

  rewindTo(checkpoint, scheduler, blocks);
  while (scheduler.advance(100));
  assert.equal(scheduler.recorder.hash(), hash, "the same inputs come again");
  assert.deepEqual(scheduler.choicesMade(), choices);

  rewindTo(checkpoint, scheduler, blocks);
  scheduler.advance(10);
  scheduler.input(PERSON, "other");
  while (scheduler.advance(100));
  assert.notEqual(scheduler.recorder.hash(), hash);
  const texts = scheduler.choicesMade().flatMap((choice) =>
    choice.kind === "input" ? [choice.text] : []
  );
  assert.deepEqual(texts, ["first", "other"]);
});

Deno.test("Scheduler.input leaves what was planned in its place", () => {
  const cut: Choice = { kind: "power_cut", at: 90, durable: "none" };
  const { scheduler } = liveMachine({ ...options(3), choices: [cut] });
  scheduler.advance(10);
  scheduler.input(PERSON, "early");
  while (scheduler.advance(100));
  assert.deepEqual(scheduler.choicesMade().map(({ kind }) => kind).sort(), ["input", "power_cut"]);
});

Deno.test("Scheduler.advance of a live machine waits where another one would be idle", () => {
  const live = liveMachine({ cycles: 1 }).scheduler;
  while (live.advance(100));
  assert.equal(live.outcome, "done");
  assert.throws(() => live.input(PERSON, "more"), /has ended: done/);
  assert.throws(() => live.cutPower("none"), RangeError);

  // A person who is not told to switch anything on again: nothing happens any more.
  const plan = { ...toyPlan({ cycles: 1 }), hardware: [] };
  const standing = new Scheduler(
    { ...plan, live: true },
    new InlineTransport(plan.registry, toyBlocks()),
    new Recorder(new MemorySink()),
  );
  while (standing.advance(100));
  assert.equal(standing.outcome, undefined);
  standing.input(PERSON, "finish");
  assert.equal(standing.outcome, "told to");
});

Deno.test("Scheduler.input to nobody is a DivergenceError that says who is wanted", () => {
  const { scheduler } = liveMachine({});
  assert.throws(() => scheduler.input("nobody", "x"), /nobody.*no such person/s);
  const choices: Choice[] = [{ kind: "input", at: 1_000_000, actor: PERSON, text: "late" }];
  assert.throws(
    () => runInline(toyPlan({ choices })),
    (error: unknown) =>
      error instanceof DivergenceError && /an input to person at seq 1000000/.test(error.message),
  );
});
