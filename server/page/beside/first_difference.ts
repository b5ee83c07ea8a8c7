/**
 * Where two runs part: the first event that is not the same in both. Knows no DOM.
 *
 * Two events are the same when the same thing happened to the same actor with the same figures.
 * Numbers of events and Lamport numbers are left out, because they follow from what came before;
 * so is virtual time, because two machines of different speed may do the same: where the times
 * part is told apart.
 *
 * Promises: both traces may grow while they are compared; no pair of lines is compared twice.
 *
 * @module
 */

import { countText } from "../panels/words.ts";

/** A trace as lines. */
export interface Lines {
  readonly count: number;
  line(seq: number): string;
}

/** An event's text without what follows from its place in the trace. */
export function comparableText(line: string): string {
  const kind = line.indexOf('"kind":');
  const summary = line.indexOf(',"summary":', kind);
  const state = line.indexOf(',"state":', kind);
  const end = state >= 0 && (summary < 0 || state < summary) ? state : summary;
  const head = end < 0 ? line.slice(Math.max(0, kind)) : line.slice(Math.max(0, kind), end);
  const tail = end < 0 ? "" : line.slice(end);
  return head.replace(/,"msg":\d+/, "").replace(/,"cause":\d+/, "") + tail;
}

/** The time of an event's line; -1 where it has none. */
function timeOf(line: string): number {
  const found = /^\{"seq":\d+,"vt":(\d+)/.exec(line);
  return found === null ? -1 : Number(found[1]);
}

/** How far two traces have been compared. */
export interface Comparison {
  /** Events from 0 that are the same in both. */
  readonly same: number;
  /** The first event that differs, or that only one of two ended runs has; -1 for none yet. */
  readonly first: number;
  /** The first event whose time differs though it is the same; -1 for none yet. */
  readonly firstTime: number;
  /** Whether there is nothing more to compare now. */
  readonly done: boolean;
}

/** See the module's header. */
export class FirstDifference {
  #same: number;
  #first = -1;
  #firstTime = -1;

  /** @param shared events that are known to be the same, as of a fork and its parent. */
  constructor(shared = 0) {
    this.#same = shared;
  }

  /**
   * Compares at most so many events more.
   *
   * @param ended whether each of the runs has told all of its events.
   */
  advance(left: Lines, right: Lines, most: number, ended: readonly [boolean, boolean]): Comparison {
    const both = Math.min(left.count, right.count);
    const end = Math.min(both, this.#same + most);
    while (this.#first < 0 && this.#same < end) {
      const [a, b] = [left.line(this.#same), right.line(this.#same)];
      if (a !== b) {
        if (comparableText(a) !== comparableText(b)) {
          this.#first = this.#same;
          break;
        }
        if (this.#firstTime < 0 && timeOf(a) !== timeOf(b)) this.#firstTime = this.#same;
      }
      this.#same++;
    }
    if (this.#first < 0 && this.#same >= both && left.count !== right.count) {
      const shorterEnded = left.count < right.count ? ended[0] : ended[1];
      if (shorterEnded) this.#first = both;
    }
    return this.state(both);
  }

  /** How far it has come, where both have so many events. */
  state(both: number): Comparison {
    return {
      same: this.#same,
      first: this.#first,
      firstTime: this.#firstTime,
      done: this.#first >= 0 || this.#same >= both,
    };
  }
}

/** What the comparison says, in a sentence. */
export function comparisonSentence(
  { same, first, firstTime, done }: Comparison,
  ended: readonly [boolean, boolean],
  shared: number,
): string {
  const past = shared > 0 ? ` They share the past up to event ${countText(shared)}.` : "";
  const time = firstTime >= 0 && (first < 0 || firstTime < first)
    ? ` From event ${countText(firstTime)} on the same things happen at other times.`
    : "";
  if (first >= 0) return `The first difference is at event ${countText(first)}.${past}${time}`;
  if (!done) return `${countText(same)} events compared, no difference so far.${past}${time}`;
  if (ended[0] && ended[1]) {
    return `The runs are the same in all ${countText(same)} events.${past}${time}`;
  }
  return `No difference in the first ${countText(same)} events; more are coming.${past}${time}`;
}
