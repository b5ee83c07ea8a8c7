import assert from "node:assert/strict";
import { Checker } from "../../../machine/conformance/checker.ts";
import { reportJunit } from "../../../machine/conformance/junit.ts";
import { type Report, reportJson } from "../../../machine/conformance/report.ts";
import { reportMarkdown } from "../../../machine/conformance/report_markdown.ts";
import { reportText } from "../../../machine/conformance/report_text.ts";
import { ALL_RULES } from "../../../machine/protocol/all_rules.ts";
import { BAD } from "./bad_traces.ts";
import { BLOBS } from "./stories.ts";

function judgeBad(rule: string): Report {
  const trace = BAD.find((bad) => bad.rule === rule)?.trace;
  assert.ok(trace !== undefined);
  const checker = new Checker(ALL_RULES, { blobs: BLOBS });
  checker.begin(trace.header);
  for (const event of trace.events) checker.event(event);
  checker.finishTrace(trace.footer);
  return checker.report();
}

/** A small judge of well-formedness: tags nest, attributes are quoted, no stray characters. */
function xmlFault(text: string): string | undefined {
  const open: string[] = [];
  const token =
    /<\?xml[^?]*\?>|<(\/?)([a-z-]+)((?: [a-z]+="[^"<&]*(?:&[a-z#0-9]+;[^"<&]*)*")*)(\/?)>/y;
  let at = 0;
  while (at < text.length) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (match === null) {
      const content = /[^<&>]+|&(?:amp|lt|gt|quot|#[0-9]+);/y;
      content.lastIndex = at;
      const piece = content.exec(text);
      if (piece === null) return `cannot read '${text.slice(at, at + 60)}'`;
      at = content.lastIndex;
      continue;
    }
    at = token.lastIndex;
    const [, closing, name, , empty] = match;
    if (name === undefined || empty === "/") continue;
    if (closing !== "/") open.push(name);
    else if (open.pop() !== name) return `</${name}> closes nothing`;
  }
  return open.length === 0 ? undefined : `<${open.at(-1)}> is not closed`;
}

Deno.test("reportText has a line for each rule, broken ones first, and a closing count", () => {
  const report = judgeBad("F78");
  const lines = reportText(report).trimEnd().split("\n");
  const ruleLines = lines.filter((line) => /^F\d/.test(line));
  assert.equal(ruleLines.length, report.rules.length);
  assert.match(ruleLines[0] ?? "", /^F23\s+VIOLATED\s+A kernel finds every page/);
  assert.match(ruleLines[1] ?? "", /^F78\s+VIOLATED/);
  assert.match(ruleLines[2] ?? "", /vacuous/);
  assert.match(ruleLines.at(-1) ?? "", /held \d+/);
  assert.match(
    lines[2] ?? "",
    /at seq \d+: kernel A finds 1 of \d+ pages changed, the first pfn 0x50/,
  );
  assert.match(lines.at(-1) ?? "", /^54 rules over 113 events: \d+ held, 2 violated, \d+ vacuous$/);
  assert.ok(lines.every((line) => line.length <= 240));
});

Deno.test("reportJson reads back as the report", () => {
  const report = judgeBad("F60");
  assert.deepEqual(JSON.parse(reportJson(report)), report);
});

Deno.test("reportJunit is well-formed, with failures and skipped cases where they belong", () => {
  const report = judgeBad("F24");
  const text = reportJunit(report);
  assert.equal(xmlFault(text), undefined);
  assert.equal(text.match(/<testcase /g)?.length, report.rules.length);
  assert.equal(text.match(/<skipped /g)?.length, report.counts.vacuous);
  assert.equal(text.match(/<failure /g)?.length, 1);
  assert.match(text, /name="protocol" tests="54" failures="1" errors="0"/);
  assert.match(text, /message="seq \d+: kernel B \(by 'B'\) writes 1 pages of kernel A/);
});

Deno.test("reportJunit stays well-formed whatever stands in a reason", () => {
  const report = judgeBad("F24");
  const reason = `<&>"' ]]> \u0000\u001b[31m\n\t\ud800 é 😀 \uffff`;
  const rules = report.rules.map((rule) =>
    rule.verdict === "violated"
      ? { ...rule, statement: reason, violations: [{ trace: 0, seq: 1, reason }] }
      : rule
  );
  const text = reportJunit({ ...report, rules });
  assert.equal(xmlFault(text), undefined);
  assert.match(text, /é 😀/);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(text, /[\u0000-\u0008\u001b]/);
});

Deno.test("reportText says which trace of several, and how many violations are not shown", () => {
  const report = judgeBad("F24");
  const [trace] = report.traces;
  assert.ok(trace !== undefined);
  const rules = report.rules.map((rule) =>
    rule.verdict === "violated" ? { ...rule, violated: 9 } : rule
  );
  const text = reportText({
    ...report,
    rules,
    traces: [trace, { ...trace, torn: true, partial: true }],
  });
  assert.match(text, /at trace 1, seq \d+/);
  assert.match(text, /and 8 more/);
  assert.match(text, /events, end missing, the trace before it was not given/);
});

Deno.test("reportText and reportJunit name each rule with its statement and where it is written", () => {
  const report = judgeBad("F60");
  const text = reportText(report);
  const junit = reportJunit(report);
  for (const { id, statement } of report.rules) {
    const line = text.split("\n").find((one) => one.startsWith(`${id} `)) ?? "";
    assert.ok(line.includes(statement) && line.includes(`[protocol.md F.1 ${id}`), line);
    assert.match(junit, new RegExp(`name="${id}: [^"]*protocol\\.md F\\.1 ${id}`));
  }
});

Deno.test("reportMarkdown has a row for each rule and every violation with its event", () => {
  const report = judgeBad("F24");
  const text = reportMarkdown(report);
  const rows = text.split("\n").filter((line) => /^\| F\d/.test(line));
  assert.equal(rows.length, report.rules.length);
  assert.match(text, /^# Conformance: rules are broken\n/);
  assert.match(
    rows[0] ?? "",
    /^\| F24 \| violated 1× \| While a kernel is away.* \| protocol\.md F\.1 F24/,
  );
  assert.match(text, /\n### F24\n\nWhile.*\n\n- seq \d+: kernel B \(by 'B'\) writes 1 pages/);
  assert.match(text, /1 violated, \d+ vacuous \(never exercised\)/);
  assert.match(text, /for mainline kexec jump over \d+ events/);
});

Deno.test("reportMarkdown keeps its table whatever stands in a reason", () => {
  const report = judgeBad("F24");
  const reason = "a | b\n# c <script> `d` [e](f)";
  const rules = report.rules.map((rule) => ({
    ...rule,
    statement: reason,
    violations: [{ trace: 0, seq: 1, reason }],
  }));
  const text = reportMarkdown({ ...report, rules });
  for (const row of text.split("\n").filter((line) => /^\| F\d/.test(line))) {
    assert.equal(row.match(/(?<!\\)\|/g)?.length, 5, row);
  }
  assert.doesNotMatch(text, /<script>/);
});
