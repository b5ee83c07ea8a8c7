import assert from "node:assert/strict";
import { next } from "../../actors/kernel/procedure.ts";
import {
  type Alteration,
  alterStep,
  alterSteps,
  skipStep,
} from "../../actors/scenario/sabotage_tools.ts";
import { boot, CYCLE, finishAt, HIBERNATE, prepared, runAltered, type } from "./v7_kit.ts";
import { brokenRules, judgeAs } from "./run_kit.ts";

/** Both halves, to whichever kernel's prompt comes. */
const BOTH = [
  ...prepared(),
  type("A", HIBERNATE),
  { do: "off" } as const,
  ...boot("C"),
  ...finishAt("A", "resumed"),
];

const SABOTAGE: readonly (readonly [what: string, rule: string, alter: Alteration])[] = [
  [
    "pages are not flushed before the mark",
    "F52",
    skipStep("program:go_to_hibernate", "flush image"),
  ],
  [
    "the mark is written before the pages",
    "F51",
    alterSteps("program:go_to_hibernate", (steps) => {
      const mark = steps.filter(({ name }) => name === "makedumpfile");
      const rest = steps.filter(({ name }) => name !== "makedumpfile");
      const at = rest.findIndex(({ name }) => name === "valid mark") + 1;
      return [...rest.slice(0, at), ...mark, ...rest.slice(at)];
    }),
  ],
  ["the image is not marked as used up", "F60", skipStep("program:go_to_resume", "invalidate")],
  ["_PTS is left out", "F81", skipStep("acpi_pre_snapshot", "_PTS")],
  ["_WAK is left out", "F82", skipStep("acpi_finish", "_WAK(4)")],
  ["SLP_TYP and SLP_EN come in one write", "F84", skipStep("acpi_enter", "SLP_TYP")],
  ["WAK_STS is not cleared before the sleep", "F84", skipStep("acpi_enter", "clear WAK_STS")],
  ["tasks' notifiers are not told it is over", "F44", skipStep("v7_up", "pm notifiers")],
  [
    "the console comes back before the devices",
    "F45",
    alterSteps("v7_up", (steps) => {
      const last = steps.filter(({ name }) => name === "pm_prepare_console");
      const rest = steps.filter(({ name }) => name !== "pm_prepare_console");
      return [...rest.slice(0, 2), ...last, ...rest.slice(2)];
    }),
  ],
  ["the command does not travel", "F90", skipStep("kernel_kexec_v7", "command")],
];

for (const [what, rule, alter] of SABOTAGE) {
  Deno.test(`v7 in which ${what} breaks ${rule}`, () => {
    const run = runAltered(alter, BOTH);
    const { ids, reasons } = brokenRules(judgeAs("V", run));
    assert.ok(ids.includes(rule), `${run.outcome}: ${ids.join()} ${reasons}`);
  });
}

Deno.test("v7 unharmed breaks none of those rules", () => {
  const run = runAltered(
    alterStep("acpi_finish", "_WAK(4)", (step) => ({ ...step, undo: () => next })),
    CYCLE,
  );
  const { ids } = brokenRules(judgeAs("V", run));
  assert.deepEqual(ids.filter((id) => SABOTAGE.some(([, rule]) => rule === id)), []);
});
