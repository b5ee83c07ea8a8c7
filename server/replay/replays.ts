/**
 * Looks into machines, away from the server's thread: one worker, which replays runs to moments.
 *
 * A page scrubs: of several questions of one kind about one run that wait, or are worked on, only
 * the newest is answered; the others fail with `too-many`. The same question asked twice at a time
 * is asked once. A worker that dies fails what it worked on with `internal`; the rest waits for the
 * next one.
 *
 * @module
 */
import type { MadeFile, Replays, StoredRun } from "../deps.ts";
import { SERVER_LIMITS } from "../limits.ts";
import { ProblemError } from "../problem.ts";
import {
  type Answers,
  type FromWorker,
  type Question,
  receivedProblem,
  type ReplayLimits,
  type ReplayRequest,
  supersededProblem,
  type ToWorker,
} from "./requests.ts";

/** How replays are opened. */
export interface ReplayOptions {
  /** Where the runs are: the worker reads and writes there, and reads the project. */
  readonly folder: string;
  readonly limits?: Partial<ReplayLimits>;
  /** The worker's module, for tests. */
  readonly worker?: URL;
}

/** The project, which the worker's modules read themselves from. */
const PROJECT = new URL("../../", import.meta.url);

interface Waiting {
  readonly key: string;
  readonly request: ReplayRequest;
  readonly promise: Promise<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: ProblemError) => void;
}

function notThere(log: StoredRun["log"], at: number): ProblemError {
  const there = log.events === 0
    ? "the run has no events yet"
    : `the run has events 0 to ${log.events - 1}`;
  return new ProblemError("unknown-event", `There is no such event: ${there}.`, {
    ...(Number.isSafeInteger(at) && at >= 0 ? { seq: at } : {}),
  });
}

/** See the module's header. */
class WorkerReplays implements Replays {
  readonly #options: ReplayOptions;
  #worker: Worker | undefined;
  /** In the order in which they will be answered; the first is being worked on. */
  #waiting: Waiting[] = [];
  #nextId = 1;
  #asked = 0;
  #closed = false;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  machine(stored: StoredRun, at: number): Promise<Answers["machine"]> {
    return this.#ask("machine", stored, at);
  }

  change(stored: StoredRun, at: number): Promise<Answers["change"]> {
    return this.#ask("change", stored, at);
  }

  memory(stored: StoredRun, at: number): Promise<Answers["memory"]> {
    return this.#ask("memory", stored, at);
  }

  disk(stored: StoredRun, at: number): Promise<Answers["disk"]> {
    return this.#ask("disk", stored, at);
  }

  image(stored: StoredRun, at: number, what: "disk" | "elf"): Promise<MadeFile> {
    return this.#ask(what === "disk" ? "disk_image" : "elf_image", stored, at);
  }

  close(): void {
    this.#closed = true;
    this.#worker?.terminate();
    this.#worker = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) {
      each.reject(new ProblemError("stopping", "The server is stopping; ask again later."));
    }
  }

  async #ask<Q extends Question>(question: Q, stored: StoredRun, at: number): Promise<Answers[Q]> {
    const { run, folder, log, summary } = stored;
    if (this.#closed) throw new ProblemError("stopping", "The server is stopping.");
    if (!summary.replayable || log.header.clock === "imported") {
      throw new ProblemError(
        "not-replayable",
        "The run is an imported recording: it has events, but no machine to look into.",
      );
    }
    if (!Number.isSafeInteger(at) || at < 0 || at >= log.events) throw notThere(log, at);
    const { path, firstByte, bytes, events } = log;
    const id = this.#nextId++;
    const request = { id, question, run, folder, at, path, firstByte, bytes, events };
    // The worker answers each question with its own kind of answer.
    return await this.#enqueue(request) as Answers[Q];
  }

  #enqueue(request: ReplayRequest): Promise<unknown> {
    const { run, question, at } = request;
    const isImage = question === "disk_image" || question === "elf_image";
    const key = isImage ? `${run} ${question} ${at}` : `${run} ${question}`;
    const same = this.#waiting.find((other) => other.key === key && other.request.at === at);
    if (same !== undefined) return same.promise;
    const older = this.#waiting.findIndex((other) => other.key === key);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const waiting: Waiting = { key, request, promise, resolve, reject };
    const superseded = this.#waiting[older];
    if (superseded === undefined) this.#waiting.push(waiting);
    else {
      superseded.reject(supersededProblem());
      if (superseded.request.id === this.#asked) {
        // It is worked on: the worker drops it, and its answer goes to nobody.
        this.#send({ kind: "drop", id: this.#asked });
        this.#waiting.splice(older, 1, { ...superseded, key: "" }, waiting);
      } else this.#waiting[older] = waiting;
    }
    this.#next();
    return promise;
  }

  /** Asks the first that waits, if nothing is worked on. */
  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#asked !== 0) return;
    this.#asked = first.request.id;
    this.#send({ kind: "ask", request: first.request });
  }

  #send(message: ToWorker): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(message);
  }

  #start(): Worker {
    const { folder, limits, worker: entry } = this.#options;
    const worker = new Worker(entry ?? new URL("./replay_worker.ts", import.meta.url), {
      type: "module",
      name: "replay",
      deno: { permissions: { read: [PROJECT, folder], write: [folder] } },
    });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#answered(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#failed(worker);
    };
    const begin: ToWorker = {
      kind: "begin",
      limits: {
        replaySessions: limits?.replaySessions ?? SERVER_LIMITS.replaySessions,
        machineBytes: limits?.machineBytes ?? SERVER_LIMITS.machineBytes,
      },
    };
    worker.postMessage(begin);
    return worker;
  }

  #answered(message: FromWorker): void {
    const [first] = this.#waiting;
    if (first === undefined || first.request.id !== message.id) return;
    this.#done();
    if (message.kind === "answer") first.resolve(message.answer);
    else first.reject(receivedProblem(message.problem));
    this.#next();
  }

  /** The worker died: what it worked on fails, the rest goes to a new one. */
  #failed(worker: Worker): void {
    worker.terminate();
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const [first] = this.#waiting;
    if (first !== undefined && first.request.id === this.#asked) {
      this.#done();
      first.reject(
        new ProblemError(
          "internal",
          "What replays machines ended unexpectedly and was started again. Ask again.",
        ),
      );
    }
    this.#next();
  }

  #done(): void {
    this.#waiting.shift();
    this.#asked = 0;
  }
}

/** Opens replays; the worker starts with the first question. */
export function openReplays(options: ReplayOptions): Replays {
  return new WorkerReplays(options);
}
