/**
 * Errors as answers: `application/problem+json` (RFC 9457). Whatever is thrown comes to one of the
 * problems of `server/problem.ts`; what is none of them is the problem "internal", of which only
 * the log tells more. No answer has a stack, a path of the host or anything that was sent but the
 * path of the request.
 *
 * @module
 */
import type { Context } from "hono";
import type { z } from "zod";
import { ProblemError, type ProblemName, PROBLEMS } from "../problem.ts";
import type { Problem } from "./shapes/catalogue.ts";

/** Told of errors that are defects. */
export type ErrorLog = (error: unknown) => void;

/** Media type of problems. */
export const PROBLEM_TYPE = "application/problem+json";

const INTERNAL =
  "This is a defect of the laboratory; what is known of it is in the server's own output.";

/** The problem that an error comes to; defects are logged. */
export function problemOf(error: unknown, log: ErrorLog): ProblemError {
  if (error instanceof ProblemError) return error;
  log(error);
  return new ProblemError("internal", INTERNAL);
}

/** The body of a problem's answer. */
export function problemBody(error: ProblemError, instance: string): Problem {
  const { status, title } = PROBLEMS[error.problem];
  const { errors, limit, rule, seq, offset } = error.details;
  return {
    type: `/problems/${error.problem}`,
    title,
    status,
    detail: error.message,
    instance,
    ...errors === undefined ? {} : { errors: errors.map((each) => ({ ...each })) },
    ...limit === undefined ? {} : { limit: { ...limit } },
    ...rule === undefined ? {} : { rule },
    ...seq === undefined ? {} : { seq },
    ...offset === undefined ? {} : { offset },
  };
}

/** The answer to a problem. */
export function problemAnswer(
  context: Context,
  error: ProblemError,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { retryAfter } = error.details;
  return new Response(JSON.stringify(problemBody(error, context.req.path)), {
    status: PROBLEMS[error.problem].status,
    headers: {
      "Content-Type": PROBLEM_TYPE,
      "Cache-Control": "no-store",
      ...retryAfter === undefined ? {} : { "Retry-After": String(Math.ceil(retryAfter)) },
      ...headers,
    },
  });
}

/** Problems of path parameters that do not have their form: then there is no such thing. */
const OF_PARAMETER: Readonly<Record<string, ProblemName>> = {
  run: "unknown-run",
  seq: "unknown-event",
  sha256: "unknown-blob",
  name: "unknown-scenario",
  id: "unknown-rule",
};

/** Where in a request something is. */
export type Place = "path" | "query" | "body";

function escaped(key: PropertyKey): string {
  return String(key).replaceAll("~", "~0").replaceAll("/", "~1");
}

/** What an issue says, without a value that was sent. */
function sentence(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "unrecognized_keys":
      return "There is something here that is not known; leave it out";
    case "invalid_type":
      return `Wanted ${issue.expected}`;
    case "invalid_value":
      return `Wanted one of ${issue.values.map(String).join(", ")}`;
    case "invalid_union":
      return "It is none of the forms that are known here";
    case "too_big":
      return `At most ${issue.maximum}`;
    case "too_small":
      return `At least ${issue.minimum}`;
    case "invalid_format":
      return "It does not have the form that is wanted";
    case "custom":
      return issue.message;
    default:
      return "It is not what is wanted here";
  }
}

/** What validation found, as a problem with JSON pointers. */
export function validationProblem(place: Place, error: z.core.$ZodError): ProblemError {
  const [first] = error.issues;
  if (place === "path") {
    const name = OF_PARAMETER[String(first?.path[0])];
    if (name !== undefined) {
      return new ProblemError(name, "The name of what is asked for does not have the right form");
    }
  }
  const errors = error.issues.slice(0, 32).map((issue) => ({
    // An unknown key is what was sent, so the pointer ends above it.
    pointer: `/${[place, ...issue.path].map(escaped).join("/")}`,
    detail: sentence(issue),
  }));
  const what = place === "body" ? "body" : place === "query" ? "query" : "path";
  return new ProblemError(
    "bad-request",
    `The ${what} of the request is not as it has to be; 'errors' says where.`,
    { errors },
  );
}
