/**
 * Every rule of protocol.md F.1 is exercised and held by some whole run: the table says by which,
 * and a rule leaves it only by a decision.
 */
import assert from "node:assert/strict";
import { idsWith } from "../../machine/conformance/report.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import { RULE_RUNS } from "./every_rule_runs.ts";
import { brokenRules, judgeAs } from "./run_kit.ts";

/** By name of a run: what it exercises that no run above it does. */
const EXERCISED: Readonly<Record<string, string>> = {
  "cycle of 2.6.27": "F01 F04 F14 F15 F16 F21 F22 F23 F24 F25 F26 F28 F29 F30 F31 F32 F33 F34 " +
    "F35 F36 F37 F38 F39 F45 F46 F47 F49 F50 F51 F52 F53 F58 F59 F60 F61 F78 F87 F94 F95 F96 " +
    "F97 F101 F103",
  "cycle of 6.1-cured": "F17",
  "jumps of 2.6.27": "F93",
  "refusals of mainline": "F20 F40 F102",
  "kexec -e after a resume": "F27",
  "RFC cycle": "F02 F18 F48 F76 F77 F79 F80 F88",
  "v7 cycle on a T42 with _GTS and _BFS": "F44 F55 F56 F57 F69 F81 F82 F83 F84 F86 F89 F90 F91 " +
    "F92",
  "swsusp, platform, 6.1-cured": "F42 F43 F63 F64 F66 F67 F68 F70 F71 F72 F73 F74 F75 F85 F98 " +
    "F104",
  "swsusp of 2.6.23": "F65",
  "TuxOnIce": "F99",
  "raw reboot commands on v7": "F03 F05",
  "kimgcore that cannot be opened": "F06 F07 F08 F09 F10 F11",
  "kimgcore of an earlier session, and of other hardware": "F12 F13",
  "a load that fails": "F19",
  "a task that cannot be frozen": "F41",
  "v7 on a bad sector": "F54",
  "swsusp with noresume": "F62",
  "power lost while an image is written": "F100",
};

/** What v7 breaks in any run: it quiesces by the suspend callbacks (F.2). */
const V7_BREAKS = ["F38"];

for (const { name, systems, run } of RULE_RUNS) {
  const ids = (EXERCISED[name] ?? "").split(" ");
  Deno.test(`the run '${name}' holds what the table has, and breaks nothing`, () => {
    const runs = [run()].flat();
    const outcomes = runs.map(({ outcome }) => outcome).join("; ");
    const report = judgeAs(systems, ...runs);
    const { ids: broken, reasons } = brokenRules(report);
    assert.deepEqual(broken, systems === "V" ? V7_BREAKS : [], `${outcomes}: ${reasons}`);
    const held = idsWith(report, "held");
    assert.deepEqual(ids.filter((id) => !held.includes(id)), [], `${outcomes}: not exercised`);
  });
}

Deno.test("every rule of protocol.md F.1 is exercised by one of the runs, and by none twice", () => {
  const named = Object.values(EXERCISED).flatMap((ids) => ids.split(" "));
  assert.deepEqual(named.toSorted(), ALL_RULES.map(({ id }) => id).toSorted());
  assert.deepEqual(Object.keys(EXERCISED), RULE_RUNS.map(({ name }) => name));
});
