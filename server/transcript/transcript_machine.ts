/**
 * The machine that a transcript's block describes, with a person at it who does what he is told,
 * and the header of its trace.
 *
 * @module
 */
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import { kernelOf, type MachineSettings } from "../../actors/scenario/machine_plan.ts";
import { checkSize, REAL_SECONDS } from "../../actors/scenario/mainline_run.ts";
import { sha256 } from "../../machine/digest.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import type { TraceHeader } from "../../machine/trace/event.ts";
import { VERSION } from "../terminal/run_header.ts";
import type { Transcript, TranscriptMachine } from "./transcript.ts";

const ID_DIGITS = 16;
const WINDOWLESS: ReadonlySet<string> = new Set(["swsusp", "tuxonice"]);
const SWAP_MEMORY_MIN = 64 * 1024 ** 2;

/** Bytes of a file that a transcript asks for: no two pages alike. */
function contentOf(path: string, bytes: number): Uint8Array {
  const content = new Uint8Array(bytes);
  let state = Number.parseInt(sha256(path).slice(0, 7), 16) | 1;
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    content[at] = state >>> 24;
  }
  return content;
}

/**
 * The settings of a transcript's machine.
 *
 * @throws {UsageError} if its memory does not suit its kernel.
 */
export function transcriptSettings(machine: TranscriptMachine): MachineSettings {
  const profile = kernelProfile(machine.kernel);
  // Who hibernates into swap needs no window for a second kernel.
  const memoryMin = WINDOWLESS.has(machine.system) ? SWAP_MEMORY_MIN : profile.memoryMin;
  checkSize({ ...profile, memoryMin }, machine.memoryBytes);
  return {
    profile,
    memoryBytes: machine.memoryBytes,
    cpus: machine.cpus,
    hardware: machine.hardware,
    seed: machine.seed,
    choices: machine.choices,
    seededOrder: machine.seededOrder,
    realBaseUs: REAL_SECONDS * 1_000_000,
    brokenNetwork: machine.brokenNetwork,
    operator: "live",
    menu: machine.menu,
    layout: machine.layout,
    ...(machine.kernels === undefined ? {} : {
      kernels: machine.kernels.map(({ path, profile: name, address }) => ({
        path,
        bytes: kernelOf(kernelProfile(name), address),
      })),
    }),
    ...(machine.imageTarget === undefined ? {} : { imageTarget: machine.imageTarget }),
    rootFiles: [
      { path: "/root/.profile", data: new Uint8Array(0), mode: 0o644 },
      ...machine.files.map(({ path, bytes }) => ({
        path,
        data: contentOf(path, bytes),
        mode: 0o600,
      })),
    ],
    // Its words are those of HardwareSetup; the hardware refuses what it does not know.
    ...(Object.keys(machine.setup).length === 0 ? {} : { setup: machine.setup }),
  };
}

/** Name of a transcript's file without folder and ending. */
export function transcriptName(file: string): string {
  return file.slice(file.replaceAll("\\", "/").lastIndexOf("/") + 1).replace(/\.md$/, "");
}

/** The header of its trace: the run's id follows from the transcript and nothing else. */
export function transcriptHeader(transcript: Transcript, plan: RunPlan): TraceHeader {
  const { machine, steps, file } = transcript;
  const name = transcriptName(file);
  const typed = steps.map(({ kernel, text }) => [kernel, text]);
  const identity = JSON.stringify([name, VERSION, machine, typed]);
  return {
    v: 1,
    run: sha256(identity).slice(0, ID_DIGITS),
    scenario: `${machine.system}-${name}`,
    seed: machine.seed,
    profile: `${machine.kernel}/${machine.hardware}`,
    version: VERSION,
    actors: [...plan.people, ...plan.hardware].map((actor) => actor.name),
    clock: "virtual",
    order: "total",
  };
}
