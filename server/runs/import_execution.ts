/**
 * Has a worker make a run of a file that was uploaded.
 *
 * @module
 */
import { ProblemError } from "../problem.ts";
import type { FromWorker, ImportEnd, ImportJob } from "./run_messages.ts";
import type { Slots, Turn } from "./slots.ts";
import { WorkerHost } from "./worker_host.ts";

/** What an import is given. */
export interface ImportParts {
  readonly job: ImportJob;
  readonly slots: Slots;
  readonly worker: URL;
}

function stopping(): ProblemError {
  return new ProblemError("stopping", "The server is stopping; send the file again later.");
}

/** See the module's header. */
export class ImportExecution {
  /** What came of it. Rejects with a {@linkcode ProblemError} that says what is wrong. */
  readonly done: Promise<ImportEnd>;
  readonly #parts: ImportParts;
  readonly #turn: Turn;
  readonly #result: PromiseWithResolvers<ImportEnd> = Promise.withResolvers();
  #worker: WorkerHost | undefined;

  constructor(parts: ImportParts) {
    this.#parts = parts;
    this.done = this.#result.promise;
    this.#turn = { go: () => this.#go() };
    parts.slots.take(this.#turn);
  }

  #go(): void {
    const { job, worker: entry } = this.#parts;
    this.#worker = new WorkerHost({
      entry,
      folder: job.folder,
      reads: [job.path],
      onMessage: (message) => this.#take(message),
      onDeath: () => {
        this.#over();
        this.#result.reject(
          new ProblemError("not-readable", "The file could not be read: the reader died of it."),
        );
      },
    });
    this.#worker.post(job);
  }

  #take(message: FromWorker): void {
    if (message.tell === "imported") {
      this.#over();
      this.#result.resolve(message);
    } else if (message.tell === "refused") {
      this.#over();
      const { problem, detail, details } = message;
      this.#result.reject(new ProblemError(problem, detail, details));
    }
  }

  #over(): void {
    this.#worker?.end();
    this.#parts.slots.release();
  }

  /** Gives it up. */
  stop(): void {
    if (this.#parts.slots.drop(this.#turn)) this.#result.reject(stopping());
    else this.#worker?.post({ job: "stop", reason: "interrupted" });
  }
}
