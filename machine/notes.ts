/**
 * Facts as trace events of kind `note`.
 *
 * @module
 */
import { withinLimit } from "./limits.ts";
import type { RunCore } from "./run_core.ts";
import type { Observation } from "./run_plan.ts";

/** Records a fact. @throws {LimitError} if its fields are too long for a summary. */
export function recordNote(
  core: RunCore,
  actor: string,
  fact: Observation,
  cause: number,
  vt: number,
): void {
  const { name, fields, blob } = fact;
  const length = JSON.stringify(fields).length;
  withinLimit("summaryBytes", length, `fact '${name}' of '${actor}' must put more into its blob`);
  core.recorder.add({
    vt,
    kind: "note",
    actor,
    type: `fact.${name}`,
    cause,
    summary: fields,
    ...(blob === undefined ? {} : { blob: core.recorder.blob(blob) }),
  });
}
