/**
 * Whole runs of mainline kexec jump on the inline transport, as a test tells them.
 */
import { collectGarbage } from "../collect_garbage.ts";
import type { Registry } from "../../machine/actor.ts";
import { BlockStore } from "../../machine/block_store.ts";
import type { Choice } from "../../machine/choices.ts";
import { Checker } from "../../machine/conformance/checker.ts";
import { idsWith, type Report } from "../../machine/conformance/report.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { LIMITS } from "../../machine/limits.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import type { RandomState } from "../../machine/random.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import type { TraceEvent, TraceHeader } from "../../machine/trace/event.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import type { DiskWrite } from "../../actors/disk_image/build_disk.ts";
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import type { MainlinePart } from "../../actors/scenario/mainline.ts";
import {
  newDisk,
  planRun,
  REAL_SECONDS,
  type RunSettings,
} from "../../actors/scenario/mainline_run.ts";

const MIB = 1024 ** 2;
/** A run that makes more deliveries is taken for one that never ends. */
const DELIVERIES_MAX = 400_000;

/** What a run is to be; what is left out is as in the default run. */
export interface RunOptions {
  readonly part?: MainlinePart;
  readonly profile?: string;
  readonly memoryMiB?: number;
  readonly cpus?: number;
  readonly hardware?: string;
  readonly seed?: number;
  readonly choices?: readonly Choice[];
  readonly seededOrder?: boolean;
  readonly processes?: number;
  readonly processPages?: number;
  readonly payload?: Uint8Array;
  readonly verify?: boolean;
  readonly awayNs?: number;
  readonly brokenNetwork?: boolean;
  /** Behaviours other than the house's own: a sabotage. */
  readonly registry?: Registry;
  /** Bytes of an earlier run's disk, which are copied; without them the machine is new. */
  readonly disk?: Uint8Array;
  /** What the person does instead of what the part says. */
  readonly script?: readonly OperatorStep[];
  /** Whether an error of the engine or of a step is the run's outcome instead of thrown. */
  readonly tolerant?: boolean;
  /** A run that makes more deliveries ends as "endless". */
  readonly deliveriesMax?: number;
}

/** A run that has ended. */
export interface Run {
  readonly outcome: string;
  readonly header: TraceHeader;
  readonly events: readonly TraceEvent[];
  readonly text: string;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  readonly hash: string;
  readonly generator: RandomState;
  /** Lines on the console, without prompts. */
  readonly lines: readonly string[];
  readonly medium: MemoryMedium;
  readonly scheduler: Scheduler;
}

/** The settings that options stand for. */
export function settingsOf(options: RunOptions = {}): RunSettings {
  const profile = kernelProfile(options.profile ?? "2.6.27");
  const big = profile.arch === "x86_64";
  return {
    mainline: {
      part: options.part ?? "cycle",
      profile,
      window: profile.window,
      processes: options.processes ?? 2,
      processPages: options.processPages ?? 64,
      payload: options.payload !== undefined,
      awayNs: options.awayNs ?? 0,
      verify: options.verify ?? true,
    },
    memoryBytes: (options.memoryMiB ?? (big ? 512 : 64)) * MIB,
    cpus: options.cpus ?? (big ? 2 : 1),
    hardware: options.hardware ?? "small-vm",
    seed: options.seed ?? 1,
    choices: options.choices ?? [],
    seededOrder: options.seededOrder ?? false,
    realBaseUs: REAL_SECONDS * 1_000_000,
    brokenNetwork: options.brokenNetwork ?? false,
    ...(options.payload === undefined ? {} : { payload: options.payload }),
  };
}

const builtDisks = new Map<string, { byteLength: number; writes: readonly DiskWrite[] }>();

/** A new machine's disk; what it is made of is built once for equal settings. */
export function freshMedium(settings: RunSettings): MemoryMedium {
  const { mainline, memoryBytes, cpus, hardware, seed, payload } = settings;
  const key = JSON.stringify([mainline.profile.name, memoryBytes, cpus, hardware, seed]);
  let built = payload === undefined ? builtDisks.get(key) : undefined;
  if (built === undefined) {
    const { byteLength, writes } = newDisk(settings);
    built = { byteLength, writes: [...writes] };
    if (payload === undefined) builtDisks.set(key, built);
  }
  const medium = new MemoryMedium(FlatStore.make(built.byteLength));
  for (const { offset, bytes } of built.writes) medium.write(offset, bytes);
  return medium;
}

/** The medium a run begins with. */
export function mediumFor({ disk }: RunOptions, settings: RunSettings): MemoryMedium {
  if (disk === undefined) return freshMedium(settings);
  const medium = new MemoryMedium(FlatStore.make(disk.length));
  medium.write(0, disk);
  return medium;
}

/** A copy of a medium's bytes. */
export function bytesOf(medium: MemoryMedium): Uint8Array {
  return medium.store.view(0, medium.byteLength).slice();
}

/** The plan that options stand for. */
export function planOf(options: RunOptions, settings = settingsOf(options)): RunPlan {
  const plan = planRun(settings);
  const { registry = plan.registry, script } = options;
  if (script === undefined) return { ...plan, registry };
  const people = plan.people.map((person) => ({
    ...person,
    config: { patienceNs: 3_600_000_000_000, script: script.map((step) => ({ ...step })) },
  }));
  return { ...plan, registry, people };
}

/** The header of an inline run's trace. */
export function headerOf(settings: RunSettings): TraceHeader {
  const { mainline, seed, hardware } = settings;
  return {
    v: 1,
    run: "0123456789abcdef",
    scenario: mainline.part === "cycle" ? "hibernate" : mainline.part,
    seed,
    profile: `${mainline.profile.name}/${hardware}`,
    version: "0.0.0",
    actors: [],
    clock: "virtual",
    order: "total",
  };
}

/** Runs to the end; the outcome. */
export function finish(scheduler: Scheduler, options: RunOptions = {}): string {
  const { tolerant = false, deliveriesMax = DELIVERIES_MAX } = options;
  try {
    while (scheduler.advance(5000)) {
      if (scheduler.deliveries > deliveriesMax) return "endless";
    }
  } catch (error) {
    if (!tolerant || !(error instanceof Error)) throw error;
    return `failed: ${error.name}: ${error.message}`;
  }
  return scheduler.outcome ?? "no outcome";
}

/** Runs a scenario from power-on to its outcome. */
export function runMainline(options: RunOptions = {}): Run {
  const settings = settingsOf(options);
  return runPlan(planOf(options, settings), {
    medium: mediumFor(options, settings),
    header: headerOf(settings),
    finish: options,
  });
}

/** Runs a plan on a disk to its outcome. */
export function runPlan(
  plan: RunPlan,
  { medium, header, finish: how = {} }: {
    readonly medium: MemoryMedium;
    readonly header: TraceHeader;
    readonly finish?: Pick<RunOptions, "tolerant" | "deliveriesMax">;
  },
): Run {
  collectGarbage();
  const sink = new MemorySink();
  const recorder = new Recorder(sink);
  const events: TraceEvent[] = [];
  recorder.listen((event) => void events.push(event));
  const blocks = new BlockStore(medium, FlatStore.make(LIMITS.diskCacheBytes));
  const transport = new InlineTransport(plan.registry, blocks);
  const scheduler = new Scheduler(plan, transport, recorder);
  const outcome = finish(scheduler, how);
  const hash = recorder.hash();
  return {
    outcome,
    header,
    events,
    text: sink.text,
    blobs: sink.blobs,
    hash,
    generator: scheduler.random.state(),
    lines: linesOf(events),
    medium,
    scheduler,
  };
}

/** Lines on the console, without prompts. */
export function linesOf(events: readonly TraceEvent[]): string[] {
  return events.flatMap(({ type, kind, summary }) =>
    type === "console.shown" && kind === "send" && summary?.["prompt"] === false
      ? [`${summary["by"]}: ${summary["text"]}`]
      : []
  );
}

/** What a report is made from. */
export type Judged = Pick<Run, "header" | "events" | "blobs" | "outcome">;

/** The mainline rules' report over a run, or over the halves of one in order. */
export function judge(...runs: readonly Judged[]): Report {
  return judgeAs("M", ...runs);
}

/** The report of the rules for the systems of those letters (protocol.md F.0). */
export function judgeAs(systems: string, ...runs: readonly Judged[]): Report {
  const blobs = new Map(runs.flatMap((run) => [...run.blobs]));
  const checker = new Checker(ALL_RULES, {
    systems,
    blobs: { get: (digest) => blobs.get(digest.replace("sha256:", "")) },
  });
  runs.forEach(({ header, events, outcome }, index) => {
    const continues = index === 0 ? {} : { continues: String(index - 1).padStart(64, "0") };
    checker.begin({ ...header, ...continues });
    for (const event of events) checker.event(event);
    const sha256 = String(index).padStart(64, "0");
    checker.finishTrace({ count: events.length, sha256, outcome, generator: "" });
  });
  return checker.report();
}

/** Ids of broken rules, and how each was broken first. */
export function brokenRules(report: Report): { ids: string[]; reasons: string } {
  const broken = report.rules.filter((rule) => rule.verdict === "violated");
  return {
    ids: idsWith(report, "violated"),
    reasons: broken.map(({ id, violations }) => `${id}: ${violations[0]?.reason}`).join("; "),
  };
}

/** Events that are facts of a name. */
export function facts(events: readonly TraceEvent[], name: string): readonly TraceEvent[] {
  return events.filter(({ kind, type }) => kind === "note" && type === `fact.${name}`);
}

/** The facts of a name about a kernel, as their fields. */
export function fieldsOf(run: Judged, name: string, k?: string): Record<string, unknown>[] {
  return facts(run.events, name).map(({ summary }) => ({ ...summary })).filter((fields) =>
    k === undefined || Reflect.get(fields, "k") === k
  );
}
