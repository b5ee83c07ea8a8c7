/**
 * The last exchange of pages that the trace tells of before a moment: what makes A stand in B's
 * source pages. Knows no DOM.
 *
 * @module
 */
import type { TraceView } from "../model.ts";
import { countText } from "./words.ts";

/** An exchange as its fact tells it. */
export interface Exchange {
  readonly seq: number;
  /** The kernel by whose list it was done. */
  readonly kernel: string;
  readonly pairs: number;
  /** How often that list has been walked, this time included. */
  readonly walk: number;
}

/** Facts at which the memory begins anew. */
const BEGINNINGS: ReadonlySet<string> = new Set(["on", "off", "loss", "reset"]);

/** The last exchange at or before an event, since the machine was switched on. */
export function lastExchange(trace: TraceView, cursor: number): Exchange | undefined {
  const swap = trace.types.indexOf("fact.swap");
  const power = trace.types.indexOf("fact.power");
  const cut = trace.types.indexOf("power.cut");
  if (swap < 0) return undefined;
  for (let seq = Math.min(cursor, trace.count - 1); seq >= 0; seq--) {
    const type = trace.type(seq);
    if (type < 0) continue;
    if (type === cut && trace.kind(seq) === "fault") return undefined;
    if (type === power && BEGINNINGS.has(String(trace.event(seq).summary?.["op"]))) {
      return undefined;
    }
    if (type !== swap) continue;
    const { summary = {} } = trace.event(seq);
    return {
      seq,
      kernel: String(summary["k"] ?? ""),
      pairs: Number(summary["count"] ?? 0),
      walk: Number(summary["walk"] ?? 1),
    };
  }
  return undefined;
}

/** The exchange in a sentence. */
export function exchangeSentence({ seq, kernel, pairs, walk }: Exchange): string {
  const times = walk > 1 ? `, walking it for the ${ordinal(walk)} time` : "";
  const what = pairs === 1 ? "one page with its" : `${countText(pairs)} pages with their`;
  return `At event ${countText(seq)} the processor exchanged ${what} source ${
    pairs === 1 ? "page" : "pages"
  } by ${kernel}'s list${times}.`;
}

function ordinal(value: number): string {
  const words = ["first", "second", "third", "fourth", "fifth"];
  return words[value - 1] ?? `${value}th`;
}
