/**
 * Whole traces compressed once, beside the trace, in a worker: compressing blocks the thread on
 * which it is done (measured: neither `CompressionStream` nor zlib's asynchronous functions let
 * timers run meanwhile).
 *
 * @module
 */
import type { CompressAnswer, CompressRequest } from "./compress_request.ts";

/** A compressed file. */
export interface CompressedLog {
  readonly path: string;
  readonly bytes: number;
}

/** See the module's header. */
export class LogCompressor {
  readonly #making: Map<string, Promise<CompressedLog>> = new Map();
  readonly #stopping: AbortController = new AbortController();
  /** One at a time: two would only share the processor. */
  #queue: Promise<unknown> = Promise.resolve();

  /** The compressed form of a file that does not change any more. */
  compressed(path: string): Promise<CompressedLog> {
    let making = this.#making.get(path);
    if (making === undefined) {
      making = this.#queue.then(() => this.#compress(path))
        .finally(() => this.#making.delete(path));
      this.#queue = making.catch(() => {});
      this.#making.set(path, making);
    }
    return making;
  }

  /** Stops what is being made. */
  close(): void {
    this.#stopping.abort();
  }

  async #compress(path: string): Promise<CompressedLog> {
    const target = `${path}.gz`;
    const ready = await sizeOf(target);
    if (ready !== undefined) return { path: target, bytes: ready };
    const part = `${target}.part`;
    await inWorker({ from: path, to: part }, this.#stopping.signal);
    await Deno.rename(part, target);
    return { path: target, bytes: await sizeOf(target) ?? 0 };
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function inWorker(request: CompressRequest, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(new Error("The server is stopping"));
  const worker = new Worker(new URL("./compress_worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions: { read: [request.from], write: [request.to] } },
  });
  return new Promise<void>((resolve, reject) => {
    const stop = () => reject(new Error("The server is stopping"));
    signal.addEventListener("abort", stop, { once: true });
    worker.onmessage = ({ data }: MessageEvent<CompressAnswer>) =>
      data.done ? resolve() : reject(new Error("The trace could not be compressed"));
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error("The trace could not be compressed"));
    };
    worker.postMessage(request);
  }).finally(() => worker.terminate());
}
