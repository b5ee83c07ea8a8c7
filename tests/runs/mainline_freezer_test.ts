import assert from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { runMachine } from "./machine_kit.ts";
import { brokenRules, fieldsOf, judge, type Run, settingsOf } from "./run_kit.ts";

const typed = (at: string, line: string): OperatorStep => ({ do: "type", at, line });

/** A with work and a task that writes to the disk all the time jumps to B and back, twice. */
function jumps(profile: string, words: string, cpus = 1): Run {
  return runMachine({
    profile,
    cpus,
    menu: [{ name: "A", append: `hostname=A root=/dev/sda2 console=ttyS0 ${words}`.trim() }],
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", "work 32 3"),
      typed("A", loadCommand(settingsOf({ profile }).mainline)),
      typed("A", "ticker /tick 200 &"),
      typed("A", "kexec -e"),
      typed("B", "jump-back"),
      typed("A", "check"),
      typed("A", "kexec -e"),
      typed("B", "kexec -e"),
      { do: "prompt", at: "A" },
      { do: "away", ns: 1_000_000_000 },
      typed("A", "check"),
      { do: "prompt", at: "A" },
      { do: "finish", outcome: "returned" },
    ],
  });
}

/** Whether all tasks of A went on behind its last jump: their sleeps and their requests ended. */
function goesOn(run: Run): boolean {
  const back = run.events.findLast(({ type, summary }) =>
    type === "fact.exec_done" && summary?.["k"] === "A"
  );
  const writes = run.events.filter(({ type, seq, summary }) =>
    type === "fact.disk_write" && summary?.["k"] === "A" && seq > (back?.seq ?? 0)
  );
  const state: unknown = run.scheduler.actorStates().get("A");
  const text = JSON.stringify(state);
  const quanta = [...text.matchAll(/"quanta":(\d+)/g)].map(([, count]) => Number(count));
  return writes.length > 10 && quanta.length === 3 && quanta.every((count) => count >= 15);
}

/** Disk commands of A from its first frozen device to the end of its way up. */
function commandsInTransition(run: Run): number {
  let inside = false;
  let count = 0;
  for (const { type, summary } of run.events) {
    if (summary?.["k"] !== "A") continue;
    if (type === "fact.phase" && summary["device"] === "disk") {
      inside = summary["name"] !== "complete" && summary["name"] !== "restore";
    }
    if (inside && (type === "fact.disk_write" || type === "fact.disk_read")) count++;
  }
  return count;
}

function wellTwice(run: Run, what: string): void {
  assert.equal(run.outcome, "returned", what);
  const well = run.lines.filter((line) => line.startsWith("A: check: ") && line.endsWith("well"));
  assert.equal(well.length, 2, what);
}

for (const profile of ["2.6.27", "6.1-cured"]) {
  for (const cpus of [1, 4]) {
    const on = `on ${profile} with ${cpus} processors`;
    Deno.test(`freezer=left-out with adapted drivers jumps as with the freezer, ${on}`, () => {
      const run = jumps(profile, "freezer=left-out drivers=adapted", cpus);
      wellTwice(run, on);
      assert.equal(brokenRules(judge(run)).reasons, "");
      assert.equal(fieldsOf(run, "freeze", "A").length, 0, "no task is frozen");
      assert.equal(commandsInTransition(run), 0, "requests wait in the queue");
      assert.ok(!run.lines.some((line) => line.startsWith("A: ticker: ")), "no request fails");
      assert.ok(goesOn(run), "all tasks go on");
    });
  }
}

Deno.test("freezer=left-out with drivers not adapted moves data in the quiet: F37", () => {
  const run = jumps("6.1-cured", "freezer=left-out");
  assert.ok(commandsInTransition(run) > 0);
  assert.deepEqual(brokenRules(judge(run)).ids, ["F37"]);
});

Deno.test("with the freezer the same tasks stand still, whatever the drivers are", () => {
  const run = jumps("6.1-cured", "");
  wellTwice(run, "frozen");
  assert.equal(brokenRules(judge(run)).reasons, "");
  assert.equal(fieldsOf(run, "freeze", "A").length, 2);
  assert.equal(commandsInTransition(run), 0);
});

Deno.test("freezer=left-out undoes a refused phase and sends what waited in the queues", () => {
  const run = runMachine({
    profile: "6.1-cured",
    choices: [{ kind: "refuse", device: "pci", phase: "freeze_noirq", time: 1, result: -16 }],
    menu: [{
      name: "A",
      append: "hostname=A root=/dev/sda2 freezer=left-out drivers=adapted",
    }],
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", "work 32 3"),
      typed("A", loadCommand(settingsOf({ profile: "6.1-cured" }).mainline)),
      typed("A", "ticker /tick 200 &"),
      typed("A", "kexec -e"),
      typed("A", "check"),
      typed("A", "kexec -e"),
      typed("B", "jump-back"),
      typed("A", "check"),
      { do: "prompt", at: "A" },
      { do: "finish", outcome: "returned" },
    ],
  });
  wellTwice(run, "refused once");
  assert.deepEqual(fieldsOf(run, "exec_done", "A").map(({ result }) => result), [-16, 0]);
  assert.equal(brokenRules(judge(run)).reasons, "");
  assert.equal(commandsInTransition(run), 0);
});
