/**
 * Which events are shown, and in which row of the diagram: those that a filter leaves, where steps
 * that an actor takes by itself, one behind the other, may share a row. Grows with the trace.
 *
 * @module
 */
import { EVENT_KINDS } from "../../machine/trace/event.ts";
import type { PageState } from "./model.ts";
import { kindNumber, type TraceStore } from "./trace_store.ts";

/** What decides which events are shown. */
export type RowSettings = Pick<PageState, "filter" | "range"> & { readonly collapsed: boolean };

const LOCAL: ReadonlySet<number> = new Set(
  (["note", "state", "timer", "start", "end"] as const).map(kindNumber),
);

/** A list of numbers in one array that grows. */
class NumberList {
  count = 0;
  #values = new Int32Array(4096);

  push(value: number): void {
    if (this.count === this.#values.length) {
      const grown = new Int32Array(this.count * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.count++] = value;
  }

  at(index: number): number {
    return index >= 0 && index < this.count ? this.#values[index] ?? -1 : -1;
  }

  /** Index of the last value that is not greater; -1 where all are. */
  last(value: number): number {
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#values[middle] ?? 0) <= value) from = middle + 1;
      else to = middle;
    }
    return from - 1;
  }
}

/** See the module's header. */
export class Rows {
  readonly #trace: TraceStore;
  #settings: RowSettings | undefined;
  #seqs: NumberList = new NumberList();
  #starts: NumberList = new NumberList();
  #taken = 0;
  #hidden: boolean[] = [];
  #types: boolean[] = [];
  #kinds: readonly boolean[] = [];

  constructor(trace: TraceStore) {
    this.#trace = trace;
  }

  /** Rows of the diagram. */
  get count(): number {
    return this.#starts.count;
  }

  /** Events that are shown: rows of the table. */
  get shown(): number {
    return this.#seqs.count;
  }

  /** Takes settings and what has come since; cheap where nothing is new. */
  bring(settings: RowSettings): void {
    const old = this.#settings;
    if (
      old === undefined || old.filter.hiddenActors !== settings.filter.hiddenActors ||
      old.filter.kinds !== settings.filter.kinds || old.filter.type !== settings.filter.type ||
      old.range !== settings.range || old.collapsed !== settings.collapsed
    ) this.#anew(settings);
    const { range } = settings;
    const to = Math.min(this.#trace.count, range === undefined ? Infinity : range.to + 1);
    if (range !== undefined) this.#taken = Math.max(this.#taken, range.from);
    while (this.#taken < to) this.#take(this.#taken++);
  }

  /** First event of a row; -1 where there is no such row. */
  seqOf(row: number): number {
    return this.#seqs.at(this.#starts.at(row));
  }

  /** Events that share a row. */
  sizeOf(row: number): number {
    const next = row + 1 < this.#starts.count ? this.#starts.at(row + 1) : this.#seqs.count;
    return next - this.#starts.at(row);
  }

  /** Last event of a row. */
  lastOf(row: number): number {
    return this.#seqs.at(this.#starts.at(row) + this.sizeOf(row) - 1);
  }

  /** Row in which an event stands, or behind which it would; -1 before the first. */
  rowOf(seq: number): number {
    return this.#starts.last(this.#seqs.last(seq));
  }

  /** Row of an event that is shown; -1 of one that is not. */
  rowAt(seq: number): number {
    const index = this.#seqs.last(seq);
    return this.#seqs.at(index) === seq ? this.#starts.last(index) : -1;
  }

  /** Event of a row of the table; -1 where there is none. */
  shownAt(index: number): number {
    return this.#seqs.at(index);
  }

  /** Row of the table in which an event stands, or behind which it would. */
  indexOf(seq: number): number {
    return this.#seqs.last(seq);
  }

  #anew(settings: RowSettings): void {
    this.#settings = settings;
    this.#seqs = new NumberList();
    this.#starts = new NumberList();
    this.#taken = 0;
    this.#hidden = [];
    this.#types = [];
    const { kinds } = settings.filter;
    this.#kinds = EVENT_KINDS.map((kind) => kinds === undefined || kinds.has(kind));
  }

  #take(seq: number): void {
    if (!this.#isShown(seq)) return;
    const trace = this.#trace;
    const before = this.#seqs.at(this.#seqs.count - 1);
    const joins = this.#settings?.collapsed === true && before >= 0 &&
      LOCAL.has(trace.kindAt(seq)) && LOCAL.has(trace.kindAt(before)) &&
      trace.actor(seq) === trace.actor(before);
    if (!joins) this.#starts.push(this.#seqs.count);
    this.#seqs.push(seq);
  }

  #isShown(seq: number): boolean {
    const trace = this.#trace;
    if (this.#kinds[trace.kindAt(seq)] === false) return false;
    return !this.#isHidden(trace.actor(seq)) && !this.#isHidden(trace.source(seq)) &&
      !this.#isHidden(trace.target(seq)) && this.#isWanted(trace.type(seq));
  }

  #isHidden(actor: number): boolean {
    if (actor < 0) return false;
    const known = this.#hidden[actor];
    if (known !== undefined) return known;
    const name = this.#trace.actors[actor] ?? "";
    return this.#hidden[actor] = this.#settings?.filter.hiddenActors.has(name) === true;
  }

  #isWanted(type: number): boolean {
    const wanted = this.#settings?.filter.type ?? "";
    if (wanted === "") return true;
    if (type < 0) return false;
    return this.#types[type] ??= (this.#trace.types[type] ?? "").includes(wanted);
  }
}
