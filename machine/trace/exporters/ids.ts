/**
 * Ids of OpenTelemetry and W3C trace context, made of a run's own: every export of a run, and
 * whoever hands its messages on, gives the same ones.
 *
 * @module
 */
import { sha256 } from "../../digest.ts";

/** The span that stands for the whole run; no event has it. */
export const RUN_SPAN_ID = "8000000000000000";

/** 32 hexadecimal digits: the first 16 bytes of the SHA-256 of the run's id. */
export function traceIdOf(run: string): string {
  return sha256(run).slice(0, 32);
}

/** 16 hexadecimal digits: the event's number and one, because all zeros is no id. */
export function spanIdOf(seq: number): string {
  return (seq + 1).toString(16).padStart(16, "0");
}

/** The `traceparent` header of a message that an event sent, marked as sampled. */
export function traceparent(run: string, seq: number): string {
  return `00-${traceIdOf(run)}-${spanIdOf(seq)}-01`;
}
