import assert from "node:assert/strict";
import { idsWith } from "../../machine/conformance/report.ts";
import { MAINLINE_RULES } from "../../machine/protocol/mainline_rules.ts";
import { SABOTAGE, type Sabotage, sabotagedRegistry } from "../../actors/scenario/sabotage.ts";
import { brokenRules, bytesOf, judge, type Run, runMainline } from "./run_kit.ts";

/** Ten times the default run's: a machine that goes on and on has shown what it had to show. */
const DELIVERIES_MAX = 20_000;

/** The runs of an entry, in order. */
function runsOf(sabotage: Sabotage): Run[] {
  const { apart = false, again = false, ...run } = sabotage.run ?? {};
  const options = {
    ...run,
    registry: sabotagedRegistry(sabotage),
    tolerant: true,
    deliveriesMax: DELIVERIES_MAX,
  };
  const first = runMainline({ ...options, part: apart ? "hibernate" : "cycle" });
  if (!apart && !again) return [first];
  const disk = bytesOf(first.medium);
  const registry = sabotagedRegistry(sabotage);
  return [first, runMainline({ ...options, part: "resume", disk, registry })];
}

Deno.test("SABOTAGE names rules that exist, each entry another thing", () => {
  const known = new Set(MAINLINE_RULES.map(({ id }) => id));
  for (const { name, rules } of SABOTAGE) {
    assert.ok(rules.length > 0 && rules.every((id) => known.has(id)), name);
  }
  assert.equal(new Set(SABOTAGE.map(({ name }) => name)).size, SABOTAGE.length);
});

for (const sabotage of SABOTAGE) {
  const expected = sabotage.rules.join(", ");
  Deno.test(`the rules notice '${sabotage.name}' by ${expected}`, () => {
    const runs = runsOf(sabotage);
    const report = judge(...runs);
    const { ids, reasons } = brokenRules(report);
    const missing = sabotage.rules.filter((id) => !ids.includes(id));
    const seen = `${runs.map(({ outcome }) => outcome).join(" / ")}; ${
      reasons || "nothing broken"
    }`;
    assert.deepEqual(missing, [], seen);
    assert.equal(report.ok, false);
    assert.ok(idsWith(report, "held").length > 10, "the run is no run at all");
  });
}
