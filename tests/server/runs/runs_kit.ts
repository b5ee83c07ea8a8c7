/**
 * What tests of the laboratory share: one over a folder that is removed again, small machines, and
 * the files of its runs.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { RunRequest, RunSummary } from "../../../server/api/shapes/run.ts";
import type { Laboratory } from "../../../server/deps.ts";
import { type ProblemDetails, ProblemError } from "../../../server/problem.ts";
import { type LaboratoryOptions, openLaboratory } from "../../../server/runs/laboratory.ts";
import { collectGarbage } from "../../collect_garbage.ts";
import { ScratchFolder } from "../terminal_kit.ts";

/** Longer than any run of these tests takes. */
export const PATIENCE_MILLISECONDS = 120_000;

/** Gives a test a laboratory and ends it. */
export async function withLaboratory(
  options: Omit<LaboratoryOptions, "folder">,
  body: (laboratory: Laboratory, folder: string) => Promise<void>,
): Promise<void> {
  collectGarbage();
  using scratch = new ScratchFolder();
  const laboratory = await openLaboratory({ ...options, folder: scratch.path });
  try {
    await body(laboratory, scratch.path);
  } finally {
    await laboratory.close();
  }
}

/** Starts a run and waits until it ends or waits for its person. */
export async function run(laboratory: Laboratory, request: RunRequest): Promise<RunSummary> {
  const { summary } = await laboratory.start(request);
  return await laboratory.settled(summary.run, PATIENCE_MILLISECONDS);
}

/** What a transcript needs that boots A and types a few lines there. */
export function atA(...lines: string[]): string {
  return ["# A test", "", "```console", "# power on", "# boot A", ...lines, "```", ""].join("\n");
}

/** A run whose person never comes back: a program that runs for long. */
export const LONG: string = atA(
  "A$ for i in 1 2 3 4 5 6 7 8 9; do for j in 1 2 3 4 5 6 7 8 9; do echo $i > /tmp/$j; sync; done; done",
);

/** Asserts that something is refused, and gives what was said. */
export async function refused(
  problem: ProblemError["problem"],
  promise: Promise<unknown>,
): Promise<{ readonly text: string; readonly details: ProblemDetails }> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    assert.equal(error.problem, problem, error.message);
    assert.doesNotMatch(
      error.message,
      /\/tmp\/|file:|\n| at .*:\d+:\d+/,
      "no path, no stack",
    );
    return { text: error.message, details: error.details };
  }
  assert.fail(`nothing was refused, wanted '${problem}'`);
}

/** The text of a file of a run. */
export function fileOf(folder: string, run: string, name: string): string {
  return Deno.readTextFileSync(`${folder}/runs/${run}/${name}`);
}

/** The lines of a run's events. */
export function eventLines(folder: string, run: string): string[] {
  return fileOf(folder, run, "trace.ndjson").split("\n").filter((line) =>
    line.startsWith('{"seq":')
  );
}
