/**
 * A run while it is carried out: waits for its slot, has a worker, takes a person's inputs, is
 * stopped. Whatever becomes of the worker, the run ends in a state that can be read.
 *
 * @module
 */
import { Sha256 } from "../../machine/digest.ts";
import type { RunSummary } from "../api/shapes/run.ts";
import { ProblemError } from "../problem.ts";
import { joined } from "./files.ts";
import type { GrowingLog } from "./growing_log.ts";
import type { RunEntry } from "./run_entry.ts";
import type { FromWorker, Progress, RunEnd, RunJob, StopReason } from "./run_messages.ts";
import { RUN_FILES } from "./run_record.ts";
import { stopFor } from "./run_stop.ts";
import type { Slots, Turn } from "./slots.ts";
import { repairTrace, type TraceExtent } from "./trace_extent.ts";
import { WorkerHost } from "./worker_host.ts";

/** How long a worker has to end what it is at, before it is given up. */
const STOP_MILLISECONDS = 10_000;
/** A worker keeps its own time; this much later the server's thread loses patience. */
const GRACE_MILLISECONDS = 15_000;

/** What an execution is given. */
export interface ExecutionParts {
  readonly entry: RunEntry;
  readonly job: RunJob;
  readonly slots: Slots;
  /** Entry of its worker. */
  readonly worker: URL;
  /** Called when it is over. */
  readonly onEnd: () => void;
}

/** How far the trace of a run goes whose worker is gone. */
function whatIsLeft(log: GrowingLog): Pick<TraceExtent, "events" | "bytes" | "vt"> {
  const known = { events: log.events, bytes: log.bytes, vt: 0 };
  try {
    return repairTrace(log.path) ?? known;
  } catch {
    return known;
  }
}

type Timer = ReturnType<typeof setTimeout>;

/** See the module's header. */
export class Execution {
  readonly #parts: ExecutionParts;
  readonly #turn: Turn;
  #worker: WorkerHost | undefined;
  #hasSlot = false;
  #stopping = false;
  #timer: Timer | undefined;
  /** What the person typed and how to tell him what came of it. */
  #input: { readonly text: string; readonly reply: PromiseWithResolvers<RunSummary> } | undefined;
  #refusal: ProblemError | undefined;

  constructor(parts: ExecutionParts) {
    this.#parts = parts;
    this.#turn = { go: () => this.#go() };
    parts.slots.take(this.#turn);
  }

  get #entry(): RunEntry {
    return this.#parts.entry;
  }

  /** It has a slot: begins, or hands on what the person typed. */
  #go(): void {
    const { job, worker: entry } = this.#parts;
    this.#hasSlot = true;
    this.#entry.change({ status: "running" }, ["standing"]);
    if (this.#worker === undefined) {
      this.#worker = new WorkerHost({
        entry,
        folder: job.folder,
        onMessage: (message) => this.#take(message),
        onDeath: () => this.#died("The run's worker died"),
      });
      this.#worker.post(job);
    } else this.#worker.post({ job: "input", text: this.#input?.text ?? "" });
    const patience = job.bounds.runMilliseconds + GRACE_MILLISECONDS;
    this.#alarm(patience, () => this.stop("slow"));
  }

  #alarm(milliseconds: number, ring: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(ring, milliseconds);
  }

  #take(message: FromWorker): void {
    switch (message.tell) {
      case "progress":
        return this.#progress(message);
      case "waiting":
        return this.#wait(message);
      case "refused":
        this.#refusal = new ProblemError(message.problem, message.detail, message.details);
        return;
      case "end":
        return this.#end(message);
      case "imported":
        return;
    }
  }

  #progress({ events, bytes, vt, verdict }: Progress): void {
    this.#entry.log.grow({ events, bytes });
    this.#entry.change({ events, vt, ...(verdict === undefined ? {} : { verdict }) });
  }

  #wait(progress: Progress): void {
    const { standing, outcome } = progress;
    this.#progress(progress);
    this.#release();
    if (!this.#stopping) {
      const { idleMilliseconds } = this.#parts.job.bounds;
      this.#alarm(idleMilliseconds, () => this.stop("idle"));
    }
    this.#entry.change({
      status: "waiting",
      ...(standing === undefined ? {} : { standing }),
      ...(outcome === undefined ? {} : { outcome }),
    });
    this.#reply();
  }

  #reply(): void {
    const { reply } = this.#input ?? {};
    const refusal = this.#refusal;
    this.#input = undefined;
    this.#refusal = undefined;
    if (refusal === undefined) reply?.resolve(this.#entry.summary);
    else reply?.reject(refusal);
  }

  #release(): void {
    if (this.#hasSlot) this.#parts.slots.release();
    this.#hasSlot = false;
  }

  /** A person's line; the run waits for it. */
  input(text: string): Promise<RunSummary> {
    const reply = Promise.withResolvers<RunSummary>();
    this.#input = { text, reply };
    clearTimeout(this.#timer);
    this.#entry.change({ status: "queued" });
    this.#parts.slots.take(this.#turn);
    return reply.promise;
  }

  /** Stops it; the entry says when that is done. */
  stop(reason: StopReason): void {
    if (this.#stopping || this.#entry.isEnded) return;
    this.#stopping = true;
    this.#parts.slots.drop(this.#turn);
    if (this.#worker === undefined) return this.#neverBegan(reason);
    this.#worker.post({ job: "stop", reason });
    this.#alarm(STOP_MILLISECONDS, () => this.#died("The run's worker did not answer any more"));
  }

  /** It waited for its slot: there is nothing in its trace but the header. */
  #neverBegan(reason: StopReason): void {
    const { status, outcome } = stopFor(reason, this.#parts.job.bounds);
    const footer = { count: 0, sha256: new Sha256().hex(), outcome, generator: "" };
    const path = joined(this.#entry.folder, RUN_FILES.trace);
    Deno.writeTextFileSync(path, `${JSON.stringify(footer)}\n`, { append: true });
    const { events, bytes } = this.#entry.log;
    this.#close();
    this.#entry.end({ status, outcome }, { events, bytes }, footer);
    this.#over();
  }

  #end(end: RunEnd): void {
    const { status, outcome, vt, verdict, parting, trouble } = end;
    this.#close();
    this.#entry.end(
      {
        ...{ status, outcome, vt },
        ...(verdict === undefined ? {} : { verdict }),
        ...(parting === undefined ? {} : { parting }),
        ...(trouble === undefined ? {} : { trouble }),
      },
      end,
      end.footer,
    );
    this.#over();
  }

  /** The worker is gone without a word: what it left is looked at. */
  #died(what: string): void {
    if (this.#entry.isEnded) return;
    this.#close();
    const { log } = this.#entry;
    const { events, bytes, vt } = whatIsLeft(log);
    const trouble = `${what}; ${events} events were recorded. Start it again, and if it dies ` +
      "again take a smaller machine.";
    this.#entry.end({ status: "failed", outcome: "failed", trouble, vt }, { events, bytes });
    this.#over();
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#worker?.end();
    this.#release();
  }

  #over(): void {
    this.#reply();
    this.#parts.onEnd();
  }
}
