/**
 * Power cuts into a recorded run: the run is made once, with a checkpoint at each place, and of
 * each cut only what comes after it is run (DESIGN.md 8).
 */
import { BlockStore } from "../../machine/block_store.ts";
import { type Checkpoint, takeCheckpoint } from "../../machine/checkpoint.ts";
import type { Choice } from "../../machine/choices.ts";
import { type CutPoint, cutPoints } from "../../machine/explore/cut_points.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { LIMITS } from "../../machine/limits.ts";
import type { MemoryMedium } from "../../machine/medium.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import {
  finish,
  headerOf,
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

/** A recorded run that can be cut. */
export interface Recording {
  readonly options: RunOptions;
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

/** Records a run with checkpoints at (at most) so many cut points. */
export function record(options: RunOptions, most: number): Recording {
  const points = cutPoints(runMainline(options).events, most);
  const settings = settingsOf(options);
  const medium = mediumFor(options, settings);
  const sink = new MemorySink();
  const recorder = new Recorder(sink);
  const events: TraceEvent[] = [];
  recorder.listen((event) => void events.push(event));
  const plan = planOf(options, settings);
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
  while (scheduler.advance(5000));
  return { options, events, blobs: sink.blobs, blocks, medium, places };
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
  const { options, events, blobs, blocks } = recording;
  const { medium, cache } = checkpoint.marks;
  medium.store.restore(medium.snapshot);
  cache.store.restore(cache.snapshot);
  const settings = settingsOf({ ...options, choices: [choice] });
  const plan = planOf(options, settings);
  const sink = new MemorySink();
  const recorder = new Recorder(sink, checkpoint.recorder);
  const after: TraceEvent[] = [];
  recorder.listen((event) => void after.push(event));
  const transport = new InlineTransport(plan.registry, blocks);
  const { state, actors, ram } = checkpoint;
  // A step may change the state it is given, and the checkpoint is used more than once.
  const standing = structuredClone({ state, actors });
  const scheduler = new Scheduler(plan, transport, recorder, { ...standing, ram });
  const outcome = finish(scheduler, { tolerant: true });
  return {
    choice,
    header: headerOf(settings),
    events: [...events.slice(0, checkpoint.seq), ...after],
    blobs: new Map([...blobs, ...sink.blobs]),
    outcome,
    lines: linesOf(after),
  };
}
