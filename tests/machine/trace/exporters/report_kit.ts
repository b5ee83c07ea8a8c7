/**
 * A report made by hand.
 *
 * @module
 */
import { makeReport, type Report } from "../../../../machine/conformance/report.ts";
import { HEADER } from "./kit.ts";

/** A report that says a rule was broken at some events. */
export function reportOf(rule: string, seqs: readonly number[], run = HEADER.run): Report {
  const violations = seqs.map((seq) => ({ trace: 0, seq, reason: `because of ${seq}` }));
  return makeReport(
    [{ run, scenario: "x", profile: "x", events: 9, torn: false, partial: false }],
    "M",
    [{
      id: rule,
      severity: "error",
      statement: "s",
      source: "x",
      systems: "*",
      kind: "never",
      verdict: "violated",
      held: 0,
      violated: seqs.length,
      violations,
      missingBlobs: 0,
    }],
  );
}
