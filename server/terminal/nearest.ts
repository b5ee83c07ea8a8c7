/**
 * The known word that is nearest to a mistyped one.
 *
 * @module
 */

/** Letters to insert, delete, replace or exchange with their neighbour between two words. */
export function editDistance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const at = (up: number, left: number): number => rows[row - up]?.[column - left] ?? 0;
      let least = Math.min(at(1, 1) + (same ? 0 : 1), at(1, 0) + 1, (current[column - 1] ?? 0) + 1);
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] &&
        from[row - 2] === to[column - 1];
      if (swapped) least = Math.min(least, at(2, 2) + 1);
      current.push(least);
    }
    rows.push(current);
  }
  return rows[from.length]?.[to.length] ?? 0;
}

/** The nearest of some words, or `undefined` if none is similar. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const begins = known.filter((each) => word.length >= 3 && each.startsWith(word));
  if (begins.length === 1) return begins[0];
  const [best] = known
    .map((each) => ({ each, distance: editDistance(word, each) }))
    .sort((left, right) => left.distance - right.distance);
  if (best === undefined) return undefined;
  return best.distance <= Math.max(1, Math.floor(word.length / 3)) ? best.each : undefined;
}
