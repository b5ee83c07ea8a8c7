/**
 * A run that ends before its end: because somebody stopped it or because it passed a limit.
 *
 * @module
 */
import type { ServerLimitName } from "../limits.ts";
import type { RunEnd, StopReason } from "./run_messages.ts";

/** Thrown through whatever the run is at. */
export class RunStop extends Error {
  override readonly name = "RunStop";
  readonly status: RunEnd["status"];
  readonly outcome: string;
  /** Of a limit: which one, and what to do. */
  readonly trouble: string | undefined;

  constructor(status: RunEnd["status"], outcome: string, trouble?: string) {
    super(outcome);
    this.status = status;
    this.outcome = outcome;
    this.trouble = trouble;
  }
}

/** A run that passed a limit. */
export function limitStop(name: ServerLimitName, max: number, what: string): RunStop {
  const trouble = `The run passed the limit '${name}' of ${max} ${what}, and was ended there.`;
  return new RunStop("failed", `ended at the limit '${name}'`, trouble);
}

/** What a reason given from outside comes to. */
export function stopFor(
  reason: StopReason,
  limits: { readonly runMilliseconds: number; readonly idleMilliseconds: number },
): RunStop {
  switch (reason) {
    case "cancelled":
      return new RunStop("cancelled", "cancelled");
    case "interrupted":
      return new RunStop("interrupted", "interrupted: the server stopped");
    case "slow":
      return limitStop("runMilliseconds", limits.runMilliseconds, "ms of the host's time");
    case "idle":
      return limitStop("idleMilliseconds", limits.idleMilliseconds, "ms without an input");
  }
}
