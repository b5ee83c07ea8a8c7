/**
 * Occasions on which rules hold or are broken, told as they come.
 */
import assert from "node:assert/strict";
import { Checker } from "../../../machine/conformance/checker.ts";
import type { Occasion } from "../../../machine/conformance/rule_tally.ts";
import { ALL_RULES } from "../../../machine/protocol/all_rules.ts";
import { readTraceSync } from "../../../machine/trace/reader.ts";

const TRACES = new URL("../../../fixtures/traces/", import.meta.url);

function linesOf(name: string): string[] {
  return Deno.readTextFileSync(new URL(name, TRACES)).match(/[^\n]*\n/g) ?? [];
}

for (const folder of ["good", "bad"]) {
  Deno.test(`Checker tells of every occasion in the ${folder} traces, as the report counts them`, () => {
    const names = [...Deno.readDirSync(new URL(`${folder}/`, TRACES))].map(({ name }) => name)
      .filter((name) => name.endsWith(".ndjson") && !name.includes("halves")).sort();
    let broken = 0;
    for (const name of names.slice(0, 30)) {
      const told: Occasion[] = [];
      const checker = new Checker(ALL_RULES, { onOccasion: (one) => void told.push(one) });
      for (const record of readTraceSync(linesOf(`${folder}/${name}`), { lineFeeds: true })) {
        if (record.record === "header") checker.begin(record.header);
        if (record.record === "event") {
          const before = told.length;
          checker.event(record.event);
          for (const { seq } of told.slice(before)) assert.ok(seq <= record.event.seq);
        }
        if (record.record === "footer") checker.finishTrace(record.footer);
      }
      const early = checker.results();
      const report = checker.report();
      assert.equal(early.length, report.rules.length);
      for (const { id, held, violated, violations } of report.rules) {
        const mine = told.filter(({ rule }) => rule === id);
        assert.equal(
          mine.filter(({ verdict }) => verdict === "held").length,
          held,
          `${name} ${id}`,
        );
        const wrong = mine.filter(({ verdict }) => verdict === "violated");
        assert.equal(wrong.length, violated, `${name} ${id}`);
        for (const [index, { seq, reason }] of violations.entries()) {
          assert.deepEqual([wrong[index]?.seq, wrong[index]?.reason], [seq, reason]);
        }
        broken += violated;
      }
    }
    assert.equal(broken > 0, folder === "bad");
  });
}
