/**
 * `compare`: runs every system on one machine and workload and prints what the authors argued
 * about (protocol.md A.9, H): boots, times, sizes, how much memory can be hibernated at all, what
 * survives a loss of power.
 *
 * @module
 */
import {
  COMPARED_SYSTEMS,
  type ComparedMachine,
  comparedMachine,
  type ComparedSystem,
  type Probed,
  probeScript,
  workLine,
} from "../../actors/scenario/compared.ts";
import { type Conformance, conformance } from "../../actors/scenario/conformance.ts";
import type { MachineSettings } from "../../actors/scenario/machine_plan.ts";
import { EXIT, UsageError } from "../../machine/errors.ts";
import { hardwareProfile } from "../../machine/hardware_profile.ts";
import { Measurement } from "../../machine/trace/measure.ts";
import type { Activity } from "../../machine/trace/measure.ts";
import { comparePlot } from "./compare_plot.ts";
import type { CompareRow, CutRow } from "./compare_row.ts";
import { compareCsv, compareJson, compareText } from "./compare_table.ts";
import type { GivenOptions } from "./options.ts";
import { joined, onHost } from "./output_folder.ts";
import { Progress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

const MIB = 0x10_0000;
/** What fits beside a row of figures. */
const OUTCOME_CHARACTERS = 80;
const USED = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95] as const;
/** Activities in whose middle the power is cut. */
const CUTS: readonly Activity[] = ["quiesce", "switch", "write", "power down", "read", "restore"];
/** Memory in use when the power is cut, in percent: what every system can hibernate. */
const CUT_USED = 20;

/** Which systems a list of names means. */
function systemsOf(list: string | undefined): readonly ComparedSystem[] {
  if (list === undefined) return COMPARED_SYSTEMS;
  return list.split(",").map((name) => {
    const found = COMPARED_SYSTEMS.find(({ id }) => id === name.trim());
    if (found !== undefined) return found;
    const names = COMPARED_SYSTEMS.map(({ id }) => id).join(", ");
    throw new UsageError(`There is no system '${name.trim()}' to compare; there are ${names}`);
  });
}

function usedOf(list: string | undefined): readonly number[] {
  if (list === undefined) return USED;
  return list.split(",").map((text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= 99) return value;
    throw new UsageError(`'${text.trim()}' is no share of memory: whole percents from 1 to 99`);
  });
}

function run(system: ComparedSystem, settings: MachineSettings): Conformance {
  return conformance({ machine: settings, systems: system.letters });
}

/** Reads the numbers that a person would note down in one session for another. */
function probe(system: ComparedSystem, machine: ComparedMachine): Probed {
  const jumpBuffers: Record<string, number> = {};
  for (const entry of system.probes ?? []) {
    const { events } = run(system, comparedMachine(system, machine, probeScript(entry)));
    const fact = events.find(({ type, summary }) =>
      type === "fact.jump_buffer" && summary?.["op"] === "export"
    );
    jumpBuffers[entry] = Number(fact?.summary?.["pfn"]);
  }
  return { jumpBuffers };
}

function settingsOf(
  system: ComparedSystem,
  machine: ComparedMachine,
  probed: Probed,
): MachineSettings {
  return comparedMachine(system, machine, system.script(workLine(machine), probed));
}

/** Why a run did not come back: what the machine said last, without the operator's words. */
function reasonOf({ outcome, events }: Conformance): string {
  if (outcome === "resumed") return outcome;
  const failed = events.find(({ type, summary }) =>
    type === "fact.tool" && summary?.["status"] !== 0
  );
  const { program, message, status } = failed?.summary ?? {};
  if (program === undefined) return outcome;
  const said = String(message ?? `status ${status}`);
  return said.startsWith(`${program}: `) ? said : `${program}: ${said}`;
}

/** Why A could not even be filled so far, if it could not. */
function workFailed({ events }: Conformance): string | undefined {
  const work = events.findLast(({ type, summary }) =>
    type === "fact.tool" && summary?.["program"] === "work"
  );
  if (work?.summary?.["status"] === 0) return undefined;
  return `A has no room for so much (${work?.summary?.["message"] ?? "work failed"})`;
}

function shortened(text: string): string {
  return text.length <= OUTCOME_CHARACTERS ? text : `${text.slice(0, OUTCOME_CHARACTERS - 1)}…`;
}

function rowOf(system: ComparedSystem, machine: ComparedMachine, ended: Conformance): CompareRow {
  const measurement = new Measurement({ text: () => undefined });
  for (const event of ended.events) measurement.event(event);
  const broken = ended.report.rules.filter(({ verdict }) => verdict === "violated");
  const full = workFailed(ended);
  const lost = ended.events.some(({ type, summary }) =>
    type === "fact.selftest" && summary?.["expected"] !== summary?.["actual"]
  );
  return {
    system: system.id,
    title: system.title,
    used: machine.used,
    memoryBytes: machine.memoryBytes,
    resumed: ended.outcome === "resumed" && !lost && full === undefined,
    outcome: shortened(full ?? reasonOf(ended)),
    broken: broken.map(({ id }) => id),
    measured: measurement.measured(),
    target: system.target,
    compression: system.compression,
  };
}

/** Sequence numbers in the middle of each activity, of a run that was whole. */
function middles({ events }: Conformance): ReadonlyMap<Activity, number> {
  const measurement = new Measurement({ text: () => undefined });
  const spans = new Map<Activity, { from: number; to: number }>();
  for (const event of events) {
    measurement.event(event);
    const { activity } = measurement;
    const span = spans.get(activity);
    if (span === undefined) spans.set(activity, { from: event.seq, to: event.seq });
    else if (event.seq === span.to + 1) span.to = event.seq;
  }
  return new Map(
    [...spans].map(([activity, { from, to }]) => [activity, Math.floor((from + to) / 2)]),
  );
}

/** Cuts the power in the middle of each activity and sees what comes up. */
function cutsOf(system: ComparedSystem, machine: ComparedMachine, probed: Probed): CutRow[] {
  const settings = settingsOf(system, { ...machine, used: CUT_USED }, probed);
  const places = middles(run(system, settings));
  const script = typeof settings.operator === "string" ? [] : settings.operator.script;
  const off = script.findIndex((step) => step.do === "off");
  const recovery = script.slice(script.findLastIndex((step) => step.do === "off") + 1);
  if (off < 0) return [];
  return CUTS.flatMap((activity): CutRow[] => {
    const seq = places.get(activity);
    if (seq === undefined) return [];
    const { outcome } = run(system, {
      ...settings,
      operator: { script, recovery, patienceNs: 3_600_000_000_000 },
      choices: [{ kind: "power_cut", at: seq, durable: "none" }],
    });
    const comes = outcome === "resumed" ? "resumes" : "boots anew";
    return [{ system: system.id, activity, seq, outcome: comes }];
  });
}

function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  onHost(folder, "write", () => Deno.mkdirSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    const path = joined(folder, name);
    onHost(path, "write", () => Deno.writeTextFileSync(path, text));
  }
}

/** Runs `compare` and gives the exit code. */
export function runCompare(options: GivenOptions, terminal: Terminal): number {
  const hardware = options.text("profile") ?? "t42";
  const base: Omit<ComparedMachine, "used"> = {
    hardware: hardwareProfile(hardware).name,
    memoryBytes: options.number("memory") ?? 64 * MIB,
    cpus: options.number("cpus") ?? 1,
    seed: options.number("seed") ?? 1,
  };
  const systems = systemsOf(options.text("systems"));
  const shares = usedOf(options.text("used"));
  const progress = new Progress(terminal, options.flag("quiet"));
  const rows: CompareRow[] = [];
  const cuts: CutRow[] = [];
  try {
    for (const system of systems) {
      const machine = (used: number): ComparedMachine => ({ ...base, used });
      const probed = probe(system, machine(0));
      for (const used of shares) {
        progress.say(`${system.id} with ${used} % of memory in use`);
        rows.push(
          rowOf(system, machine(used), run(system, settingsOf(system, machine(used), probed))),
        );
      }
      if (!options.flag("no-cuts")) {
        progress.say(`${system.id}: losing power`);
        cuts.push(...cutsOf(system, machine(CUT_USED), probed));
      }
    }
  } finally {
    progress.done();
  }
  const comparison = { rows, cuts };
  const folder = options.text("out");
  if (folder !== undefined) {
    writeFiles(folder, {
      "compare.csv": compareCsv(comparison),
      "compare.json": compareJson(comparison),
      "compare.svg": comparePlot(rows),
    });
  }
  terminal.out(options.flag("json") ? compareJson(comparison) : compareText(comparison));
  return EXIT.ok;
}
