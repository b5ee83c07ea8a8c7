/** The ladder of kernel_kexec when a rung breaks: what is undone, and what the caller gets. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { Choice } from "../../machine/choices.ts";
import { brokenRules, facts, fieldsOf, judge, type Run, runMainline } from "../runs/run_kit.ts";
import { boot, type, until } from "./kernel_hooks.ts";

const LOAD = "kexec --load-preserve-context /boot/bzImage --initrd=/boot/rootfs.gz " +
  '--append="hostname=B root=/dev/ram0 maxcpus=1" ';
const WINDOWS: Readonly<Record<string, string>> = {
  "2.6.27": "--mem-min=0x100000 --mem-max=0xffffff",
};
const window = (profile: string) => WINDOWS[profile] ?? "--mem-min=0x4000000 --mem-max=0x7ffffff";

/** A jumps while a device refuses a phase, then checks itself; then jumps once more, if wanted. */
function refusing(profile: string, device: string, phase: string, again = false): Run {
  const refusal: Choice = { kind: "refuse", device, phase, time: 1, result: -16 };
  const script = [
    ...boot("A"),
    type("A", "work 16 2"),
    type("A", LOAD + window(profile)),
    type("A", "kexec -e"),
    type("A", "check"),
    ...(again ? [type("A", "kexec -e"), type("B", "jump-back"), type("A", "check")] : []),
    ...until("A"),
  ];
  return runMainline({ profile, script, choices: [refusal], cpus: 2 });
}

const statuses = (run: Run, program: string) =>
  fieldsOf(run, "tool", "A").filter((tool) => tool["program"] === program)
    .map(({ status }) => status);

const PHASES = ["prepare", "freeze", "freeze_late", "freeze_noirq"];

for (const profile of ["2.6.27", "6.1-cured"]) {
  for (const phase of PHASES) {
    Deno.test(`kernel_kexec of ${profile} undoes all when ${phase} is refused by any device (F40)`, () => {
      for (const device of ["pci", "rtc", "console", "disk", "network"]) {
        const run = refusing(profile, device, phase);
        strictEqual(run.outcome, "done", device);
        deepStrictEqual(fieldsOf(run, "exec_done").map(({ result }) => result), [-16], device);
        deepStrictEqual(statuses(run, "kexec"), [0, 255], device);
        deepStrictEqual(statuses(run, "check"), [0], `${device}: ${run.lines.join("\n")}`);
        strictEqual(run.lines.includes("A: kexec failed: Device or resource busy"), true);
        const last = (name: string) => fieldsOf(run, name, "A").at(-1);
        strictEqual(last("lock")?.["op"], "release", device);
        strictEqual(last("console")?.["op"], "restore", device);
        deepStrictEqual(brokenRules(judge(run)), { ids: [], reasons: "" }, device);
      }
    });
  }
}

Deno.test("kernel_kexec that failed keeps the image loaded: the next one jumps (B.4.2)", () => {
  const run = refusing("2.6.27", "disk", "freeze_noirq", true);
  strictEqual(run.outcome, "done");
  deepStrictEqual(fieldsOf(run, "exec_done", "A").map(({ result }) => result), [-16, 0]);
  deepStrictEqual(statuses(run, "check"), [0, 0]);
});

Deno.test("kernel_kexec of stock 6.1 leaves devices frozen when freeze is refused (F.2)", () => {
  const run = refusing("6.1", "disk", "freeze");
  strictEqual(run.outcome, "done");
  const [status] = statuses(run, "check");
  strictEqual(status, 1);
  match(run.lines.find((line) => line.includes("check: device")) ?? "", /device network/);
  const up = fieldsOf(run, "phase", "A").filter(({ name }) => name === "restore");
  strictEqual(up.length, 0);
});

Deno.test("kernel_kexec brings other processors and interrupts back in the order of B.4.1", () => {
  const of = (profile: string) => {
    const run = runMainline({ profile, part: "jump", cpus: 2 });
    const back = run.events.findIndex(({ type }) => type === "fact.resumed");
    const after = run.events.slice(back).filter(({ actor, source, summary }) =>
      (actor === "A" || actor === "cpu") && source === undefined && summary?.["k"] === "A"
    );
    const steps = after.flatMap(({ type, summary }) => {
      if (type === "fact.syscore" || type === "fact.console") return [`${type} ${summary?.["op"]}`];
      if (type === "fact.interrupts" || type === "fact.cpus" || type === "fact.thaw") return [type];
      if (type === "fact.phase") return [`${summary?.["name"]}`];
      return [];
    });
    const unique = steps.filter((step, index) => step !== steps[index - 1]);
    return unique.slice(0, unique.indexOf("fact.console restore") + 1)
      .map((step) => step.replace("fact.", ""));
  };
  deepStrictEqual(of("2.6.27"), [
    "syscore resume",
    "restore_noirq",
    "restore_early",
    "interrupts",
    "cpus",
    "restore",
    "complete",
    "console resume",
    "thaw",
    "console restore",
  ]);
  deepStrictEqual(of("6.1-cured"), [
    "syscore resume",
    "interrupts",
    "cpus",
    "restore_noirq",
    "restore_early",
    "restore",
    "complete",
    "console resume",
    "thaw",
    "console restore",
  ]);
});

Deno.test("kernel_kexec's monotonic clock stands still while the kernel is away (fact 20, F95)", () => {
  const run = runMainline({ part: "jump" });
  const [leave, enter, again] = fieldsOf(run, "clock", "A");
  deepStrictEqual([leave?.["op"], enter?.["op"]], ["leave", "enter"]);
  strictEqual(leave?.["monotonic"], enter?.["monotonic"]);
  const times = facts(run.events, "clock").filter(({ actor }) => actor === "A").map(({ vt }) => vt);
  const [left = 0, entered = 0, leftAgain = 0] = times;
  const away = (entered - left) / 1000;
  strictEqual(Math.abs(Number(enter?.["real"]) - Number(leave?.["real"]) - away) <= 1.5, true);
  // While it runs, it goes on from where it stood.
  const ran = Number(again?.["monotonic"]) - Number(enter?.["monotonic"]);
  deepStrictEqual([ran, Number(leave?.["monotonic"]) > 0], [leftAgain - entered, true]);
});
