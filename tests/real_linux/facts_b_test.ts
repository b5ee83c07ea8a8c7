/**
 * Facts 14 to 21 of a real Linux 6.1: the jump, there and back.
 */
import assert from "node:assert/strict";
import { projectTrace, stepLines } from "../../machine/trace/projection.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { recordedEvents } from "../recordings.ts";
import { deedsOf, recordedLines } from "../runs/recorded_order.ts";
import { runMachine } from "../runs/machine_kit.ts";
import { facts, fieldsOf, type Run, runMainline } from "../runs/run_kit.ts";
import { recordedTrace } from "./arms.ts";
import { atShell, statuses } from "./at_shell.ts";
import { LOAD_B, roundTrips, SCENARIOS } from "./scenarios.ts";

const memory = new Map<string, Run>();

/** A run that several facts look at. */
function once(name: string, make: () => readonly Run[]): Run {
  const run = memory.get(name) ?? make()[0];
  assert.ok(run !== undefined);
  memory.set(name, run);
  return run;
}

const thrice = (): Run => once("thrice", () => roundTrips(2, 3));

function of(events: readonly TraceEvent[], type: string): Record<string, unknown>[] {
  return events.filter((event) => event.type === type).map(({ summary }) => ({ ...summary }));
}

Deno.test("fact 14: a jump freezes user tasks only, and runs its steps in the recorded order", () => {
  const wanted = recordedLines("kexec_jump_functions.txt").map(([, , name]) => name);
  const run = once("jump", () => [runMainline({ profile: "6.1-cured", part: "jump" })]);
  const names = deedsOf(run).filter(({ k, name }) => k === "A" && !name.startsWith("jump"))
    .map(({ name }) => name);
  assert.deepEqual(names.slice(0, wanted.length), wanted);
  for (const events of [run.events, recordedTrace("exp1.smpfix")]) {
    assert.ok(of(events, "fact.freeze").every(({ what }) => what === "user"));
    assert.equal(of(events, "fact.snapshot").length, 0);
    assert.equal(of(events, "fact.acpi").filter(({ method }) => method === "_PTS").length, 0);
    const messages = new Set(of(events, "fact.phase").map(({ message }) => message));
    assert.deepEqual([...messages].toSorted(), ["FREEZE", "RESTORE"]);
  }
});

Deno.test("fact 15: system devices go down last and come up first, each way in its own order", () => {
  const called = (event: string) => {
    const names = recordedEvents("exp1.smpfix").filter((one) => one.event === event)
      .map(({ detail }) => String(detail["fn"]).replace(/_(?:suspend|resume)$/, ""));
    return [...new Set(names)];
  };
  const down = called("syscore_suspend_op");
  const up = called("syscore_resume_op");
  assert.deepEqual(down, [
    "timekeeping",
    "save_ioapic_entries",
    "i8259A",
    "acpi_save_bm_rld",
    "lapic",
  ]);
  assert.equal(up.at(-1), "timekeeping");
  assert.ok(up.indexOf("acpi_restore_bm_rld") < up.indexOf("i8259A"));
  for (const events of [thrice().events, recordedTrace("exp1.smpfix")]) {
    const steps = stepLines(projectTrace(events));
    steps.forEach((step, index) => {
      if (step.endsWith("syscore suspend 0")) {
        assert.match(steps.slice(0, index).findLast((one) => / FREEZE /.test(one)) ?? "", /noirq/);
        assert.match(steps[index + 1] ?? "", / jump /);
      }
      if (!step.endsWith("syscore resume 0")) return;
      assert.match(steps[index - 1] ?? "", / jump /);
      const next = steps.slice(index).find((one) => / RESTORE /.test(one));
      assert.match(next ?? "", /restore_noirq/);
    });
    assert.equal(steps.filter((step) => step.endsWith("syscore resume 0")).length, 5);
  }
});

Deno.test("fact 16: the pages of the window and their sources are exchanged, and exchanged back", () => {
  const run = thrice();
  const swaps = fieldsOf(run, "swap", "A");
  assert.equal(swaps.length, 6);
  const [first] = swaps;
  assert.equal(first?.["count"], 0x400_0000 / 4096);
  for (const swap of swaps) assert.deepEqual(swap["pairs"], first?.["pairs"]);
  assert.deepEqual(swaps.map(({ walk }) => walk), [1, 2, 1, 2, 1, 2]);
});

Deno.test("fact 17: a second kexec -e enters the peer where it left, without loading it again", () => {
  const run = thrice();
  const jumps = fieldsOf(run, "jump").map(({ from, to }) => `${from}${to}`);
  assert.deepEqual(jumps, ["Apurgatory", "BA", "AB", "BA", "AB", "BA"]);
  assert.equal(fieldsOf(run, "load", "A").length, 1);
  assert.equal(fieldsOf(run, "load", "B").length, 1);
  assert.equal(fieldsOf(run, "boot", "B").length, 1);
  const loaded = atShell([LOAD_B, "kexec -e", ["B", "jump-back"], "cat /sys/kernel/kexec_loaded"]);
  assert.equal(loaded.lines.at(-1), "A: 1");
});

Deno.test("fact 18: B's command line ends with its core headers and the entry, which stays the same", () => {
  const [boot] = fieldsOf(thrice(), "boot", "B");
  const [, entry] = / elfcorehdr=\d+K kexec_jump_back_entry=(0x[0-9a-f]{16})$/
    .exec(String(boot?.["cmdline"])) ?? [];
  assert.ok(entry !== undefined, String(boot?.["cmdline"]));
  const recorded = recordedEvents("exp1.smpfix").filter(({ event }) => event === "kernel_cmdline");
  const line = String(recorded.at(-1)?.detail["cmdline"]);
  assert.match(line, / elfcorehdr=\d+K kexec_jump_back_entry=0x[0-9a-f]{16}$/);
  for (const { to, entry: entered } of fieldsOf(thrice(), "jump")) {
    if (to === "A") assert.equal(Number(entered), Number(entry));
  }
});

Deno.test("fact 19: kexec -e that comes back says Bad file descriptor and exits 255", () => {
  const run = thrice();
  assert.deepEqual(statuses(run, "kexec", "A").slice(1), [255, 255, 255]);
  const said = run.lines.filter((line) => line === "A: kexec failed: Bad file descriptor");
  assert.equal(said.length, 3);
  assert.equal(fieldsOf(run, "exec_done", "A").every(({ result }) => result === 0), true);
  const recorded = recordedEvents("exp1.smpfix").filter(({ event }) =>
    event === "kexec_exec_returned"
  );
  assert.ok(recorded.length >= 3);
  assert.ok(recorded.every(({ detail }) => detail["strerror"] === "Bad file descriptor"));
});

Deno.test("fact 20: the monotonic clock stands still while a kernel is away, the wall clock does not", () => {
  const clocks = fieldsOf(thrice(), "clock", "A");
  assert.equal(clocks.length, 6);
  for (let at = 0; at < clocks.length; at += 2) {
    const [left, entered] = [clocks[at], clocks[at + 1]];
    assert.equal(entered?.["monotonic"], left?.["monotonic"]);
    assert.ok(Number(entered?.["real"]) > Number(left?.["real"]) + 10_000);
  }
  const away = recordedEvents("exp1.smpfix").filter(({ event }) =>
    event === "timekeeping_suspended_for"
  );
  assert.ok(away.some(({ detail }) => Number(detail["seconds"]) > 1));
});

Deno.test("fact 21: a kernel given all RAM enters itself, and one without a table of segments faults", () => {
  const all = runMachine({
    profile: "6.1",
    memoryMiB: 256,
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      { do: "type", at: "A", line: LOAD_B },
      { do: "type", at: "A", line: "kexec -e" },
      { do: "type", at: "B", line: "jump-back" },
      { do: "prompt", at: "A" },
      { do: "finish", outcome: "returned" },
    ],
  });
  assert.deepEqual(fieldsOf(all, "jump").map(({ from, to }) => `${from}${to}`), [
    "Apurgatory",
    "BB",
  ]);
  const [, stock] = SCENARIOS.find(([name]) => name === "exp1.up4") ?? [];
  const exact = stock?.()[0];
  assert.ok(exact !== undefined);
  assert.deepEqual(fieldsOf(exact, "jump").map(({ from, to }) => `${from}${to}`), [
    "Apurgatory",
    "BA",
  ]);
  const [panic] = fieldsOf(exact, "panic", "A");
  assert.match(String(panic?.["reason"]), /^#GP\(0x18\)/);
  assert.equal(
    facts(exact.events, "power").some(({ summary }) => summary?.["op"] === "reset"),
    true,
  );
});
