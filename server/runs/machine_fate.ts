/**
 * What became of a machine since it was powered on last, read off its facts: which kernel was
 * resumed, booted or panicked. In the words in which a person asks.
 *
 * @module
 */
import type { TraceEvent } from "../../machine/trace/event.ts";
import { fieldText } from "../../machine/trace/phase_bands.ts";

/** See the module's header. */
export class MachineFate {
  #boots: string[] = [];
  #resumed = "";
  #panic = "";
  #off = true;

  /** Takes the next event. */
  take(event: TraceEvent): void {
    if (event.kind !== "note") return;
    switch (event.type) {
      case "fact.power": {
        const op = fieldText(event, "op");
        // Asleep as S4 is as good as off: what it was before is over.
        this.#off = op === "loss" || op === "off" || op === "sleep";
        if (!this.#off) this.#forget();
        return;
      }
      case "fact.boot":
        this.#resumed = "";
        this.#boots.push(fieldText(event, "k"));
        return;
      case "fact.resumed":
        this.#resumed = fieldText(event, "k");
        return;
      case "fact.panic":
        this.#panic = `panic of ${fieldText(event, "k")}: ${fieldText(event, "reason")}`;
        return;
    }
  }

  #forget(): void {
    this.#boots = [];
    this.#resumed = "";
    this.#panic = "";
  }

  /** The fate in words, as `A resumed`, `ordinary boot of A`; "" where nothing is known. */
  get text(): string {
    if (this.#panic !== "") return this.#panic;
    if (this.#off) return "the machine is off";
    if (this.#resumed !== "") return `${this.#resumed} resumed`;
    const last = this.#boots.at(-1);
    if (last !== undefined) return `ordinary boot of ${last}`;
    return "no kernel runs yet";
  }
}
