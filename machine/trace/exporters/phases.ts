/**
 * What the machine is doing, by the words of `compare` (`../measure.ts`), while a trace goes by.
 *
 * @module
 */
import type { TraceEvent } from "../event.ts";
import { type Activity, Measurement } from "../measure.ts";

/** A fold over a run's events. */
export class Phases {
  readonly #measurement: Measurement = new Measurement({ text: () => undefined });

  /** Takes the next event; gives what the machine is doing after it. */
  event(event: TraceEvent): Activity {
    // Page sets do not say what the machine does, and a foreign trace may have them wrong.
    const isPages = event.type === "fact.image" && event.summary?.["op"] === "page";
    if (!isPages) this.#measurement.event(event);
    return this.#measurement.activity;
  }
}
