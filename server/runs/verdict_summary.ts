/**
 * What the rules say of a run, in short.
 *
 * @module
 */
import type { RuleResult } from "../../machine/conformance/report.ts";
import type { VerdictSummary } from "../api/shapes/run.ts";

/** Sums up the rules' results. */
export function verdictSummary(results: readonly RuleResult[]): VerdictSummary {
  const count = (verdict: RuleResult["verdict"]): number =>
    results.filter((result) => result.verdict === verdict).length;
  const violated = results.filter(({ verdict }) => verdict === "violated");
  return {
    ok: !violated.some(({ severity }) => severity === "error"),
    held: count("held"),
    vacuous: count("vacuous"),
    violated: violated.map(({ id, violations: [first] }) => ({
      rule: id,
      seq: first?.seq ?? 0,
      reason: first?.reason ?? "",
    })),
  };
}
