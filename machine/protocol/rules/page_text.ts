/**
 * Page sets and pairs of facts, wherever they stand: inline or in a blob.
 *
 * @module
 */
import type { RuleContext } from "../../conformance/rule.ts";
import {
  mergeRuns,
  type PageRun,
  type PairRun,
  parsePairRuns,
  parseRuns,
} from "../../formats/page_runs.ts";
import type { TraceEvent } from "../../trace/event.ts";

/**
 * The pairs of a fact; `undefined` if their blob is missing.
 *
 * @throws {FormatError} if the text is not that of a pair list.
 */
export function pairsOf(
  context: RuleContext,
  field: string | undefined,
  event: TraceEvent,
): PairRun[] | undefined {
  const text = context.text(field, event);
  return text === undefined ? undefined : parsePairRuns(text);
}

/**
 * The pages of a fact; `undefined` if their blob is missing.
 *
 * @throws {FormatError} if the text is not that of a page set.
 */
export function pagesOf(
  context: RuleContext,
  field: string | undefined,
  event: TraceEvent,
): PageRun[] | undefined {
  const text = context.text(field, event);
  return text === undefined ? undefined : parseRuns(text);
}

/**
 * The pages of a fact whose runs stand in the order in which they were written.
 *
 * @throws {FormatError} if the text is not that of page runs.
 */
export function anyPagesOf(
  context: RuleContext,
  field: string | undefined,
  event: TraceEvent,
): PageRun[] | undefined {
  const text = context.text(field, event);
  if (text === undefined || text === "") return text === undefined ? undefined : [];
  return mergeRuns(text.split(",").flatMap(parseRuns));
}

/**
 * The pairs in one spelling, whatever runs they were cut into: by destination, each run as long
 * as it can be. Pairs of an image are disjoint, so their order makes no difference.
 */
export function sortedPairs(pairs: readonly PairRun[]): PairRun[] {
  const joined: PairRun[] = [];
  for (const run of [...pairs].sort((left, right) => left.destination - right.destination)) {
    const last = joined.at(-1);
    const touches = last !== undefined && last.destination + last.count === run.destination &&
      last.source + last.count === run.source;
    if (touches) joined[joined.length - 1] = { ...last, count: last.count + run.count };
    else joined.push(run);
  }
  return joined;
}

/** D(img): where the content goes. */
export function destinationsOf(pairs: readonly PairRun[]): PageRun[] {
  return mergeRuns(pairs.map(({ destination, count }) => ({ pfn: destination, count })));
}

/** A page number as the reports write it: the physical address of its first byte. */
export function pageText(pfn: number): string {
  return `pfn 0x${pfn.toString(16)} (address 0x${(pfn * 4096).toString(16)})`;
}
