/**
 * What a request can run into, as data: every error of the server is one of these, or a defect.
 * The HTTP form (RFC 9457) is made of it in one place; nothing here knows HTTP but the status.
 *
 * @module
 */

/** The problems by name; the name is the end of the stable path `/problems/{name}`. */
export const PROBLEMS = {
  "bad-request": { status: 400, title: "The request is not well-formed" },
  "not-readable": { status: 422, title: "What was sent cannot be read" },
  "token-required": { status: 401, title: "A token is required" },
  "foreign-host": { status: 403, title: "This server does not answer for that host" },
  "foreign-origin": { status: 403, title: "Another site may not do this" },
  "unknown-path": { status: 404, title: "There is nothing at this path" },
  "unknown-run": { status: 404, title: "There is no such run" },
  "unknown-event": { status: 404, title: "There is no such event" },
  "unknown-scenario": { status: 404, title: "There is no such scenario" },
  "unknown-rule": { status: 404, title: "There is no such rule" },
  "unknown-blob": { status: 404, title: "There are no such bytes" },
  "wrong-method": { status: 405, title: "This path does not know that method" },
  "not-acceptable": { status: 406, title: "It cannot be had in that form" },
  "wrong-state": { status: 409, title: "The run is not in a state for that" },
  "not-replayable": { status: 409, title: "An imported recording has no machine to look into" },
  "too-large": { status: 413, title: "It is larger than the limit" },
  "wrong-media-type": { status: 415, title: "That media type is not taken here" },
  "wrong-range": { status: 416, title: "The range is not there" },
  "too-many": { status: 429, title: "There is too much to do already" },
  "internal": { status: 500, title: "The laboratory failed" },
  "stopping": { status: 503, title: "The server is stopping" },
} as const;

/** Name of a problem. */
export type ProblemName = keyof typeof PROBLEMS;

/** More that is known of a problem. */
export interface ProblemDetails {
  /** Mistakes by JSON pointer. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  /** The limit that was passed. */
  readonly limit?: { readonly name: string; readonly max: number };
  readonly rule?: string;
  readonly seq?: number;
  readonly offset?: number;
  /** When to come again, in seconds. */
  readonly retryAfter?: number;
}

/**
 * A request cannot be done. The text is for the user: what was wrong and what to do. It names no
 * path of the host and repeats nothing of the request.
 */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: ProblemName;
  readonly details: ProblemDetails;

  constructor(problem: ProblemName, detail: string, details: ProblemDetails = {}) {
    super(detail);
    this.problem = problem;
    this.details = details;
  }
}
