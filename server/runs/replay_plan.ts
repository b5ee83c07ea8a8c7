/**
 * From a run's folder to everything that gives the run again: its plan with all choices that were
 * made up to now, the disk it begins with, the header of its trace. Works for runs that go on: the
 * choices in the folder are never behind the events that the server has told of.
 *
 * @module
 */
import { writeDisk } from "../../actors/disk_image/build_disk.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { type Medium, MemoryMedium } from "../../machine/medium.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import type { TraceHeader } from "../../machine/trace/event.ts";
import { ProblemError } from "../problem.ts";
import { readTextIn } from "./files.ts";
import { recipeMachine } from "./recipe_machine.ts";
import { readChoices, readRecord, RUN_FILES } from "./run_record.ts";

/** See the module's header. */
export interface ReplayPlan {
  readonly plan: RunPlan;
  /** A new disk in memory, as the run found it. */
  makeDisk(): Medium;
  readonly header: TraceHeader;
}

/**
 * Reads it. Costs a few file reads; `makeDisk` costs more.
 *
 * @param folder of the run, as `StoredRun.folder`.
 * @throws {ProblemError} `not-replayable` for a recording, `unknown-run` where there is no run.
 */
export function replayPlan(folder: string): ReplayPlan {
  const record = readRecord(folder);
  if (record === undefined) throw new ProblemError("unknown-run", "The run is not there any more.");
  if (record.recipe === undefined) {
    throw new ProblemError(
      "not-replayable",
      "The run is a recording that was uploaded; there is no machine that could be looked into.",
    );
  }
  const text = readTextIn(folder, RUN_FILES.transcript) ?? "";
  const { plan, disk } = recipeMachine(record.recipe, text, readChoices(folder));
  return {
    plan,
    header: record.header,
    makeDisk: () => {
      const build = disk();
      const medium = new MemoryMedium(FlatStore.make(build.byteLength));
      writeDisk(medium, build);
      return medium;
    },
  };
}
