import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Checker } from "../../../machine/conformance/checker.ts";
import { idsWith, type Report } from "../../../machine/conformance/report.ts";
import { ALL_RULES } from "../../../machine/protocol/all_rules.ts";
import type { BlobSource } from "../../../machine/trace/blobs.ts";
import { readTraceSync } from "../../../machine/trace/reader.ts";
import { BAD } from "./bad_traces.ts";
import { blobFiles, FOLDER, traceFiles } from "./fixture_files.ts";

const REWRITE = "if this is meant, write them anew with tests/machine/conformance/fixture_files.ts";

const BESIDE: BlobSource = {
  get(digest) {
    try {
      return Deno.readFileSync(new URL(`blobs/${digest}`, FOLDER));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  },
};

function judgeFiles(...paths: readonly string[]): Report {
  const checker = new Checker(ALL_RULES, { blobs: BESIDE });
  for (const path of paths) {
    const lines = Deno.readTextFileSync(new URL(path, FOLDER)).split(/(?<=\n)/);
    for (const item of readTraceSync(lines, { lineFeeds: true })) {
      if (item.record === "header") checker.begin(item.header);
      else if (item.record === "event") checker.event(item.event);
      else if (item.record === "footer") checker.finishTrace(item.footer);
      else assert.fail(`${path} is torn at line ${item.torn.line}`);
    }
  }
  return checker.report();
}

Deno.test("fixtures/traces has what the stories tell, byte for byte", () => {
  for (const [path, text] of traceFiles()) {
    assert.equal(Deno.readTextFileSync(new URL(path, FOLDER)), text, `${path}; ${REWRITE}`);
  }
  for (const [path, bytes] of blobFiles()) {
    const found = Deno.readFileSync(new URL(path, FOLDER));
    assert.ok(Buffer.from(bytes).equals(found), `${path}; ${REWRITE}`);
  }
});

Deno.test("Checker takes two fixture files in order as one run", () => {
  const report = judgeFiles("good/halves-1.ndjson", "good/halves-2.ndjson");
  assert.deepEqual(idsWith(report, "violated"), []);
  for (const id of ["F22", "F23", "F25", "F30", "F58", "F59", "F60"]) {
    assert.ok(idsWith(report, "held").includes(id), id);
  }
  assert.deepEqual(report.traces.map(({ partial, torn }) => [partial, torn]), [
    [false, false],
    [false, false],
  ]);
});

Deno.test("Checker judges the second of two fixture files alone, as a partial run", () => {
  const report = judgeFiles("good/halves-2.ndjson");
  assert.deepEqual(idsWith(report, "violated"), []);
  assert.equal(report.traces[0]?.partial, true);
  assert.ok(idsWith(report, "vacuous").includes("F23"));
  assert.ok(idsWith(report, "held").includes("F60"));
});

Deno.test("Checker rejects every bad fixture file by its rule", () => {
  for (const { rule, name } of BAD) {
    const report = judgeFiles(`bad/${rule}-${name}.ndjson`);
    assert.ok(idsWith(report, "violated").includes(rule), rule);
    assert.equal(report.ok, false);
  }
});
