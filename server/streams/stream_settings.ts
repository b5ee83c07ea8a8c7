/**
 * What streams are given from outside.
 *
 * @module
 */
import type { RunSummary } from "../api/shapes/run.ts";

/** What SSE tells besides events. */
export interface StreamExtras {
  /** The run as it stands. */
  summary(): RunSummary | undefined;
  /** Calls back when that changed; gives what ends it (`Laboratory.watch`). */
  watch(changed: (summary: RunSummary) => void): () => void;
}

/** Waits; replaced in tests. */
export interface StreamTimers {
  /** Calls once after so many ms; gives what prevents it. */
  after(milliseconds: number, call: () => void): () => void;
}

/** The host's own timers. */
export const HOST_TIMERS: StreamTimers = {
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds);
    return () => clearTimeout(timer);
  },
};
