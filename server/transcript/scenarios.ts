/**
 * `scenarios`: lists the transcripts of a folder, one line each.
 *
 * @module
 */
import { EXIT } from "../../machine/errors.ts";
import { padded } from "../terminal/help.ts";
import type { GivenOptions } from "../terminal/options.ts";
import { joined, onHost } from "../terminal/output_folder.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { readTranscript } from "./run_transcripts.ts";
import { TranscriptError } from "./transcript.ts";

/** Where the scenarios of the house are, seen from the project's folder. */
export const SCENARIOS = "fixtures/scenarios";

/** A transcript as it is listed. */
export interface ScenarioLine {
  readonly file: string;
  readonly name: string;
  readonly system: string;
  /** Its heading. */
  readonly title: string;
  /** The first sentence below it. */
  readonly summary: string;
}

function lineOf(file: string, name: string): ScenarioLine {
  try {
    const { machine, title, summary } = readTranscript(file);
    return { file, name, system: machine.system, title, summary };
  } catch (error) {
    if (!(error instanceof TranscriptError)) throw error;
    return { file, name, system: "?", title: `cannot be read: ${error.message}`, summary: "" };
  }
}

/** What explains a folder's transcripts and is none. */
const GUIDE = "README.md";

/** The transcripts in a folder, in order of their names; its README.md is none. */
export function listScenarios(folder: string): ScenarioLine[] {
  const entries = onHost(folder, "read", () => [...Deno.readDirSync(folder)]);
  return entries.filter(({ isFile, name }) => isFile && name.endsWith(".md") && name !== GUIDE)
    .map(({ name }) => name).sort()
    .map((name) => lineOf(joined(folder, name), name));
}

/** Runs `scenarios`. */
export function runScenarios(options: GivenOptions, terminal: Terminal): number {
  const lines = listScenarios(options.rest[0] ?? SCENARIOS);
  if (options.flag("json")) {
    terminal.out(`${JSON.stringify(lines, null, 2)}\n`);
    return EXIT.ok;
  }
  const names = Math.max(4, ...lines.map(({ name }) => name.length));
  const systems = Math.max(6, ...lines.map(({ system }) => system.length));
  for (const { name, system, title } of lines) {
    terminal.out(`${padded(name, names)}  ${padded(system, systems)}  ${title}\n`);
  }
  return EXIT.ok;
}
