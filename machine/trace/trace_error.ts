/**
 * The error of a trace that is not what DESIGN.md 5 says a trace is.
 *
 * @module
 */

/** A line or an event of a trace that cannot be taken as one. */
export class TraceError extends Error {
  override readonly name = "TraceError";
  /** Line of the file, from 1, where the trace is read from one. */
  readonly line?: number;
  /** Number of the event, where it is known. */
  readonly seq?: number;
  constructor(message: string, place: { readonly line?: number; readonly seq?: number } = {}) {
    const at = [
      ...(place.line === undefined ? [] : [`line ${place.line}`]),
      ...(place.seq === undefined ? [] : [`seq ${place.seq}`]),
    ].join(", ");
    super(`Not a valid trace: ${message}${at === "" ? "" : ` (at ${at})`}`);
    if (place.line !== undefined) this.line = place.line;
    if (place.seq !== undefined) this.seq = place.seq;
  }
}
