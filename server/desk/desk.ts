/**
 * The desk: reads stored runs and uploaded files away from the server's thread, in one worker
 * that may do nothing else. A run that goes on is read as far as it was when somebody asked.
 *
 * What was made of a run that has ended is kept beside it for as long as this server runs; the
 * next one may have other rules, and makes it anew.
 *
 * @module
 */
import type { ExportForm, Inspection, RuleDocument } from "../api/shapes/catalogue.ts";
import type { EventContext, SearchAnswer, StepAnswer } from "../api/shapes/event.ts";
import type { StepRequest } from "../api/shapes/run.ts";
import type { Desk, MadeFile, PageBundle, StoredRun } from "../deps.ts";
import { ProblemError } from "../problem.ts";
import { exportPath, formFacts, reportPath } from "./file_names.ts";
import { type Answer, type Job, type ReportForm, type TraceRef, traceRef } from "./job.ts";
import { LINE_BOUNDS, type LineOptions, WorkLine } from "./work_line.ts";

/** Events listed in one answer. */
const LISTED_MAX = 10_000;
/** Files remembered as made. */
const MADE_MAX = 10_000;

/** Options of {@linkcode openDesk}. */
export interface DeskOptions {
  /** Where runs and uploads are: all that the worker may read, and write exports in. */
  readonly folder: string;
  /** For exports as one HTML file. */
  readonly page?: PageBundle;
  /** The rules that such a file explains; none by default. */
  readonly rules?: readonly RuleDocument[];
  /** Other bounds, or another worker, for tests. */
  readonly line?: Partial<
    Pick<LineOptions, "entry" | "milliseconds" | "graceMilliseconds" | "most">
  >;
}

/** The answer of that kind. */
function answerTo<Did extends Answer["did"]>(
  did: Did,
  answer: Answer,
): Extract<Answer, { readonly did: Did }> {
  const isOfKind = (each: Answer): each is Extract<Answer, { readonly did: Did }> =>
    each.did === did;
  if (isOfKind(answer)) return answer;
  throw new TypeError(`The desk's worker was asked for '${did}' and answered '${answer.did}'`);
}

function listed(most: number): number {
  return Math.max(1, Math.min(LISTED_MAX, Math.trunc(most)));
}

class WorkerDesk implements Desk {
  readonly #line: WorkLine;
  /** What is being made, so that two who ask for the same get one. */
  readonly #making: Map<string, Promise<unknown>> = new Map();
  readonly #made: Set<string> = new Set();

  constructor({ folder, page, rules = [], line = {} }: DeskOptions) {
    this.#line = new WorkLine({
      entry: new URL("./desk_worker.ts", import.meta.url),
      folder,
      ...(page === undefined ? {} : { savedWith: { page, rules: [...rules] } }),
      ...LINE_BOUNDS,
      ...line,
    });
  }

  async report(stored: StoredRun, form: ReportForm, signal?: AbortSignal): Promise<string> {
    const trace = traceRef(stored);
    const path = reportPath(trace, form);
    if (this.#made.has(`${trace.key} ${path}`)) {
      const text = await unlessGone(() => Deno.readTextFile(path));
      if (text !== undefined) return text;
    }
    const job = { do: "report", trace, form } as const;
    const { text } = answerTo("report", await this.#line.ask(job, signal));
    if (trace.ended) this.#keep(trace, path);
    return text;
  }

  async export(stored: StoredRun, form: ExportForm): Promise<MadeFile> {
    const trace = traceRef(stored);
    const { mediaType, extension } = formFacts(form);
    const path = exportPath(trace, form);
    const fileName = `${stored.summary.scenario}-${trace.header.run.slice(0, 8)}.${extension}`;
    const isThere = this.#made.has(`${trace.key} ${path}`) &&
      await unlessGone(() => Deno.stat(path)) !== undefined;
    // It is finished even if nobody waits for it any more: the next one has it.
    if (!isThere) await this.#make({ do: "export", trace, form, summary: stored.summary }, path);
    const found = await unlessGone(() => Deno.stat(path));
    if (found === undefined) throw removed();
    return { path, bytes: found.size, mediaType, fileName };
  }

  async causality(
    stored: StoredRun,
    seq: number,
    most: number,
    signal?: AbortSignal,
  ): Promise<EventContext> {
    const trace = traceRef(stored);
    if (!Number.isSafeInteger(seq) || seq < 0 || seq >= trace.events) {
      const detail = trace.events === 0
        ? "The run has no events yet"
        : `The run has events 0 to ${trace.events - 1}`;
      throw new ProblemError("unknown-event", detail);
    }
    const job = { do: "causality", trace, seq, most: listed(most) } as const;
    return answerTo("causality", await this.#line.ask(job, signal)).context;
  }

  async search(
    stored: StoredRun,
    query: string,
    from: number,
    most: number,
    signal?: AbortSignal,
  ): Promise<SearchAnswer> {
    const trace = traceRef(stored);
    const job = { do: "search", trace, query, from, most: listed(most) } as const;
    return answerTo("search", await this.#line.ask(job, signal)).found;
  }

  async step(stored: StoredRun, request: StepRequest, signal?: AbortSignal): Promise<StepAnswer> {
    const job = { do: "step", trace: traceRef(stored), request } as const;
    return answerTo("step", await this.#line.ask(job, signal)).step;
  }

  async inspect(path: string, signal?: AbortSignal): Promise<Inspection> {
    return answerTo("inspect", await this.#line.ask({ do: "inspect", path }, signal)).inspection;
  }

  close(): void {
    this.#line.close();
  }

  async #make(job: Job & { readonly do: "export" }, path: string): Promise<void> {
    const { trace } = job;
    const key = `${trace.key} ${trace.bytes} ${path}`;
    const making = this.#making.get(key) ?? this.#line.ask(job);
    this.#making.set(key, making);
    try {
      await making;
    } finally {
      this.#making.delete(key);
    }
    if (trace.ended) this.#keep(trace, path);
  }

  #keep(trace: TraceRef, path: string): void {
    if (this.#made.size >= MADE_MAX) this.#made.clear();
    this.#made.add(`${trace.key} ${path}`);
  }
}

function removed(): ProblemError {
  return new ProblemError("unknown-run", "The run was removed meanwhile");
}

async function unlessGone<T>(operation: () => Promise<T>): Promise<T | undefined> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Opens a desk; its worker starts with the first request. */
export function openDesk(options: DeskOptions): Desk {
  return new WorkerDesk(options);
}
