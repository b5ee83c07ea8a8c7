/**
 * Checks of a run that meets quirks (protocol.md F.2): it breaks the rules of the quirks' rows
 * and, but for what follows from them, no others.
 *
 * @module
 */
import assert from "node:assert/strict";
import { quirk } from "../../machine/protocol/quirks.ts";
import { brokenRules, judgeAs, type Judged } from "./run_kit.ts";

/** Asserts that the runs, in order, break exactly what the quirks of those names break. */
export function breaksAsQuirks(names: readonly string[], ...runs: readonly Judged[]): void {
  const quirks = names.map(quirk);
  const [first] = quirks;
  assert.ok(first !== undefined && quirks.every(({ systems }) => systems === first.systems));
  const { ids, reasons } = brokenRules(judgeAs(first.systems, ...runs));
  const wanted = quirks.flatMap(({ breaks }) => breaks);
  assert.deepEqual(wanted.filter((id) => !ids.includes(id)), [], `not broken; ${reasons}`);
  const allowed = [...wanted, ...quirks.flatMap(({ also }) => also)];
  assert.deepEqual(ids.filter((id) => !allowed.includes(id)), [], reasons);
}
