import assert from "node:assert/strict";
import { Checker } from "../../machine/conformance/checker.ts";
import { idsWith, type Report } from "../../machine/conformance/report.ts";
import { MAINLINE_RULES } from "../../machine/protocol/mainline_rules.ts";
import { type BlobSource, NO_BLOBS } from "../../machine/trace/blobs.ts";
import { readTraceSync } from "../../machine/trace/reader.ts";
import { CYCLE_EXERCISES } from "./exercised.ts";
import { brokenRules } from "./run_kit.ts";
import { storedBlobs, storedLines } from "./stored_trace.ts";

/** Judges the stored trace by the letters that follow from its own header. */
function judgeStored(blobs: BlobSource, change: (line: string) => string = (line) => line): Report {
  const checker = new Checker(MAINLINE_RULES, { blobs });
  for (const item of readTraceSync(storedLines().map(change), { lineFeeds: true })) {
    if (item.record === "header") checker.begin(item.header);
    else if (item.record === "event") checker.event(item.event);
    else if (item.record === "footer") checker.finishTrace(item.footer);
    else assert.fail(`torn at line ${item.torn.line}`);
  }
  return checker.report();
}

Deno.test("Checker judges the stored trace of a whole cycle as it judged the run", () => {
  const report = judgeStored(storedBlobs());
  assert.equal(brokenRules(report).reasons, "");
  const held = idsWith(report, "held");
  assert.deepEqual(CYCLE_EXERCISES.filter((id) => !held.includes(id)), []);
});

Deno.test("Checker says vacuous, not held, of the stored trace without its blobs", () => {
  const report = judgeStored(NO_BLOBS);
  assert.equal(brokenRules(report).reasons, "");
  const vacuous = idsWith(report, "vacuous");
  for (const id of ["F23", "F46", "F50", "F78"]) assert.ok(vacuous.includes(id), id);
});

Deno.test("TraceReader refuses the stored trace with one figure changed", () => {
  const change = (line: string) => line.replace('"enabled":false', '"enabled":true');
  assert.throws(() => judgeStored(storedBlobs(), change), /sha256|SHA-256|hash/i);
});
