/**
 * A report for a terminal: one line for each rule, broken ones first, then what was never
 * exercised, then what held, each with where it is written, and a closing count.
 *
 * @module
 */
import { placeOf, reference, type Report, type RuleResult, type Verdict } from "./report.ts";

const ORDER: readonly Verdict[] = ["violated", "vacuous", "held"];

function verdictText(rule: RuleResult): string {
  switch (rule.verdict) {
    case "violated":
      return rule.severity === "warning" ? "warning" : "VIOLATED";
    case "vacuous":
      return "vacuous";
    case "held":
      return `held ${rule.held}`;
  }
}

function ruleLines(rule: RuleResult, report: Report): string[] {
  const missing = rule.verdict === "vacuous" && rule.missingBlobs > 0
    ? ` [${rule.missingBlobs} blobs missing]`
    : "";
  const lines = [
    `${rule.id.padEnd(5)}${verdictText(rule).padEnd(10)} ${rule.statement} [${
      reference(rule)
    }]${missing}`,
  ];
  for (const violation of rule.violations) {
    lines.push(`${" ".repeat(16)}at ${placeOf(violation, report)}: ${violation.reason}`);
    const { origin } = violation;
    if (origin !== undefined) lines.push(`${" ".repeat(16)}   ${origin.text.slice(0, 160)}`);
  }
  const rest = rule.violated - rule.violations.length;
  if (rest > 0) lines.push(`${" ".repeat(16)}and ${rest} more`);
  return lines;
}

/** The report as text, with a line feed at the end. */
export function reportText(report: Report): string {
  const lines: string[] = [];
  for (const [index, trace] of report.traces.entries()) {
    const flags = (trace.torn ? ", end missing" : "") +
      (trace.partial ? ", the trace before it was not given" : "");
    lines.push(
      `trace ${index + 1}: ${trace.scenario} on ${trace.profile}, run ${trace.run}, ` +
        `${trace.events} events${flags}`,
    );
  }
  for (const verdict of ORDER) {
    for (const rule of report.rules) {
      if (rule.verdict === verdict) lines.push(...ruleLines(rule, report));
    }
  }
  const { held, violated, vacuous, events } = report.counts;
  lines.push(
    `${report.rules.length} rules over ${events} events: ` +
      `${held} held, ${violated} violated, ${vacuous} vacuous`,
  );
  return lines.join("\n") + "\n";
}
