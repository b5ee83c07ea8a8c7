/**
 * Two arms: a recording of a real machine, and the same scenario in the laboratory, both as the
 * steps that both can show (`machine/trace/projection.ts`), and where they part.
 */
import assert from "node:assert/strict";
import { projectTrace, stepLines } from "../../machine/trace/projection.ts";
import { LogImporter } from "../../machine/trace/importers/import_log.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { recording } from "../recordings.ts";
import type { Run } from "../runs/run_kit.ts";

/** The events of a recording that was put into JSON lines, as `exp3.platform`. */
export function recordedTrace(experiment: string): TraceEvent[] {
  const importer = new LogImporter();
  const name = `events.${experiment}.jsonl`;
  importer.begin("normalised", name);
  const events = recording(name).split("\n").flatMap((line) => importer.line(line));
  return [...events, ...importer.end()];
}

/** Steps of a recording. */
export function recordedSteps(experiment: string): string[] {
  return stepLines(projectTrace(recordedTrace(experiment)));
}

/** Steps of runs that go on from each other; who left a machine running pulled its plug. */
export function simulatedSteps(runs: readonly Run[]): string[] {
  const steps: string[] = [];
  for (const run of runs) {
    const last = steps.at(-1) ?? "machine: power off";
    if (!/^machine: power (?:off|sleep)/.test(last)) steps.push("machine: power loss");
    steps.push(...stepLines(projectTrace(run.events)));
  }
  return steps;
}

/** A step that only one arm has. */
export interface Difference {
  readonly arm: "recording" | "machine";
  readonly step: string;
  /** The step before it in the same arm. */
  readonly behind: string;
}

/** Longest common subsequence's table of lengths, from the end. */
function commonLengths(left: readonly string[], right: readonly string[]): Uint16Array[] {
  const rows = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      const [row, below] = [rows[i], rows[i + 1]];
      assert.ok(row !== undefined && below !== undefined);
      row[j] = left[i] === right[j]
        ? (below[j + 1] ?? 0) + 1
        : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return rows;
}

/** Where two arms part: what one has and the other has not, in order. */
export function differences(recorded: readonly string[], machine: readonly string[]): Difference[] {
  const rows = commonLengths(recorded, machine);
  const found: Difference[] = [];
  let [i, j] = [0, 0];
  const only = (arm: Difference["arm"], steps: readonly string[], at: number) =>
    found.push({ arm, step: steps[at] ?? "", behind: steps[at - 1] ?? "" });
  while (i < recorded.length || j < machine.length) {
    if (i < recorded.length && j < machine.length && recorded[i] === machine[j]) {
      [i, j] = [++i, ++j];
    } else if (j >= machine.length || (rows[i + 1]?.[j] ?? -1) >= (rows[i]?.[j + 1] ?? -1)) {
      if (i < recorded.length) only("recording", recorded, i++);
      else only("machine", machine, j++);
    } else only("machine", machine, j++);
  }
  return found;
}
