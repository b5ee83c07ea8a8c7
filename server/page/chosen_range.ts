/**
 * The range of events that is shown, as the keyboard chooses it: one end at a time.
 *
 * @module
 */
import type { PageState } from "./model.ts";

/** A chosen range, or none. */
export type ChosenRange = PageState["range"];

/**
 * The range with one end at the cursor. The other end stays where it is as long as it is on its
 * side of the cursor; else it is the run's own end.
 *
 * @param count events of the run, at least one.
 */
export function rangeEndingAt(
  range: ChosenRange,
  end: "from" | "to",
  cursor: number,
  count: number,
): ChosenRange {
  const at = Math.max(0, Math.min(cursor, count - 1));
  if (end === "from") {
    const to = range === undefined || range.to < at ? count - 1 : range.to;
    return { from: at, to };
  }
  const from = range === undefined || range.from > at ? 0 : range.from;
  return { from, to: at };
}
