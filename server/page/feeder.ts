/**
 * Gives work to the page in slices, so that a frame never waits long for it: lines are taken for
 * at most so many ms, then the browser has its turn.
 *
 * @module
 */

/** Longest slice in ms of the host's time. */
export const SLICE_MILLISECONDS = 3;
/** So many are taken between two looks at the clock. */
const STRIDE = 64;

/** What a feeder needs of its surroundings. */
export interface Turn {
  /** Host's time in ms. */
  now(): number;
  /** Calls back after the browser has had its turn. */
  later(then: () => void): void;
}

/** See the module's header. */
export class Feeder<Item> {
  readonly #turn: Turn;
  readonly #take: (item: Item) => void;
  readonly #sliced: () => void;
  #items: Item[] = [];
  #at = 0;
  #waiting = false;
  #idle: (() => void)[] = [];

  /** @param sliced called behind each slice. */
  constructor(turn: Turn, take: (item: Item) => void, sliced: () => void) {
    this.#turn = turn;
    this.#take = take;
    this.#sliced = sliced;
  }

  /** Whether nothing waits. */
  get empty(): boolean {
    return this.#at >= this.#items.length;
  }

  /** Adds items behind those that wait. */
  push(items: readonly Item[]): void {
    if (items.length === 0) return;
    for (const item of items) this.#items.push(item);
    this.#schedule();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#items = [];
    this.#at = 0;
    this.#settle();
  }

  /** Resolves when nothing waits. */
  idle(): Promise<void> {
    if (this.empty) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#turn.later(() => {
      this.#waiting = false;
      this.#slice();
    });
  }

  #slice(): void {
    const end = this.#turn.now() + SLICE_MILLISECONDS;
    do {
      this.#stride();
    } while (!this.empty && this.#turn.now() < end);
    this.#sliced();
    if (this.empty) this.#settle();
    else this.#schedule();
  }

  #stride(): void {
    const end = Math.min(this.#at + STRIDE, this.#items.length);
    while (this.#at < end) {
      const item = this.#items[this.#at++];
      if (item !== undefined) this.#take(item);
    }
    if (this.empty) {
      this.#items = [];
      this.#at = 0;
    }
  }

  #settle(): void {
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}
