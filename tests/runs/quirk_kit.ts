/**
 * Checks of a run that meets a quirk (protocol.md F.2): it breaks the rules of the quirk's row
 * and, but for what follows from it, no others.
 *
 * @module
 */
import assert from "node:assert/strict";
import { quirk } from "../../machine/protocol/quirks.ts";
import { brokenRules, judgeAs, type Judged } from "./run_kit.ts";

/** Asserts that the runs, in order, break exactly what the quirk of that name breaks. */
export function breaksAsQuirk(name: string, ...runs: readonly Judged[]): void {
  const { breaks, also, systems } = quirk(name);
  const { ids, reasons } = brokenRules(judgeAs(systems, ...runs));
  assert.deepEqual(breaks.filter((id) => !ids.includes(id)), [], `not broken; ${reasons}`);
  const allowed = [...breaks, ...also];
  assert.deepEqual(ids.filter((id) => !allowed.includes(id)), [], reasons);
}
