/**
 * Looks for a text in a run: asks for hits piece by piece until there are no more, and forgets what
 * comes back for a text that is no longer looked for.
 *
 * @module
 */
/// <reference lib="dom" />
import type { DataSource } from "./model.ts";

/** Typing may go on so many ms before it is looked for. */
const PATIENCE_MILLISECONDS = 200;
/** Hits that are kept. */
const HITS_MAX = 20_000;

/** See the module's header. */
export class Search {
  readonly #source: DataSource;
  readonly #changed: () => void;
  #hits: number[] = [];
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(source: DataSource, changed: () => void) {
    this.#source = source;
    this.#changed = changed;
  }

  /** Events found up to now, in order. */
  get hits(): readonly number[] {
    return this.#hits;
  }

  /** Forgets everything. */
  clear(): void {
    this.#turn++;
    clearTimeout(this.#timer);
    this.#hits = [];
  }

  /** Begins to look for a text. */
  look(run: string | undefined, query: string): void {
    this.clear();
    this.#changed();
    if (run === undefined || query === "") return;
    const turn = this.#turn;
    this.#timer = setTimeout(() => {
      this.#ask(run, query, turn).catch(() => this.#changed());
    }, PATIENCE_MILLISECONDS);
  }

  async #ask(run: string, query: string, turn: number): Promise<void> {
    let from = 0;
    while (this.#hits.length < HITS_MAX) {
      const { seqs, more } = await this.#source.search(run, query, from);
      if (turn !== this.#turn) return;
      for (const seq of seqs) this.#hits.push(seq);
      this.#changed();
      const last = seqs.at(-1);
      if (!more || last === undefined) return;
      from = last + 1;
    }
  }
}
