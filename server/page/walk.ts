/**
 * Where a step leads: to the next row, fault, broken rule or hit. Pure.
 *
 * @module
 */
import type { Way } from "./app_context.ts";
import type { Rows } from "./rows.ts";
import type { TraceStore } from "./trace_store.ts";

/** Rows of a page up and down. */
const PAGE_ROWS = 20;

/** Lists of places, each in order. */
export interface Places {
  readonly faults: readonly number[];
  readonly violations: readonly number[];
  readonly hits: readonly number[];
}

/** The event to which a way leads from another; `undefined` where there is none. */
export function destinationOf(
  way: Way,
  cursor: number,
  trace: TraceStore,
  rows: Rows,
  places: Places,
): number | undefined {
  if (trace.count === 0) return undefined;
  switch (way) {
    case "first":
      return shown(rows, 0);
    case "last":
      return shown(rows, rows.shown - 1);
    case "next":
      return shown(rows, rows.indexOf(cursor) + 1);
    case "back": {
      const index = rows.indexOf(cursor);
      return shown(rows, rows.shownAt(index) === cursor ? index - 1 : index);
    }
    case "down":
      return shown(rows, Math.min(rows.shown - 1, rows.indexOf(cursor) + PAGE_ROWS));
    case "up":
      return shown(rows, Math.max(0, rows.indexOf(cursor) - PAGE_ROWS));
    case "fault":
      return nextOf(places.faults, cursor);
    case "violation":
      return nextOf(places.violations, cursor);
    case "hit":
      return nextOf(places.hits, cursor);
    case "hit_back":
      return places.hits.findLast((seq) => seq < cursor) ?? places.hits.at(-1);
  }
}

function shown(rows: Rows, index: number): number | undefined {
  const seq = rows.shownAt(index);
  return seq < 0 ? undefined : seq;
}

/** The next place behind an event; behind the last, the first again. */
function nextOf(places: readonly number[], cursor: number): number | undefined {
  return places.find((seq) => seq > cursor) ?? places[0];
}
