/**
 * Sets of numbers as runs of consecutive ones: page frames, sectors. Knows no DOM.
 *
 * @module
 */

/** Numbers `from` to `to - 1`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Sorted spans without overlap that hold the same numbers. */
export function normalised(spans: readonly Span[]): readonly Span[] {
  const sorted = spans.filter(({ from, to }) => to > from).sort((a, b) => a.from - b.from);
  const joined: { from: number; to: number }[] = [];
  for (const { from, to } of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else joined.push({ from, to });
  }
  return joined;
}

/** How many numbers are in normalised spans. */
export function sizeOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** The numbers that are in both of two normalised lists. */
export function intersection(left: readonly Span[], right: readonly Span[]): readonly Span[] {
  const both: Span[] = [];
  let [i, j] = [0, 0];
  while (i < left.length && j < right.length) {
    const [a, b] = [left[i], right[j]];
    if (a === undefined || b === undefined) break;
    const from = Math.max(a.from, b.from);
    const to = Math.min(a.to, b.to);
    if (from < to) both.push({ from, to });
    if (a.to < b.to) i++;
    else j++;
  }
  return both;
}

/** The numbers of one normalised list that are not in another. */
export function difference(left: readonly Span[], right: readonly Span[]): readonly Span[] {
  const rest: Span[] = [];
  let j = 0;
  for (const { from, to } of left) {
    let at = from;
    while (j < right.length && (right[j]?.to ?? 0) <= at) j++;
    for (let k = j; at < to; k++) {
      const cut = right[k];
      if (cut === undefined || cut.from >= to) break;
      if (cut.from > at) rest.push({ from: at, to: cut.from });
      at = Math.max(at, cut.to);
    }
    if (at < to) rest.push({ from: at, to });
  }
  return rest;
}
