/**
 * What a checker found out, as data and as JSON. The forms for people and for build servers are
 * in `report_text.ts` and `junit.ts`.
 *
 * @module
 */
import type { Origin } from "../trace/event.ts";
import type { RuleKind, Severity } from "./rule.ts";

/** One place where a rule was broken. */
export interface Violation {
  /** Number of the trace, from 0, in the order in which they were given. */
  readonly trace: number;
  readonly seq: number;
  readonly reason: string;
  /** The line of a recording that the event was read from. */
  readonly origin?: Origin;
}

/** Where a violation is, for people: event, and of a recording file and line. */
export function placeOf({ trace, seq, origin }: Violation, report: Report): string {
  const event = report.traces.length > 1 ? `trace ${trace + 1}, seq ${seq}` : `seq ${seq}`;
  return origin === undefined ? event : `${event}, ${origin.file}:${origin.line}`;
}

/** What became of a rule. */
export type Verdict = "held" | "violated" | "vacuous";

/** One rule's line of a report. */
export interface RuleResult {
  readonly id: string;
  readonly severity: Severity;
  readonly statement: string;
  readonly source: string;
  readonly systems: string;
  readonly kind: RuleKind;
  readonly verdict: Verdict;
  /** How many times the rule was exercised and kept. */
  readonly held: number;
  /** How many times it was broken. */
  readonly violated: number;
  /** The first few of those. */
  readonly violations: readonly Violation[];
  /** How many blobs it asked for that were not there. */
  readonly missingBlobs: number;
}

/** One trace that was judged. */
export interface JudgedTrace {
  readonly run: string;
  readonly scenario: string;
  readonly profile: string;
  readonly events: number;
  /** The end of the trace is missing. */
  readonly torn: boolean;
  /** It goes on from a trace that was not given. */
  readonly partial: boolean;
}

/** What a checker found out. */
export interface Report {
  readonly traces: readonly JudgedTrace[];
  /** Letters of the systems by which rules were chosen. */
  readonly systems: string;
  readonly rules: readonly RuleResult[];
  readonly counts: {
    readonly held: number;
    readonly violated: number;
    readonly vacuous: number;
    readonly events: number;
  };
  /** No rule of severity error was broken. */
  readonly ok: boolean;
}

/** Makes a report of its parts. */
export function makeReport(
  traces: readonly JudgedTrace[],
  systems: string,
  rules: readonly RuleResult[],
): Report {
  const count = (verdict: Verdict) => rules.filter((rule) => rule.verdict === verdict).length;
  return {
    traces,
    systems,
    rules,
    counts: {
      held: count("held"),
      violated: count("violated"),
      vacuous: count("vacuous"),
      events: traces.reduce((sum, trace) => sum + trace.events, 0),
    },
    ok: !rules.some((rule) => rule.verdict === "violated" && rule.severity === "error"),
  };
}

/** Ids of the rules with a verdict, in the report's order. */
export function idsWith(report: Report, verdict: Verdict): string[] {
  return report.rules.filter((rule) => rule.verdict === verdict).map((rule) => rule.id);
}

/**
 * Where a rule is written, in short: its source without the remarks after it
 * (`protocol.md F.1 F23, B.4.3 step 8`).
 */
export function reference({ source }: Pick<RuleResult, "source">): string {
  return /^(.*?)(?:; | \(|\. |$)/.exec(source)?.[1] ?? source;
}

/** The report as JSON, indented by two spaces, with a line feed at the end. */
export function reportJson(report: Report): string {
  return JSON.stringify(report, null, 2) + "\n";
}
