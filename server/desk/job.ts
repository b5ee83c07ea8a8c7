/**
 * What is asked of the desk's worker and what it answers. A job is plain data: it is posted.
 *
 * @module
 */
import type { TraceFooter, TraceHeader } from "../../machine/trace/event.ts";
import type { ExportForm, Inspection, RuleDocument } from "../api/shapes/catalogue.ts";
import type { EventContext, SearchAnswer, StepAnswer } from "../api/shapes/event.ts";
import type { RunSummary, StepRequest } from "../api/shapes/run.ts";
import type { PageBundle, StoredRun } from "../deps.ts";
import type { ProblemDetails, ProblemName } from "../problem.ts";

/** Forms of a report. */
export type ReportForm = "json" | "text" | "junit";

/** A trace as far as it goes at the moment of the request. */
export interface TraceRef {
  /** Another one where the run was removed and begun anew. */
  readonly key: string;
  readonly folder: string;
  readonly path: string;
  readonly header: TraceHeader;
  readonly firstByte: number;
  readonly bytes: number;
  readonly events: number;
  readonly ended: boolean;
  readonly footer?: TraceFooter;
}

/** What is to be done. */
export type Job =
  | { readonly do: "report"; readonly trace: TraceRef; readonly form: ReportForm }
  | {
    readonly do: "export";
    readonly trace: TraceRef;
    readonly form: ExportForm;
    /** For the page that is saved. */
    readonly summary: RunSummary;
  }
  | {
    readonly do: "causality";
    readonly trace: TraceRef;
    readonly seq: number;
    readonly most: number;
  }
  | {
    readonly do: "search";
    readonly trace: TraceRef;
    readonly query: string;
    readonly from: number;
    readonly most: number;
  }
  | { readonly do: "step"; readonly trace: TraceRef; readonly request: StepRequest }
  | { readonly do: "inspect"; readonly path: string };

/** What a run saved as one page is made with. */
export interface SavedWith {
  readonly page: PageBundle;
  /** The rules that a reader can look up in it. */
  readonly rules: readonly RuleDocument[];
}

/** What is posted to the worker: once to set it up, then job by job. */
export type Order =
  | { readonly flag: Int32Array<SharedArrayBuffer>; readonly savedWith?: SavedWith }
  | { readonly id: number; readonly job: Job };

/** What was asked for. */
export type Answer =
  | { readonly did: "report"; readonly text: string }
  | { readonly did: "export"; readonly bytes: number }
  | { readonly did: "causality"; readonly context: EventContext }
  | { readonly did: "search"; readonly found: SearchAnswer }
  | { readonly did: "step"; readonly step: StepAnswer }
  | { readonly did: "inspect"; readonly inspection: Inspection };

/** What comes back, once for each job. */
export type Reply =
  | { readonly id: number; readonly answer: Answer }
  | {
    readonly id: number;
    readonly problem: ProblemName;
    readonly detail: string;
    readonly details: ProblemDetails;
  }
  /** It stopped where it was, because nobody wants the answer. */
  | { readonly id: number; readonly givenUp: true }
  /** A defect, with its stack. */
  | { readonly id: number; readonly defect: string };

/** A run's trace at this moment; afterwards the run may go on. */
export function traceRef({ folder, log, summary }: StoredRun): TraceRef {
  return {
    key: `${log.run} ${summary.created}`,
    folder,
    path: log.path,
    header: log.header,
    firstByte: log.firstByte,
    bytes: log.bytes,
    events: log.events,
    ended: log.ended,
    ...(log.footer === undefined ? {} : { footer: log.footer }),
  };
}
