/**
 * Where rules held and where they were broken, event by event: as the laboratory wrote it down
 * beside the run, or as judging it tells.
 *
 * @module
 */
import type { VerdictMark } from "../api/shapes/event.ts";
import { SERVER_LIMITS } from "../limits.ts";
import { readTextIn } from "../runs/files.ts";
import { RUN_FILES } from "../runs/run_record.ts";
import type { TraceRef } from "./job.ts";
import { occasionsOf } from "./judging.ts";
import type { Watch } from "./watch.ts";

/** Lines between two looks whether the answer is still wanted. */
const STRIDE = 4096;

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}

/** What a line says; `undefined` for the half one at the end of a run that goes on or was cut. */
function markOf(line: string): VerdictMark | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { rule, seq, verdict, reason } = value;
  if (typeof rule !== "string" || typeof seq !== "number") return undefined;
  if (verdict !== "held" && verdict !== "violated") return undefined;
  return { rule, seq, verdict, ...(typeof reason === "string" ? { reason } : {}) };
}

/** The marks that were written; `undefined` where none were. */
export function writtenMarks({ folder }: TraceRef, watch: Watch): VerdictMark[] | undefined {
  const lines = readTextIn(folder, RUN_FILES.verdicts)?.split("\n");
  return lines?.flatMap((line, number) => {
    if (number % STRIDE === 0) watch.check();
    return markOf(line) ?? [];
  });
}

/** The marks of a trace as far as it goes, at most as many as are kept of a run. */
export function marksOf(trace: TraceRef, watch: Watch): VerdictMark[] {
  const marks = writtenMarks(trace, watch) ?? occasionsOf(trace, watch);
  return marks.filter(({ seq }) => seq < trace.events).slice(0, SERVER_LIMITS.verdictMarks);
}
