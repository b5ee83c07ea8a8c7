/**
 * The systems that are compared, each as a run that a test can alter: more processors, another
 * seed, a choice, what is typed after a failure (issue 3: "each also runs with …").
 */
import type { Choice } from "../../machine/choices.ts";
import type { Report } from "../../machine/conformance/report.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import type { TraceHeader } from "../../machine/trace/event.ts";
import type { DiskWrite } from "../../actors/disk_image/build_disk.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import {
  COMPARED_SYSTEMS,
  comparedMachine,
  type ComparedSystem,
  type Probed,
  probeScript,
  workLine,
} from "../../actors/scenario/compared.ts";
import {
  machineDisk,
  type MachineSettings,
  planMachine,
} from "../../actors/scenario/machine_plan.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { MemoryMedium } from "../../machine/medium.ts";
import { POWER_LOSS_TABLE } from "../../machine/explore/fault_table.ts";
import type { Checkpoint } from "../../machine/checkpoint.ts";
import { goOnFrom, recordAt, type Recording, type RunSource } from "./cut_kit.ts";
import { fieldsOf, judgeAs, type Judged, type Run, runPlan } from "./run_kit.ts";

const MIB = 1024 ** 2;
const PATIENCE_NS = 3_600_000_000_000;

/** What of a run differs from the plain one. */
export interface MatrixOptions {
  readonly cpus?: number;
  /** Share of RAM the workload holds, in percent; 10 unless given. */
  readonly used?: number;
  readonly seed?: number;
  readonly seededOrder?: boolean;
  readonly choices?: readonly Choice[];
  /** Another script, made of the plain one. */
  readonly script?: (plain: readonly OperatorStep[]) => readonly OperatorStep[];
  readonly recovery?: readonly OperatorStep[];
}

/** The systems without those that are mainline but for the image's place or form. */
export const DISTINCT_SYSTEMS: readonly ComparedSystem[] = COMPARED_SYSTEMS.filter(({ id }) =>
  !id.startsWith("mainline-") || id === "mainline-loader"
);

/** A system by its id. */
export function systemOf(id: string): ComparedSystem {
  const found = COMPARED_SYSTEMS.find((system) => system.id === id);
  if (found === undefined) throw new Error(`No system '${id}'`);
  return found;
}

const probes = new Map<string, Probed>();

/** The numbers a person reads in one session for another; read once for equal machines. */
function probedOf(system: ComparedSystem, options: MatrixOptions): Probed {
  const { cpus = 1, seed = 1 } = options;
  const key = `${system.id} ${cpus} ${seed}`;
  const known = probes.get(key);
  if (known !== undefined) return known;
  const jumpBuffers: Record<string, number> = {};
  for (const entry of system.probes ?? []) {
    const settings = settingsWith(system, { cpus, seed }, probeScript(entry));
    const run = runSettings(system, settings);
    const [exported] = fieldsOf(run, "jump_buffer", entry).filter(({ op }) => op === "export");
    jumpBuffers[entry] = Number(exported?.["pfn"]);
  }
  const probed = { jumpBuffers };
  probes.set(key, probed);
  return probed;
}

function settingsWith(
  system: ComparedSystem,
  options: MatrixOptions,
  script: readonly OperatorStep[],
): MachineSettings {
  const { cpus = 1, used = 10, seed = 1, seededOrder = false, choices = [], recovery } = options;
  const machine = { memoryBytes: 64 * MIB, hardware: "t42", cpus, seed, used };
  const plain = comparedMachine(system, machine, script);
  const hasC = system.menu.some(({ name }) => name === "C");
  const c = { name: "C", append: "hostname=C root=/dev/ram0 console=ttyS0" };
  return {
    ...plain,
    menu: hasC ? system.menu : [...system.menu, c],
    seededOrder,
    choices,
    operator: {
      script,
      patienceNs: PATIENCE_NS,
      ...(recovery === undefined ? {} : { recovery }),
    },
  };
}

/** The settings of a system's run. */
export function matrixSettings(
  system: ComparedSystem,
  options: MatrixOptions = {},
): MachineSettings {
  const { used = 10, script: altered = (plain) => plain } = options;
  const line = workLine({ memoryBytes: 64 * MIB, hardware: "t42", cpus: 1, seed: 1, used });
  const plain = system.script(line, probedOf(system, options));
  return settingsWith(system, options, altered(plain));
}

const builtDisks = new Map<string, { byteLength: number; writes: readonly DiskWrite[] }>();

/** A new machine's disk; what it is made of is built once for equal settings. */
export function matrixMedium(system: ComparedSystem, settings: MachineSettings): MemoryMedium {
  const key = `${system.id} ${settings.cpus} ${settings.seed}`;
  let built = builtDisks.get(key);
  if (built === undefined) {
    const { byteLength, writes } = machineDisk(settings);
    built = { byteLength, writes: [...writes] };
    builtDisks.set(key, built);
  }
  const medium = new MemoryMedium(FlatStore.make(built.byteLength));
  for (const { offset, bytes } of built.writes) medium.write(offset, bytes);
  return medium;
}

/** The header of a system's trace. */
export function matrixHeader(system: ComparedSystem, settings: MachineSettings): TraceHeader {
  return {
    v: 1,
    run: "0123456789abcdef",
    scenario: system.id,
    seed: settings.seed,
    profile: `${settings.profile.name}/${settings.hardware}`,
    version: "0.0.0",
    actors: [],
    clock: "virtual",
    order: "total",
  };
}

function runSettings(system: ComparedSystem, settings: MachineSettings): Run {
  const plan: RunPlan = planMachine(settings);
  return runPlan(plan, {
    medium: matrixMedium(system, settings),
    header: matrixHeader(system, settings),
    finish: { tolerant: true },
  });
}

/** Runs a system inline to its outcome. */
export function runMatrix(system: ComparedSystem, options: MatrixOptions = {}): Run {
  return runSettings(system, matrixSettings(system, options));
}

/** What tests look up in the plain run of a system. */
export type PlainRun = Pick<Run, "events" | "lines" | "outcome">;

const plainRuns = new Map<string, PlainRun>();

/** A system's run without any options, made once; its machine is not kept. */
export function plainRun(system: ComparedSystem): PlainRun {
  const known = plainRuns.get(system.id);
  if (known !== undefined) return known;
  const { events, lines, outcome } = runMatrix(system);
  const plain = { events, lines, outcome };
  plainRuns.set(system.id, plain);
  return plain;
}

/**
 * What a system breaks in each of its runs: v7 quiesces with suspend callbacks (protocol.md F.2).
 */
const ALWAYS_BROKEN: Readonly<Record<string, readonly string[]>> = {
  "v7": ["F38"],
  "v7-kimgcore": ["F38"],
};

/** What a report holds against a system beside its own quirks, `""` for nothing. */
export function reasonsBut(system: ComparedSystem, report: Report): string {
  const known = ALWAYS_BROKEN[system.id] ?? [];
  return report.rules.filter(({ id, verdict }) => verdict === "violated" && !known.includes(id))
    .map(({ id, violations }) => `${id}: ${violations[0]?.reason}`).join("; ");
}

/** What a run broke of its system's rules beside the system's own quirks, `""` for nothing. */
export function brokenBut(system: ComparedSystem, run: Judged): string {
  return reasonsBut(system, judgeAs(system.letters, run));
}

/** Whether A looked at itself last and found all as it was. */
export function isWell(run: Pick<Run, "lines">): boolean {
  const check = run.lines.findLast((line) => line.startsWith("A: check: "));
  return check?.endsWith("all well") ?? false;
}

/** The step that makes A hibernate: the last that is typed to it before the machine is off. */
export function hibernatingStep(script: readonly OperatorStep[]): number {
  const off = script.findLastIndex((step) => step.do === "off");
  return script.findLastIndex((step, index) =>
    index < off && step.do === "type" && step.at === "A"
  );
}

/** The plain script until A has been told to hibernate, then A is asked how it is. */
export function failingScript(plain: readonly OperatorStep[]): readonly OperatorStep[] {
  return [
    ...plain.slice(0, hibernatingStep(plain) + 1),
    { do: "type", at: "A", line: "check" },
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "goes on" },
  ];
}

/** A system's run as something that can be recorded and gone on from. */
export function matrixSource(system: ComparedSystem, options: MatrixOptions = {}): RunSource {
  const settings = matrixSettings(system, options);
  return {
    header: matrixHeader(system, settings),
    medium: () => matrixMedium(system, settings),
    plan: (choices) => planMachine({ ...settings, choices }),
    judge: (run) => judgeAs(system.letters, run),
  };
}

/** Number of the event with which the line that makes A hibernate is typed. */
export function attemptBegins(system: ComparedSystem, { events }: Pick<Run, "events">): number {
  const plain = system.script("", { jumpBuffers: {} });
  const before = plain.slice(0, hibernatingStep(plain)).filter((step) => step.do === "type");
  const typed = events.filter(({ kind, type }) => kind === "send" && type === "console.type");
  return typed[before.length]?.seq ?? raise(`${system.id} was never told to hibernate`);
}

/** Number of the event with which whoever resumes begins to run, after the last power-on. */
export function resumeBegins(_system: ComparedSystem, { events }: Pick<Run, "events">): number {
  const begun = events.findLast(({ kind, type, summary }) =>
    kind === "note" && type === "fact.power" && summary?.["op"] === "on"
  );
  return begun?.seq ?? raise("the machine was never on");
}

/** A recorded run in which a refusal or a wake-up event can be put. */
export interface Attempt {
  readonly recording: Recording;
  readonly checkpoint: Checkpoint;
}

/** A moment of a system's run. */
export type Moment = (system: ComparedSystem, run: Pick<Run, "events">) => number;

/** Records a run up to a moment of the plain one, which lies before what `options` change. */
export function recordAttempt(
  system: ComparedSystem,
  moment: Moment,
  options: MatrixOptions,
): Attempt {
  const at = moment(system, plainRun(system));
  const row = POWER_LOSS_TABLE[0] ?? raise("no row");
  const recording = recordAt(matrixSource(system, options), [{ at, beside: "a moment", row }]);
  const [place] = recording.places;
  return { recording, checkpoint: place?.checkpoint ?? raise("the run ended before") };
}

function raise(message: string): never {
  throw new Error(message);
}

/** How often a device was asked for a phase in this session, at a checkpoint. */
export function askedOf(
  { actors }: Checkpoint,
  device: string,
  phase: string,
): number {
  const asked = field(field(actors.get(device), "device"), "asked");
  return Number(field(asked, phase) ?? 0);
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** A device that refuses a phase the so manieth time from an attempt's beginning. */
export interface AttemptRefusal {
  readonly device: string;
  readonly phase: string;
  /** From 1, counted from the attempt's beginning. */
  readonly time: number;
}

/** The choice that gives that refusal in a run from power-on. */
export function refusalChoice({ checkpoint }: Attempt, refusal: AttemptRefusal): Choice {
  const { device, phase } = refusal;
  const time = askedOf(checkpoint, device, phase) + refusal.time;
  return { kind: "refuse", device, phase, time, result: -16 };
}

/**
 * Goes on from the attempt's beginning with a device that refuses once. What refuses stands in a
 * device's configuration, which it has from power-on; here it is put in later, which is the same
 * thing as long as nothing before was to refuse.
 */
export function attemptRefused(
  attempt: Attempt,
  refusal: AttemptRefusal,
): ReturnType<typeof goOnFrom> {
  const choice = refusalChoice(attempt, refusal);
  const { kind: _kind, ...entry } = { ...choice };
  const { recording, checkpoint } = attempt;
  return goOnFrom(recording, checkpoint, [choice], (actors) => {
    const config = field(actors.get(refusal.device), "config");
    if (typeof config !== "object" || config === null) throw new Error("a device without config");
    Reflect.set(config, "refusals", [entry]);
  });
}

/**
 * What is done after a loss of power: whoever resumes is booted, and either A comes back or it is
 * an ordinary boot. A boot loader that finds nothing to resume is told to boot C.
 */
export function recoveryOf(
  system: ComparedSystem,
  options: MatrixOptions = {},
): readonly OperatorStep[] {
  const { operator } = matrixSettings(system, options);
  const script = operator === "live" ? [] : operator.script;
  const last = script.slice(script.findLastIndex((step) => step.do === "off") + 1);
  return last.map((step) =>
    step.do === "type" && step.otherwise !== undefined
      ? { ...step, otherwise: { ...step.otherwise, entry: "C" } }
      : step
  );
}
