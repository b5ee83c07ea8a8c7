/**
 * Numbers in people's units, and events in a few words: what all panels say alike.
 *
 * @module
 */
import type { TraceEvent } from "../../../machine/trace/event.ts";
import type { TraceView } from "../model.ts";
import { inputWords, isInput } from "../input_words.ts";
import { grouped as countText, seconds } from "../values.ts";

export { sizeText } from "../../../machine/size_text.ts";
export { countText };

/** `1 page`, `2 pages`. */
export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** `0x1000`. */
export function hexText(value: number): string {
  return `0x${value.toString(16)}`;
}

/** A moment of virtual time, exact to the nanosecond: `2.056 257 278 s`. */
export function momentText(vt: number): string {
  return `${seconds(vt)} s`;
}

/** `once`, `twice`, `3 times`. */
export function timesText(count: number): string {
  return count === 1 ? "once" : count === 2 ? "twice" : `${countText(count)} times`;
}

/** Page frames `pfn` to `pfn + count - 1`. */
export function framesText(pfn: number, count: number): string {
  return count === 1
    ? `pfn ${hexText(pfn)}`
    : `pfn ${hexText(pfn)}\u2013${hexText(pfn + count - 1)}`;
}

/** Words joined as a sentence has them: `a, b and c`. */
export function listText(items: readonly string[]): string {
  if (items.length < 2) return items.join("");
  return `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** One sentence of clauses: its first letter large, a full stop behind it. */
export function sentence(clauses: readonly string[]): string {
  const text = clauses.filter((clause) => clause !== "").join("; ");
  return text === "" ? "" : `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/** What went wrong, for the person. */
export function problemText(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "It did not work.";
}

/** The numbers of a text, for the person's own ones: `undefined` where it is none. */
export function naturalOf(text: string): number | undefined {
  const value = Number(text);
  return text.trim() !== "" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

const ARROW = "\u2192";

/** What happened, in a few words: `A → console, console.write`. */
export function eventWords(event: TraceEvent): string {
  const { kind, actor, source, target, type, state } = event;
  const what = (type ?? "").replace(/^fact\./, "");
  if (isInput(event)) return `${actor}: ${inputWords(event)}`;
  switch (kind) {
    case "send":
      return `${source ?? actor} ${ARROW} ${target ?? "?"}: ${what}`;
    case "deliver":
      return `${actor} takes ${what} of ${source ?? "nobody"}`;
    case "drop":
      return `${what} to ${target ?? actor} is lost`;
    case "state":
      return `${actor}: ${state ?? "?"}`;
    case "note":
      return `${actor} notes ${what}`;
    case "end":
      return `${actor} ends`;
    case "start":
      return `${actor} starts`;
    default:
      return `${actor}: ${kind}${what === "" ? "" : ` ${what}`}`;
  }
}

/** {@linkcode eventWords} of an event that may not be there yet. */
export function eventWordsAt(trace: TraceView, seq: number): string {
  return seq >= 0 && seq < trace.count ? eventWords(trace.event(seq)) : "not here yet";
}
