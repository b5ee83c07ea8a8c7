/**
 * What is said aloud of a run that comes in: what there is at once, then at most once a second.
 *
 * @module
 */
/// <reference lib="dom" />
import type { AppContext } from "../app_context.ts";
import type { PageState } from "../model.ts";
import { FIRST_STATE } from "../state.ts";
import { grouped, seconds } from "../values.ts";

/** What of the page is looked at. */
export interface StatusContext extends Pick<AppContext, "trace" | "rows" | "violations"> {
  readonly state: Pick<PageState, "run" | "runs"> & {
    readonly summary: { readonly events: number } | undefined;
  };
}

const PAUSE_MILLISECONDS = 1_000;

/** See the module's header. */
export class StatusLine {
  readonly #changed: () => void;
  #text = "";
  #said = -Infinity;
  /** Of which run all that there was has been said; "" of the list of runs. */
  #known: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param changed asks to be drawn again when there is something new to say. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** What is to be said now. */
  text(context: StatusContext): string {
    const { run = "" } = context.state;
    if (this.#known !== run) {
      if (!isThere(context)) return this.#text = comingSentence(context);
      this.#known = run;
      this.#said = -Infinity;
    }
    const wanted = sentence(context);
    if (wanted === this.#text) return wanted;
    const rest = this.#said + PAUSE_MILLISECONDS - performance.now();
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

/** Whether all is there that there was when it was asked for. */
function isThere({ state, trace }: StatusContext): boolean {
  if (state.run === undefined) return state.runs !== FIRST_STATE.runs;
  return state.summary !== undefined && trace.count >= state.summary.events;
}

/** What is said before: nothing that would be wrong in a moment. */
function comingSentence({ state }: StatusContext): string {
  if (state.run === undefined) return "";
  const events = state.summary?.events;
  return events === undefined ? "The run comes in" : `${grouped(events)} events come in`;
}

function sentence({ state, trace, rows, violations }: StatusContext): string {
  if (state.run === undefined) {
    return state.runs.length === 1 ? "1 run" : `${state.runs.length} runs`;
  }
  if (trace.count === 0) return "no events yet";
  const shown = rows.shown === trace.count ? "" : `, ${grouped(rows.shown)} shown`;
  const broken = violations.length === 0 ? "" : `, rules broken at ${violations.length}`;
  return `${grouped(trace.count)} events${shown}, ${seconds(trace.vt(trace.count - 1))} s, ` +
    `${trace.faults.length === 1 ? "1 fault" : `${trace.faults.length} faults`}${broken}`;
}
