/**
 * A report as Markdown for a page, a ticket or a pull request: what was judged, one table with a
 * row for each rule (verdict, statement, where it is written), and every violation with its event.
 * It can be read on its own, without this program and without the trace.
 *
 * @module
 */
import { placeOf, type Report, type RuleResult, type Verdict } from "./report.ts";
import { SYSTEM_NAMES } from "./systems.ts";

const ORDER: readonly Verdict[] = ["violated", "vacuous", "held"];

/** Text as it may stand in a cell: on one line, nothing in it that Markdown takes for its own. */
function cell(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\|*_`<>[\]#~]/g, (character) => `\\${character}`);
}

function verdictText({ verdict, severity, held, violated, missingBlobs }: RuleResult): string {
  if (verdict === "violated") {
    return `${severity === "warning" ? "warning" : "violated"} ${violated}×`;
  }
  if (verdict === "held") return `held ${held}×`;
  return missingBlobs > 0 ? `vacuous (${missingBlobs} blobs missing)` : "vacuous";
}

function systemsText(letters: string): string {
  const names = [...letters].map((letter) => SYSTEM_NAMES[letter] ?? letter);
  return names.length === 0 ? "any system" : names.join(", ");
}

function traceLines(report: Report): string[] {
  return report.traces.map((trace, index) => {
    const flags = (trace.torn ? "; its end is missing" : "") +
      (trace.partial ? "; the trace before it was not given" : "");
    return `${index + 1}. ${cell(trace.scenario)} on ${cell(trace.profile)}, run ${
      cell(trace.run)
    }, ${trace.events} events${flags}`;
  });
}

function violationLines(report: Report): string[] {
  const broken = report.rules.filter(({ verdict }) => verdict === "violated");
  if (broken.length === 0) return [];
  const lines = ["", "## Violations"];
  for (const rule of broken) {
    lines.push("", `### ${rule.id}`, "", `${cell(rule.statement)} (${cell(rule.source)}).`, "");
    for (const violation of rule.violations) {
      lines.push(`- ${placeOf(violation, report)}: ${cell(violation.reason)}`);
    }
    const rest = rule.violated - rule.violations.length;
    if (rest > 0) lines.push(`- and ${rest} more`);
  }
  return lines;
}

/** The report as Markdown, with a line feed at the end. */
export function reportMarkdown(report: Report): string {
  const { held, violated, vacuous, events } = report.counts;
  const rows = ORDER.flatMap((verdict) =>
    report.rules.filter((rule) => rule.verdict === verdict).map((rule) =>
      `| ${rule.id} | ${verdictText(rule)} | ${cell(rule.statement)} | ${cell(rule.source)} |`
    )
  );
  return [
    `# Conformance: ${report.ok ? "no rule is broken" : "rules are broken"}`,
    "",
    ...traceLines(report),
    "",
    `${report.rules.length} rules for ${
      cell(systemsText(report.systems))
    } over ${events} events: ` +
    `${held} held, ${violated} violated, ${vacuous} vacuous (never exercised).`,
    "",
    "| Rule | Verdict | Statement | Source |",
    "| --- | --- | --- | --- |",
    ...rows,
    ...violationLines(report),
  ].join("\n") + "\n";
}
