import assert from "node:assert/strict";
import { idsWith } from "../../machine/conformance/report.ts";
import { MAINLINE_RULES } from "../../machine/protocol/mainline_rules.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand, type MainlinePart } from "../../actors/scenario/mainline.ts";
import {
  CYCLE_EXERCISES,
  HALF_RAM_EXERCISES,
  JUMP_EXERCISES,
  REFUSALS_EXERCISE,
} from "./exercised.ts";
import { brokenRules, judge, type Run, runMainline, settingsOf } from "./run_kit.ts";

function exercises(run: Run, ids: readonly string[]): void {
  const report = judge(run);
  assert.deepEqual(brokenRules(report).reasons, "");
  const held = idsWith(report, "held");
  assert.deepEqual(ids.filter((id) => !held.includes(id)), [], "vacuous, but should not be");
}

const RUNS: readonly [MainlinePart, string, string, readonly string[]][] = [
  ["cycle", "2.6.27", "resumed", CYCLE_EXERCISES],
  ["jump", "2.6.27", "returned", JUMP_EXERCISES],
  // What A had in the window of 64 MiB to 128 MiB was nothing, so F50 has nothing to say.
  [
    "cycle",
    "6.1-cured",
    "resumed",
    [...CYCLE_EXERCISES.filter((id) => id !== "F50"), ...HALF_RAM_EXERCISES],
  ],
  ["jump", "6.1-cured", "returned", [...JUMP_EXERCISES, ...HALF_RAM_EXERCISES]],
];

for (const [part, profile, outcome, ids] of RUNS) {
  Deno.test(`the ${part} on ${profile} is ${outcome}, exercises ${ids.length} rules and holds them`, () => {
    const run = runMainline({ part, profile });
    assert.equal(run.outcome, outcome);
    assert.ok(run.lines.includes("A: check: 2 processes, 0 files, 5 devices: all well"));
    exercises(run, ids);
  });
}

const typed = (line: string): OperatorStep => ({ do: "type", at: "A", line });

Deno.test("kexec refuses what it must refuse, and the rules of refusals are exercised", () => {
  const load = loadCommand(settingsOf().mainline);
  const script: OperatorStep[] = [
    { do: "power_on" },
    { do: "choose", entry: "A", append: "" },
    typed("kexec -e"),
    typed("kexec -u"),
    typed("kexec --load-jump-back-helper --entry=0x0"),
    typed(load),
    typed("kexec --load-jump-back-helper --entry=0x1000"),
    typed("kexec -e"),
    typed("kexec -e"),
    { do: "type", at: "B", line: "jump-back" },
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "done" },
  ];
  const refuse = { kind: "refuse", device: "disk", phase: "freeze", time: 1, result: -16 } as const;
  const run = runMainline({ script, choices: [refuse] });
  assert.equal(run.outcome, "done");
  exercises(run, REFUSALS_EXERCISE.filter((id) => id !== "F27"));
});

Deno.test("kexec -e refuses an image that was entered from outside and has no way back", () => {
  const script = [
    ...cycleScript(),
    typed("kexec -e"),
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "done" },
  ] satisfies OperatorStep[];
  const run = runMainline({ script });
  assert.equal(run.outcome, "done");
  exercises(run, ["F27"]);
});

/** The default run as it is typed, up to A's prompt after the resume. */
function cycleScript(): OperatorStep[] {
  const { mainline } = settingsOf();
  return [
    { do: "power_on" },
    { do: "choose", entry: "A", append: "" },
    typed(loadCommand(mainline)),
    typed("kexec -e"),
    { do: "type", at: "B", line: "save-image" },
    { do: "off" },
    { do: "power_on" },
    { do: "choose", entry: "C", append: "" },
    { do: "type", at: "C", line: "restore-image" },
  ];
}

Deno.test("the lists of exercised rules name rules that exist", () => {
  const known = MAINLINE_RULES.map(({ id }) => id);
  const named = [...CYCLE_EXERCISES, ...JUMP_EXERCISES, ...HALF_RAM_EXERCISES];
  for (const id of [...named, ...REFUSALS_EXERCISE]) assert.ok(known.includes(id), id);
});
