import assert from "node:assert/strict";
import { CHILDREN_FIRST } from "../../machine/protocol/rules/device_table.ts";
import { type PhaseOrder, projectTrace } from "../../machine/trace/projection.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { recordingNames } from "../recordings.ts";
import { hibernation } from "../runs/swsusp_kit.ts";
import {
  type Difference,
  differences,
  recordedSteps,
  recordedTrace,
  simulatedSteps,
} from "./arms.ts";
import { roundTrips, SCENARIOS, twoCycles } from "./scenarios.ts";
import { tableOf } from "./tables.ts";

interface Row extends Difference {
  readonly times: number;
  readonly why: string;
}

/** Rows of the table of differences that are about an experiment. */
function rowsOf(experiment: string): Row[] {
  return tableOf("Two arms").filter(([name]) => name === experiment).map((cells) => {
    const [, arm, step = "", behind = "", times, why = ""] = cells;
    assert.ok(arm === "recording" || arm === "machine", `arm '${arm}'`);
    return { arm, step, behind, times: Number(times), why };
  });
}

function textOf({ arm, step, behind }: Difference): string {
  return `only in ${arm}: ${step} (behind ${behind})`;
}

for (const [experiment, run] of SCENARIOS) {
  Deno.test(`two arms: ${experiment} and the same scenario here go the same way, but for the rows`, () => {
    const recorded = recordedSteps(experiment);
    const machine = simulatedSteps(run());
    assert.ok(recorded.length >= 2);
    const found = differences(recorded, machine).map(textOf);
    const rows = rowsOf(experiment);
    const listed = rows.flatMap((row) => Array<string>(row.times).fill(textOf(row)));
    assert.deepEqual(found.toSorted(), listed.toSorted());
    for (const { step, why } of rows) assert.ok(why.length > 10, `${step} is not explained`);
  });
}

Deno.test("two arms: every recorded experiment is run here or is said not to be", () => {
  const experiments = recordingNames().flatMap((name) => {
    const found = /^events\.(exp.*)\.jsonl$/.exec(name)?.[1];
    return found === undefined ? [] : [found];
  });
  const skipped = tableOf("Not run").map(([name = ""]) => name);
  const run = SCENARIOS.map(([name]) => name);
  assert.deepEqual([...run, ...skipped].toSorted(), experiments);
  const named = new Set(tableOf("Two arms").map(([name = ""]) => name));
  for (const name of named) assert.ok(run.includes(name), `a row about ${name}, which is not run`);
});

Deno.test("two arms: a crash by sysrq is not in this machine, as the table of what is not run says", () => {
  assert.ok(recordedSteps("exp5.kdump_up").includes("A: panic"));
  const run = hibernation({}, [
    { do: "power_on" },
    { do: "choose", entry: "A", append: "" },
    { do: "type", at: "A", line: "put c /proc/sysrq-trigger" },
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "still there" },
  ]);
  assert.equal(run.outcome, "still there");
});

Deno.test("differences finds a step that one arm has more, and one that is elsewhere", () => {
  assert.deepEqual(differences(["a", "b", "c"], ["a", "b", "c"]), []);
  assert.deepEqual(differences(["a", "b", "c"], ["a", "c"]).map(textOf), [
    "only in recording: b (behind a)",
  ]);
  assert.deepEqual(differences(["a", "b"], ["b", "a"]).length, 2);
  assert.deepEqual(differences([], ["a"]).map(textOf), ["only in machine: a (behind )"]);
});

/** Phases down, each with the phases that undo it. */
const UNDONE: Readonly<Record<string, readonly string[]>> = {
  freeze: ["restore", "thaw"],
  freeze_late: ["restore_early", "thaw_early"],
  freeze_noirq: ["restore_noirq", "thaw_noirq"],
};

/** Devices that a real kernel handles by tasks of their own: PCI functions and disks. */
const BY_TASKS = /^(?:0000:|host|target|\d+:\d+:\d+)/;

/** Pairs of a phase down and the next one that undoes it, each as the devices common to both. */
function undone(phases: readonly PhaseOrder[]): { down: string[]; up: string[] }[] {
  const last = new Map<string, PhaseOrder>();
  return phases.flatMap((phase) => {
    if (Object.hasOwn(UNDONE, phase.name)) last.set(`${phase.k} ${phase.name}`, phase);
    const level = Object.keys(UNDONE).find((name) => UNDONE[name]?.includes(phase.name));
    const before = last.get(`${phase.k} ${level}`);
    if (before === undefined) return [];
    const up = phase.devices.filter((device) => before.devices.includes(device));
    return [{ down: before.devices.filter((device) => up.includes(device)), up }];
  });
}

for (
  const experiment of ["exp1.smpfix", "exp1.upfix1", "exp2.kh1", "exp3.platform", "exp3.shutdown"]
) {
  Deno.test(`devices of ${experiment} come up in the reverse order, but for those with tasks`, () => {
    const pairs = undone(projectTrace(recordedTrace(experiment)).phases);
    assert.ok(pairs.length >= 1);
    let compared = 0;
    for (const { down, up } of pairs) {
      const inTurn = (devices: readonly string[]) => devices.filter((name) => !BY_TASKS.test(name));
      assert.deepEqual(inTurn(up).reverse(), inTurn(down));
      compared += inTurn(down).length;
    }
    assert.ok(compared > 5, `${compared} devices`);
  });
}

Deno.test("devices of this machine come up in exactly the reverse order", () => {
  for (const run of [...roundTrips(1, 1), ...twoCycles("platform")]) {
    const pairs = undone(projectTrace(run.events).phases);
    assert.ok(pairs.length >= 3);
    for (const { down, up } of pairs) assert.deepEqual(up.toReversed(), down);
  }
});

/** Callbacks of a parent and a child in the wrong order within a phase. */
function familyFaults(events: readonly TraceEvent[]): { faults: string[]; compared: number } {
  const faults: string[] = [];
  let [phase, compared] = ["", 0];
  const done = new Set<string>();
  const parents = new Map<string, string>();
  for (const { type, summary = {} } of events) {
    if (type !== "fact.phase") continue;
    const now = `${summary["k"]} ${summary["name"]} ${summary["message"]}`;
    if (now !== phase) [done, parents].forEach((seen) => seen.clear());
    phase = now;
    const [device, parent] = [String(summary["device"]), summary["parent"]];
    const childrenFirst = CHILDREN_FIRST.has(String(summary["name"]));
    if (typeof parent === "string") {
      compared++;
      if (childrenFirst && done.has(parent)) faults.push(`${now}: ${parent} before ${device}`);
      parents.set(parent, device);
    }
    if (!childrenFirst && parents.has(device)) {
      faults.push(`${now}: ${parents.get(device)} before ${device}`);
    }
    done.add(device);
  }
  return { faults, compared };
}

for (const [experiment] of SCENARIOS) {
  Deno.test(`in ${experiment} children go down before their parents and come up after them`, () => {
    const { faults, compared } = familyFaults(recordedTrace(experiment));
    assert.deepEqual(faults, []);
    const hasPhases = recordedSteps(experiment).some((step) => step.includes("FREEZE"));
    assert.equal(compared > 0, hasPhases);
  });
}
