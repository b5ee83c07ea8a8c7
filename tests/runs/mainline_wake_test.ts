import assert from "node:assert/strict";
import { DOWN_PHASES, UP_PHASES } from "../../machine/protocol/facts.ts";
import type { Choice } from "../../machine/choices.ts";
import { brokenRules, facts, fieldsOf, judge, type Run, runMainline } from "./run_kit.ts";

type WakeSource = NonNullable<Extract<Choice, { readonly kind: "wake" }>["by"]>;

function jumpWith(at: number, by: WakeSource = "rtc"): Run {
  return runMainline({ part: "jump", cpus: 2, choices: [{ kind: "wake", at, by }] });
}

/** Number of the event at which a kernel ended a phase of its first device. */
function phaseSeq(run: Run, k: string, name: string): number {
  const found = facts(run.events, "phase").find(({ summary }) =>
    summary?.["k"] === k && summary["name"] === name
  );
  assert.ok(found !== undefined, `${k} ${name}`);
  return found.seq;
}

/** To whom the wake-up event came, and what that kernel has pending at the end of the run. */
function takenBy(run: Run): string {
  const found = run.events.find(({ kind, type, summary }) =>
    kind === "send" && type === "kernel.interrupt" && summary?.["wake"] === true
  );
  return found?.target ?? "nobody";
}

function pendingOf(run: Run, k: string): unknown {
  const state: unknown = run.scheduler.actorStates().get(k);
  assert.ok(typeof state === "object" && state !== null);
  return Reflect.get(Reflect.get(state, "kernel"), "wakeupPending");
}

const base = runMainline({ part: "jump", cpus: 2 });

Deno.test("a wake-up event at any phase of a mainline jump is ignored by it", () => {
  for (const k of ["A", "B"]) {
    for (const phase of [...DOWN_PHASES, ...UP_PHASES]) {
      const what = `${k} ${phase}`;
      const run = jumpWith(phaseSeq(base, k, phase));
      assert.equal(run.outcome, "returned", what);
      assert.deepEqual(fieldsOf(run, "exec_done").filter(({ result }) => result !== 0), [], what);
      assert.equal(brokenRules(judge(run)).reasons, "", what);
      assert.notEqual(takenBy(run), "nobody", what);
    }
  }
});

Deno.test("a wake-up event after freeze_noirq is counted, and no handler runs", () => {
  const options = { part: "jump", profile: "6.1-cured" } as const;
  const plain = runMainline(options);
  const rings = (phase: string): [string, boolean] => {
    const choices = [{ kind: "wake", at: phaseSeq(plain, "A", phase) } as const];
    const run = runMainline({ ...options, choices });
    assert.equal(brokenRules(judge(run)).reasons, "", phase);
    return [takenBy(run), fieldsOf(run, "irq", "A").some(({ device }) => device === "rtc")];
  };
  assert.deepEqual(rings("freeze_noirq"), ["A", false]);
  assert.deepEqual(rings("freeze_late"), ["A", true]);
});

Deno.test("a wake-up event before the alarm is programmed does not ring", () => {
  const run = runMainline({
    part: "jump",
    profile: "6.1-cured",
    choices: [{ kind: "wake", at: 0 }, { kind: "wake", at: 60 }],
  });
  assert.equal(run.outcome, "returned");
  assert.equal(takenBy(run), "nobody");
});

Deno.test("a wake-up event with irqs off waits at the line for whoever enables them next", () => {
  const off = facts(base.events, "interrupts").find(({ summary }) =>
    summary?.["k"] === "A" && summary["enabled"] === false
  );
  const run = jumpWith((off?.seq ?? 0) + 1);
  assert.equal(takenBy(run), "B");
  assert.equal(run.outcome, "returned");
  assert.equal(brokenRules(judge(run)).reasons, "");
});

Deno.test("the power button raises ACPI's line, and the kernel keeps the event until it freezes", () => {
  const end = facts(base.events, "exec_done").at(-1)?.seq ?? 0;
  const run = jumpWith(end, "power_button");
  assert.equal(takenBy(run), "A");
  assert.ok(fieldsOf(run, "irq", "A").some(({ device }) => device === "power_button"));
  assert.equal(pendingOf(run, "A"), 1);
  assert.equal(pendingOf(jumpWith(phaseSeq(base, "A", "prepare") - 40), "A"), 0);
});

Deno.test("a wake-up event at a machine that is off changes nothing", () => {
  const cycle = runMainline({ part: "cycle" });
  const off = cycle.events.find(({ kind, type, summary }) =>
    kind === "note" && type === "fact.power" && summary?.["op"] === "off"
  );
  assert.ok(off !== undefined);
  const run = runMainline({
    part: "cycle",
    awayNs: 1000,
    choices: [{ kind: "wake", at: off.seq + 40 }],
  });
  assert.equal(run.outcome, "resumed");
});

Deno.test("a wake-up event past the end of the run is a divergence", () => {
  assert.throws(() => jumpWith(10_000_000), /a wake-up event at seq 10000000/);
});
