/**
 * Checks of runs that meet quirks (protocol.md F.2): they break the rules of the quirks' rows and,
 * but for what follows from them, no others.
 *
 * @module
 */
import assert from "node:assert/strict";
import { quirk } from "../../machine/protocol/quirks.ts";
import { brokenRules, judgeAs, type Judged } from "./run_kit.ts";

/** Letters of the systems in which all of these quirks show. */
export function systemsOf(names: readonly string[]): string {
  const [first, ...rest] = names.map(quirk);
  assert.ok(first !== undefined && rest.every(({ systems }) => systems === first.systems));
  return first.systems;
}

/** Asserts that the runs, in order, break exactly what the quirks of those names break. */
export function breaksAsQuirks(names: readonly string[], ...runs: readonly Judged[]): void {
  const quirks = names.map(quirk);
  const { ids, reasons } = brokenRules(judgeAs(systemsOf(names), ...runs));
  const wanted = quirks.flatMap(({ breaks }) => breaks);
  assert.deepEqual(wanted.filter((id) => !ids.includes(id)), [], `not broken; ${reasons}`);
  const allowed = [...wanted, ...quirks.flatMap(({ also }) => also)];
  assert.deepEqual(ids.filter((id) => !allowed.includes(id)), [], reasons);
}

/** Asserts that the runs, in order, break no rule of the systems in which the quirks show. */
export function breaksNothing(names: readonly string[], ...runs: readonly Judged[]): void {
  assert.equal(brokenRules(judgeAs(systemsOf(names), ...runs)).reasons, "");
}
