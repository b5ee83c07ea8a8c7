/**
 * Ctrl-C and its like: noticed between two slices of a run, so that workers are stopped and no
 * half file stays.
 *
 * @module
 */
import { Interrupted } from "./failure.ts";

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM"];

/** Listens while it lives. */
export class Interrupts implements Disposable {
  #asked: Deno.Signal | undefined;
  readonly #listeners = SIGNALS.map((signal) => ({
    signal,
    listener: () => {
      this.#asked = signal;
    },
  }));

  constructor() {
    for (const { signal, listener } of this.#listeners) Deno.addSignalListener(signal, listener);
  }

  /** Lets signals in, then throws if one has come. @throws {Interrupted} */
  async check(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (this.#asked === undefined) return;
    throw new Interrupted(
      `Stopped by ${this.#asked}: the workers have ended, files that were not whole are removed`,
    );
  }

  [Symbol.dispose](): void {
    for (const { signal, listener } of this.#listeners) Deno.removeSignalListener(signal, listener);
  }
}
