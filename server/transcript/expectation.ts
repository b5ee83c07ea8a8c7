/**
 * Expected output against what was printed. `…` alone on a line stands for any number of lines,
 * within a line for any text; everything else is compared as it stands, blanks at line ends apart.
 *
 * @module
 */

const ELLIPSIS = "…";
/** Lines shown before and behind the place where they part. */
const CONTEXT = 3;

/** The line that says that nothing may be printed. */
export const NOTHING = "(nothing)";

/** Whether a printed line is what one expected line says. */
export function lineMatches(expected: string, printed: string): boolean {
  const text = printed.trimEnd();
  if (!expected.includes(ELLIPSIS)) return expected === text;
  const parts = expected.split(ELLIPSIS);
  const [first = ""] = parts;
  const last = parts.at(-1) ?? "";
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - at >= last.length && text.endsWith(last);
}

/** Where output parts from what was expected. */
export interface Mismatch {
  /** Index of the expected line that nothing matched; its number of lines if output goes on. */
  readonly expectedIndex: number;
  /** Index of the printed line; the number of lines if output ended. */
  readonly printedIndex: number;
}

/**
 * Compares; `undefined` if it is as expected.
 *
 * For each expected line it is known how far output can have come; the place where they part is
 * the furthest that was reached.
 */
export function findMismatch(
  expected: readonly string[],
  printed: readonly string[],
): Mismatch | undefined {
  let reach = new Set([0]);
  let furthest = 0;
  for (const [index, line] of expected.entries()) {
    const following = new Set<number>();
    if (line.trim() === ELLIPSIS) {
      for (let at = Math.min(...reach); at <= printed.length; at++) following.add(at);
    } else {
      for (const at of reach) {
        const text = printed[at];
        if (text !== undefined && lineMatches(line, text)) following.add(at + 1);
      }
    }
    if (following.size === 0) {
      // Behind an ellipsis every line was looked at: the first is where the reader looks.
      return { expectedIndex: index, printedIndex: Math.min(...reach) };
    }
    reach = following;
    furthest = Math.max(...reach);
  }
  if (reach.has(printed.length)) return undefined;
  return { expectedIndex: expected.length, printedIndex: furthest };
}

/** A readable difference: what was expected (-), what came (+), lines around in both. */
export function differenceText(
  expected: readonly string[],
  printed: readonly string[],
  mismatch: Mismatch,
  firstLine: number,
): string[] {
  const { expectedIndex, printedIndex } = mismatch;
  const lines: string[] = [];
  for (let index = Math.max(0, expectedIndex - CONTEXT); index < expectedIndex; index++) {
    lines.push(`  ${firstLine + index}   ${expected[index]}`);
  }
  const wanted = expected[expectedIndex];
  lines.push(
    wanted === undefined
      ? "- (end of the expected output)"
      : `- ${firstLine + expectedIndex}   ${wanted}`,
  );
  const came = printed.slice(printedIndex, printedIndex + CONTEXT);
  if (came.length === 0) lines.push("+ (nothing more was printed)");
  for (const line of came) lines.push(`+     ${line}`);
  const more = printed.length - printedIndex - came.length;
  if (more > 0) lines.push(`+     … ${more} lines more`);
  return lines;
}
