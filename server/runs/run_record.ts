/**
 * `run.json`: what is known of a run besides its trace. One JSON object, version 1:
 *
 * | key       | what                                                                            |
 * | --------- | ------------------------------------------------------------------------------- |
 * | `format`  | `kjump-run`                                                                     |
 * | `v`       | 1; another number is a file of another laboratory and is left alone             |
 * | `number`  | order of the requests, from 1                                                   |
 * | `request` | as it was asked, a transcript's text left out (it is in `transcript.md`)        |
 * | `recipe`  | what the machine is made of; absent for an imported recording                   |
 * | `header`  | first line of the trace                                                         |
 * | `summary` | the run's summary without links, as it stood when the file was written          |
 * | `bytes`   | offset in `trace.ndjson` behind the last event; of a run that has ended         |
 * | `footer`  | last line of the trace, where it has one                                        |
 *
 * Beside it: `trace.ndjson`, `blobs/<sha256>`, `choices.json` (all choices of the run, those that
 * lie ahead of it among them: with the recipe they are the run), `verdicts.ndjson`, `report.json`,
 * `transcript.md`, and `exports/` with what was made of the run. `run.json` is replaced whole, so
 * that it is there in one state or another.
 *
 * @module
 */
import { checkChoice, type Choice } from "../../machine/choices.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import type { TraceFooter, TraceHeader } from "../../machine/trace/event.ts";
import { isFooter, isHeader } from "../../machine/trace/event_shape.ts";
import type { RunRequest, RunSummary } from "../api/shapes/run.ts";
import { readTextIn, writeWhole } from "./files.ts";

/** Names of the files in a run's folder. */
export const RUN_FILES = {
  record: "run.json",
  trace: "trace.ndjson",
  blobs: "blobs",
  choices: "choices.json",
  verdicts: "verdicts.ndjson",
  report: "report.json",
  transcript: "transcript.md",
  exports: "exports",
} as const;

/** What a machine is made of. A transcript's text is the file `transcript.md`. */
export type Recipe =
  | { readonly of: "cycle"; readonly request: Extract<RunRequest, { kind: "cycle" }> }
  | { readonly of: "transcript"; readonly name: string };

/** See the module's header. */
export interface RunRecord {
  readonly format: "kjump-run";
  readonly v: 1;
  readonly number: number;
  readonly request: { readonly kind: string };
  readonly recipe?: Recipe;
  readonly header: TraceHeader;
  readonly summary: Omit<RunSummary, "links">;
  readonly bytes?: number;
  readonly footer?: TraceFooter;
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isRecipe(value: unknown): value is Recipe {
  if (!isObject(value)) return false;
  if (value["of"] === "transcript") return typeof value["name"] === "string";
  return value["of"] === "cycle" && isObject(value["request"]) &&
    value["request"]["kind"] === "cycle";
}

/** Whether a value is a record; whoever wants to trust the summary looks at that himself. */
export function isRecord(value: unknown): value is RunRecord {
  return isObject(value) && value["format"] === "kjump-run" && value["v"] === 1 &&
    Number.isSafeInteger(value["number"]) && isObject(value["request"]) &&
    typeof value["request"]["kind"] === "string" && isHeader(value["header"]) &&
    isObject(value["summary"]) &&
    (value["recipe"] === undefined || isRecipe(value["recipe"])) &&
    (value["bytes"] === undefined || Number.isSafeInteger(value["bytes"])) &&
    (value["footer"] === undefined || isFooter(value["footer"]));
}

/** A run's record; `undefined` where there is none that can be read. */
export function readRecord(folder: string): RunRecord | undefined {
  const text = readTextIn(folder, RUN_FILES.record);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Writes it in the place of the one before. */
export function writeRecord(folder: string, record: RunRecord): void {
  writeWhole(folder, RUN_FILES.record, `${JSON.stringify(record, null, 1)}\n`);
}

function isChoice(value: Plain): value is Plain & Choice {
  return checkChoice(value, "choice") === undefined;
}

/** The choices of a run as far as they were made; none where there is no file. */
export function readChoices(folder: string): readonly Choice[] {
  const text = readTextIn(folder, RUN_FILES.choices);
  if (text === undefined) return [];
  const value: Plain = JSON.parse(text);
  if (!Array.isArray(value)) throw new TypeError("The run's choices are no list");
  return value.map((choice: Plain) => {
    if (isChoice(choice)) return choice;
    throw new TypeError(`The run's choices: ${checkChoice(choice, "choice") ?? "no choice"}`);
  });
}

/** Writes them in the place of those before. */
export function writeChoices(folder: string, choices: readonly Choice[]): void {
  writeWhole(folder, RUN_FILES.choices, `${JSON.stringify(choices, null, 1)}\n`);
}
