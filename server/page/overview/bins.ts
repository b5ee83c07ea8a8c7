/**
 * A whole run in bins of a few px: how many messages of which family, how many other
 * events. Knows no DOM.
 *
 * @module
 */
import { FAMILY_COLOURS, familyOf } from "../family.ts";
import type { TraceStore } from "../trace_store.ts";

/** Colours of families, then one for facts and steps. */
export const BIN_COLOURS: number = FAMILY_COLOURS + 1;

/** Width of a bin in px. */
export const BIN_PIXELS = 3;

/** See the module's header. */
export interface Bins {
  readonly count: number;
  /** Events by bin and colour: `counts[bin * BIN_COLOURS + colour]`. */
  readonly counts: Uint32Array;
  /** Most events in one bin. */
  readonly most: number;
}

/** Where events lie in a width: by their numbers or by their times. */
export class Scale {
  readonly #trace: TraceStore;
  readonly #byTime: boolean;
  readonly width: number;

  constructor(trace: TraceStore, width: number, byTime: boolean) {
    this.#trace = trace;
    this.width = width;
    this.#byTime = byTime;
  }

  get #end(): number {
    const { count } = this.#trace;
    return this.#byTime ? Math.max(1, this.#trace.vt(count - 1)) : Math.max(1, count);
  }

  /** Px of an event. */
  x(seq: number): number {
    const value = this.#byTime ? this.#trace.vt(Math.min(seq, this.#trace.count - 1)) : seq;
    return Math.min(this.width, value / this.#end * this.width);
  }

  /** First event at or behind a px. */
  seq(x: number): number {
    const part = Math.min(1, Math.max(0, x / this.width));
    const seq = this.#byTime
      ? this.#trace.at(part * this.#end)
      : Math.floor(part * this.#trace.count);
    return Math.min(this.#trace.count - 1, Math.max(0, seq));
  }
}

/** Counts the events of a trace into bins. */
export function binsOf(trace: TraceStore, scale: Scale): Bins {
  const count = Math.max(1, Math.ceil(scale.width / BIN_PIXELS));
  const counts = new Uint32Array(count * BIN_COLOURS);
  const colours = trace.types.map((type) => {
    const { colour } = familyOf(type);
    return colour < 0 ? FAMILY_COLOURS : colour;
  });
  let seq = 0;
  let most = 0;
  for (let bin = 0; bin < count; bin++) {
    const end = bin === count - 1 ? trace.count : scale.seq((bin + 1) * BIN_PIXELS);
    let sum = 0;
    for (; seq < end; seq++) {
      const colour = colours[trace.type(seq)] ?? FAMILY_COLOURS;
      const index = bin * BIN_COLOURS + colour;
      counts[index] = (counts[index] ?? 0) + 1;
      sum++;
    }
    if (sum > most) most = sum;
  }
  return { count, counts, most };
}
