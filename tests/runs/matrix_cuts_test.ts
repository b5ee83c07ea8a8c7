/**
 * Power goes at any event of every system's cycle (protocol.md G.1, F100): an ordinary boot, or a
 * resume in which nothing is lost. Mainline has an exploration of its own (`power_cuts_test.ts`).
 */
import assert from "node:assert/strict";
import { type CutPoint, cutPoints, rowsOf } from "../../machine/explore/cut_points.ts";
import { COMPARED_SYSTEMS, type ComparedSystem } from "../../actors/scenario/compared.ts";
import { collectGarbage } from "../collect_garbage.ts";
import { explore, recordAt, type RunSource } from "./cut_kit.ts";
import { DISTINCT_SYSTEMS, matrixSource, plainRun, reasonsBut, recoveryOf } from "./matrix_kit.ts";

const POINTS = 25;
/** Places in the variants of mainline, and in itself. */
const FEW = 10;
/** Checkpoints of one recording, where much is written between the first and the last. */
const AT_A_TIME: Readonly<Record<string, number>> = { "rfc": 4, "v7-kimgcore": 13 };

/** A run whose report says nothing of what its system breaks always. */
function quietSource(system: ComparedSystem): RunSource {
  const source = matrixSource(system, { recovery: recoveryOf(system) });
  return {
    ...source,
    judge(run) {
      const report = source.judge(run);
      const kept = reasonsBut(system, report);
      const rules = report.rules.filter(({ id, verdict }) =>
        verdict !== "violated" || kept.includes(`${id}: `)
      );
      return { ...report, rules };
    },
  };
}

function placesOf(system: ComparedSystem): number {
  const whole = DISTINCT_SYSTEMS.includes(system) && system.id !== "mainline";
  return whole ? POINTS : FEW;
}

interface Found {
  readonly cuts: number;
  /** By row: how often each outcome came. */
  readonly outcomes: Map<string, Map<string, number>>;
  readonly faults: readonly string[];
}

function cutEverywhere(system: ComparedSystem): Found {
  const points = cutPoints(plainRun(system).events, placesOf(system));
  const size = AT_A_TIME[system.id] ?? points.length;
  const outcomes = new Map<string, Map<string, number>>();
  const faults: string[] = [];
  let cuts = 0;
  for (let first = 0; first < points.length; first += size) {
    collectGarbage();
    const part: readonly CutPoint[] = points.slice(first, first + size);
    const found = explore(recordAt(quietSource(system), part), undefined, [
      ...(["none", "all", "seeded"] as const),
    ]);
    cuts += found.cuts;
    faults.push(...found.faults);
    for (const [row, counts] of found.outcomes) {
      const all = outcomes.get(row) ?? new Map<string, number>();
      for (const [outcome, count] of counts) all.set(outcome, (all.get(outcome) ?? 0) + count);
      outcomes.set(row, all);
    }
  }
  return { cuts, outcomes, faults };
}

const NONE = "booted without an image";
/** What each stretch must show; where two may come, both have come. */
const WANTED: Readonly<Record<string, readonly string[]>> = {
  "runs": [NONE],
  "leaves": [NONE],
  "saver boots": [NONE],
  "pages": [NONE],
  "commit": [NONE, "resumed"],
  "committed": ["resumed"],
  "resumer boots": ["resumed"],
  "invalidation": [NONE, "resumed"],
  "invalidated": [NONE],
  "runs again": [NONE],
};

for (const system of COMPARED_SYSTEMS.filter(({ id }) => id !== "rfc")) {
  Deno.test(`${system.id}: power goes anywhere, and it is an ordinary boot or a whole resume`, () => {
    const { cuts, outcomes, faults } = cutEverywhere(system);
    assert.deepEqual(faults, []);
    assert.ok(cuts >= placesOf(system), `only ${cuts} cuts`);
    const rows = new Set(rowsOf(plainRun(system).events).map(({ id }) => id));
    assert.deepEqual([...outcomes.keys()].sort(), [...rows].sort());
    for (const [row, seen] of outcomes) {
      const wanted = WANTED[row] ?? [];
      for (const outcome of seen.keys()) assert.ok(wanted.includes(outcome), `${row}: ${outcome}`);
      if (placesOf(system) === FEW) continue;
      assert.deepEqual([...seen.keys()].sort(), [...wanted].sort(), row);
    }
  });
}

Deno.test("rfc: nothing takes its image away, so that it is resumed again: F60 and F61", () => {
  const system = COMPARED_SYSTEMS.find(({ id }) => id === "rfc");
  assert.ok(system !== undefined);
  const { cuts, outcomes, faults } = cutEverywhere(system);
  assert.ok(cuts >= POINTS, `only ${cuts} cuts`);
  for (const row of ["runs", "leaves", "saver boots", "pages"]) {
    assert.deepEqual([...outcomes.get(row)?.keys() ?? []], [NONE], row);
  }
  for (const row of ["committed", "resumer boots", "runs again"]) {
    assert.deepEqual([...outcomes.get(row)?.keys() ?? []], ["resumed"], row);
  }
  // Memory and CPU are whole each time; what is held against it is the image that stays valid.
  const other = faults.filter((fault) =>
    !/ breaks F60: | F61: image \S+ is entered again/.test(fault)
  );
  assert.deepEqual(other, []);
  assert.ok(faults.some((fault) => fault.includes("F60")));
  assert.ok(faults.some((fault) => fault.startsWith("runs again") && fault.includes("F61")));
});
