/**
 * What is said aloud of a run that comes in: at most once a second.
 *
 * @module
 */
/// <reference lib="dom" />
import type { AppContext } from "../app_context.ts";
import { grouped, seconds } from "../values.ts";

const PAUSE_MILLISECONDS = 1_000;

/** See the module's header. */
export class StatusLine {
  readonly #changed: () => void;
  #text = "";
  #said = -Infinity;
  /** Whether what was said last was of something that is there, and of which run. */
  #isKnown = false;
  #run: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param changed asks to be drawn again when there is something new to say. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** What is to be said now. */
  text(context: AppContext): string {
    const wanted = sentence(context);
    if (wanted === this.#text) return wanted;
    const { run } = context.state;
    const isFirst = !isKnown(context) || !this.#isKnown || run !== this.#run;
    this.#isKnown = isKnown(context);
    this.#run = run;
    const rest = isFirst ? 0 : this.#said + PAUSE_MILLISECONDS - performance.now();
    if (rest > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#changed();
      }, rest);
      return this.#text;
    }
    this.#said = performance.now();
    return this.#text = wanted;
  }
}

/** Whether there is something to speak of: what is said first is said at once. */
function isKnown({ state, trace }: AppContext): boolean {
  return state.run === undefined ? state.runs.length > 0 : trace.count > 0;
}

function sentence({ state, trace, rows, violations }: AppContext): string {
  if (state.run === undefined) {
    return state.runs.length === 1 ? "1 run" : `${state.runs.length} runs`;
  }
  if (trace.count === 0) return "no events yet";
  const shown = rows.shown === trace.count ? "" : `, ${grouped(rows.shown)} shown`;
  const broken = violations.length === 0 ? "" : `, rules broken at ${violations.length}`;
  return `${grouped(trace.count)} events${shown}, ${seconds(trace.vt(trace.count - 1))} s, ` +
    `${trace.faults.length === 1 ? "1 fault" : `${trace.faults.length} faults`}${broken}`;
}
