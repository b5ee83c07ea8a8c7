/**
 * Whole runs for the benchmarks: a machine from power-on to its outcome on a given transport,
 * with the host's time at each of its events.
 *
 * @module
 */
import { workerEntryOf, WORKERS_AHEAD } from "../actors/worker_entries.ts";
import { writeDisk } from "../actors/disk_image/build_disk.ts";
import { kernelProfile } from "../actors/kernel/profiles.ts";
import { REGISTRY } from "../actors/registry.ts";
import {
  newDisk,
  planRun,
  REAL_SECONDS,
  type RunSettings,
} from "../actors/scenario/mainline_run.ts";
import {
  type BlockSource,
  closeBlocks,
  fileBlocks,
  memoryBlocks,
  openBlocks,
} from "../machine/host/block_source.ts";
import { createDiskFile } from "../machine/host/file_medium.ts";
import { WorkerTransport } from "../machine/host/worker_transport.ts";
import { LIMITS } from "../machine/limits.ts";
import { Scheduler } from "../machine/scheduler.ts";
import type { TraceEvent } from "../machine/trace/event.ts";
import { Recorder } from "../machine/trace/recorder.ts";
import { InlineTransport } from "../machine/transport/inline.ts";

/** How a run is carried. */
export interface Carried {
  readonly transport: "inline" | "worker";
  /** Workers that the actors share; one for each unless given. */
  readonly workers?: number;
  /** File to keep the disk in; memory unless given. */
  readonly file?: string;
}

/** Settings of a default cycle with so much memory and so many pages in use. */
export function cycleSettings(memoryBytes: number, processPages: number): RunSettings {
  const profile = kernelProfile("2.6.27");
  return {
    mainline: {
      part: "cycle",
      profile,
      window: profile.window,
      processes: 4,
      processPages,
      payload: false,
      awayNs: 0,
      verify: true,
    },
    memoryBytes,
    cpus: 1,
    hardware: "small-vm",
    seed: 1,
    choices: [],
    seededOrder: false,
    realBaseUs: REAL_SECONDS * 1_000_000,
    brokenNetwork: false,
  };
}

function sourceOf(settings: RunSettings, how: Carried): BlockSource {
  const build = newDisk(settings);
  const { file } = how;
  if (file !== undefined) createDiskFile(file, build.byteLength);
  const source = file === undefined
    ? memoryBlocks(build.byteLength, LIMITS.diskCacheBytes)
    : fileBlocks(file, LIMITS.diskCacheBytes);
  const blocks = openBlocks(source);
  writeDisk(blocks.medium, build);
  closeBlocks(blocks);
  return source;
}

/**
 * Runs a machine to its end.
 *
 * @returns the seconds it took and the trace's hash.
 * @throws {Error} if it did not resume.
 */
export function runCycle(
  settings: RunSettings,
  how: Carried,
  listener: (event: TraceEvent) => void = () => {},
): { readonly seconds: number; readonly hash: string } {
  const source = sourceOf(settings, how);
  const begin = performance.now();
  const blocks = how.transport === "inline" ? openBlocks(source) : undefined;
  const { workers } = how;
  const transport = blocks !== undefined
    ? new InlineTransport(REGISTRY, blocks)
    : new WorkerTransport({
      entry: workers === undefined ? workerEntryOf : workerEntryOf("kernel"),
      registry: REGISTRY,
      blocks: source,
      refill: workers === undefined,
      ...(workers === undefined ? {} : { grouping: groups(workers) }),
    });
  if (transport instanceof WorkerTransport) {
    if (workers !== undefined) transport.prewarm(workers);
    else for (const ahead of WORKERS_AHEAD) transport.prewarm(ahead.count, ahead.behaviour);
  }
  const recorder = new Recorder({ lines() {}, blob() {} });
  recorder.listen(listener);
  const scheduler = new Scheduler(planRun(settings), transport, recorder);
  while (scheduler.advance(100_000));
  const hash = recorder.hash();
  transport.close();
  if (blocks !== undefined) closeBlocks(blocks);
  if (scheduler.outcome !== "resumed") throw new Error(`The run ended: ${scheduler.outcome}`);
  return { seconds: (performance.now() - begin) / 1000, hash };
}

/** Deals actors out to so many workers: the disk has one of its own. */
function groups(workers: number): (name: string) => string {
  return (name) => name === "disk" ? "disk" : `others ${name.length % Math.max(1, workers - 1)}`;
}
