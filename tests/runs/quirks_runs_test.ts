/**
 * Every row of protocol.md F.2 as a run that meets it and breaks exactly what quirks.ts says, and
 * as its cured twin, which goes through the same and breaks nothing.
 */
import assert from "node:assert/strict";
import { idsWith } from "../../machine/conformance/report.ts";
import { QUIRKS } from "../../machine/protocol/quirks.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { runMachine } from "./machine_kit.ts";
import { breaksAsQuirks, breaksNothing } from "./quirk_kit.ts";
import * as rfc from "./rfc_kit.ts";
import { bytesOf, fieldsOf, judge, type Run, runMainline, settingsOf } from "./run_kit.ts";
import {
  cycle,
  failing,
  hibernated,
  hibernating,
  hibernation,
  type HibernationOptions,
  resumed,
  working,
} from "./swsusp_kit.ts";
import { CYCLE, firmwareStory, menu, prepared, runV7, type } from "./v7_kit.ts";

/** A run that meets quirks, and the same without them. */
interface Twins {
  readonly quirks: readonly string[];
  readonly met: () => readonly Run[];
  readonly cured: () => readonly Run[];
  /** What the runs must show, so that they are those that are meant. */
  readonly shows: (met: Run, cured: Run) => void;
}

const STORED = ["signature-before-last-map-page", "invalidation-not-flushed"];

/** A wake-up event comes when the last device stands still, just before the copy. */
function wokenAtCopy(profile: string): Run {
  const options: HibernationOptions = { profile };
  const at = hibernated(options).events.findLast(({ type: name, summary }) =>
    name === "fact.phase" && summary?.["name"] === "freeze_noirq"
  )?.seq;
  assert.ok(at !== undefined);
  return hibernation({ ...options, choices: [{ kind: "wake", at }] }, [
    ...working(options),
    ...hibernating(options),
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "called off" },
  ]);
}

const DISK_REFUSES = { kind: "refuse", device: "disk", time: 1, result: -16 } as const;

function sleepRefused(profile: string): HibernationOptions {
  return { profile, mode: "platform", choices: [{ ...DISK_REFUSES, phase: "poweroff" }] };
}

/** A bridge refuses to stand still at a jump. */
function jumpRefused(profile: string): Run {
  const script: OperatorStep[] = [
    { do: "power_on" },
    { do: "choose", entry: "A", append: "" },
    type("A", loadCommand(settingsOf({ profile }).mainline)),
    type("A", "kexec -e"),
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "refused" },
  ];
  const choices = [{ ...DISK_REFUSES, device: "pci", phase: "freeze" }];
  return runMainline({ profile, script, choices });
}

/** Code that merely returns is called, and executed again. */
function calledTwice(profile: string): Run {
  return runMachine({
    profile,
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      type(
        "A",
        "kexec --load-preserve-context --args-none /boot/phy_mode --mem-max=0xffffff",
      ),
      type("A", "kexec -e"),
      type("A", "kexec -e"),
      { do: "prompt", at: "A" },
      { do: "finish", outcome: "returned" },
    ],
  });
}

function calls(run: Run): number {
  return run.lines.filter((line) => line.startsWith("phy_mode: ")).length;
}

function leftFrozen(run: Run): boolean {
  return run.lines.includes("A: kexec failed: Device or resource busy") &&
    !fieldsOf(run, "phase", "A").some(({ name }) => name === "restore");
}

const APART = " kexec_quiesce=apart";

/** A hibernates; the machine that resumes it has another hardware signature, or the same. */
function onOtherHardware(profile: string, signature?: number): Run[] {
  const obey = "acpi_sleep=s4_hwsig";
  const first = hibernated({ profile, append: obey, mode: "platform" });
  const setup = signature === undefined ? {} : { setup: { signature } };
  return [first, resumed(bytesOf(first.medium), { profile, bootAppend: obey, ...setup })];
}

function sleepEnables(run: Run): number {
  return firmwareStory(run).filter((line) =>
    line.includes("PM1a_CNT") && (Number(line.split(" ").at(-1)) & 0x2000) !== 0
  ).length;
}

const TWINS: readonly Twins[] = [
  {
    quirks: ["wakeup-at-copy"],
    met: () => [wokenAtCopy("6.1")],
    cured: () => [wokenAtCopy("6.1-cured")],
    shows: (met, cured) =>
      assert.deepEqual([met.outcome, cured.outcome], ["called off", "called off"]),
  },
  {
    quirks: STORED,
    met: () => [cycle({ profile: "6.1", mode: "platform" })],
    cured: () => [cycle({ profile: "6.1-cured", mode: "platform" })],
    shows: (met, cured) => assert.deepEqual([met.outcome, cured.outcome], ["resumed", "resumed"]),
  },
  {
    quirks: ["platform-failure-powers-off", ...STORED],
    met: () => [cycle(sleepRefused("6.1"))],
    cured: () => [failing(sleepRefused("6.1-cured"))],
    shows(met, cured) {
      assert.deepEqual(fieldsOf(met, "power").map(({ op }) => op), ["on", "off", "on"]);
      assert.deepEqual([met.outcome, cured.outcome], ["resumed", "goes on"]);
    },
  },
  {
    quirks: ["jump-leaves-devices-frozen"],
    met: () => [jumpRefused("6.1")],
    cured: () => [jumpRefused("6.1-cured")],
    shows: (met, cured) => assert.deepEqual([leftFrozen(met), leftFrozen(cured)], [true, false]),
  },
  {
    quirks: ["garbage-start"],
    met: () => [calledTwice("2.6.27")],
    cured: () => [calledTwice("6.1-cured")],
    shows(met, cured) {
      const start = String(fieldsOf(met, "image_start", "A")[0]?.["start"]);
      assert.notEqual(start, fieldsOf(met, "jump")[0]?.["entry"]);
      // The tool looks at the word, and calls it no second time.
      assert.deepEqual([calls(met), calls(cured)], [1, 2]);
      assert.ok(idsWith(judge(met), "held").includes("F27"));
    },
  },
  {
    quirks: ["gdt-not-loaded", "low-memory-unprotected"],
    met: () => [runMainline({ profile: "6.1", part: "jump" })],
    cured: () => [runMainline({ profile: "6.1-cured", part: "jump" })],
    shows(met, cured) {
      assert.equal(cured.outcome, "returned");
      assert.notEqual(met.outcome, "returned");
    },
  },
  {
    quirks: ["suspend-for-quiesce"],
    met: () => [runV7()],
    cured: () => [
      runV7({
        script: [...prepared(APART), ...CYCLE.slice(prepared().length)],
        menu: menu(APART, APART),
      }),
    ],
    shows: (met, cured) => assert.deepEqual([met.outcome, cured.outcome], ["resumed", "resumed"]),
  },
  {
    // The image is not entered, so that its invalidation need not be durable.
    quirks: ["signature-mismatch-destroys-image", "signature-before-last-map-page"],
    met: () => onOtherHardware("6.1", 0x1234),
    cured: () => onOtherHardware("6.1-cured"),
    shows(met, cured) {
      assert.deepEqual([met.outcome, cured.outcome], ["booted without an image", "resumed"]);
      assert.equal(fieldsOf(met, "resume_attempt").at(-1)?.["result"], -22);
      // Gone for whoever boots next, although the drive has that in its cache yet.
      assert.equal(fieldsOf(met, "image").at(-1)?.["op"], "invalidate");
    },
  },
  {
    quirks: ["sleep-enable-retried", ...STORED],
    met: () => [cycle({ profile: "6.1", mode: "platform", setup: { ignoredSleeps: 1 } })],
    cured: () => [cycle({ profile: "6.1-cured", mode: "platform" })],
    shows(met, cured) {
      assert.deepEqual([met.outcome, cured.outcome], ["resumed", "resumed"]);
      assert.deepEqual([sleepEnables(met), sleepEnables(cured)], [2, 1]);
    },
  },
  {
    quirks: ["suspend-falls-to-platform", ...STORED],
    met: () => [cycle({ profile: "6.1", mode: "suspend" })],
    cured: () => [cycle({ profile: "6.1-cured", mode: "suspend" })],
    shows(met, cured) {
      assert.deepEqual([met.outcome, cured.outcome], ["resumed", "resumed"]);
      const states = [met, cured].map((run) =>
        fieldsOf(run, "power").find(({ op }) => op === "sleep" || op === "off")?.["op"]
      );
      assert.deepEqual(states, ["sleep", "off"]);
    },
  },
];

for (const { quirks, met, cured, shows } of TWINS) {
  const [title] = quirks;
  Deno.test(`QUIRKS say which rules a run breaks that meets ${title}, and its cured twin none`, () => {
    const [runs, twins] = [met(), cured()];
    const [run, twin] = [runs.at(-1), twins.at(-1)];
    assert.ok(run !== undefined && twin !== undefined);
    shows(run, twin);
    breaksAsQuirks(quirks, ...runs);
    breaksNothing(quirks, ...twins);
  });
}

Deno.test("QUIRKS are each met by a run", () => {
  const met = new Set(TWINS.flatMap(({ quirks }) => quirks));
  assert.deepEqual(QUIRKS.map(({ name }) => name).filter((name) => !met.has(name)), []);
});

Deno.test("the RFC quiesces by suspend callbacks as well, which no rule of its own forbids", () => {
  const pfn = rfc.jumpBufferPfn();
  const run = rfc.runRfc([...rfc.hibernate({ pfn }), ...rfc.toD({ pfn }), ...rfc.RESTORE]);
  assert.equal(run.outcome, "resumed");
  const messages = new Set(fieldsOf(run, "phase", "A").map(({ message }) => message));
  assert.deepEqual([...messages], ["SUSPEND", "RESUME"]);
  rfc.expectClean(run, "resumed");
});
