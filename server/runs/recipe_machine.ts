/**
 * From a recipe to a machine: plan, disk, header. The command line's own functions make them, so
 * that the same run has the same id and the same trace wherever it is run.
 *
 * @module
 */
import type { DiskBuild } from "../../actors/disk_image/build_disk.ts";
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import { machineDisk, planMachine } from "../../actors/scenario/machine_plan.ts";
import { newDisk, planRun, type RunSettings } from "../../actors/scenario/mainline_run.ts";
import type { Choice } from "../../machine/choices.ts";
import { DEFAULT_HARDWARE_PROFILE } from "../../machine/hardware_profile.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import type { TraceHeader } from "../../machine/trace/event.ts";
import type { RunRequest } from "../api/shapes/run.ts";
import { runHeader } from "../terminal/run_header.ts";
import { runSettings } from "../terminal/settings.ts";
import type { Transcript } from "../transcript/transcript.ts";
import { transcriptHeader, transcriptSettings } from "../transcript/transcript_machine.ts";
import { parseTranscript } from "../transcript/transcript_parser.ts";
import type { Recipe } from "./run_record.ts";

/** Kernel profile of a machine of which nothing is said. */
export const DEFAULT_KERNEL_PROFILE = "2.6.27";
const MIB = 0x10_0000;
const SECOND_NS = 1_000_000_000;

/** A request for the default cycle. */
export type CycleRequest = Extract<RunRequest, { kind: "cycle" }>;

/** A machine that can be run. */
export interface RecipeMachine {
  readonly plan: RunPlan;
  /** Makes what its disk begins with; takes a while. */
  disk(): DiskBuild;
  /** What a person did at it first, where a person is at it. */
  readonly transcript?: Transcript;
}

/**
 * The settings of the default cycle, as `hibernate` and `jump` have them.
 *
 * @throws {UsageError} if there is no such machine.
 */
export function cycleSettings(request: CycleRequest, choices: readonly Choice[]): RunSettings {
  const { machine = {}, part = "cycle", awaySeconds = 0, verify = true } = request;
  const { memoryMiB, cpus, seed } = machine;
  return runSettings({
    part,
    profile: kernelProfile(machine.kernelProfile ?? DEFAULT_KERNEL_PROFILE),
    hardware: machine.hardware ?? DEFAULT_HARDWARE_PROFILE,
    ...(memoryMiB === undefined ? {} : { memoryBytes: memoryMiB * MIB }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(seed === undefined ? {} : { seed }),
    awayNs: awaySeconds * SECOND_NS,
    verify,
    choices,
  });
}

/** The power cut that a request for a cycle has. */
export function cycleChoices({ cutPower }: CycleRequest): Choice[] {
  if (cutPower === undefined) return [];
  return [{ kind: "power_cut", at: cutPower.seq, durable: cutPower.durable }];
}

/** The header that the command line gives such a cycle. */
export function cycleHeader(request: CycleRequest): TraceHeader {
  const settings = cycleSettings(request, cycleChoices(request));
  return runHeader(request.part === "jump" ? "jump" : "hibernate", settings, planRun(settings));
}

/** The header that the command line gives a transcript. Files and kernels are not made for it. */
export function headerOfTranscript(transcript: Transcript): TraceHeader {
  const { kernels: _, ...machine } = transcript.machine;
  const plan = planMachine(transcriptSettings({ ...machine, files: [] }));
  return transcriptHeader(transcript, plan);
}

/**
 * The machine of a recipe with all its choices.
 *
 * @param text the transcript, where the recipe is one.
 * @throws {UsageError} if there is no such machine.
 * @throws {TranscriptError} if the transcript is none.
 */
export function recipeMachine(
  recipe: Recipe,
  text: string,
  choices: readonly Choice[],
): RecipeMachine {
  if (recipe.of === "cycle") {
    const settings = cycleSettings(recipe.request, choices);
    return { plan: planRun(settings), disk: () => newDisk(settings) };
  }
  const transcript = parseTranscript(recipe.name, text);
  const settings = { ...transcriptSettings(transcript.machine), choices };
  return { plan: planMachine(settings), disk: () => machineDisk(settings), transcript };
}
