/**
 * Pages of the list of runs. A cursor names the last run of a page by its time and identity, so
 * that the next page is right also where that run has been removed since.
 *
 * @module
 */
import { ProblemError } from "../problem.ts";
import type { RunSummary } from "./shapes/run.ts";

/** The cursor behind a run. */
export function cursorOf({ created, run }: Pick<RunSummary, "created" | "run">): string {
  return `${created}_${run}`;
}

/** A page. */
export interface RunPage {
  readonly runs: readonly RunSummary[];
  /** The last run of it, where more follow. */
  readonly last?: RunSummary;
}

/** @throws {ProblemError} `bad-request` if the cursor is none. */
export function pageOf(
  all: readonly RunSummary[],
  cursor: string | undefined,
  limit: number,
): RunPage {
  const start = cursor === undefined ? 0 : startOf(all, cursor);
  const runs = all.slice(start, start + limit);
  const last = runs.at(-1);
  return start + limit < all.length && last !== undefined ? { runs, last } : { runs };
}

function startOf(all: readonly RunSummary[], cursor: string): number {
  const [, created, run] = /^([0-9T:.Z-]{20,30})_([0-9a-f]{16,64})$/.exec(cursor) ?? [];
  if (created === undefined) {
    throw new ProblemError("bad-request", "Take the address of the next page as it was given", {
      errors: [{ pointer: "/query/after", detail: "It is not from a Link header of this list" }],
    });
  }
  const at = all.findIndex((each) => each.run === run);
  if (at >= 0) return at + 1;
  // It was removed. One of the same moment may come twice by this, but none is missed.
  const older = all.findIndex((each) => each.created <= created);
  return older < 0 ? all.length : older;
}
