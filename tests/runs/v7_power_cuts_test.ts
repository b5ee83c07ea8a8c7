import assert from "node:assert/strict";
import type { Choice } from "../../machine/choices.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { boot, CYCLE, HIBERNATE, prepared, runV7, type } from "./v7_kit.ts";
import { brokenRules, facts, judgeAs } from "./run_kit.ts";

const cycle = runV7();

/** After the cut: C is started; either A comes back, or C is an ordinary kernel. */
const RECOVERY: readonly OperatorStep[] = [
  ...boot("C"),
  { do: "type", at: "A", line: "check", otherwise: { at: "C", outcome: "ordinary" } },
  { do: "prompt", at: "A" },
  { do: "finish", outcome: "resumed" },
];

function seqOf(name: string, fits: (fields: Readonly<Record<string, unknown>>) => boolean): number {
  const found = facts(cycle.events, name).find(({ summary }) => fits({ ...summary }));
  assert.ok(found !== undefined, name);
  return found.seq;
}

/** Number of the first flush's beginning or end behind an event. */
function flushAfter(seq: number, op: "begin" | "done"): number {
  const found = facts(cycle.events, "flush").find((event) =>
    event.seq > seq && event.summary?.["op"] === op
  );
  assert.ok(found !== undefined);
  return found.seq;
}

const begin = seqOf("image", ({ op }) => op === "begin");
const commit = seqOf("image", ({ op }) => op === "commit");
const committing = flushAfter(commit, "begin");
const committed = flushAfter(commit, "done");
const sleep = seqOf("power", ({ op }) => op === "sleep");
const invalidate = seqOf("image", ({ op }) => op === "invalidate");
const invalidating = flushAfter(invalidate, "begin");
const invalidated = flushAfter(invalidate, "done");
const load = seqOf("image", ({ op }) => op === "load");

/** Where the power goes, and what may come of it: as protocol.md G.1 has it. */
const CUTS: readonly (readonly [what: string, at: number, outcomes: readonly string[]])[] = [
  ["before the image", begin - 1, ["ordinary"]],
  ["while pages are written", begin + 40, ["ordinary"]],
  ["before the mark", commit, ["ordinary"]],
  ["while the mark is in the drive's cache", committing + 1, ["ordinary", "resumed"]],
  ["behind the mark's flush", committed + 4, ["resumed"]],
  ["before the sleep", sleep - 2, ["resumed"]],
  ["in the resume before the mark is used up", invalidate, ["resumed"]],
  ["while the used-up mark is in the cache", invalidating + 1, ["ordinary", "resumed"]],
  ["behind that flush", invalidated + 4, ["ordinary"]],
  ["when the pages are back", load, ["ordinary"]],
];

for (const [what, at, outcomes] of CUTS) {
  Deno.test(`v7 that loses its power ${what} boots ordinarily or resumes whole`, () => {
    const seen = (["none", "all"] as const).map((durable) => {
      const choices: Choice[] = [{ kind: "power_cut", at, durable }];
      const run = runV7({ choices, recovery: RECOVERY });
      const { ids, reasons } = brokenRules(judgeAs("V", run));
      assert.deepEqual(ids.filter((id) => id !== "F38"), [], `${durable}: ${reasons}`);
      if (run.outcome === "resumed") {
        assert.ok(run.lines.at(-1)?.endsWith("all well"), run.lines.at(-1) ?? "silent");
      }
      return run.outcome;
    });
    assert.deepEqual([...new Set(seen)].sort(), [...outcomes].sort());
  });
}

Deno.test("v7 whose valid mark is torn has the old header or the new one", () => {
  const script = [...prepared(), type("A", HIBERNATE), ...CYCLE.slice(prepared().length + 1)];
  for (const sectors of [0, 1, 4]) {
    const torn = { index: 0, sectors };
    const choices: Choice[] = [
      { kind: "power_cut", at: committing + 1, durable: "listed", survivors: [], torn },
    ];
    const run = runV7({ script, choices, recovery: RECOVERY });
    assert.equal(run.outcome, sectors === 0 ? "ordinary" : "resumed", `${sectors} sectors`);
    const { ids } = brokenRules(judgeAs("V", run));
    assert.deepEqual(ids.filter((id) => id !== "F38"), []);
  }
});
