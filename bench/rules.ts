/**
 * What judging costs: events of whole runs through all rules, against plain parsing of the same
 * lines. Both are measured in turns in one run, and the median of the ratios is given.
 *
 * @module
 */
import { gunzipSync } from "node:zlib";
import {
  COMPARED_SYSTEMS,
  comparedMachine,
  type ComparedSystem,
  workLine,
} from "../actors/scenario/compared.ts";
import { conformance } from "../actors/scenario/conformance.ts";
import { Checker } from "../machine/conformance/checker.ts";
import { ALL_RULES } from "../machine/protocol/all_rules.ts";
import { NO_BLOBS } from "../machine/trace/blobs.ts";
import { readTraceSync } from "../machine/trace/reader.ts";
import type { TraceEvent, TraceHeader } from "../machine/trace/event.ts";
import type { Row } from "./engine.ts";

const REPETITIONS = 5;
const EVENTS = 100_000;
const MIB = 0x10_0000;
const SYSTEMS = ["rfc", "v7", "v7-kimgcore", "mainline", "tuxonice", "swsusp-6.1-s4"];
/** Page frames of the RFC's jump buffers on that machine. */
const JUMP_BUFFERS = { A: 12_403, C: 12_403 };
const HEADER: TraceHeader = {
  v: 1,
  run: "0000000000000000",
  scenario: "bench",
  seed: 1,
  profile: "t42",
  version: "0",
  actors: [],
  clock: "virtual",
  order: "total",
};
const EVERY_SYSTEM = "RVGMST";
const RUN = new URL("../fixtures/traces/runs/cycle-2.6.27.ndjson.gz", import.meta.url);

interface Run {
  readonly header: TraceHeader;
  readonly events: readonly TraceEvent[];
  readonly lines: readonly string[];
}

/** The stored run of a whole hibernation with resume. */
function storedRun(): Run {
  const text = gunzipSync(Deno.readFileSync(RUN)).toString();
  const lines = text.split(/(?<=\n)/);
  let header: TraceHeader | undefined;
  const events: TraceEvent[] = [];
  for (const item of readTraceSync(lines, { lineFeeds: true })) {
    if (item.record === "header") header = item.header;
    else if (item.record === "event") events.push(item.event);
  }
  if (header === undefined) throw new Error("The stored run has no header");
  return { header, events, lines };
}

/** Seconds that an operation takes. */
function seconds(operation: () => void): number {
  const begin = performance.now();
  operation();
  return (performance.now() - begin) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN;
}

/** A run of a system, as `deno task compare` makes it. */
function runOf(system: ComparedSystem): Run {
  const machine = { memoryBytes: 64 * MIB, hardware: "t42", cpus: 1, seed: 1, used: 20 };
  const script = system.script(workLine(machine), { jumpBuffers: JUMP_BUFFERS });
  const { events } = conformance({
    machine: comparedMachine(system, machine, script),
    systems: system.letters,
  });
  const header = { ...HEADER, scenario: system.id };
  return { header, events, lines: events.map((event) => JSON.stringify(event)) };
}

function rowOf(what: string, { header, events, lines }: Run): Row {
  const target = 1;
  const passes = Math.ceil(EVENTS / events.length);
  const count = passes * events.length;
  const rates: { value: number; baseline: number }[] = [];
  for (let round = 0; round <= REPETITIONS; round++) {
    const parsing = seconds(() => {
      for (let pass = 0; pass < passes; pass++) {
        for (const line of lines) JSON.parse(line);
      }
    });
    // Each pass is a run of its own, so that none finds rules that have given up.
    const judging = seconds(() => {
      for (let pass = 0; pass < passes; pass++) {
        const checker = new Checker(ALL_RULES, { systems: EVERY_SYSTEM, blobs: NO_BLOBS });
        checker.begin(header);
        for (const event of events) checker.event(event);
        checker.report();
      }
    });
    // The first round warms the compiler up.
    if (round > 0) {
      rates.push({ value: count / judging / 1e6, baseline: count / parsing / 1e6 });
    }
  }
  const value = median(rates.map((rate) => rate.value));
  return {
    name: `all ${ALL_RULES.length} rules over ${what}, against JSON.parse of its lines`,
    value,
    unit: "M events/s",
    baseline: median(rates.map((rate) => rate.baseline)),
    ratio: median(rates.map((rate) => rate.value / rate.baseline)),
    target,
    met: value >= target,
  };
}

/** Rows of the table: the stored run, and one of each system whose facts are its own. */
export function measureRules(): Row[] {
  const systems = COMPARED_SYSTEMS.filter(({ id }) => SYSTEMS.includes(id));
  return [
    rowOf("the stored cycle", storedRun()),
    ...systems.map((system) => rowOf(`a run of ${system.id}`, runOf(system))),
  ];
}
