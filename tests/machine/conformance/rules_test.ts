import assert from "node:assert/strict";
import { Checker } from "../../../machine/conformance/checker.ts";
import type { StoredTrace } from "../../../machine/conformance/mutation.ts";
import { idsWith, type Report } from "../../../machine/conformance/report.ts";
import { MAINLINE_RULES } from "../../../machine/protocol/mainline_rules.ts";
import { BAD } from "./bad_traces.ts";
import { HIBERNATION_EXERCISES } from "./exercised_rules.ts";
import { BLOBS, GOOD } from "./stories.ts";

function judge(...traces: readonly StoredTrace[]): Report {
  const checker = new Checker(MAINLINE_RULES, { blobs: BLOBS });
  for (const { header, events, footer } of traces) {
    checker.begin(header);
    for (const event of events) checker.event(event);
    checker.finishTrace(footer);
  }
  return checker.report();
}

const IDS = MAINLINE_RULES.map(({ id }) => id);

Deno.test("MAINLINE_RULES has every rule of protocol.md F.1 for mainline jump, once, in order", () => {
  const wanted =
    "01 03 04 05 14 15 16 17 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 " +
    "38 39 40 41 45 46 47 49 50 51 52 53 58 59 60 61 78 87 93 94 95 96 97 100 101 102 103";
  assert.deepEqual(IDS, wanted.split(" ").map((number) => `F${number}`));
  for (const { id, statement, source, systems } of MAINLINE_RULES) {
    assert.match(source, new RegExp(`\\b${id}\\b`), `source of ${id}`);
    assert.match(statement, /^(?:[A-Z]|kexec ).*[^.]$/, `statement of ${id}`);
    assert.match(systems, /^(?:\*|[RVGMST]*M[RVGMST]*)$/, `systems of ${id}`);
  }
});

for (const { name, traces } of GOOD) {
  Deno.test(`MAINLINE_RULES find nothing wrong in the good story '${name}'`, () => {
    const report = judge(...traces.map(({ trace }) => trace));
    const broken = report.rules.filter((rule) => rule.verdict === "violated");
    assert.deepEqual(broken.map(({ id, violations }) => ({ id, violations })), []);
    assert.ok(report.ok);
  });
}

Deno.test("MAINLINE_RULES are each exercised by a good story", () => {
  const held = new Set(
    GOOD.flatMap(({ traces }) => idsWith(judge(...traces.map(({ trace }) => trace)), "held")),
  );
  assert.deepEqual(IDS.filter((id) => !held.has(id)), []);
});

Deno.test("MAINLINE_RULES each have a bad trace, and no bad trace has an unknown rule", () => {
  assert.deepEqual(BAD.map(({ rule }) => rule).sort(), [...IDS].sort());
});

for (const { rule, name, from, also, trace } of BAD) {
  const others = also.length === 0 ? "" : ` (with ${also.join(", ")})`;
  Deno.test(`${rule} rejects '${name}', made of '${from}'${others}, and no other rule does`, () => {
    const report = judge(trace);
    const broken = report.rules.filter((result) => result.verdict === "violated");
    assert.deepEqual(
      broken.map(({ id }) => id).sort(),
      [rule, ...also].sort(),
      JSON.stringify(broken.map(({ id, violations }) => ({ id, violations }))),
    );
    const [violation] = broken.find(({ id }) => id === rule)?.violations ?? [];
    assert.ok(violation !== undefined && violation.seq < trace.footer.count);
  });
}

Deno.test("MAINLINE_RULES exercised by a whole hibernation are these, none of them vacuous", () => {
  const story = GOOD.find(({ name }) => name === "hibernate");
  const report = judge(...(story?.traces ?? []).map(({ trace }) => trace));
  const vacuous = idsWith(report, "vacuous");
  assert.deepEqual(HIBERNATION_EXERCISES.filter((id) => vacuous.includes(id)), []);
});
