/**
 * What the server's thread sends to a worker, in order, for whoever waits for it; a wish to stop
 * is known at once.
 *
 * @module
 */
import type { StopReason, ToWorker } from "./run_messages.ts";

/** See the module's header. */
export class Inbox {
  readonly #waiting: ToWorker[] = [];
  #wake: () => void = () => {};
  /** Why the run is to stop; undefined while it is not. */
  stop: StopReason | undefined;

  /** Takes what came. */
  put(message: ToWorker): void {
    if (message.job === "stop") this.stop ??= message.reason;
    else this.#waiting.push(message);
    this.#wake();
  }

  /** The next message; `undefined` when the run is to stop. */
  async next(): Promise<ToWorker | undefined> {
    for (;;) {
      if (this.stop !== undefined) return undefined;
      const message = this.#waiting.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

/** Gives the event loop its turn, so that messages arrive. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
