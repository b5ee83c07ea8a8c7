/**
 * A live run with everything around it: disk, transport, trace files, live checker, Ctrl-C. What
 * happens in it is told by a function that is given the machine.
 *
 * @module
 */
import { writeDisk } from "../../actors/disk_image/build_disk.ts";
import {
  machineDisk,
  type MachineSettings,
  planMachine,
} from "../../actors/scenario/machine_plan.ts";
import type { Choice } from "../../machine/choices.ts";
import { Checker } from "../../machine/conformance/checker.ts";
import type { Report } from "../../machine/conformance/report.ts";
import { fileBlocks } from "../../machine/host/block_source.ts";
import { createDiskFile, FileMedium } from "../../machine/host/file_medium.ts";
import { LIMITS } from "../../machine/limits.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import type { TraceEvent, TraceFooter, TraceHeader } from "../../machine/trace/event.ts";
import { Recorder } from "../../machine/trace/recorder.ts";
import { LiveMachine } from "../shell/live_machine.ts";
import { FILES } from "../terminal/conclude.ts";
import type { Interrupts } from "../terminal/interrupts.ts";
import type { OutputFolder } from "../terminal/output_folder.ts";
import { RunFailure } from "../terminal/run_failure.ts";
import { openTransport, type TransportName } from "../terminal/run_machine.ts";
import { TraceFiles } from "../terminal/trace_files.ts";

/** The choices of a live run: with the machine they are the run. */
const CHOICES = "choices.json";

/** What a live run is made of. */
export interface LiveRun {
  readonly settings: MachineSettings;
  readonly header: (plan: RunPlan) => TraceHeader;
  readonly transport: TransportName;
  readonly folder: OutputFolder;
  readonly interrupts: Interrupts;
  /** Sees every event. */
  readonly watch?: (event: TraceEvent) => void;
}

/** What it left. */
export interface LiveEnd<T> {
  readonly value: T;
  readonly header: TraceHeader;
  readonly report: Report;
  readonly footer: TraceFooter;
  readonly choices: readonly Choice[];
  /** Virtual time at the end in ns. */
  readonly vt: number;
  readonly trace: string;
  readonly disk: string;
}

function makeDisk(path: string, settings: MachineSettings): void {
  const build = machineDisk(settings);
  createDiskFile(path, build.byteLength);
  const medium = new FileMedium(path);
  try {
    writeDisk(medium, build);
  } finally {
    medium.close();
  }
}

/**
 * Runs it: `play` does what there is to do and says how the run is to be called in the end. When it
 * throws, the trace up to then is kept.
 */
export async function runLive<T>(
  run: LiveRun,
  play: (machine: LiveMachine) => Promise<{ readonly value: T; readonly outcome: string }>,
): Promise<LiveEnd<T>> {
  const { settings, folder, transport } = run;
  const plan = planMachine(settings);
  const header = run.header(plan);
  const diskPath = folder.part(FILES.disk);
  const ended = await (async () => {
    using open = openTransport(
      transport,
      fileBlocks(diskPath, LIMITS.diskCacheBytes),
      () => makeDisk(diskPath, settings),
    );
    return await recordLive(run, { plan, header, open }, play);
  })();
  const disk = folder.finish(FILES.disk);
  folder.write(CHOICES, `${JSON.stringify(ended.choices, null, 1)}\n`);
  return { ...ended, header, disk };
}

async function recordLive<T>(
  { folder, interrupts, watch }: LiveRun,
  { plan, header, open }: {
    readonly plan: RunPlan;
    readonly header: TraceHeader;
    readonly open: ReturnType<typeof openTransport>;
  },
  play: (machine: LiveMachine) => Promise<{ readonly value: T; readonly outcome: string }>,
) {
  const files = new TraceFiles(folder, header);
  const recorder = new Recorder(files);
  const checker = new Checker(ALL_RULES, { blobs: files });
  checker.begin(header);
  recorder.listen((event) => {
    checker.event(event);
    watch?.(event);
  });
  const footerOf = (outcome: string, generator: string): TraceFooter => ({
    count: recorder.next,
    sha256: recorder.hash(),
    outcome,
    generator,
  });
  try {
    const scheduler = new Scheduler(plan, open.transport, recorder);
    const machine = new LiveMachine(scheduler, () => interrupts.check());
    const { value, outcome } = await play(machine);
    if (scheduler.outcome === undefined) machine.do({ do: "finish", outcome });
    const generator = JSON.stringify(scheduler.random.state());
    const footer = footerOf(scheduler.outcome ?? outcome, generator);
    const { trace } = files.finish(footer);
    checker.finishTrace(footer);
    const { vt } = scheduler;
    return { value, report: checker.report(), footer, choices: scheduler.choicesMade(), vt, trace };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const { trace } = files.finish(footerOf(`failed: ${message}`, ""));
    throw new RunFailure(error, trace, recorder.next);
  }
}
