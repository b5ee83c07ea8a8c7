/**
 * The phases of a run with their virtual times, read off its events: what the machine said
 * happened, and what the person at it typed.
 *
 * @module
 */
import type { TraceEvent } from "../../machine/trace/event.ts";
import { phaseOf } from "../../machine/trace/phase_bands.ts";

/** One phase; times in ns of virtual time. */
export interface Phase {
  readonly name: string;
  readonly startNs: number;
  readonly endNs: number;
  /** Number of the event that began it. */
  readonly seq: number;
}

/** See the module's header. */
export class PhaseLog {
  readonly #done: Phase[] = [];
  #open: { readonly name: string; readonly startNs: number; readonly seq: number } | undefined;
  #lastNs = 0;

  /** Takes the next event; gives the name of the phase that it begins. */
  take(event: TraceEvent): string | undefined {
    this.#lastNs = Math.max(this.#lastNs, event.vt);
    const current = this.current;
    const name = phaseOf(event, current);
    if (name === undefined || name === current) return undefined;
    // Events of actors that work at the same time come a little out of the order of their times.
    const startNs = this.#lastNs;
    this.#close(startNs);
    this.#open = { name, startNs, seq: event.seq };
    return name;
  }

  /** Name of the phase at hand; "" before the first. */
  get current(): string {
    return this.#open?.name ?? "";
  }

  /** Virtual time in ns of the last event. */
  get lastNs(): number {
    return this.#lastNs;
  }

  /** All phases, the one at hand up to the last event. */
  list(): Phase[] {
    const open = this.#open;
    return open === undefined ? [...this.#done] : [...this.#done, { ...open, endNs: this.#lastNs }];
  }

  #close(endNs: number): void {
    if (this.#open !== undefined) this.#done.push({ ...this.#open, endNs });
  }
}
