/**
 * What judging costs: events of whole runs through all rules, against plain parsing of the same
 * lines. Both are measured in turns in one run, and the median of the ratios is given.
 *
 * @module
 */
import { gunzipSync } from "node:zlib";
import { Checker } from "../machine/conformance/checker.ts";
import { ALL_RULES } from "../machine/protocol/all_rules.ts";
import { NO_BLOBS } from "../machine/trace/blobs.ts";
import { readTraceSync } from "../machine/trace/reader.ts";
import type { TraceEvent, TraceHeader } from "../machine/trace/event.ts";
import type { Row } from "./engine.ts";

const REPETITIONS = 5;
const EVENTS = 400_000;
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

/** Rows of the table. */
export function measureRules(): Row[] {
  const { header, events, lines } = storedRun();
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
    const checker = new Checker(ALL_RULES, { systems: EVERY_SYSTEM, blobs: NO_BLOBS });
    checker.begin(header);
    const judging = seconds(() => {
      for (let pass = 0; pass < passes; pass++) {
        for (const event of events) checker.event(event);
      }
      checker.report();
    });
    // The first round warms the compiler up.
    if (round > 0) {
      rates.push({ value: count / judging / 1e6, baseline: count / parsing / 1e6 });
    }
  }
  const value = median(rates.map((rate) => rate.value));
  return [{
    name: `all ${ALL_RULES.length} rules over a whole run, against JSON.parse of their lines`,
    value,
    unit: "M events/s",
    baseline: median(rates.map((rate) => rate.baseline)),
    ratio: median(rates.map((rate) => rate.value / rate.baseline)),
    target,
    met: value >= target,
  }];
}
