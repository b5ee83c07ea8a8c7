/**
 * A run in which the laboratory itself failed.
 *
 * @module
 */

/** What went wrong, and where the trace up to then lies. */
export class RunFailure extends Error {
  override readonly name = "RunFailure";
  /** "" where it was not kept. */
  readonly trace: string;
  /** Number of events in it. */
  readonly events: number;
  constructor(cause: unknown, trace: string, events: number) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.trace = trace;
    this.events = events;
  }
}
