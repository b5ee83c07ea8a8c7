/**
 * What the server's thread and the replaying worker say to each other. All of it can be cloned.
 *
 * @module
 */
import type { MadeFile } from "../deps.ts";
import type { DiskMap, MachineState, MemoryMap, StateChange } from "../api/shapes/machine.ts";
import { type ProblemDetails, ProblemError, type ProblemName } from "../problem.ts";

/** What can be asked, with its answer. */
export interface Answers {
  readonly machine: MachineState;
  readonly change: StateChange;
  readonly memory: MemoryMap;
  readonly disk: DiskMap;
  readonly disk_image: MadeFile;
  readonly elf_image: MadeFile;
}

/** Kinds of questions. */
export type Question = keyof Answers;

/** A question about a moment of a run. */
export interface ReplayRequest {
  readonly id: number;
  readonly question: Question;
  readonly run: string;
  readonly folder: string;
  readonly at: number;
  /** Of the stored trace: file, first event's offset, offset behind the last, events. */
  readonly path: string;
  readonly firstByte: number;
  readonly bytes: number;
  readonly events: number;
}

/** Bounds of a worker. */
export interface ReplayLimits {
  /** Machines kept ready. */
  readonly replaySessions: number;
  /** RAM in bytes of one machine. */
  readonly machineBytes: number;
}

/** To the worker. */
export type ToWorker =
  | { readonly kind: "begin"; readonly limits: ReplayLimits }
  | { readonly kind: "ask"; readonly request: ReplayRequest }
  /** Nobody wants the answer any more. */
  | { readonly kind: "drop"; readonly id: number };

/** A problem as it travels. */
export interface SentProblem {
  readonly problem: ProblemName;
  readonly detail: string;
  readonly details: ProblemDetails;
}

/** From the worker. */
export type FromWorker =
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly kind: "problem"; readonly id: number; readonly problem: SentProblem };

/** What is said of an error that is no problem of the user's. */
const FAILED = "Looking into the machine failed. Ask again; if it fails again, run it again.";

/** An error in a form that travels; of a defect no text leaves, since it may name paths. */
export function sentProblem(error: unknown): SentProblem {
  if (error instanceof ProblemError) {
    return { problem: error.problem, detail: error.message, details: error.details };
  }
  return { problem: "internal", detail: FAILED, details: {} };
}

/** The error that was sent. */
export function receivedProblem({ problem, detail, details }: SentProblem): ProblemError {
  return new ProblemError(problem, detail, details);
}

/** What who is superseded is told. */
export function supersededProblem(): ProblemError {
  return new ProblemError(
    "too-many",
    "A newer request for the same picture of this run took the place of this one.",
    { retryAfter: 1 },
  );
}
