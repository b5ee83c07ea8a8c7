/**
 * Runs and moments of them, by what an address says.
 *
 * @module
 */
import type { AppDeps, StoredRun } from "../deps.ts";
import { ProblemError } from "../problem.ts";
import type { RunSummary } from "./shapes/run.ts";

/** Paths of what belongs to a run. */
export function linksOf({ run, replayable, parent, status }: RunSummary): Record<string, string> {
  const self = `/api/runs/${run}`;
  return {
    self,
    events: `${self}/events`,
    search: `${self}/search`,
    verdicts: `${self}/verdicts`,
    report: `${self}/report`,
    export: `${self}/export/{form}`,
    ...replayable
      ? { machine: `${self}/machine`, memory: `${self}/memory`, disk: `${self}/disk` }
      : {},
    ...status === "waiting" ? { input: `${self}/input` } : {},
    ...parent === undefined ? {} : { parent: `/api/runs/${parent.run}` },
  };
}

/** A summary as it is answered. */
export function linked(summary: RunSummary): RunSummary {
  return { ...summary, links: { ...linksOf(summary), ...summary.links } };
}

function unknownRun(): ProblemError {
  return new ProblemError(
    "unknown-run",
    "It may have been removed; 'GET /api/runs' lists those that are there",
  );
}

/** @throws {ProblemError} `unknown-run`. */
export function summaryOf({ laboratory }: AppDeps, run: string): RunSummary {
  const summary = laboratory.get(run);
  if (summary === undefined) throw unknownRun();
  return summary;
}

/** @throws {ProblemError} `unknown-run`. */
export function storedOf({ laboratory }: AppDeps, run: string): StoredRun {
  const stored = laboratory.stored(run);
  if (stored === undefined) throw unknownRun();
  return stored;
}

/**
 * The event that is meant: the last there is where none is named.
 *
 * @throws {ProblemError} `unknown-event`.
 */
export function momentOf({ log }: StoredRun, at: number | undefined): number {
  const last = log.events - 1;
  if (at !== undefined && at <= last) return at;
  if (at === undefined && last >= 0) return last;
  const detail = last < 0
    ? "The run has no events yet; come again when it has"
    : `The last event that the run has is number ${last}`;
  throw new ProblemError("unknown-event", detail, at === undefined ? {} : { seq: at });
}

/** @throws {ProblemError} `not-replayable`. */
export function mustReplay({ summary }: StoredRun): void {
  if (summary.replayable) return;
  throw new ProblemError(
    "not-replayable",
    "It was recorded elsewhere: there are its events, its report and its exports",
  );
}
