/**
 * Runs a machine to its end: transport, recorder, trace files, live checker and progress around
 * the scheduler. Between slices the event loop gets its turn, so that Ctrl-C is heard.
 *
 * @module
 */
import { REGISTRY } from "../../actors/registry.ts";
import { workerEntryOf, WORKERS_AHEAD } from "../../actors/worker_entries.ts";
import { Checker } from "../../machine/conformance/checker.ts";
import type { Report } from "../../machine/conformance/report.ts";
import { DivergenceError, EXIT } from "../../machine/errors.ts";
import { type BlockSource, closeBlocks, openBlocks } from "../../machine/host/block_source.ts";
import { WorkerTransport } from "../../machine/host/worker_transport.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import type { BlobSource } from "../../machine/trace/blobs.ts";
import type { TraceFooter, TraceHeader } from "../../machine/trace/event.ts";
import { Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import type { Transport } from "../../machine/transport/transport.ts";
import { failureOf } from "./failure.ts";
import type { Interrupts } from "./interrupts.ts";
import type { OutputFolder } from "./output_folder.ts";
import type { Progress } from "./progress.ts";
import { RunLog } from "./run_log.ts";
import { RunFailure } from "./run_failure.ts";
import { TraceFiles } from "./trace_files.ts";

/** Deliveries between two looks at what else there is to do; fixed, so that runs are alike. */
const SLICE_DELIVERIES = 64;
/** The event loop gets its turn after so long. */
const TURN_MILLISECONDS = 40;

/** Which transport, by the word of `--transport`. */
export type TransportName = "inline" | "worker";

/** A transport and how it is ended. */
export interface OpenTransport extends Disposable {
  readonly transport: Transport;
  /** Makes ready for a machine to be powered on. */
  prepare(): void;
}

/**
 * Opens a transport over a disk; workers begin to start at once.
 *
 * @param makeDisk makes the disk's file where it is not there yet; the workers start meanwhile.
 */
export function openTransport(
  name: TransportName,
  blocks: BlockSource,
  makeDisk: () => void = () => {},
): OpenTransport {
  if (name === "inline") {
    makeDisk();
    const store = openBlocks(blocks);
    const transport = new InlineTransport(REGISTRY, store);
    return {
      transport,
      prepare: () => {},
      [Symbol.dispose]: () => {
        transport.close();
        closeBlocks(store);
      },
    };
  }
  const transport = new WorkerTransport({
    entry: workerEntryOf,
    registry: REGISTRY,
    blocks,
    refill: true,
  });
  const prepare = (): void => {
    for (const { behaviour, count } of WORKERS_AHEAD) transport.prewarm(count, behaviour);
  };
  prepare();
  try {
    makeDisk();
  } catch (error) {
    transport.close();
    throw error;
  }
  return {
    transport,
    prepare,
    [Symbol.dispose]: () => transport.close(),
  };
}

/** What is run, and with what around it. */
export interface MachineRun {
  readonly plan: RunPlan;
  readonly header: TraceHeader;
  readonly open: OpenTransport;
  readonly folder: OutputFolder;
  readonly progress: Progress;
  readonly interrupts: Interrupts;
  /** Where the run is to be ended early: what that is called, and whether it was reached. */
  readonly stop?: { readonly name: string; readonly reached: (log: RunLog) => boolean };
  /** Feeds the trace that this one goes on from to the checker. */
  readonly before?: (checker: Checker) => void;
  /** Blobs of that trace. */
  readonly earlierBlobs?: BlobSource;
}

/** What a run left. */
export interface MachineEnd {
  readonly outcome: string;
  readonly log: RunLog;
  readonly report: Report;
  readonly footer: TraceFooter;
  readonly trace: string;
  readonly blobs: string;
  readonly blobCount: number;
}

/**
 * Runs it.
 *
 * @param atEnd looks at the machine while its actors still live.
 * @throws {Interrupted} if the user stopped it.
 * @throws {RunFailure} if the laboratory failed; what was recorded is kept.
 */
export async function runMachine(
  run: MachineRun,
  atEnd: (scheduler: Scheduler) => void = () => {},
): Promise<MachineEnd> {
  const files = new TraceFiles(run.folder, run.header);
  const recorder = new Recorder(files);
  const finish = (outcome: string, generator: string) => {
    const footer = { count: recorder.next, sha256: recorder.hash(), outcome, generator };
    return { footer, ...files.finish(footer) };
  };
  const checker = new Checker(ALL_RULES, {
    blobs: { get: (digest) => files.get(digest) ?? run.earlierBlobs?.get(digest) },
  });
  try {
    run.before?.(checker);
    checker.begin(run.header);
    const log = new RunLog(files);
    recorder.listen((event) => {
      log.take(event);
      checker.event(event);
    });
    run.progress.follow(log);
    const scheduler = new Scheduler(run.plan, run.open.transport, recorder);
    const outcome = await advance(run, scheduler, log);
    atEnd(scheduler);
    const ended = finish(outcome, JSON.stringify(scheduler.random.state()));
    checker.finishTrace(ended.footer);
    return { outcome, log, report: checker.report(), blobCount: files.blobCount, ...ended };
  } catch (error) {
    throw failed(error, recorder.next, files, finish);
  }
}

/** What is thrown for a failed run; its trace is kept where it helps to find out why. */
function failed(
  error: unknown,
  events: number,
  files: TraceFiles,
  finish: (outcome: string, generator: string) => { readonly trace: string },
): unknown {
  const { code } = failureOf(error);
  if (code !== EXIT.internal || events === 0 || error instanceof DivergenceError) {
    files.close();
    return error instanceof DivergenceError ? new RunFailure(error, "", events) : error;
  }
  try {
    const { trace } = finish(`failed: ${error instanceof Error ? error.message : error}`, "");
    return new RunFailure(error, trace, events);
  } catch {
    // The trace cannot be written either; what the run failed with is the better news.
    return error;
  }
}

async function advance(
  run: MachineRun,
  scheduler: Scheduler,
  log: RunLog,
): Promise<string> {
  let turn = performance.now();
  let phase = "";
  while (scheduler.advance(SLICE_DELIVERIES)) {
    if (run.stop?.reached(log) === true) return `stopped at ${run.stop.name}`;
    // The next power-on needs workers; they start while the image is still being written.
    if (log.phase !== phase && log.phase === "save image") run.open.prepare();
    phase = log.phase;
    const now = performance.now();
    if (now - turn < TURN_MILLISECONDS) continue;
    run.progress.tick(log);
    await run.interrupts.check();
    turn = performance.now();
  }
  return scheduler.outcome ?? "idle";
}
