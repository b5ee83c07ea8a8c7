/**
 * The desk's worker: does one job after the other, reads in the server's folder and writes
 * exports there, and can do nothing else.
 *
 * @module
 */
/// <reference lib="webworker" />
import { LimitError } from "../../machine/errors.ts";
import { TraceError } from "../../machine/trace/trace_error.ts";
import type { EventContext, StepAnswer } from "../api/shapes/event.ts";
import { ProblemError } from "../problem.ts";
import { conesOf } from "./cones.ts";
import { writeBeside, writeExport } from "./export_file.ts";
import { reportPath } from "./file_names.ts";
import { inspectUpload } from "./inspecting.ts";
import type { Answer, Job, Order, Reply, SavedWith, TraceRef } from "./job.ts";
import { judge, reportIn } from "./judging.ts";
import { searchTrace } from "./search.ts";
import { stepTo } from "./stepping.ts";
import { IndexCache } from "./trace_index.ts";
import { eventAt, firstPlace } from "./trace_lines.ts";
import { ViolationCache } from "./violations.ts";
import { GivenUp, Watch } from "./watch.ts";

/** Runs of which an index is kept. */
const RUNS_KEPT = 2;

const indexes = new IndexCache(RUNS_KEPT);
const violations = new ViolationCache(RUNS_KEPT);
let flag: Int32Array = new Int32Array(1);
let savedWith: SavedWith | undefined;

function causality(trace: TraceRef, seq: number, most: number, watch: Watch): EventContext {
  const index = indexes.get(trace, watch);
  const event = eventAt(trace, index.place(seq), seq, watch);
  return { event, ...conesOf(index, seq, most, trace.events) };
}

function step(job: Job & { readonly do: "step" }, watch: Watch): StepAnswer {
  const { trace, request } = job;
  const index = indexes.get(trace, watch);
  const broken = violations.get(trace, watch);
  const at = stepTo(index, broken, request, trace.events);
  if (at === undefined) return {};
  const event = eventAt(trace, index.place(at), at, watch);
  return { at, event, violated: [...broken.get(at) ?? []] };
}

function report({ trace, form }: Job & { readonly do: "report" }, watch: Watch): string {
  const text = reportIn(form, judge(trace, watch));
  if (trace.ended) writeBeside(trace, reportPath(trace, form), () => [text], watch);
  return text;
}

function done(job: Job, watch: Watch): Answer {
  switch (job.do) {
    case "report":
      return { did: "report", text: report(job, watch) };
    case "export":
      return { did: "export", bytes: writeExport(job, savedWith, watch) };
    case "causality":
      return { did: "causality", context: causality(job.trace, job.seq, job.most, watch) };
    case "search": {
      const start = indexes.peek(job.trace)?.place(job.from) ?? firstPlace(job.trace);
      return { did: "search", found: searchTrace(job.trace, job, start, watch) };
    }
    case "step":
      return { did: "step", step: step(job, watch) };
    case "inspect":
      return { did: "inspect", inspection: inspectUpload(job.path) };
  }
}

function failed(id: number, error: unknown): Reply {
  if (error instanceof GivenUp) return { id, givenUp: true };
  if (error instanceof ProblemError) {
    return { id, problem: error.problem, detail: error.message, details: error.details };
  }
  if (error instanceof TraceError) {
    const details = error.seq === undefined ? {} : { seq: error.seq };
    return { id, problem: "not-readable", detail: error.message, details };
  }
  if (error instanceof LimitError) {
    return { id, problem: "too-large", detail: error.message, details: {} };
  }
  if (error instanceof Deno.errors.NotFound) {
    const detail = "What was to be read was removed meanwhile";
    return { id, problem: "unknown-run", detail, details: {} };
  }
  return { id, defect: error instanceof Error ? error.stack ?? error.message : String(error) };
}

function answered(id: number, job: Job): Reply {
  try {
    return { id, answer: done(job, new Watch(flag, id)) };
  } catch (error) {
    return failed(id, error);
  }
}

self.onmessage = ({ data }: MessageEvent<Order>): void => {
  if ("flag" in data) {
    flag = data.flag;
    savedWith = data.savedWith;
  } else self.postMessage(answered(data.id, data.job));
};
