/**
 * The run beside: followed into a trace of its own, and compared with the one that is shown while
 * both come in.
 *
 * @module
 */
/// <reference lib="dom" />
import type { RunSummary } from "../../api/shapes/run.ts";
import { hasEnded } from "../follow_run.ts";
import type { DataSource, PartContext, TraceView } from "../model.ts";
import { problemText } from "../panels/words.ts";
import { Feeder } from "../feeder.ts";
import { TraceStore } from "../trace_store.ts";
import { browserTurn } from "../turn.ts";
import { type Comparison, FirstDifference, type Lines } from "./first_difference.ts";
import { sharedEvents } from "./outcome_words.ts";
import { eventLine } from "../../../machine/trace/event.ts";

/** Pairs of events that are compared in one turn. */
const COMPARED_MAX = 20_000;

/** A trace's lines; of another kind of view they are written again. */
function linesOf(trace: TraceView): Lines {
  if (trace instanceof TraceStore) return trace;
  return {
    get count() {
      return trace.count;
    },
    line: (seq) => eventLine(trace.event(seq)),
  };
}

/** See the module's header. */
export class OtherRun {
  readonly run: string;
  readonly trace: TraceStore = new TraceStore();
  summary: RunSummary | undefined;
  problem = "";
  readonly #seen: () => boolean;
  #drawn = false;
  readonly #stop: AbortController = new AbortController();
  readonly #feeder: Feeder<string>;
  #refresh: () => void = () => {};
  #ended = false;
  #against: TraceView | undefined;
  #shared = 0;
  #difference: FirstDifference = new FirstDifference();

  /** @param seen whether it is shown still: what nobody looks at is followed no more. */
  constructor(source: DataSource, run: string, seen: () => boolean) {
    this.run = run;
    this.#seen = seen;
    this.#feeder = new Feeder(
      browserTurn(),
      (line: string) => void this.trace.append(line),
      () => this.#refresh(),
    );
    const { signal } = this.#stop;
    source.follow(run, -1, {
      header: (header) => {
        this.trace.header = header;
      },
      lines: (lines) => {
        if (this.#isLeft()) this.close();
        else this.#feeder.push(lines);
      },
      summary: (summary) => this.#told(summary),
      verdict: () => {},
      resumed: () => {},
      gap: () => {},
      end: (summary) => {
        if (summary !== undefined) this.#told(summary);
      },
    }, signal).catch((error: unknown) => {
      if (!signal.aborted) this.problem = problemText(error);
    }).finally(() => {
      this.#ended = true;
      this.#refresh();
    });
  }

  /** Whether it was given up. */
  get closed(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Forgets the run. */
  close(): void {
    this.#stop.abort();
    this.#feeder.clear();
  }

  /** Events that both are known to share. */
  get shared(): number {
    return this.#shared;
  }

  /** Whether each of the two runs has told all it will. */
  ended({ state, trace }: PartContext): readonly [boolean, boolean] {
    const { summary } = state;
    const left = summary !== undefined && hasEnded(summary) && trace.count >= summary.events;
    return [left, this.#ended && this.#feeder.empty];
  }

  /** Compares on for a turn; asks to be drawn again while there is more. */
  compare(context: PartContext): Comparison {
    this.#refresh = () => context.refresh();
    queueMicrotask(() => this.#drawn = true);
    const { trace, state } = context;
    const shared = sharedEvents(state.summary, this.summary);
    if (this.#against !== trace || shared > this.#shared) {
      this.#against = trace;
      this.#shared = shared;
      this.#difference = new FirstDifference(shared);
    }
    const compared = this.#difference.advance(
      linesOf(trace),
      this.trace,
      COMPARED_MAX,
      this.ended(context),
    );
    if (!compared.done) setTimeout(() => context.refresh());
    return compared;
  }

  #isLeft(): boolean {
    return this.#drawn && !this.#seen();
  }

  #told(summary: RunSummary): void {
    if (this.#isLeft()) return this.close();
    this.summary = summary;
    this.#refresh();
  }
}
