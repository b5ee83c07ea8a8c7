/**
 * Looks for events by what is in them.
 *
 * @module
 */
import type { SearchAnswer } from "../api/shapes/event.ts";
import type { TraceRef } from "./job.ts";
import { parseQuery } from "./query.ts";
import { eventOf, type Place, traceLines } from "./trace_lines.ts";
import type { Watch } from "./watch.ts";

/**
 * The events from a number on that a query finds, in order.
 *
 * @param start a place at or before the first of them.
 * @throws {ProblemError} bad-request for a query that cannot be understood.
 */
export function searchTrace(
  trace: TraceRef,
  search: { readonly query: string; readonly from: number; readonly most: number },
  start: Place,
  watch: Watch,
): SearchAnswer {
  const query = parseQuery(search.query);
  const seqs: number[] = [];
  for (const [seq, line] of traceLines(trace, start, watch)) {
    if (seq < search.from) continue;
    // Most lines are ruled out as text, which is cheaper than reading them as events.
    if (!query.mayMatch(line.toLowerCase()) || !query.matches(eventOf(line, seq))) continue;
    if (seqs.length >= search.most) return { seqs, more: true };
    seqs.push(seq);
  }
  return { seqs, more: false };
}
