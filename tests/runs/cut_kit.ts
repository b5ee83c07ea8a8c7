/**
 * Power cuts into a recorded run: the run is made once, with a checkpoint at each place, and of
 * each cut only what comes after it is run (DESIGN.md 8).
 */
import { BlockStore } from "../../machine/block_store.ts";
import { type Checkpoint, takeCheckpoint } from "../../machine/checkpoint.ts";
import type { Choice } from "../../machine/choices.ts";
import {
  cutChoice,
  type CutPoint,
  cutPoints,
  rowsOf,
  type Survival,
  SURVIVALS,
} from "../../machine/explore/cut_points.ts";
import type { PowerLoss } from "../../machine/explore/fault_table.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { LIMITS } from "../../machine/limits.ts";
import type { Report } from "../../machine/conformance/report.ts";
import type { MemoryMedium } from "../../machine/medium.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import type { TraceEvent, TraceHeader } from "../../machine/trace/event.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import {
  brokenRules,
  finish,
  headerOf,
  judge,
  type Judged,
  linesOf,
  mediumFor,
  planOf,
  runMainline,
  type RunOptions,
  settingsOf,
} from "./run_kit.ts";

/** Where a recorded run can be cut. */
export interface Place {
  readonly point: CutPoint;
  readonly checkpoint: Checkpoint;
}

/** A system's run that can be made more than once, with other choices. */
export interface RunSource {
  readonly header: TraceHeader;
  /** The machine's disk as the run begins with it, each time a new one. */
  medium(): MemoryMedium;
  plan(choices: readonly Choice[]): RunPlan;
  /** The report of the system's rules. */
  judge(run: Judged): Report;
}

/** A recorded run that can be cut. */
export interface Recording {
  readonly source: RunSource;
  readonly events: readonly TraceEvent[];
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  readonly blocks: BlockStore;
  readonly medium: MemoryMedium;
  /** In the order in which they were taken; they must be used from the last to the first. */
  readonly places: readonly Place[];
}

/** What came of a cut. */
export interface CutRun extends Judged {
  readonly choice: Choice;
  readonly lines: readonly string[];
}

/** A run of mainline kexec jump. */
export function mainlineSource(options: RunOptions): RunSource {
  const settings = settingsOf(options);
  return {
    header: headerOf(settings),
    medium: () => mediumFor(options, settings),
    plan: (choices) => planOf(options, settingsOf({ ...options, choices })),
    judge: (run) => judge(run),
  };
}

/** Records a run of mainline with checkpoints at (at most) so many cut points. */
export function record(options: RunOptions, most: number): Recording {
  return recordAt(mainlineSource(options), cutPoints(runMainline(options).events, most));
}

/**
 * Records a run, as far as the last of the points, with checkpoints at those at which it has not
 * ended. What is written to the disk from the first to the last counts as bytes of snapshots.
 */
export function recordAt(source: RunSource, points: readonly CutPoint[]): Recording {
  const medium = source.medium();
  const sink = new MemorySink();
  const recorder = new Recorder(sink);
  const events: TraceEvent[] = [];
  recorder.listen((event) => void events.push(event));
  const plan = source.plan([]);
  const blocks = new BlockStore(medium, FlatStore.make(LIMITS.diskCacheBytes));
  const scheduler = new Scheduler(plan, new InlineTransport(plan.registry, blocks), recorder);
  const places: Place[] = [];
  for (const point of points) {
    while (recorder.next < point.at && scheduler.advance(1));
    if (scheduler.outcome !== undefined) break;
    // Between two deliveries there may be many events, and only there power can be cut.
    if (places.at(-1)?.checkpoint.seq === recorder.next) continue;
    places.push({ point, checkpoint: takeCheckpoint(scheduler, blocks) });
  }
  return { source, events, blobs: sink.blobs, blocks, medium, places };
}

/** Sectors of the writes that wait in the disk's cache at a checkpoint. */
export function pendingAt({ actors }: Checkpoint): number[] {
  const disk = actors.get("disk");
  const cache: unknown = typeof disk === "object" && disk !== null
    ? Reflect.get(disk, "cache")
    : undefined;
  const pending: unknown = typeof cache === "object" && cache !== null
    ? Reflect.get(cache, "pending")
    : [];
  return Array.isArray(pending) ? pending.map(({ count }) => Number(count)) : [];
}

/** Cuts at a checkpoint and runs what comes after; the medium is left as that run leaves it. */
export function cutAt(recording: Recording, checkpoint: Checkpoint, choice: Choice): CutRun {
  return { ...goOnFrom(recording, checkpoint, [choice]), choice };
}

/**
 * Goes on from a checkpoint with other choices; the medium is left as that run leaves it.
 *
 * @param change Alters the states the actors go on with.
 */
export function goOnFrom(
  recording: Recording,
  checkpoint: Checkpoint,
  choices: readonly Choice[],
  change: (actors: ReadonlyMap<string, Plain>) => void = () => {},
): Judged & Pick<CutRun, "lines"> {
  const { source, events, blobs, blocks } = recording;
  for (const { store, snapshot } of Object.values(checkpoint.marks)) store.restore(snapshot);
  const plan = source.plan(choices);
  const sink = new MemorySink();
  const recorder = new Recorder(sink, checkpoint.recorder);
  const after: TraceEvent[] = [];
  recorder.listen((event) => void after.push(event));
  const transport = new InlineTransport(plan.registry, blocks);
  const { state, actors, ram } = checkpoint;
  // A step may change the state it is given, and the checkpoint is used more than once.
  const standing = structuredClone({ state, actors });
  change(standing.actors);
  const scheduler = new Scheduler(plan, transport, recorder, { ...standing, ram });
  const outcome = finish(scheduler, { tolerant: true });
  return {
    header: source.header,
    events: [...events.slice(0, checkpoint.seq), ...after],
    blobs: new Map([...blobs, ...sink.blobs]),
    outcome,
    lines: linesOf(after),
  };
}

/** What is wrong with what came of a cut, by the fault table and by the rules. */
export function faultOf(
  run: CutRun,
  row: PowerLoss,
  report: Report,
): string | undefined {
  const { reasons } = brokenRules(report);
  if (reasons !== "") return `${run.outcome}: ${reasons}`;
  const f100 = report.rules.find(({ id }) => id === "F100")?.verdict;
  if (f100 !== "held") return `${run.outcome}: F100 is ${f100}`;
  if (run.outcome === "booted without an image") {
    return row.next === "resume" ? `${run.outcome}, though there was one` : undefined;
  }
  if (run.outcome !== "resumed") return run.outcome;
  if (row.next === "ordinary") return "resumed, though there was no image";
  return run.lines.some((line) => line.endsWith("all well")) ? undefined : "A is not well";
}

/** What a whole exploration found. */
export interface Exploration {
  /** Cuts that were run. */
  readonly cuts: number;
  /** Outcomes of each row, by the row's id. */
  readonly outcomes: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly faults: readonly string[];
}

/** Cuts a recorded run at all its places, with every survival of what waits in the cache. */
export function explore(
  recording: Recording,
  visit?: (place: Place, run: CutRun) => void,
  survivals: readonly Survival[] = SURVIVALS,
): Exploration {
  const rows = rowsOf(recording.events);
  const outcomes = new Map<string, Map<string, number>>();
  const faults: string[] = [];
  let cuts = 0;
  for (const place of recording.places.toReversed()) {
    const { checkpoint, point } = place;
    const row = rows[checkpoint.seq - 1] ?? point.row;
    const pending = pendingAt(checkpoint);
    for (const survival of survivals) {
      const choice = cutChoice(checkpoint.seq, survival, pending);
      if (choice === undefined) continue;
      const run = cutAt(recording, checkpoint, choice);
      cuts++;
      const fault = faultOf(run, row, recording.source.judge(run));
      if (fault !== undefined) {
        faults.push(`${row.id}, ${point.beside}, ${JSON.stringify(choice)}: ${fault}`);
      }
      const seen = outcomes.get(row.id) ?? new Map<string, number>();
      seen.set(run.outcome, (seen.get(run.outcome) ?? 0) + 1);
      outcomes.set(row.id, seen);
      visit?.(place, run);
    }
  }
  return { cuts, outcomes, faults };
}
