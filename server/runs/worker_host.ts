/**
 * A run's worker as the server's thread sees it: given narrow rights, listened to, ended.
 *
 * @module
 */
import type { FromWorker, ToWorker } from "./run_messages.ts";

/** The usual entry of a worker. */
export const WORKER_ENTRY: URL = new URL("./run_worker.ts", import.meta.url);
/** The project: its modules, and the house's scenarios. */
const PROJECT: URL = new URL("../../", import.meta.url);

/** What a worker may do, and who listens to it. */
export interface WorkerOptions {
  readonly entry: URL;
  /** Folders and files that it may read besides the project and its own folder. */
  readonly reads?: readonly string[];
  /** The one folder that it may write. */
  readonly folder: string;
  /** Given each message. */
  readonly onMessage: (message: FromWorker) => void;
  /** Called once if it died. */
  readonly onDeath: () => void;
}

/** See the module's header. */
export class WorkerHost {
  readonly #worker: Worker;
  #ended = false;

  constructor({ entry, reads = [], folder, onMessage, onDeath }: WorkerOptions) {
    this.#worker = new Worker(entry, {
      type: "module",
      deno: { permissions: { read: [PROJECT, folder, ...reads], write: [folder] } },
    });
    this.#worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
      if (!this.#ended) onMessage(data);
    });
    const died = (event: Event): void => {
      // Without this the error would end the whole server.
      event.preventDefault();
      if (this.#ended) return;
      this.end();
      onDeath();
    };
    this.#worker.addEventListener("error", died);
    this.#worker.addEventListener("messageerror", died);
  }

  post(message: ToWorker): void {
    if (!this.#ended) this.#worker.postMessage(message);
  }

  /** Ends it; nothing is heard of it any more. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#worker.terminate();
  }
}
