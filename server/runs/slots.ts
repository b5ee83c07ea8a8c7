/**
 * Who may run: so many at a time, the others in the order in which they came.
 *
 * @module
 */

/** Something that waits for its turn. */
export interface Turn {
  /** Begins; called once. It must give its slot back. */
  go(): void;
}

/** See the module's header. */
export class Slots {
  readonly #max: number;
  readonly #queue: Turn[] = [];
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** How many wait. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Whether one that comes now has to wait. */
  get isFull(): boolean {
    return this.#taken >= this.#max;
  }

  /** Has it begin as soon as there is a slot. */
  take(turn: Turn): void {
    this.#queue.push(turn);
    this.#next();
  }

  /** One that waits does not want to any more; returns whether it waited. */
  drop(turn: Turn): boolean {
    const index = this.#queue.indexOf(turn);
    if (index >= 0) this.#queue.splice(index, 1);
    return index >= 0;
  }

  /** Gives a slot back. */
  release(): void {
    this.#taken--;
    this.#next();
  }

  #next(): void {
    while (this.#taken < this.#max) {
      const turn = this.#queue.shift();
      if (turn === undefined) return;
      this.#taken++;
      turn.go();
    }
  }
}
