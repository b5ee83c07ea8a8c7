import assert from "node:assert/strict";
import { rowsOf } from "../../machine/explore/cut_points.ts";
import { POWER_LOSS_TABLE } from "../../machine/explore/fault_table.ts";
import { SABOTAGE, sabotagedRegistry } from "../../actors/scenario/sabotage.ts";
import { cutAt, explore, pendingAt, record } from "./cut_kit.ts";
import { brokenRules, bytesOf, judge, runMainline } from "./run_kit.ts";

/** Events beside which a cycle is cut: with every survival, some 200 cuts. */
const EVENTS = 150;

function registryOf(name: string) {
  const sabotage = SABOTAGE.find((entry) => entry.name === name);
  assert.ok(sabotage !== undefined, name);
  return sabotagedRegistry(sabotage);
}

Deno.test("POWER_LOSS_TABLE has every stretch of a whole cycle, in order", () => {
  const rows = rowsOf(runMainline().events);
  const seen = rows.filter((row, index) => row !== rows[index - 1]).map(({ id }) => id);
  assert.deepEqual(seen, POWER_LOSS_TABLE.map(({ id }) => id));
});

Deno.test("a cut from a checkpoint is the cut of a run from the beginning", () => {
  const recording = record({}, 24);
  for (
    const { checkpoint } of recording.places.toReversed().filter((_, index) => index % 6 === 0)
  ) {
    const choice = { kind: "power_cut", at: checkpoint.seq, durable: "seeded" } as const;
    const cut = cutAt(recording, checkpoint, choice);
    const whole = runMainline({ choices: [choice] });
    assert.equal(cut.outcome, whole.outcome);
    assert.deepEqual(cut.events, whole.events);
  }
});

Deno.test("power may go at any event of a cycle: an ordinary boot or a resume, no mixture", () => {
  const recording = record({}, EVENTS);
  // Of a disk that was damaged most, more is asked: the next hibernation on it works.
  const again = new Map<string, Uint8Array>();
  const { cuts, outcomes, faults } = explore(recording, ({ point, checkpoint }, { choice }) => {
    const survived = choice.kind === "power_cut" ? choice.durable : "";
    if (pendingAt(checkpoint).length > 1 && survived !== "all") {
      again.set(`${point.row.id} ${survived}`, bytesOf(recording.medium));
    }
  });
  assert.deepEqual(faults, []);
  assert.ok(recording.places.length >= 60 && cuts >= 150, `only ${cuts} cuts`);
  assert.deepEqual([...outcomes.keys()].sort(), POWER_LOSS_TABLE.map(({ id }) => id).sort());
  for (const { id, next } of POWER_LOSS_TABLE) {
    // A row in which both may happen has shown both.
    if (next === "either") assert.equal(outcomes.get(id)?.size, 2, id);
  }
  assert.ok(again.size >= 3);
  for (const [what, disk] of again) {
    const run = runMainline({ disk });
    assert.equal(run.outcome, "resumed", what);
    assert.equal(brokenRules(judge(run)).reasons, "", what);
  }
});

Deno.test("power may go in a second cycle, with the first one's used image on the disk", () => {
  const disk = bytesOf(runMainline().medium);
  const { cuts, faults } = explore(record({ disk }, 40));
  assert.deepEqual(faults, []);
  assert.ok(cuts >= 50, `only ${cuts} cuts`);
});

Deno.test("power may go on a machine of two processors with profile 6.1-cured", () => {
  const { cuts, faults } = explore(record({ profile: "6.1-cured" }, 6));
  assert.deepEqual(faults, []);
  assert.ok(cuts >= 5, `only ${cuts} cuts`);
});

Deno.test("cuts show a commit that comes before the flush, where sums are not checked", () => {
  const registry = registryOf("commit before the flush");
  const { faults } = explore(record({ registry, verify: false }, 120));
  assert.ok(faults.some((fault) => fault.startsWith("commit")), faults.join("\n"));
});

Deno.test("cuts show an invalidation that is only in the disk's cache", () => {
  const registry = registryOf("invalidation not flushed");
  const { faults } = explore(record({ registry }, 40));
  assert.ok(faults.some((fault) => fault.includes("F60")), faults.join("\n"));
});

Deno.test("a prompt that was under way when the power went does not confuse who boots again", () => {
  const { events } = runMainline();
  const shown = events.filter(({ kind, type, summary }) =>
    kind === "send" && type === "console.shown" && summary?.["prompt"] === true
  );
  const boots = new Set<string>();
  for (const { seq } of shown) {
    const run = runMainline({ choices: [{ kind: "power_cut", at: seq + 1, durable: "none" }] });
    assert.doesNotMatch(run.outcome ?? "", /^stuck/, `cut at ${seq + 1}`);
    boots.add(run.outcome ?? "");
  }
  assert.ok(shown.length >= 4 && boots.size >= 1, `${shown.length} prompts`);
});
