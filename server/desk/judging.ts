/**
 * What the rules say of a stored run, as far as it goes.
 *
 * @module
 */
import { Checker, type CheckerOptions } from "../../machine/conformance/checker.ts";
import { reportJunit } from "../../machine/conformance/junit.ts";
import { type Report, reportJson, type RuleResult } from "../../machine/conformance/report.ts";
import { reportText } from "../../machine/conformance/report_text.ts";
import type { Occasion } from "../../machine/conformance/rule_tally.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import { SERVER_LIMITS } from "../limits.ts";
import { DirectoryBlobs } from "../terminal/trace_input.ts";
import { RUN_FILES } from "../runs/run_record.ts";
import type { ReportForm, TraceRef } from "./job.ts";
import { traceEvents } from "./trace_lines.ts";
import type { Watch } from "./watch.ts";

const ALL_VIOLATIONS = { violationsMax: SERVER_LIMITS.verdictMarks };

/** The blobs beside a run's trace. */
export function blobsOf({ folder }: TraceRef): DirectoryBlobs {
  return new DirectoryBlobs(`${folder}/${RUN_FILES.blobs}`);
}

/** A checker of all rules that has seen the trace as far as it goes. */
function fedChecker(
  trace: TraceRef,
  watch: Watch,
  options: Pick<CheckerOptions, "violationsMax" | "onOccasion"> = {},
): Checker {
  const checker = new Checker(ALL_RULES, { blobs: blobsOf(trace), ...options });
  checker.begin(trace.header);
  for (const event of traceEvents(trace, watch)) checker.event(event);
  return checker;
}

function finished(checker: Checker, { footer }: TraceRef): Report {
  checker.finishTrace(footer);
  return checker.report();
}

/**
 * The report of all rules, with a few violations of each. A run that goes on is judged as one
 * that was cut off where it is.
 *
 * @throws {ProblemError} or {TraceError} if the trace is not one.
 */
export function judge(trace: TraceRef, watch: Watch): Report {
  return finished(fedChecker(trace, watch), trace);
}

/** {@linkcode judge} with every violation that is kept at all. */
export function judgeWhole(trace: TraceRef, watch: Watch): Report {
  return finished(fedChecker(trace, watch, ALL_VIOLATIONS), trace);
}

/** What was broken so far. What a run that goes on still owes is not broken yet. */
export function brokenSoFar(trace: TraceRef, watch: Watch): readonly RuleResult[] {
  if (trace.ended) return judgeWhole(trace, watch).rules;
  return fedChecker(trace, watch, ALL_VIOLATIONS).results();
}

/** Each occasion on which a rule was kept or broken, up to the number that is kept of a run. */
export function occasionsOf(trace: TraceRef, watch: Watch): Occasion[] {
  const occasions: Occasion[] = [];
  const onOccasion = (occasion: Occasion): void => {
    if (occasions.length < SERVER_LIMITS.verdictMarks) occasions.push(occasion);
  };
  const checker = fedChecker(trace, watch, { onOccasion });
  if (trace.ended) finished(checker, trace);
  return occasions;
}

/** A report as `check` prints it. */
export function reportIn(form: ReportForm, report: Report): string {
  if (form === "json") return reportJson(report);
  return form === "junit" ? reportJunit(report) : reportText(report);
}
