/**
 * Data that a panel asks for while the cursor moves: asked for only when the cursor rests, or now
 * and then while it does not; the last answer stays until the new one is there. Knows no DOM.
 *
 * Promises: answers that come late or out of order are kept, but never shown as those of another
 * moment; a failed question is asked again only when somebody says so.
 *
 * @module
 */
import { problemText } from "./words.ts";

/** What there is to show. */
export interface Shown<Value> {
  /** The answer for `at`; absent before the first one. */
  readonly value?: Value;
  /** The moment that the value is of. */
  readonly at: number;
  /** The answer that was shown before this one, of another moment. */
  readonly earlier?: Value;
  /** Whether the answer for the wanted moment is still to come. */
  readonly waiting: boolean;
  /** Why there is none. */
  readonly problem: string;
}

/** Calls back later; the function that is given back calls it off. */
export type Delay = (milliseconds: number, then: () => void) => () => void;

/** So long the cursor rests before there is a question. */
const REST_MILLISECONDS = 120;
/** So long it may go on without any. */
const MOVING_MILLISECONDS = 700;
/** Answers that are kept. */
const ANSWERS_MAX = 24;

/** Of which run and for what. */
interface Question {
  readonly run: string;
  readonly at: number;
}

/** See the module's header. */
export class Fetched<Value> {
  readonly #ask: (run: string, at: number) => Promise<Value>;
  readonly #delay: Delay;
  readonly #answers: Map<string, Value> = new Map();
  readonly #problems: Map<string, string> = new Map();
  readonly #asked: Set<string> = new Set();
  #wanted: Question | undefined;
  #refresh: () => void = () => {};
  #shown: (Question & { readonly value: Value }) | undefined;
  #earlier: (Question & { readonly value: Value }) | undefined;
  #rest: () => void = () => {};
  #moving: (() => void) | undefined;

  constructor(ask: (run: string, at: number) => Promise<Value>, delay: Delay) {
    this.#ask = ask;
    this.#delay = delay;
  }

  /** What there is for a moment; `refresh` is called when there is more. */
  want(run: string, at: number, refresh: () => void): Shown<Value> {
    this.#refresh = refresh;
    const wanted = { run, at };
    const key = keyOf(wanted);
    const answer = this.#answers.get(key);
    if (answer !== undefined) {
      this.#wanted = wanted;
      this.#show({ ...wanted, value: answer });
      return this.#state(key);
    }
    if (this.#wanted === undefined || keyOf(this.#wanted) !== key) {
      this.#wanted = wanted;
      this.#plan(key);
    }
    return this.#state(key);
  }

  /** An answer that is there already, without asking for it. */
  peek(run: string, at: number): Value | undefined {
    return this.#answers.get(keyOf({ run, at }));
  }

  /** Asks again for what failed. */
  again(): void {
    if (this.#wanted === undefined) return;
    this.#problems.delete(keyOf(this.#wanted));
    this.#go();
    this.#refresh();
  }

  #state(key: string): Shown<Value> {
    const shown = this.#shown;
    const problem = this.#problems.get(key) ?? "";
    const run = this.#wanted?.run;
    const waiting = problem === "" && !this.#answers.has(key);
    if (shown === undefined || shown.run !== run) return { at: -1, waiting, problem };
    const earlier = this.#earlier?.run === run ? this.#earlier?.value : undefined;
    return {
      value: shown.value,
      at: shown.at,
      waiting,
      problem,
      ...(earlier === undefined ? {} : { earlier }),
    };
  }

  #show(answer: Question & { readonly value: Value }): void {
    if (this.#shown?.run === answer.run && this.#shown.at === answer.at) return;
    this.#earlier = this.#shown;
    this.#shown = answer;
  }

  #plan(key: string): void {
    this.#rest();
    this.#rest = () => {};
    if (this.#problems.has(key) || this.#asked.has(key)) return;
    this.#rest = this.#delay(REST_MILLISECONDS, () => this.#go());
    this.#moving ??= this.#delay(MOVING_MILLISECONDS, () => this.#go());
  }

  #go(): void {
    this.#rest();
    this.#moving?.();
    this.#moving = undefined;
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    const key = keyOf(wanted);
    if (this.#asked.has(key) || this.#answers.has(key) || this.#problems.has(key)) return;
    this.#asked.add(key);
    this.#ask(wanted.run, wanted.at).then(
      (value) => this.#keep(wanted, key, value),
      (error: unknown) => this.#fail(key, error),
    ).finally(() => {
      this.#asked.delete(key);
      this.#refresh();
    });
  }

  #fail(key: string, error: unknown): void {
    // Nobody looks there any more; the server itself drops questions that newer ones overtook.
    if (this.#wanted === undefined || keyOf(this.#wanted) !== key) return;
    if (this.#problems.size >= ANSWERS_MAX) this.#problems.clear();
    this.#problems.set(key, problemText(error));
  }

  #keep(question: Question, key: string, value: Value): void {
    this.#answers.set(key, value);
    while (this.#answers.size > ANSWERS_MAX) {
      const oldest = this.#answers.keys().next().value;
      if (oldest === undefined) break;
      this.#answers.delete(oldest);
    }
    // While the cursor goes on, a picture of a little ago is better than none.
    if (this.#wanted?.run === question.run) this.#show({ ...question, value });
  }
}

function keyOf({ run, at }: Question): string {
  return `${run}/${at}`;
}

/** The browser's delay. */
export const BROWSER_DELAY: Delay = (milliseconds, then) => {
  const timer = setTimeout(then, milliseconds);
  return () => clearTimeout(timer);
};
