/**
 * Every system on workers and inline, twice and in another order: the laws of the engine hold for
 * all of them (DESIGN.md laws 3 to 5).
 */
import assert from "node:assert/strict";
import { FlatStore } from "../../machine/flat_store.ts";
import { WorkerTransport } from "../../machine/host/worker_transport.ts";
import { LIMITS } from "../../machine/limits.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { REGISTRY } from "../../actors/registry.ts";
import { COMPARED_SYSTEMS, type ComparedSystem } from "../../actors/scenario/compared.ts";
import { planMachine } from "../../actors/scenario/machine_plan.ts";
import { workerEntryOf } from "../../actors/worker_entries.ts";
import { collectGarbage } from "../collect_garbage.ts";
import {
  brokenBut,
  DISTINCT_SYSTEMS,
  isWell,
  matrixMedium,
  matrixSettings,
  runMatrix,
} from "./matrix_kit.ts";
import { finish } from "./run_kit.ts";

interface Ended {
  readonly outcome: string;
  readonly hash: string;
}

/** Two processors, so that what only they do is sent through workers as well. */
const CPUS = 2;

function onWorkers(system: ComparedSystem): Ended {
  collectGarbage();
  const settings = matrixSettings(system, { cpus: CPUS });
  const medium = matrixMedium(system, settings);
  const cache = FlatStore.make(LIMITS.diskCacheBytes);
  const transport = new WorkerTransport({
    entry: workerEntryOf,
    registry: REGISTRY,
    blocks: { kind: "memory", medium: medium.store.parts, cache: cache.parts },
  });
  try {
    const recorder = new Recorder(new MemorySink());
    const scheduler = new Scheduler(planMachine(settings), transport, recorder);
    const outcome = finish(scheduler, { tolerant: true });
    return { outcome, hash: recorder.hash() };
  } finally {
    transport.close();
  }
}

for (const system of COMPARED_SYSTEMS) {
  Deno.test(`${system.id}: workers and inline give the same outcome and the same trace`, () => {
    const { outcome, hash } = runMatrix(system, { cpus: CPUS });
    assert.equal(outcome, "resumed");
    assert.deepEqual(onWorkers(system), { outcome, hash });
  });

  // The order of ties is the engine's: the variants of mainline have the same.
  if (!DISTINCT_SYSTEMS.includes(system) && system.id !== "mainline-lzo") continue;

  Deno.test(`${system.id}: one seed gives one trace; any seed and any order of ties resumes`, () => {
    const options = { seed: 5, seededOrder: true };
    const first = runMatrix(system, options);
    const second = runMatrix(system, options);
    assert.equal(first.outcome, "resumed", first.lines.slice(-3).join("\n"));
    assert.ok(isWell(first), first.lines.at(-1) ?? "silent");
    assert.equal(brokenBut(system, first), "");
    assert.equal(first.hash, second.hash);
    assert.equal(first.text, second.text);
    assert.deepEqual(first.generator, second.generator);
  });
}
