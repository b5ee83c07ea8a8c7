/**
 * Devices that refuse a phase and wake-up events that come in one, at each step of a hibernation
 * and of a resume (protocol.md B.5.2 to B.5.4, F40, Q1).
 */
import assert from "node:assert/strict";
import type { Choice } from "../../machine/choices.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { brokenRules, bytesOf, fieldsOf, judgeAs, type Run } from "./run_kit.ts";
import { cycle, failing, hibernated, type HibernationOptions, resumed } from "./swsusp_kit.ts";
import { said, swapHeader } from "./swsusp_kit.ts";

const WELL = "A: check: 2 processes, 0 files, 5 devices: all well";
const DEVICES = ["pci", "disk", "network"];
const FREEZE = ["prepare", "freeze", "freeze_late", "freeze_noirq"];
const POWER_OFF = ["poweroff", "poweroff_late", "poweroff_noirq"];

function refusal(device: string, phase: string, time = 1): Choice {
  return { kind: "refuse", device, phase, time, result: -16 };
}

/** What was done to devices and is not undone: `device phase`. */
function leftDown(run: Run, k: string, message: string): string[] {
  const levels = new Map<string, number>();
  const level = (name: string) =>
    name === "prepare" ? 1 : name.endsWith("_noirq") ? 4 : name.endsWith("_late") ? 3 : 2;
  for (const fields of fieldsOf(run, "phase", k)) {
    const { device, name, message: event, result } = fields;
    if (result !== 0) continue;
    const phase = String(name);
    if (event === message) levels.set(String(device), level(phase));
    else if (levels.has(String(device))) {
      const up = phase === "complete"
        ? 0
        : phase.endsWith("_noirq")
        ? 3
        : phase.endsWith("_early")
        ? 2
        : 1;
      levels.set(String(device), up);
    }
  }
  return [...levels].filter(([, at]) => at > 0).map(([device, at]) => `${device} ${at}`);
}

function messages(run: Run, k: string): unknown[] {
  const all = fieldsOf(run, "phase", k).map(({ message }) => message);
  return all.filter((message, index) => all.indexOf(message) === index);
}

/** Down with that message and up with RECOVER; the first device asked leaves nothing to undo. */
function assertMessages(run: Run, k: string, down: string, isFirst: boolean): void {
  assert.deepEqual(messages(run, k), isFirst ? [down] : [down, "RECOVER"]);
}

for (const phase of FREEZE) {
  Deno.test(`a device that refuses ${phase} ends the hibernation with its error, undone`, () => {
    for (const device of DEVICES) {
      const run = failing({ choices: [refusal(device, phase)], mode: "platform" });
      assert.equal(run.outcome, "goes on", `${device}: ${run.lines.slice(-3).join("\n")}`);
      assert.ok(said(run, "pm-hibernate: /sys/power/state: Device or resource busy"));
      assert.ok(run.lines.includes(WELL), run.lines.slice(-3).join("\n"));
      assert.deepEqual(leftDown(run, "A", "FREEZE"), []);
      assertMessages(run, "A", "FREEZE", device === "pci" && phase === "prepare");
      assert.equal(fieldsOf(run, "snapshot").length, 0);
      assert.equal(brokenRules(judgeAs("S", run)).reasons, "");
    }
  });
}

Deno.test("6.1 tells a failure before the copy from a restore by nothing: RESTORE (Q1)", () => {
  const run = failing({ profile: "6.1", choices: [refusal("disk", "freeze")] });
  assert.equal(run.outcome, "goes on");
  assert.ok(run.lines.includes(WELL));
  assert.deepEqual(messages(run, "A"), ["FREEZE", "RESTORE"]);
});

for (const phase of ["prepare", ...POWER_OFF]) {
  const time = phase === "prepare" ? 2 : 1;
  Deno.test(`a device that refuses ${phase} on the way to S4: A rolls back, the image is gone`, () => {
    for (const device of DEVICES) {
      const choices = [refusal(device, phase, time)];
      const run = failing({ choices, mode: "platform" });
      assert.equal(run.outcome, "goes on", `${device}: ${run.lines.slice(-3).join("\n")}`);
      assert.ok(run.lines.includes(WELL), run.lines.slice(-3).join("\n"));
      assert.deepEqual(leftDown(run, "A", "HIBERNATE"), []);
      assert.equal(fieldsOf(run, "image").at(-1)?.["op"], "invalidate");
      assert.equal(swapHeader(bytesOf(run.medium)).signature, "SWAPSPACE2");
      assert.equal(brokenRules(judgeAs("S", run)).reasons, "");
    }
  });
}

Deno.test("6.1 switches off where a device refuses on the way to S4; the image is good", () => {
  const options = { profile: "6.1", mode: "platform", choices: [refusal("disk", "poweroff")] };
  const run = cycle(options);
  assert.equal(run.outcome, "resumed", run.lines.slice(-4).join("\n"));
  assert.ok(run.lines.includes(WELL));
  assert.deepEqual(fieldsOf(run, "power").map(({ op }) => op), ["on", "off", "on"]);
  assert.ok(said(run, "A: reboot: Power down"));
});

for (const phase of FREEZE) {
  Deno.test(`a device that refuses ${phase} to the boot kernel: RECOVER, and the boot goes on`, () => {
    const first = hibernated({ before: ["work 8 1", "swapon /dev/sda6"] });
    for (const device of DEVICES) {
      const run = resumed(bytesOf(first.medium), { choices: [refusal(device, phase)] });
      assert.equal(run.outcome, "booted without an image", run.lines.slice(-3).join("\n"));
      assert.deepEqual(leftDown(run, "C", "QUIESCE"), []);
      assertMessages(run, "C", "QUIESCE", device === "pci" && phase === "prepare");
      assert.ok(said(run, "C: PM: hibernation: Failed to load image, recovering."));
      assert.equal(fieldsOf(run, "resume_attempt").at(-1)?.["result"], -16);
      assert.equal(brokenRules(judgeAs("S", first, run)).reasons, "");
    }
  });
}

Deno.test("a device that refuses to come back is noted, and nothing else (G.3)", () => {
  const run = cycle({ choices: [refusal("network", "thaw")] });
  assert.equal(run.outcome, "resumed", run.lines.slice(-3).join("\n"));
});

function find(run: Run, test: (event: TraceEvent) => boolean): number {
  const event = run.events.find(test);
  assert.ok(event !== undefined);
  return event.seq;
}

function phaseAt(run: Run, name: string, message: string): number {
  return find(
    run,
    ({ type, summary }) =>
      type === "fact.phase" && summary?.["name"] === name && summary["message"] === message,
  );
}

/** The run again, with a wake-up event at a place of it. */
function woken(options: HibernationOptions, at: number): Run {
  return failing({ ...options, choices: [{ kind: "wake", at, by: "power_button" }] });
}

for (const phase of FREEZE) {
  Deno.test(`a wake-up event in ${phase} ends the hibernation before the copy`, () => {
    const at = phaseAt(cycle({ mode: "platform" }), phase, "FREEZE");
    const run = woken({ mode: "platform" }, at);
    assert.equal(run.outcome, "goes on", run.lines.slice(-3).join("\n"));
    assert.ok(said(run, "pm-hibernate: /sys/power/state: Device or resource busy"));
    assert.ok(run.lines.includes(WELL));
    assert.deepEqual(messages(run, "A"), ["FREEZE", "RECOVER"]);
    assert.equal(fieldsOf(run, "snapshot").length, 0);
    assert.equal(fieldsOf(run, "wakeup").at(-1)?.["pending"], true);
    assert.equal(brokenRules(judgeAs("S", run)).reasons, "");
  });
}

Deno.test("a wake-up event while the boot kernel quiesces its devices changes nothing", () => {
  const first = hibernated();
  const disk = bytesOf(first.medium);
  const at = phaseAt(resumed(disk), "freeze", "QUIESCE");
  const run = resumed(disk, { choices: [{ kind: "wake", at, by: "power_button" }] });
  assert.equal(run.outcome, "resumed", run.lines.slice(-3).join("\n"));
  assert.ok(run.lines.includes(WELL));
});

Deno.test("6.1 returns 0 without an image where a wake-up event comes (Q1)", () => {
  const options = { profile: "6.1", mode: "platform" };
  const run = woken(options, phaseAt(cycle(options), "freeze", "FREEZE"));
  assert.equal(run.outcome, "goes on");
  const [tool] = fieldsOf(run, "tool").filter(({ program }) => program === "pm-hibernate");
  assert.equal(tool?.["status"], 0);
  assert.equal(fieldsOf(run, "snapshot").length, 0);
  assert.deepEqual(messages(run, "A"), ["FREEZE", "RESTORE"]);
  assert.ok(run.lines.includes(WELL));
});

for (const phase of POWER_OFF) {
  Deno.test(`a wake-up event in ${phase} takes the image away and goes on`, () => {
    const at = phaseAt(cycle({ mode: "platform" }), phase, "HIBERNATE");
    const run = woken({ mode: "platform" }, at);
    assert.equal(run.outcome, "goes on", run.lines.slice(-3).join("\n"));
    assert.ok(run.lines.includes(WELL));
    assert.ok(said(run, "Resource temporarily unavailable"));
    assert.equal(fieldsOf(run, "image").at(-1)?.["op"], "invalidate");
    assert.equal(brokenRules(judgeAs("S", run)).reasons, "");
  });
}

Deno.test("6.1 switches off where a wake-up event comes on the way to S4 (B.5.4)", () => {
  const options = { profile: "6.1", mode: "platform" };
  const at = phaseAt(cycle(options), "poweroff", "HIBERNATE");
  const run = cycle({ ...options, choices: [{ kind: "wake", at, by: "power_button" }] });
  assert.equal(run.outcome, "resumed", run.lines.slice(-3).join("\n"));
  assert.deepEqual(fieldsOf(run, "power").map(({ op }) => op), ["on", "off", "on"]);
});
