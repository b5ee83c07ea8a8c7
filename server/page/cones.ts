/**
 * Causal past and future of the chosen event: asked for once the cursor rests, and kept for the
 * last one.
 *
 * @module
 */
/// <reference lib="dom" />
import type { DataSource } from "./model.ts";

/** The cursor may move on for so many ms before it is asked. */
const REST_MILLISECONDS = 150;
const NOTHING: ReadonlySet<number> = new Set();

/** Numbers of events. */
export interface Cones {
  readonly past: ReadonlySet<number>;
  readonly future: ReadonlySet<number>;
}

const NO_CONES: Cones = { past: NOTHING, future: NOTHING };

/** See the module's header. */
export class CausalCones {
  readonly #source: DataSource;
  readonly #changed: () => void;
  #key = "";
  #cones: Cones = NO_CONES;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(source: DataSource, changed: () => void) {
    this.#source = source;
    this.#changed = changed;
  }

  /** What is known of an event now; more may come later. */
  of(run: string | undefined, seq: number): Cones {
    const key = `${run} ${seq}`;
    if (key === this.#key) return this.#cones;
    this.#key = key;
    this.#cones = NO_CONES;
    clearTimeout(this.#timer);
    if (run === undefined || seq < 0 || !this.#source.live) return this.#cones;
    this.#timer = setTimeout(() => this.#ask(run, seq, key), REST_MILLISECONDS);
    return this.#cones;
  }

  async #ask(run: string, seq: number, key: string): Promise<void> {
    try {
      const { past, future } = await this.#source.context(run, seq);
      if (key !== this.#key) return;
      this.#cones = { past: new Set(past.seqs), future: new Set(future.seqs) };
      this.#changed();
    } catch {
      // Without them nothing is marked; the panel that lists them says why.
    }
  }
}
