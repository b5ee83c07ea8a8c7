import assert from "node:assert/strict";
import { idsWith } from "../../machine/conformance/report.ts";
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import { kernelOf } from "../../actors/scenario/machine_plan.ts";
import { brokenRules, bytesOf, facts, fieldsOf, judgeAs, type Run } from "./run_kit.ts";
import { APPEND, cycle, hibernated, hibernation, resumed, said } from "./swsusp_kit.ts";
import { hibernating, resuming, swapHeader, working } from "./swsusp_kit.ts";

const WELL = "A: check: 2 processes, 0 files, 5 devices: all well";
const MIB = 1024 ** 2;

function assertResumed(run: Run): void {
  assert.equal(run.outcome, "resumed", run.lines.slice(-5).join("\n"));
  assert.ok(run.lines.includes(WELL), run.lines.slice(-5).join("\n"));
}

for (const profile of ["6.1-cured", "2.6.23-x64"]) {
  for (const mode of ["platform", "shutdown"]) {
    Deno.test(`hibernate of ${profile} comes back in ${mode} mode, and no rule is broken`, () => {
      const run = cycle({ profile, mode, cpus: 2 });
      assertResumed(run);
      assert.equal(brokenRules(judgeAs("S", run)).reasons, "");
      const { ops } = power(run);
      assert.deepEqual(
        ops,
        mode === "platform" ? ["on", "sleep", "on", "wake"] : [
          "on",
          "off",
          "on",
        ],
      );
    });
  }
}

function power(run: Run): { ops: unknown[] } {
  return { ops: fieldsOf(run, "power").map(({ op }) => op) };
}

/** Facts in short, in order: what protocol.md B.7.5 has as rows. */
function story(run: Run): string[] {
  const shown: string[] = [];
  const say = (text: string) => {
    if (shown.at(-1) !== text) shown.push(text);
  };
  for (const { type, kind, summary } of run.events) {
    if (kind !== "note") continue;
    const { k, name, message, method, argument, op, what, value, at, which, event } = summary ?? {};
    switch (type) {
      case "fact.phase":
        say(`${k} ${name} ${message}`);
        break;
      case "fact.acpi":
        if (method !== undefined) say(`${k} ${method}(${argument})`);
        break;
      case "fact.freeze":
        say(`${k} freeze ${what}`);
        break;
      case "fact.notifier":
        say(`${k} ${event}`);
        break;
      case "fact.syscore":
        say(`${k} syscore ${op}`);
        break;
      case "fact.in_suspend":
        say(`${k} in_suspend ${value} ${at}`);
        break;
      case "fact.image":
        if (op !== "page") say(`${k} image ${op}`);
        break;
      case "fact.page_tables":
        say(`${k} tables ${which}`);
        break;
      case "fact.power":
        say(`power ${op}`);
        break;
      case "fact.sync":
      case "fact.preallocate":
      case "fact.snapshot":
      case "fact.final_copy":
      case "fact.jump":
      case "fact.resumed":
        say(`${k ?? summary?.["to"]} ${type.slice("fact.".length)}`);
    }
  }
  return shown;
}

function phases(k: string, message: string, family: string, down: boolean): string[] {
  const names = down
    ? ["prepare", family, `${family}_late`, `${family}_noirq`]
    : [`${family}_noirq`, `${family}_early`, family, "complete"];
  return names.map((name) => `${k} ${name} ${message}`);
}

Deno.test("hibernate in platform mode does what protocol.md B.7.5 says, in its order", () => {
  const told = story(cycle({ mode: "platform" })).filter((line) => line !== "A _SST(1)");
  const wanted = [
    "power on",
    "A PM_HIBERNATION_PREPARE",
    "A sync",
    "A freeze user",
    "A _TTS(4)",
    "A preallocate",
    "A freeze kthreads",
    ...phases("A", "FREEZE", "freeze", true),
    "A _PTS(4)",
    "A syscore suspend",
    "A snapshot",
    "A in_suspend 1 copy",
    "A in_suspend 1 first return",
    "A syscore resume",
    "A _WAK(4)",
    ...phases("A", "THAW", "thaw", false),
    "A _TTS(0)",
    "A image begin",
    "A image commit",
    "A _TTS(4)",
    ...phases("A", "HIBERNATE", "poweroff", true),
    "A _PTS(4)",
    "A syscore suspend",
    "power sleep",
    "power on",
    "power wake",
    "C image check",
    "C image invalidate",
    "C PM_RESTORE_PREPARE",
    "C freeze user",
    "C freeze kthreads",
    "C image load",
    ...phases("C", "QUIESCE", "freeze", true),
    "C syscore suspend",
    "C tables boot",
    "C tables temporary",
    "C final_copy",
    "A tables image",
    "A jump",
    "A resumed",
    "A in_suspend 0 second return",
    "A syscore resume",
    "A _WAK(4)",
    ...phases("A", "RESTORE", "restore", false),
    "A _TTS(0)",
    "A PM_POST_HIBERNATION",
  ];
  assert.deepEqual(told.filter((line) => !line.includes("_SST")), wanted);
});

Deno.test("hibernate in shutdown mode runs no sleep method and ends in S5", () => {
  const run = cycle({ mode: "shutdown" });
  const methods = fieldsOf(run, "acpi").flatMap(({ method, argument }) =>
    method === undefined ? [] : [`${method}(${argument})`]
  );
  assert.deepEqual(methods, ["_PTS(5)"]);
  assert.deepEqual(
    fieldsOf(run, "phase", "A").filter(({ message }) => message === "HIBERNATE")
      .map(({ name }) => name).filter((name, index, all) => all.indexOf(name) === index),
    [
      "shutdown",
    ],
  );
});

Deno.test("stock 6.1 flushes nothing but at its disk's shutdown, which saves the image (Q3)", () => {
  const run = cycle({ profile: "6.1" });
  assertResumed(run);
  const { ids } = brokenRules(judgeAs("S", run));
  assert.ok(ids.includes("F52"), ids.join(" "));
});

Deno.test("frame 0 and what is no RAM are in no image (recorded fact 42)", () => {
  const run = cycle();
  const [jump] = facts(run.events, "frame_classes");
  const classes = run.blobs.get(jump?.blob?.replace("sha256:", "") ?? "");
  assert.ok(classes !== undefined);
  const copied = fieldsOf(run, "final_copy")[0]?.["runs"];
  assert.ok(String(copied).startsWith("1+"), `${copied}`);
  for (const pfn of [0, 0x9f, 0xa0, 0xff]) assert.equal((classes[pfn] ?? 0) & 64, 64, `${pfn}`);
  assert.equal((classes[1] ?? 0) & 64, 0);
});

Deno.test("hibernate in suspend mode switches off on a machine without S3", () => {
  const run = cycle({ mode: "suspend" });
  assertResumed(run);
  assert.equal(brokenRules(judgeAs("S", run)).reasons, "");
  assert.deepEqual(power(run).ops, ["on", "off", "on"]);
  // 6.1 takes platform mode for it, with an image that knows nothing of the sleep (B.5.4).
  const stock = cycle({ mode: "suspend", profile: "6.1" });
  assertResumed(stock);
  assert.deepEqual(power(stock).ops, ["on", "sleep", "on", "wake"]);
  const methods = fieldsOf(stock, "acpi").map(({ method }) => method);
  assert.ok(methods.includes("_PTS") && !methods.includes("_WAK"));
});

Deno.test("hibernate in reboot mode resets the machine, which resumes it", () => {
  const mode = "reboot";
  const run = hibernation({
    mode,
    recovery: [{ do: "power_on" }, ...resuming({}).slice(1)],
  }, [...working({}), ...hibernating({ mode }), { do: "off" }]);
  assertResumed(run);
  assert.ok(said(run, "A: reboot: Restarting system"));
});

Deno.test("hibernate resumes cold, in a machine that has only the disk", () => {
  const first = hibernated({ mode: "platform" });
  assert.equal(first.outcome, "hibernated");
  const second = resumed(bytesOf(first.medium));
  assertResumed(second);
  assert.equal(brokenRules(judgeAs("S", first, second)).reasons, "");
  assert.equal(swapHeader(bytesOf(first.medium)).signature, "S1SUSPEND");
  assert.equal(swapHeader(bytesOf(second.medium)).signature, "SWAPSPACE2");
});

Deno.test("hibernate ends with the same trace twice", () => {
  assert.equal(cycle({ seed: 3 }).hash, cycle({ seed: 3 }).hash);
});

Deno.test("a kernel hibernates twice, the second time from its restored memory", () => {
  const run = hibernation({}, [
    ...working({}),
    ...hibernating({}),
    { do: "off" },
    { do: "power_on" },
    { do: "choose", entry: "C", append: "" },
    ...hibernating({ mode: "platform" }),
    { do: "off" },
    ...resuming({}),
  ]);
  assertResumed(run);
  assert.equal(fieldsOf(run, "resumed", "A").length, 2);
  const [first, second] = fieldsOf(run, "preallocate");
  assert.equal(second?.["usable"], first?.["usable"], "pages of the image were not given back");
});

Deno.test("every page of the image is what it was when it was copied (F23 for swsusp)", () => {
  const run = cycle({ before: ["work 2000 2", "swapon /dev/sda6"] });
  assertResumed(run);
  const [before, after] = facts(run.events, "frames").map(({ blob }) =>
    run.blobs.get(blob?.replace("sha256:", "") ?? "")
  );
  const [classes] = facts(run.events, "frame_classes").map(({ blob }) =>
    run.blobs.get(blob?.replace("sha256:", "") ?? "")
  );
  assert.ok(before !== undefined && after !== undefined && classes !== undefined);
  let compared = 0;
  classes.forEach((flags, pfn) => {
    if ((flags & (1 | 64)) !== 0) return;
    compared++;
    const at = pfn * 4;
    assert.deepEqual(after.slice(at, at + 4), before.slice(at, at + 4), `frame ${pfn}`);
  });
  assert.ok(compared > 4000, `${compared} frames`);
});

Deno.test("a boot kernel of another version and another address restores the image", () => {
  for (const address of [undefined, 32 * MIB]) {
    const bytes = kernelOf(kernelProfile("6.1"), address);
    const run = cycle({
      kernels: [{ path: "/vmlinuz-other", bytes }],
      bootKernel: "/vmlinuz-other",
    });
    assertResumed(run);
    const [jump] = fieldsOf(run, "jump").filter(({ from }) => from === "C");
    assert.equal(jump?.["entry"], "0xffffffff81255000");
  }
});

Deno.test("the boot kernel may be the image's own, under the same name", () => {
  const run = cycle({
    mode: "platform",
    bootAppend: APPEND,
    menu: [{ name: "C", append: `hostname=A ${APPEND}` }, {
      name: "A",
      append: `hostname=A ${APPEND}`,
    }],
  });
  assertResumed(run);
  const report = judgeAs("S", run);
  assert.equal(brokenRules(report).reasons, "");
  const held = idsWith(report, "held");
  for (const id of ["F30", "F39", "F44", "F45", "F58", "F82", "F104"]) {
    assert.ok(held.includes(id), id);
  }
});

Deno.test("an image of two processors goes on with one (recorded fact 40)", () => {
  const first = hibernated({ cpus: 2 });
  const second = resumed(bytesOf(first.medium), { cpus: 1 });
  assertResumed(second);
  assert.ok(said(second, "A: Error taking CPU1 up: -5"));
});

const seed = (address: number) => ({
  profile: "2.6.23-x64",
  kernels: [{ path: "/vmlinuz-far", bytes: kernelOf(kernelProfile("2.6.23-x64"), address) }],
  imageKernel: "/vmlinuz-far",
});

Deno.test("restore_registers outside the boot kernel's text mapping is a triple fault", () => {
  const run = hibernation(
    { ...seed(48 * MIB), recoversFromReset: false },
    [
      ...working({}),
      ...hibernating({}),
      { do: "off" },
      ...resuming({}),
    ],
  );
  assert.match(run.outcome, /saw a reset/);
  const [panic] = fieldsOf(run, "panic");
  assert.match(String(panic?.["reason"]), /#PF at 0xffffffff8.*: not mapped/);
  assertResumed(cycle(seed(24 * MIB)));
});

Deno.test("6.1 maps restore_registers where the image has it: no fault at any address", () => {
  const far = kernelOf(kernelProfile("6.1-cured"), 48 * MIB);
  assertResumed(cycle({
    kernels: [{ path: "/vmlinuz-far", bytes: far }],
    imageKernel: "/vmlinuz-far",
  }));
});

Deno.test("the code of 2007 copies its own page last, that of 6.1 runs from a safe page", () => {
  const [early] = fieldsOf(cycle({ profile: "2.6.23-x64" }), "final_copy");
  assert.equal(early?.["last"], early?.["code"]);
  const [late] = fieldsOf(cycle(), "final_copy");
  assert.notEqual(late?.["last"], late?.["code"]);
});
