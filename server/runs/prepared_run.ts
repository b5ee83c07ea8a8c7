/**
 * From a request to a run that can be started: what its machine is made of, its id, its title.
 * Everything that is wrong with the request is found here, before anything is written.
 *
 * @module
 */
import { KERNEL_PROFILES } from "../../actors/kernel/profiles.ts";
import type { Choice } from "../../machine/choices.ts";
import { UsageError } from "../../machine/errors.ts";
import { DEFAULT_HARDWARE_PROFILE, HARDWARE_PROFILES } from "../../machine/hardware_profile.ts";
import type { TraceHeader } from "../../machine/trace/event.ts";
import type { MachineOptions, RunRequest, RunSummary } from "../api/shapes/run.ts";
import { ProblemError } from "../problem.ts";
import { usualMemory } from "../terminal/settings.ts";
import { sizeText } from "../terminal/values.ts";
import { plainTranscript } from "../transcript/plain_transcript.ts";
import { type Transcript, TranscriptError } from "../transcript/transcript.ts";
import { parseTranscript } from "../transcript/transcript_parser.ts";
import { scenarioText } from "./house_scenarios.ts";
import {
  cycleChoices,
  cycleHeader,
  type CycleRequest,
  cycleSettings,
  DEFAULT_KERNEL_PROFILE,
  headerOfTranscript,
} from "./recipe_machine.ts";
import type { RunWay } from "./run_messages.ts";
import type { Recipe } from "./run_record.ts";

/** What a laboratory allows, as far as a request is concerned. */
export interface RequestBounds {
  readonly machineBytes: number;
}

/** A run that can be started. */
export interface PreparedRun {
  readonly kind: RunSummary["kind"];
  /** Whether the run's id follows from what is run, so that it is the same run each time. */
  readonly scripted: boolean;
  /** Of a run that is not scripted, `run` is still to be given. */
  readonly header: TraceHeader;
  readonly title: string;
  readonly recipe: Recipe;
  /** The transcript's text; "" where there is none. */
  readonly text: string;
  readonly choices: readonly Choice[];
  readonly way: RunWay;
}

const MIB = 0x10_0000;
const SEED_MAX = 0xffff_ffff;
const SECOND_NS = 1_000_000_000;
const TRANSCRIPT_NAME = "transcript";
const LIVE_NAME = "live";

/** @param place JSON pointer into the request's body. */
function badRequest(place: string, detail: string): ProblemError {
  return new ProblemError("bad-request", detail, {
    errors: [{ pointer: `/body${place}`, detail }],
  });
}

/** A mistake in what was asked for, told to who asked. */
function usage<T>(pointer: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) {
      // The block's `setup` is JSON of any form; the hardware takes it apart as it needs it.
      throw badRequest(pointer, "There is no such hardware: look at the machine block's setup.");
    }
    if (!(error instanceof UsageError)) throw error;
    const detail = error.message.replaceAll("--kernel-profile", "kernel profile");
    throw badRequest(pointer, `${detail[0]?.toUpperCase() ?? ""}${detail.slice(1)}.`);
  }
}

function checkOptions(options: MachineOptions): void {
  const { hardware, kernelProfile, seed } = options;
  if (hardware !== undefined && !Object.hasOwn(HARDWARE_PROFILES, hardware)) {
    const names = Object.keys(HARDWARE_PROFILES).join(", ");
    throw badRequest("/machine/hardware", `There is no such hardware profile; there are ${names}.`);
  }
  if (kernelProfile !== undefined && !Object.hasOwn(KERNEL_PROFILES, kernelProfile)) {
    const names = Object.keys(KERNEL_PROFILES).join(", ");
    throw badRequest(
      "/machine/kernelProfile",
      `There is no such kernel profile; there are ${names}.`,
    );
  }
  if (seed !== undefined && seed > SEED_MAX) {
    throw badRequest("/machine/seed", `A seed is at most ${SEED_MAX}.`);
  }
}

function checkMemory(bytes: number, { machineBytes }: RequestBounds): void {
  if (bytes <= machineBytes) return;
  throw new ProblemError(
    "too-large",
    `The machine has ${sizeText(bytes)} of memory, over the limit 'machineBytes' of ` +
      `${sizeText(machineBytes)}; take a smaller machine.`,
    { limit: { name: "machineBytes", max: machineBytes } },
  );
}

const PART_TITLES = {
  cycle: "Hibernate and resume by kexec jump",
  hibernate: "Hibernate by kexec jump",
  jump: "Jump to B and back",
} as const;

function prepareCycle(request: CycleRequest, bounds: RequestBounds): PreparedRun {
  const { machine = {}, awaySeconds = 0, cutPower } = request;
  checkOptions(machine);
  if (!Number.isSafeInteger(awaySeconds * SECOND_NS)) {
    throw badRequest("/awaySeconds", "The machine can be off for 104 days (9007199 s) at most.");
  }
  const choices = cycleChoices(request);
  const { memoryBytes } = usage("/machine/memoryMiB", () => cycleSettings(request, choices));
  checkMemory(memoryBytes, bounds);
  const { cutPower: _, ...recipe } = request;
  const cut = cutPower === undefined ? "" : `, power cut at event ${cutPower.seq}`;
  return {
    kind: "cycle",
    scripted: true,
    header: usage("/machine", () => cycleHeader(request)),
    title: `${PART_TITLES[request.part ?? "cycle"]}, ${sizeText(memoryBytes)}${cut}`,
    recipe: { of: "cycle", request: recipe },
    text: "",
    choices,
    way: { way: "scripted" },
  };
}

/** Whether a text is in a line as words of it. */
function isQuoted(text: string, line: string): boolean {
  for (let at = line.indexOf(text); at >= 0; at = line.indexOf(text, at + 1)) {
    const around = `${line[at - 1] ?? " "}${line[at + text.length] ?? " "}`;
    if (!/\w/.test(around)) return true;
  }
  return false;
}

/** Leaves out of a message what it quotes of the line that it is about. */
function withoutEcho(message: string, line: string): string {
  return message.replace(
    /'([^']*)'/g,
    (quoted: string, inner: string) => inner !== "" && isQuoted(inner, line) ? "'…'" : quoted,
  );
}

function readTranscript(name: string, text: string, bounds: RequestBounds): Transcript {
  let transcript: Transcript;
  try {
    transcript = parseTranscript(name, text);
  } catch (error) {
    if (!(error instanceof TranscriptError)) throw error;
    const { line } = error;
    const said = error.message.slice(`${name}:${line}: `.length);
    const typed = text.split("\n")[line - 1] ?? "";
    const detail = `Line ${line}: ${withoutEcho(said, typed)}.`;
    throw new ProblemError("not-readable", `The transcript cannot be run. ${detail}`, {
      errors: [{ pointer: "/body/text", detail }],
    });
  }
  const { memoryBytes, files } = transcript.machine;
  checkMemory(memoryBytes, bounds);
  checkMemory(files.reduce((sum, { bytes }) => sum + bytes, 0), bounds);
  return transcript;
}

function prepareTranscript(
  source: {
    readonly kind: "scenario" | "transcript";
    readonly name: string;
    readonly text: string;
  },
  bounds: RequestBounds,
): PreparedRun {
  const { kind, name, text } = source;
  const transcript = readTranscript(name, text, bounds);
  return {
    kind,
    scripted: true,
    header: usage("/text", () => headerOfTranscript(transcript)),
    title: transcript.title,
    recipe: { of: "transcript", name },
    text,
    choices: transcript.machine.choices,
    way: { way: "transcript" },
  };
}

/** The text of a scenario of the house. */
function houseScenario(name: string): string {
  const text = scenarioText(name);
  if (text !== undefined) return text;
  throw new ProblemError(
    "unknown-scenario",
    "There is no scenario of that name; GET /api/scenarios lists them.",
  );
}

function plainText(options: MachineOptions, bounds: RequestBounds): string {
  checkOptions(options);
  const { kernelProfile = DEFAULT_KERNEL_PROFILE, hardware = DEFAULT_HARDWARE_PROFILE } = options;
  const profile = KERNEL_PROFILES[kernelProfile];
  const { cpus, seed = 1 } = options;
  const memoryBytes = options.memoryMiB === undefined
    ? profile === undefined ? 0 : usualMemory(profile, hardware)
    : options.memoryMiB * MIB;
  checkMemory(memoryBytes, bounds);
  return plainTranscript({
    kernel: kernelProfile,
    memory: `${memoryBytes / MIB}M`,
    cpus: cpus === undefined ? undefined : String(cpus),
    hardware,
    seed: String(seed),
  });
}

function prepareLive(
  request: Extract<RunRequest, { kind: "live" }>,
  bounds: RequestBounds,
): PreparedRun {
  const { scenario, machine, play = false } = request;
  if (scenario !== undefined && machine !== undefined) {
    throw badRequest("/machine", "A scenario has its own machine; leave one of the two out.");
  }
  const name = scenario ?? LIVE_NAME;
  const text = scenario === undefined ? plainText(machine ?? {}, bounds) : houseScenario(scenario);
  const transcript = readTranscript(name, text, bounds);
  return {
    kind: "live",
    scripted: false,
    header: usage("/machine", () => headerOfTranscript(transcript)),
    title: scenario === undefined ? "A machine and its person" : `${transcript.title}, by hand`,
    recipe: { of: "transcript", name },
    text,
    choices: transcript.machine.choices,
    way: { way: "live", play: play && scenario !== undefined },
  };
}

/**
 * Makes a run of any request but a fork's.
 *
 * @throws {ProblemError} for whatever is wrong with it.
 */
export function prepareRun(
  request: Exclude<RunRequest, { kind: "fork" }>,
  bounds: RequestBounds,
): PreparedRun {
  switch (request.kind) {
    case "cycle":
      return prepareCycle(request, bounds);
    case "scenario": {
      const { kind, name } = request;
      return prepareTranscript({ kind, name, text: houseScenario(name) }, bounds);
    }
    case "transcript": {
      const { kind, name = TRANSCRIPT_NAME, text } = request;
      return prepareTranscript({ kind, name, text }, bounds);
    }
    case "live":
      return prepareLive(request, bounds);
  }
}
