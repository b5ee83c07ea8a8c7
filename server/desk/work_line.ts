/**
 * Those who wait for the desk's worker: it does one job at a time, in the order in which they
 * came. A job that takes too long, or whose answer nobody wants any more, is given up; a worker
 * that does not even hear that, or fails, is replaced by a new one.
 *
 * @module
 */
import { SERVER_LIMITS } from "../limits.ts";
import { ProblemError } from "../problem.ts";
import type { Answer, Job, Order, Reply, SavedWith } from "./job.ts";

/** What a line is made of. */
export interface LineOptions {
  /** The worker's module. */
  readonly entry: URL;
  /** The only folder it may read and write in. */
  readonly folder: string;
  readonly savedWith?: SavedWith;
  /** Ms that one job may take. */
  readonly milliseconds: number;
  /** Ms that the worker has to let go of a job that is given up. */
  readonly graceMilliseconds: number;
  /** Jobs that may be there at one time. */
  readonly most: number;
}

interface Entry {
  readonly id: number;
  readonly job: Job;
  readonly signal: AbortSignal | undefined;
  /** Tells whoever asked; only the first time counts. */
  readonly settle: (outcome: Outcome) => void;
}

type Outcome = { readonly answer: Answer } | { readonly error: unknown };

const AGAIN_SECONDS = 2;
const ID_MAX = 0x7fff_ffff;

/** See the module's header. */
export class WorkLine {
  readonly #options: LineOptions;
  readonly #waiting: Entry[] = [];
  /** The worker's own, so that one that was replaced still sees that it is. */
  #flag: Int32Array<SharedArrayBuffer> = newFlag();
  #worker: Worker | undefined;
  #current: Entry | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastId = 0;
  #closed = false;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  /**
   * Has a job done.
   *
   * @throws {ProblemError} that of the job; too-many where the line is full or it takes too long;
   *   stopping once the line is closed. The signal's reason where it fires before.
   */
  ask(job: Job, signal?: AbortSignal): Promise<Answer> {
    if (this.#closed) return Promise.reject(stopping());
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.#waiting.length + (this.#current === undefined ? 0 : 1) >= this.#options.most) {
      return Promise.reject(full(this.#options.most));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const id = this.#lastId = this.#lastId % ID_MAX + 1;
    const leave = (): void => this.#leave(entry, { error: signal?.reason });
    const entry: Entry = {
      id,
      job,
      signal,
      settle: (outcome) => {
        signal?.removeEventListener("abort", leave);
        if ("answer" in outcome) resolve(outcome.answer);
        else reject(outcome.error);
      },
    };
    signal?.addEventListener("abort", leave);
    this.#waiting.push(entry);
    this.#next();
    return promise;
  }

  /** Ends the worker; whoever waits is told that the server is stopping. */
  close(): void {
    this.#closed = true;
    const left = [...this.#waiting];
    if (this.#current !== undefined) left.push(this.#current);
    this.#waiting.length = 0;
    this.#replace();
    for (const entry of left) entry.settle({ error: stopping() });
  }

  #next(): void {
    if (this.#current !== undefined || this.#closed) return;
    const entry = this.#waiting.shift();
    if (entry === undefined) return;
    this.#current = entry;
    const { milliseconds } = this.#options;
    this.#timer = setTimeout(() => this.#leave(entry, { error: late(milliseconds) }), milliseconds);
    const order: Order = { id: entry.id, job: entry.job };
    try {
      this.#ready().postMessage(order);
    } catch (error) {
      // The host gives no worker, or not the rights that it needs.
      this.#failed(error instanceof Error ? error.message : String(error));
    }
  }

  /** Nobody waits for it any more. */
  #leave(entry: Entry, outcome: Outcome): void {
    const at = this.#waiting.indexOf(entry);
    if (at >= 0) this.#waiting.splice(at, 1);
    else if (entry === this.#current) {
      Atomics.store(this.#flag, 0, entry.id);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        this.#replace();
        this.#next();
      }, this.#options.graceMilliseconds);
    }
    entry.settle(outcome);
  }

  #ready(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const { entry, folder, savedWith } = this.#options;
    const worker = new Worker(entry, {
      type: "module",
      name: "desk",
      deno: { permissions: { read: [folder], write: [folder] } },
    });
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#reply(data);
    worker.onerror = (event) => {
      // Otherwise it would be the end of the server.
      event.preventDefault();
      if (worker === this.#worker) this.#failed(event.message);
    };
    this.#flag = newFlag();
    const order: Order = { flag: this.#flag, ...(savedWith === undefined ? {} : { savedWith }) };
    worker.postMessage(order);
    return this.#worker = worker;
  }

  #reply(reply: Reply): void {
    const entry = this.#current;
    if (entry === undefined || entry.id !== reply.id) return;
    this.#end();
    if ("answer" in reply) entry.settle({ answer: reply.answer });
    else if ("problem" in reply) {
      entry.settle({ error: new ProblemError(reply.problem, reply.detail, reply.details) });
    } else if ("defect" in reply) entry.settle({ error: new Error(reply.defect) });
    this.#next();
  }

  #failed(message: string): void {
    const entry = this.#current;
    this.#replace();
    entry?.settle({ error: new Error(`The desk's worker failed: ${message}`) });
    this.#next();
  }

  /** The job at hand is over. */
  #end(): void {
    clearTimeout(this.#timer);
    this.#current = undefined;
  }

  /** Lets the worker go, whatever it does; the next job gets a new one. */
  #replace(): void {
    if (this.#current !== undefined) Atomics.store(this.#flag, 0, this.#current.id);
    this.#end();
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}

function newFlag(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

function stopping(): ProblemError {
  return new ProblemError("stopping", "The server is stopping");
}

function full(max: number): ProblemError {
  return new ProblemError("too-many", "Too many are asking for runs to be read; come again", {
    limit: { name: "deskRequests", max },
    retryAfter: AGAIN_SECONDS,
  });
}

function late(max: number): ProblemError {
  return new ProblemError("too-many", "Reading that took too long and was given up", {
    limit: { name: "deskMilliseconds", max },
    retryAfter: AGAIN_SECONDS,
  });
}

/** The bounds that hold unless a test says otherwise. */
export const LINE_BOUNDS: Pick<LineOptions, "milliseconds" | "graceMilliseconds" | "most"> = {
  milliseconds: SERVER_LIMITS.deskMilliseconds,
  graceMilliseconds: 2_000,
  most: SERVER_LIMITS.deskRequests,
};
