/**
 * What a server refuses, for programs that ask.
 *
 * @module
 */
import type { Problem } from "./api/shapes/catalogue.ts";

/** An answer that is a problem. */
export class ProblemAnswer extends Error {
  override readonly name = "ProblemAnswer";
  readonly status: number;
  /** The problem as it was answered (RFC 9457). */
  readonly problem: Problem;
  /** Seconds after which to come again. */
  readonly retryAfter?: number;

  constructor(problem: Problem, retryAfter?: number) {
    super(`${problem.title}: ${problem.detail}`);
    this.status = problem.status;
    this.problem = problem;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}

/** Whether an error is an answer of the server. */
export function isProblem(error: unknown): error is ProblemAnswer {
  return error instanceof ProblemAnswer;
}

/** The problem that an answer tells; also of one that comes from somebody between. */
export async function problemAnswer(answer: Response): Promise<ProblemAnswer> {
  const seconds = Number(answer.headers.get("retry-after") ?? NaN);
  const retryAfter = Number.isFinite(seconds) ? seconds : undefined;
  const isOurs = answer.headers.get("content-type")?.startsWith("application/problem+json");
  if (isOurs === true) {
    const problem: Problem = await answer.json();
    return new ProblemAnswer(problem, retryAfter);
  }
  await answer.body?.cancel();
  return new ProblemAnswer({
    type: "about:blank",
    title: answer.statusText || "No answer of the laboratory",
    status: answer.status,
    detail: "Something else than the laboratory's server answered; check the address.",
  }, retryAfter);
}
