import assert from "node:assert/strict";
import { DOWN_PHASES } from "../../machine/protocol/facts.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { runMachine } from "./machine_kit.ts";
import { brokenRules, fieldsOf, judge, type Run, settingsOf } from "./run_kit.ts";

const typed = (at: string, line: string): OperatorStep => ({ do: "type", at, line });
const end: readonly OperatorStep[] = [
  { do: "prompt", at: "A" },
  { do: "finish", outcome: "returned" },
];

function refused(
  profile: string,
  device: string,
  phase: string,
  time: number,
  load: string,
  script: readonly OperatorStep[],
): Run {
  return runMachine({
    profile,
    cpus: 2,
    memoryMiB: profile === "2.6.27" ? 64 : 256,
    choices: [{ kind: "refuse", device, phase, time, result: -16 }],
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", "work 16 2"),
      typed("A", load),
      ...script,
      ...end,
    ],
  });
}

function well(run: Run, what: string): void {
  assert.equal(run.outcome, "returned", what);
  assert.ok(run.lines.at(-1)?.endsWith("all well"), what);
  assert.equal(brokenRules(judge(run)).reasons, "", what);
}

for (const profile of ["2.6.27", "6.1-cured"]) {
  const peer = loadCommand(settingsOf({ profile }).mainline);
  Deno.test(`a device that refuses in B keeps it there, and the next try goes home: ${profile}`, () => {
    for (const phase of DOWN_PHASES) {
      // The first time a phase is asked is A's, the second B's.
      const run = refused(profile, "network", phase, 2, peer, [
        typed("A", "kexec -e"),
        typed("B", "work 8 1"),
        typed("B", "jump-back"),
        typed("B", "check"),
        typed("B", "kexec -e"),
        typed("A", "check"),
      ]);
      well(run, phase);
      assert.deepEqual(fieldsOf(run, "exec_done", "B").map(({ result }) => result), [-16], phase);
    }
  });

  Deno.test(`a device that refuses before physical-mode code is called: EBUSY, then called: ${profile}`, () => {
    const load = "kexec --load-preserve-context --args-none /boot/phy_mode --mem-max=0xffffff";
    for (const phase of DOWN_PHASES) {
      const run = refused(profile, "disk", phase, 1, load, [
        typed("A", "kexec -e"),
        typed("A", "kexec -e"),
        typed("A", "check"),
      ]);
      well(run, phase);
      assert.deepEqual(fieldsOf(run, "exec_done", "A").map(({ result }) => result), [-16, 0]);
      assert.equal(run.lines.filter((line) => line.startsWith("phy_mode: ")).length, 1, phase);
    }
  });
}

Deno.test("6.1's quirk leaves B's devices frozen too where one refuses: F40, and B is left with them", () => {
  const { window, ...rest } = settingsOf({ profile: "6.1" }).mainline;
  const load = loadCommand({ ...rest, window }).replace(
    "maxcpus=1",
    "maxcpus=1 memmap=exactmap memmap=0x6f000@0x1000 memmap=0x3ffc000@0x4000000",
  );
  const run = runMachine({
    profile: "6.1",
    memoryMiB: 256,
    choices: [{ kind: "refuse", device: "pci", phase: "freeze", time: 2, result: -16 }],
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      typed("A", load),
      typed("A", "kexec -e"),
      typed("B", "jump-back"),
      typed("B", "check"),
      { do: "prompt", at: "B" },
      { do: "finish", outcome: "answers" },
    ],
  });
  // Its console is one of them: what is typed at the prompt arrives nowhere.
  assert.match(run.outcome, /saw nothing; last line: kexec failed: Device or resource busy$/);
  assert.ok(brokenRules(judge(run)).ids.includes("F40"));
});
