/**
 * The scheduler's queue: a binary heap of deliveries by virtual time, ties by a key that was
 * fixed when the delivery was entered.
 *
 * @module
 */
import type { Envelope } from "./actor.ts";
import type { LiveActor } from "./life.ts";

/** A delivery that waits. */
export interface Delivery {
  /** Virtual time in ns. */
  readonly vt: number;
  /** Order among equals; below 0 where a choice put it first. */
  readonly tie: number;
  readonly actor: string;
  /** The message, or for a timer its name and the number of its setting. */
  readonly envelope?: Envelope;
  /** Lamport number of the sender at the send. */
  readonly lamport?: number;
  /** The living actor itself, to spare a look-up; never part of a state that is handed out. */
  readonly life?: LiveActor | undefined;
  readonly timer?: { readonly name: string; readonly setting: number };
}

function before(left: Delivery, right: Delivery): boolean {
  return left.vt !== right.vt ? left.vt < right.vt : left.tie < right.tie;
}

function sameLink(left: Delivery, right: Delivery): boolean {
  return left === right ||
    (left.envelope !== undefined && left.actor === right.actor &&
      left.envelope.source === right.envelope?.source);
}

/** See the module's header. */
export class DeliveryQueue {
  #heap: Delivery[] = [];

  constructor(items: readonly Delivery[] = []) {
    for (const item of items) this.push(item);
  }

  get length(): number {
    return this.#heap.length;
  }

  /** The earliest, left where it is. */
  peek(): Delivery | undefined {
    return this.#heap[0];
  }

  push(item: Delivery): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(item);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !before(item, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = item;
  }

  /** Takes the earliest. */
  pop(): Delivery | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      const left = heap[below];
      if (left === undefined) break;
      const right = heap[below + 1];
      let child = left;
      if (right !== undefined && before(right, left)) {
        child = right;
        below++;
      }
      if (!before(child, last)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = last;
    return first;
  }

  /** How many are due at the earliest time. */
  tied(): number {
    const vt = this.#heap[0]?.vt;
    return vt === undefined ? 0 : this.#count(0, vt);
  }

  /**
   * Puts the `pick`-th of those due at the earliest time first among them; if an earlier message
   * of the same sender to the same actor is among them, that one: a link keeps its order.
   */
  prefer(pick: number): void {
    const passed: Delivery[] = [];
    for (let index = 0; index <= pick; index++) {
      const item = this.pop();
      if (item !== undefined) passed.push(item);
    }
    const wanted = passed.at(-1);
    const chosen = passed.find((item) => wanted !== undefined && sameLink(item, wanted));
    for (const item of passed) this.push(item === chosen ? { ...item, tie: -1 } : item);
  }

  #count(index: number, vt: number): number {
    if (this.#heap[index]?.vt !== vt) return 0;
    return 1 + this.#count(2 * index + 1, vt) + this.#count(2 * index + 2, vt);
  }

  /** All that wait as plain data, earliest first. */
  plain(): readonly Delivery[] {
    return this.list().map(({ life: _, ...item }) => item);
  }

  /** All that wait, earliest first. */
  list(): readonly Delivery[] {
    return [...this.#heap].sort((left, right) => before(left, right) ? -1 : 1);
  }

  clear(): void {
    this.#heap = [];
  }
}
