/**
 * What several exporters need of a trace: which events a handling brought about, what the rules
 * say of an event, an event's facts as short text.
 *
 * @module
 */
import type { Summary, TraceEvent } from "../event.ts";
import type { ExportSource } from "./exporter.ts";

/** A rule that was broken at an event. */
export interface Broken {
  readonly rule: string;
  readonly reason: string;
}

/** The report's violations by the number of their event; those of other traces are left out. */
export function brokenRules({ report, header }: ExportSource): ReadonlyMap<number, Broken[]> {
  const broken = new Map<number, Broken[]>();
  for (const { id, violations } of report?.rules ?? []) {
    for (const { trace, seq, reason } of violations) {
      if (report?.traces[trace]?.run !== header.run) continue;
      const list = broken.get(seq) ?? [];
      list.push({ rule: id, reason });
      broken.set(seq, list);
    }
  }
  return broken;
}

/** What an actor is doing: handling the event with this number, since then. */
export interface Handled {
  readonly seq: number;
  readonly vt: number;
}

/** Whether an event came of a handling that is open at its actor. */
export function cameOf({ cause, vt }: TraceEvent, handled: Handled): boolean {
  return cause === undefined ? vt === handled.vt : cause === handled.seq;
}

/** `name=value name=value`; empty for nothing. */
export function summaryWords(summary: Summary | undefined): string {
  if (summary === undefined) return "";
  return Object.entries(summary).map(([name, value]) => `${name}=${value}`).join(" ");
}

/** What an event is about: its type, else its state, else its kind. */
export function subject({ kind, type, state }: TraceEvent): string {
  return nonEmpty(type) ?? nonEmpty(state) ?? kind;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

/** At most so many characters, with a mark where something was cut off; whole characters only. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text.toWellFormed();
  return `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`.toWellFormed();
}
