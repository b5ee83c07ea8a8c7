import assert from "node:assert/strict";
import { Checker } from "../../../machine/conformance/checker.ts";
import type { StoredTrace } from "../../../machine/conformance/mutation.ts";
import { idsWith, type Report } from "../../../machine/conformance/report.ts";
import { ALL_RULES } from "../../../machine/protocol/all_rules.ts";
import { MAINLINE_RULES } from "../../../machine/protocol/mainline_rules.ts";
import { BAD } from "./bad_traces.ts";
import { ALSO_MAINLINE, LETTERS } from "./letters.ts";
import { HIBERNATION_EXERCISES } from "./exercised_rules.ts";
import { BLOBS, GOOD } from "./stories.ts";

function judge(...traces: readonly StoredTrace[]): Report {
  const checker = new Checker(ALL_RULES, { blobs: BLOBS });
  for (const { header, events, footer } of traces) {
    checker.begin(header);
    for (const event of events) checker.event(event);
    checker.finishTrace(footer);
  }
  return checker.report();
}

const IDS = ALL_RULES.map(({ id }) => id);

Deno.test("ALL_RULES has F01 to F104, once, in order, each for the systems of the table", () => {
  assert.equal(LETTERS.size, 104);
  assert.deepEqual(IDS, [...LETTERS.keys()]);
  for (const { id, statement, source, systems, kind } of ALL_RULES) {
    const wanted = `${LETTERS.get(id)}${ALSO_MAINLINE.has(id) ? "M" : ""}`;
    assert.equal([...systems].sort().join(""), [...wanted].sort().join(""), `systems of ${id}`);
    assert.match(source, new RegExp(`^protocol\\.md F\\.1 ${id}\\b`), `source of ${id}`);
    assert.match(
      statement,
      /^(?:[A-Z]|kexec |kimgcore |krestore |in_suspend |_).*[^.]$/,
      `statement of ${id}`,
    );
    assert.ok(["never", "always-before", "eventually", "sometimes", "matches"].includes(kind), id);
  }
});

Deno.test("MAINLINE_RULES are those of ALL_RULES that apply to mainline jump", () => {
  const wanted = ALL_RULES.filter(({ systems }) => systems === "*" || systems.includes("M"));
  assert.deepEqual(MAINLINE_RULES.map(({ id }) => id), wanted.map(({ id }) => id));
});

for (const { name, traces } of GOOD) {
  Deno.test(`ALL_RULES find nothing wrong in the good story '${name}'`, () => {
    const report = judge(...traces.map(({ trace }) => trace));
    const broken = report.rules.filter((rule) => rule.verdict === "violated");
    assert.deepEqual(broken.map(({ id, violations }) => ({ id, violations })), []);
    assert.ok(report.ok);
  });
}

Deno.test("ALL_RULES are each exercised by a good story", () => {
  const held = new Set(
    GOOD.flatMap(({ traces }) => idsWith(judge(...traces.map(({ trace }) => trace)), "held")),
  );
  assert.deepEqual(IDS.filter((id) => !held.has(id)), []);
});

Deno.test("ALL_RULES each have a bad trace, and no bad trace has an unknown rule", () => {
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

Deno.test("ALL_RULES exercised by a whole hibernation are these, none of them vacuous", () => {
  const story = GOOD.find(({ name }) => name === "hibernate");
  const report = judge(...(story?.traces ?? []).map(({ trace }) => trace));
  const vacuous = idsWith(report, "vacuous");
  assert.deepEqual(HIBERNATION_EXERCISES.filter((id) => vacuous.includes(id)), []);
});
