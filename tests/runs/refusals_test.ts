import assert from "node:assert/strict";
import { DOWN_PHASES } from "../../machine/protocol/facts.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { brokenRules, fieldsOf, judge, type Run, runMainline, settingsOf } from "./run_kit.ts";

const DEVICES = ["pci", "rtc", "console", "disk", "network"] as const;

const typed = (at: string, line: string): OperatorStep => ({ do: "type", at, line });

function bootAndLoad(profile: string): OperatorStep[] {
  return [
    { do: "power_on" },
    { do: "choose", entry: "A", append: "" },
    typed("A", "work 16 1"),
    typed("A", loadCommand(settingsOf({ profile }).mainline)),
    typed("A", "kexec -e"),
  ];
}

function refused(profile: string, device: string, phase: string, script: OperatorStep[]): Run {
  const choices = [{ kind: "refuse", device, phase, time: 1, result: -16 } as const];
  return runMainline({ profile, choices, script: [...bootAndLoad(profile), ...script] });
}

/** Phases of a kernel's attempt, as `device phase`, in the order in which they succeeded. */
function phasesOf(run: Run): string[] {
  return fieldsOf(run, "phase", "A").filter(({ result }) => result === 0)
    .map(({ device, name }) => `${device} ${name}`);
}

for (const device of DEVICES) {
  Deno.test(`kexec -e gives EBUSY where '${device}' refuses a phase, and works the next time`, () => {
    for (const phase of DOWN_PHASES) {
      const what = `${device} ${phase}`;
      const run = refused("2.6.27", device, phase, [
        typed("A", "check"),
        typed("A", "kexec -e"),
        typed("B", "jump-back"),
        typed("A", "check"),
        { do: "prompt", at: "A" },
        { do: "finish", outcome: "returned" },
      ]);
      assert.equal(run.outcome, "returned", what);
      assert.ok(run.lines.includes("A: kexec failed: Device or resource busy"), what);
      const well = run.lines.filter((line) => line.startsWith("A: check") && line.endsWith("well"));
      assert.equal(well.length, 2, what);
      const results = fieldsOf(run, "exec_done", "A").map(({ result }) => result);
      assert.deepEqual(results, [-16, 0], what);
      const report = judge(run);
      assert.equal(brokenRules(report).reasons, "", what);
      const { verdict } = report.rules.find(({ id }) => id === "F40") ?? {};
      // A first callback that refuses leaves nothing to undo.
      const first = phase === "prepare" && device === DEVICES[0];
      assert.equal(verdict, first && verdict === "vacuous" ? "vacuous" : "held", what);
    }
  });
}

Deno.test("dpm_suspend_start undoes in reverse what was done before a refusal", () => {
  const run = refused("2.6.27", "console", "freeze", [
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "refused" },
  ]);
  assert.deepEqual(phasesOf(run), [
    ...["pci prepare", "rtc prepare", "console prepare", "disk prepare", "network prepare"],
    ...["network freeze", "disk freeze"],
    ...["disk restore", "network restore"],
    ...["network complete", "disk complete", "console complete", "rtc complete", "pci complete"],
  ]);
});

Deno.test("the quirk of 6.1 leaves devices frozen: F40 is broken, and nothing else is", () => {
  const script: OperatorStep[] = [
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "refused" },
  ];
  for (const phase of ["prepare", "freeze"]) {
    const run = refused("6.1", "pci", phase, script);
    const cured = refused("6.1-cured", "pci", phase, script);
    // Of the first device to prepare nothing is left to be undone.
    const ids = phase === "prepare" ? [] : ["F40"];
    assert.deepEqual(brokenRules(judge(run)).ids, ids, phase);
    assert.deepEqual(brokenRules(judge(cured)).ids, [], phase);
  }
  const late = refused("6.1", "pci", "freeze_noirq", script);
  assert.equal(late.outcome, "refused");
  assert.deepEqual(brokenRules(judge(late)).ids, []);
});
