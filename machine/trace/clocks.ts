/**
 * Vector clocks of a trace, computed from `cause` and `msg` (DESIGN.md 5 stores none). One event
 * happens before another if the other's clock has counted it.
 *
 * An event knows what its actor knew, what the event behind its `cause` knew and, being a
 * delivery, what the send behind its `msg` knew. Memory grows with events times actors; `keep`
 * bounds it for long traces, at the price that links further back than that are lost.
 *
 * @module
 */
import type { TraceEvent } from "./event.ts";

/** How many events of each actor an event has in its past, itself included. */
export type VectorClock = ReadonlyMap<string, number>;

/** Options of {@linkcode VectorClocks}. */
export interface ClockOptions {
  /** How many events are remembered; all where it is absent. */
  readonly keep?: number;
}

interface Stamp {
  readonly actor: string;
  readonly own: number;
  readonly clock: VectorClock;
}

/** Clocks of the events of one trace, fed in order. */
export class VectorClocks {
  readonly #stamps: Map<number, Stamp> = new Map();
  readonly #latest: Map<string, VectorClock> = new Map();
  readonly #keep: number;

  constructor(options: ClockOptions = {}) {
    this.#keep = options.keep ?? Number.POSITIVE_INFINITY;
  }

  /** Takes the next event and returns its clock. */
  add(event: TraceEvent): VectorClock {
    const clock = new Map(this.#latest.get(event.actor) ?? []);
    join(clock, this.#clockOf(event.cause));
    join(clock, this.#clockOf(event.msg));
    const own = (clock.get(event.actor) ?? 0) + 1;
    clock.set(event.actor, own);
    this.#latest.set(event.actor, clock);
    this.#stamps.set(event.seq, { actor: event.actor, own, clock });
    this.#stamps.delete(event.seq - this.#keep);
    return clock;
  }

  /** The clock of an event that was added and is still remembered. */
  get(seq: number): VectorClock | undefined {
    return this.#clockOf(seq);
  }

  /** Whether the first event could have influenced the second; `undefined` if one is unknown. */
  happensBefore(first: number, second: number): boolean | undefined {
    const a = this.#stamps.get(first);
    const b = this.#stamps.get(second);
    if (a === undefined || b === undefined) return undefined;
    return first !== second && (b.clock.get(a.actor) ?? 0) >= a.own;
  }

  #clockOf(seq: number | undefined): VectorClock | undefined {
    return seq === undefined ? undefined : this.#stamps.get(seq)?.clock;
  }
}

function join(clock: Map<string, number>, other: VectorClock | undefined): void {
  if (other === undefined) return;
  for (const [actor, count] of other) {
    if (count > (clock.get(actor) ?? 0)) clock.set(actor, count);
  }
}
