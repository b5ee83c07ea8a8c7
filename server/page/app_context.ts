/**
 * What the parts of the page's core are given besides what every part is given.
 *
 * @module
 */
import type { Filter, PartContext } from "./model.ts";
import type { Rows } from "./rows.ts";
import type { TraceStore } from "./trace_store.ts";

/** Where the person wants to go. */
export type Way =
  | "first"
  | "back"
  | "next"
  | "last"
  | "fault"
  | "violation"
  | "hit"
  | "hit_back"
  | "up"
  | "down";

/** See the module's header. */
export interface AppContext extends PartContext {
  readonly trace: TraceStore;
  readonly rows: Rows;
  /** Whether steps of one actor share a row. */
  readonly collapsed: boolean;
  /** Events at which a rule was broken, in order. */
  readonly violations: readonly number[];
  /** Events that a search found, in order. */
  readonly hits: readonly number[];
  /** Causal past and future of the chosen event, where it is known. */
  readonly past: ReadonlySet<number>;
  readonly future: ReadonlySet<number>;
  /** Whether x in the overview is virtual time, not the number of the event. */
  readonly byTime: boolean;
  walk(way: Way): void;
  filter(change: Partial<Filter>): void;
  collapse(collapsed: boolean): void;
  scaleByTime(byTime: boolean): void;
  /** Looks for a text in the run. */
  search(query: string): void;
}
