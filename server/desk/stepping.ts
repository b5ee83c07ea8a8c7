/**
 * Where a step leads that somebody takes through a trace.
 *
 * @module
 */
import type { EventKind } from "../../machine/trace/event.ts";
import type { StepRequest } from "../api/shapes/run.ts";
import { NONE, type TraceIndex } from "./trace_index.ts";
import type { Violations } from "./violations.ts";

const KIND_OF: Readonly<Partial<Record<StepRequest["to"], EventKind>>> = {
  next_fault: "fault",
  next_state: "state",
  next_send: "send",
};

/** Whether a step may stop at an event, but for whose it is. */
function stopsAt(
  to: StepRequest["to"],
  index: TraceIndex,
  violations: Violations,
): (seq: number) => boolean {
  if (to === "next_violation") return (seq) => violations.has(seq);
  const kind = KIND_OF[to];
  return kind === undefined ? () => true : (seq) => index.kindAt(seq) === kind;
}

/**
 * The event that a step leads to; `undefined` where there is none that way. A step of several
 * events goes as far as there are events.
 *
 * @param events how many events of the index are looked at.
 */
export function stepTo(
  index: TraceIndex,
  violations: Violations,
  request: StepRequest,
  events: number,
): number | undefined {
  const { at, to, count = 1, actor } = request;
  const number = actor === undefined ? undefined : index.actorNumber(actor);
  if (actor !== undefined && number === undefined) return undefined;
  const stops = stopsAt(to, index, violations);
  const step = to === "back" ? -1 : 1;
  let found = NONE;
  let left = count;
  for (let seq = Math.min(at, events) + step; seq >= 0 && seq < events && left > 0; seq += step) {
    if (number !== undefined && index.actorAt(seq) !== number) continue;
    if (!stops(seq)) continue;
    found = seq;
    left--;
  }
  return found === NONE ? undefined : found;
}
