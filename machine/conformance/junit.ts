/**
 * A report as JUnit XML for build servers: one suite, one case for each rule, named by its id,
 * its statement and where it is written; a vacuous rule is
 * a skipped case, a broken one a failure that names the event and the reason.
 *
 * @module
 */
import { reference, type Report, type RuleResult } from "./report.ts";

const ENTITIES: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;",
  "\t": "&#9;",
};

/** Text as it may stand in XML 1.0; what XML cannot hold at all becomes U+FFFD. */
function escape(text: string): string {
  return text
    // deno-lint-ignore no-control-regex
    .replace(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd")
    .replace(/[&<>"\n\t]/g, (character) => ENTITIES[character] ?? character);
}

function caseLines(rule: RuleResult): string[] {
  const open = `    <testcase classname="protocol" name="${
    escape(`${rule.id}: ${rule.statement} [${reference(rule)}]`)
  }" time="0"`;
  if (rule.verdict === "held") return [`${open}/>`];
  if (rule.verdict === "vacuous") {
    const why = rule.missingBlobs > 0 ? `${rule.missingBlobs} blobs missing` : "never exercised";
    return [`${open}>`, `      <skipped message="${why}"/>`, "    </testcase>"];
  }
  const [first] = rule.violations;
  const places = rule.violations.map((violation) =>
    `trace ${violation.trace + 1} seq ${violation.seq}` +
    (violation.origin === undefined ? "" : ` ${violation.origin.file}:${violation.origin.line}`) +
    `: ${violation.reason}`
  );
  const message = first === undefined ? "violated" : `seq ${first.seq}: ${first.reason}`;
  const body = [`${rule.statement} (${rule.source})`, ...places].map(escape).join("\n");
  if (rule.severity === "warning") {
    return [`${open}>`, `      <system-out>${body}</system-out>`, "    </testcase>"];
  }
  return [
    `${open}>`,
    `      <failure type="${escape(rule.kind)}" message="${escape(message)}">${body}</failure>`,
    "    </testcase>",
  ];
}

/** The report as JUnit XML, with a line feed at the end. */
export function reportJunit(report: Report): string {
  const failures =
    report.rules.filter((rule) => rule.verdict === "violated" && rule.severity === "error").length;
  const totals = `tests="${report.rules.length}" failures="${failures}" errors="0" ` +
    `skipped="${report.counts.vacuous}" time="0"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${totals}>`,
    `  <testsuite name="protocol" ${totals}>`,
    ...report.rules.flatMap(caseLines),
    "  </testsuite>",
    "</testsuites>",
  ].join("\n") + "\n";
}
