/** Runs that meet the quirks of protocol.md F.2, each breaking the rules of its row. */
import assert from "node:assert/strict";
import { QUIRKS } from "../../machine/protocol/quirks.ts";
import type { OperatorStep } from "../../actors/operator.ts";
import { loadCommand } from "../../actors/scenario/mainline.ts";
import { breaksAsQuirks } from "./quirk_kit.ts";
import { brokenRules, judgeAs, type Judged, type Run, runMainline, settingsOf } from "./run_kit.ts";
import {
  cycle,
  hibernated,
  hibernating,
  hibernation,
  type HibernationOptions,
  working,
} from "./swsusp_kit.ts";
import { runV7 } from "./v7_kit.ts";

const REFUSED: readonly OperatorStep[] = [
  { do: "power_on" },
  { do: "choose", entry: "A", append: "" },
  { do: "type", at: "A", line: loadCommand(settingsOf({ profile: "6.1" }).mainline) },
  { do: "type", at: "A", line: "kexec -e" },
  { do: "prompt", at: "A" },
  { do: "finish", outcome: "refused" },
];
const REFUSE = { kind: "refuse", device: "pci", phase: "freeze", time: 1, result: -16 } as const;

/** A wake-up event comes when the last device stands still, just before the copy. */
function wokenAtCopy(profile: string): Run {
  const options: HibernationOptions = { profile };
  const at = hibernated(options).events.findLast(({ type, summary }) =>
    type === "fact.phase" && summary?.["name"] === "freeze_noirq"
  )?.seq;
  assert.ok(at !== undefined);
  return hibernation({ ...options, choices: [{ kind: "wake", at }] }, [
    ...working(options),
    ...hibernating(options),
    { do: "prompt", at: "A" },
    { do: "finish", outcome: "called off" },
  ]);
}

/** Runs by the quirks that they meet. */
const RUNS: readonly (readonly [quirks: readonly string[], run: () => Judged])[] = [
  [["wakeup-at-copy"], () => wokenAtCopy("6.1")],
  [["signature-before-last-map-page"], () => cycle({ profile: "6.1", mode: "platform" })],
  [
    ["jump-leaves-devices-frozen"],
    () => runMainline({ profile: "6.1", script: REFUSED, choices: [REFUSE] }),
  ],
  [
    ["gdt-not-loaded", "low-memory-unprotected"],
    () => runMainline({ profile: "6.1", part: "jump" }),
  ],
  [["suspend-for-quiesce"], () => runV7()],
];

for (const [names, run] of RUNS) {
  Deno.test(`QUIRKS say which rules a run breaks that meets ${names.join(" and ")}`, () => {
    breaksAsQuirks(names, run());
  });
}

Deno.test("QUIRKS that break rules are met by a run, but for one that has its own tests", () => {
  const met = new Set(RUNS.flatMap(([names]) => names));
  const elsewhere = QUIRKS.filter(({ name, table }) => table.length > 0 && !met.has(name));
  assert.deepEqual(elsewhere.map(({ name }) => name), ["garbage-start"]);
});

Deno.test("without its quirk a wake-up event at the copy ends in an error, and no rule is broken", () => {
  const run = wokenAtCopy("6.1-cured");
  assert.equal(run.outcome, "called off");
  assert.equal(brokenRules(judgeAs("S", run)).reasons, "");
});
