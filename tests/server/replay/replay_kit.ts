/**
 * Runs that are stored in a folder as the server stores them, made in this process, and a service
 * that looks into them without a worker.
 */
import assert from "node:assert/strict";
import { BlockStore } from "../../../machine/block_store.ts";
import type { Choice } from "../../../machine/choices.ts";
import { FlatStore } from "../../../machine/flat_store.ts";
import { LIMITS } from "../../../machine/limits.ts";
import { Scheduler } from "../../../machine/scheduler.ts";
import type { TraceEvent, TraceHeader } from "../../../machine/trace/event.ts";
import { MemorySink, Recorder } from "../../../machine/trace/recorder.ts";
import { InlineTransport } from "../../../machine/transport/inline.ts";
import type { RunRequest } from "../../../server/api/shapes/run.ts";
import type { StoredRun } from "../../../server/deps.ts";
import {
  cycleChoices,
  cycleHeader,
  headerOfTranscript,
  recipeMachine,
} from "../../../server/runs/recipe_machine.ts";
import { replayPlan } from "../../../server/runs/replay_plan.ts";
import {
  type Recipe,
  RUN_FILES,
  writeChoices,
  writeRecord,
} from "../../../server/runs/run_record.ts";
import { ProblemError, type ProblemName } from "../../../server/problem.ts";
import { ReplayService } from "../../../server/replay/replay_service.ts";
import type { Answers, Question } from "../../../server/replay/requests.ts";
import { LiveMachine } from "../../../server/shell/live_machine.ts";
import { playTranscript } from "../../../server/transcript/play.ts";
import { parseTranscript } from "../../../server/transcript/transcript_parser.ts";
import { collectGarbage } from "../../collect_garbage.ts";

/** A run in a folder. */
export interface KeptRun {
  readonly stored: StoredRun;
  readonly events: readonly TraceEvent[];
}

/** The number of the first event that fits, from an event on. */
export function seqOf(
  run: KeptRun,
  fits: (event: TraceEvent) => boolean,
  from: number = 0,
): number {
  const found = run.events.find((event) => event.seq >= from && fits(event));
  if (found === undefined) throw new Error("The run has no such event");
  return found.seq;
}

/** Whether an event is a fact with these fields. */
export function isFact(
  event: TraceEvent,
  name: string,
  fields: { readonly [name: string]: unknown } = {},
): boolean {
  return event.type === `fact.${name}` &&
    Object.entries(fields).every(([field, value]) => event.summary?.[field] === value);
}

function machineFor(recipe: Recipe, text: string, choices: readonly Choice[]) {
  collectGarbage();
  const { plan, disk } = recipeMachine(recipe, text, choices);
  const { byteLength, writes } = disk();
  const medium = FlatStore.make(byteLength);
  for (const { offset, bytes } of writes) medium.write(offset, bytes);
  const blocks = new BlockStore(
    {
      byteLength,
      read: (offset, target) => target.set(medium.view(offset, target.length)),
      write: (offset, content) => medium.write(offset, content),
      sync: () => {},
    },
    FlatStore.make(LIMITS.diskCacheBytes),
  );
  const sink = new MemorySink();
  const recorder = new Recorder(sink);
  const events: TraceEvent[] = [];
  recorder.listen((event) => void events.push(event));
  const scheduler = new Scheduler(plan, new InlineTransport(plan.registry, blocks), recorder);
  return { scheduler, sink, events };
}

interface Made {
  readonly recipe: Recipe;
  readonly header: TraceHeader;
  readonly text: string;
  readonly choices: readonly Choice[];
  readonly lines: string;
  readonly events: readonly TraceEvent[];
}

/** Puts a run into a folder as the server does. */
function keep(folder: string, made: Made): KeptRun {
  const { recipe, header, text, choices, lines, events } = made;
  Deno.mkdirSync(folder, { recursive: true });
  const first = `${JSON.stringify(header)}\n`;
  const path = `${folder}/${RUN_FILES.trace}`;
  Deno.writeTextFileSync(path, first + lines);
  Deno.writeTextFileSync(`${folder}/${RUN_FILES.transcript}`, text);
  writeChoices(folder, choices);
  const summary = {
    run: header.run,
    kind: recipe.of,
    status: "finished" as const,
    scenario: header.scenario,
    title: header.scenario,
    profile: header.profile,
    seed: header.seed,
    created: "2026-11-21T00:00:00Z",
    events: events.length,
    vt: events.at(-1)?.vt ?? 0,
    replayable: true,
  };
  const request = { kind: recipe.of };
  writeRecord(folder, { format: "kjump-run", v: 1, number: 1, request, recipe, header, summary });
  const firstByte = new TextEncoder().encode(first).length;
  const bytes = firstByte + new TextEncoder().encode(lines).length;
  const log = {
    ...{ run: header.run, header, path, firstByte, bytes, ended: true },
    events: events.length,
    more: () => Promise.resolve(),
  };
  const stored = { run: header.run, folder, log, summary: { ...summary, links: {} } };
  return { stored, events };
}

/** Runs the default cycle, or what the request makes of it, and keeps it. */
export function keepCycle(
  folder: string,
  options: Omit<Extract<RunRequest, { kind: "cycle" }>, "kind"> = {},
): KeptRun {
  const request = { kind: "cycle" as const, ...options };
  const recipe: Recipe = { of: "cycle", request };
  const choices = cycleChoices(request);
  const { scheduler, sink, events } = machineFor(recipe, "", choices);
  while (scheduler.advance(1000));
  scheduler.recorder.flush();
  const header = cycleHeader(request);
  return keep(folder, { recipe, header, text: "", choices, lines: sink.text, events });
}

/** Plays a transcript and keeps the run. */
export async function keepTranscript(
  folder: string,
  name: string,
  text: string,
): Promise<KeptRun> {
  const recipe: Recipe = { of: "transcript", name };
  const transcript = parseTranscript(name, text);
  const { scheduler, sink, events } = machineFor(recipe, text, transcript.machine.choices);
  const machine = new LiveMachine(scheduler);
  await playTranscript(transcript, machine, () => {});
  if (scheduler.outcome === undefined) machine.do({ do: "finish", outcome: "finished" });
  scheduler.recorder.flush();
  const header = headerOfTranscript(transcript);
  const choices = scheduler.choicesMade();
  return keep(folder, { recipe, header, text, choices, lines: sink.text, events });
}

/** Plays one of the house's scenarios and keeps the run. */
export async function keepScenario(folder: string, name: string): Promise<KeptRun> {
  const url = new URL(`../../../fixtures/scenarios/${name}.md`, import.meta.url);
  return await keepTranscript(folder, `${name}.md`, await Deno.readTextFile(url));
}

/** A service over the runs' own plans. */
export function newService(limits: { replaySessions?: number; machineBytes?: number } = {}) {
  const { replaySessions = 2, machineBytes = 2 ** 30 } = limits;
  return new ReplayService({ replaySessions, machineBytes }, replayPlan);
}

/** Asks a service about a moment of a run. */
export async function ask<Q extends Question>(
  service: ReplayService,
  { stored }: KeptRun,
  question: Q,
  at: number,
  turn: () => Promise<void> = () => Promise.resolve(),
): Promise<Answers[Q]> {
  const { run, folder, log } = stored;
  const { path, firstByte, bytes, events } = log;
  const answer = await service.answer(
    { id: 1, question, run, folder, at, path, firstByte, bytes, events },
    turn,
  );
  return answer as Answers[Q];
}

/** Runs a test in a folder of its own. */
export async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "kjump-replay-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
    collectGarbage();
  }
}

/** What an error must be: a problem of that name whose text matches. */
export function isProblem(name: ProblemName, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ProblemError, String(error));
    assert.equal(error.problem, name);
    assert.match(error.message, text);
    return true;
  };
}
