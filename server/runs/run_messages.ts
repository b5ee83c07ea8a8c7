/**
 * What the server's thread and a run's worker tell each other.
 *
 * @module
 */
import type { Choice } from "../../machine/choices.ts";
import type { TraceFooter, TraceHeader } from "../../machine/trace/event.ts";
import type { ForkAction, RunSummary, Standing, VerdictSummary } from "../api/shapes/run.ts";
import type { ProblemDetails, ProblemName } from "../problem.ts";
import type { Recipe } from "./run_record.ts";

/** Bounds that a worker keeps by itself. */
export interface WorkerBounds {
  readonly runEvents: number;
  readonly runMilliseconds: number;
  readonly idleMilliseconds: number;
  readonly verdictMarks: number;
  readonly unpackedBytes: number;
}

/** What a run's machine does once it stands there. */
export type RunWay =
  /** Goes on by itself to its end. */
  | { readonly way: "scripted" }
  /** The transcript is played to its end. */
  | { readonly way: "transcript" }
  /** A person types; the transcript's steps come first where `play` is set. */
  | { readonly way: "live"; readonly play: boolean }
  /** The past of another run up to an event, then something else. */
  | { readonly way: "fork"; readonly seq: number; readonly action: ForkAction };

/** A run for a worker. Its folder is there, with the header in the trace and the choices. */
export interface RunJob {
  readonly job: "run";
  readonly folder: string;
  readonly header: TraceHeader;
  readonly recipe: Recipe;
  /** The transcript's text, where the recipe is one. */
  readonly text: string;
  readonly choices: readonly Choice[];
  readonly way: RunWay;
  readonly bounds: WorkerBounds;
}

/** A file that was uploaded, for a worker. */
export interface ImportJob {
  readonly job: "import";
  /** The upload; the worker only reads it. */
  readonly path: string;
  /** An empty folder that becomes the run's. */
  readonly folder: string;
  /** What the user calls the file. */
  readonly name: string;
  readonly bounds: WorkerBounds;
}

/** Why a run is stopped from outside. */
export type StopReason = "cancelled" | "interrupted" | "idle" | "slow";

/** From the server's thread. */
export type ToWorker =
  | RunJob
  | ImportJob
  | { readonly job: "input"; readonly text: string }
  | { readonly job: "stop"; readonly reason: StopReason };

/** How far a run is; all lines up to `bytes` stand whole in the file. */
export interface Progress {
  readonly events: number;
  readonly bytes: number;
  readonly vt: number;
  readonly verdict?: VerdictSummary;
  readonly standing?: Standing;
  readonly outcome?: string;
}

/** How a run ended. */
export interface RunEnd extends Progress {
  readonly tell: "end";
  readonly status: "finished" | "failed" | "cancelled" | "interrupted";
  readonly outcome: string;
  readonly footer: TraceFooter;
  readonly parting?: NonNullable<RunSummary["parting"]>;
  readonly trouble?: string;
}

/** An imported recording: its header has no id of the laboratory's yet. */
export interface ImportEnd extends Progress {
  readonly tell: "imported";
  readonly header: TraceHeader;
  readonly footer?: TraceFooter;
  readonly trouble?: string;
}

/** From the worker. */
export type FromWorker =
  | ({ readonly tell: "progress" } & Progress)
  /** The machine waits for its person. */
  | ({ readonly tell: "waiting" } & Progress)
  /** What the person wanted cannot be; the machine waits as before. */
  | {
    readonly tell: "refused";
    readonly problem: ProblemName;
    readonly detail: string;
    readonly details: ProblemDetails;
  }
  | RunEnd
  | ImportEnd;
