/**
 * What a person types at a live run from this page: the line that is on its way, what was typed
 * before, what went wrong. One set per run. Knows no DOM.
 *
 * @module
 */
import type { RunSummary } from "../../api/shapes/run.ts";
import { problemText } from "./words.ts";

/** Lines that are remembered. */
const HISTORY_MAX = 200;

/** See the module's header. */
export class Typing {
  /** What was typed, by the number of events there were then. */
  readonly echoes: Map<number, string> = new Map();
  /** What stands in the input. */
  draft = "";
  busy = false;
  problem = "";
  readonly #history: string[] = [];
  /** Where in the history the input is; its length for the line that is being written. */
  #at = 0;
  #written = "";

  /** The line before (-1) or behind (1) in the history, into the draft. */
  recall(way: -1 | 1): void {
    const to = this.#at + way;
    if (to < 0 || to > this.#history.length) return;
    if (this.#at === this.#history.length) this.#written = this.draft;
    this.#at = to;
    this.draft = this.#history[to] ?? this.#written;
  }

  /**
   * Sends a line, or with `#` before it what the person does.
   *
   * @param events how many events the run has; so that the line is shown at its place.
   */
  async send(
    text: string,
    events: number,
    input: (text: string) => Promise<RunSummary>,
    told: (summary: RunSummary | undefined) => void,
  ): Promise<void> {
    if (this.busy || text.trim() === "") return;
    this.busy = true;
    this.problem = "";
    const last = Math.max(0, events - 1);
    if (!text.startsWith("#")) this.echoes.set(last, text);
    this.#remember(text);
    told(undefined);
    try {
      const summary = await input(text);
      this.busy = false;
      this.draft = "";
      told(summary);
    } catch (error) {
      this.busy = false;
      this.echoes.delete(last);
      this.problem = problemText(error);
      told(undefined);
    }
  }

  #remember(text: string): void {
    if (this.#history.at(-1) !== text) this.#history.push(text);
    if (this.#history.length > HISTORY_MAX) this.#history.shift();
    this.#at = this.#history.length;
    this.#written = "";
  }
}

const TYPINGS: Map<string, Typing> = new Map();
const TYPINGS_MAX = 50;

/** The typing of a run. */
export function typingOf(run: string): Typing {
  const known = TYPINGS.get(run);
  if (known !== undefined) return known;
  const typing = new Typing();
  TYPINGS.set(run, typing);
  const oldest = TYPINGS.keys().next().value;
  if (TYPINGS.size > TYPINGS_MAX && oldest !== undefined) TYPINGS.delete(oldest);
  return typing;
}
