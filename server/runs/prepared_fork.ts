/**
 * A run that shares another's past: from the request and the parent's files.
 *
 * @module
 */
import type { ForkAction, RunRequest } from "../api/shapes/run.ts";
import { ProblemError } from "../problem.ts";
import { readTextIn } from "./files.ts";
import type { PreparedRun } from "./prepared_run.ts";
import type { RunEntry } from "./run_entry.ts";
import { readChoices, RUN_FILES } from "./run_record.ts";

function titleOf(action: ForkAction, seq: number, parent: string): string {
  switch (action.do) {
    case "cut_power":
      return `Power cut before event ${seq} of: ${parent}`;
    case "wake":
      return `Wake-up before event ${seq} of: ${parent}`;
    case "nothing":
      return `From event ${seq} of: ${parent}`;
  }
}

/**
 * Makes the run.
 *
 * @param parent the run that it leaves.
 * @throws {ProblemError} if that cannot be left there.
 */
export function prepareFork(
  request: Extract<RunRequest, { kind: "fork" }>,
  parent: RunEntry,
): PreparedRun {
  const { action, parent: { seq } } = request;
  const { recipe, folder, summary, log } = parent;
  if (recipe === undefined) {
    throw new ProblemError(
      "not-replayable",
      "The run is a recording that was uploaded; there is no machine that could go another way.",
    );
  }
  if (seq > log.events || (seq === log.events && log.ended)) {
    const what = log.ended ? "The run has" : "The run has so far";
    throw new ProblemError("unknown-event", `${what} ${log.events} events, from 0 on.`, { seq });
  }
  return {
    kind: "fork",
    scripted: false,
    header: { ...log.header, parent: { run: summary.run, seq } },
    title: titleOf(action, seq, summary.title).slice(0, 200),
    recipe,
    text: readTextIn(folder, RUN_FILES.transcript) ?? "",
    // What has not applied by then is forgotten on the way.
    choices: readChoices(folder),
    way: { way: "fork", seq, action },
  };
}
