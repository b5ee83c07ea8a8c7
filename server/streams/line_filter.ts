/**
 * Picks lines of a trace by actor, kind and type without parsing their JSON where they are in the
 * canonical form (machine/trace/event.ts), which one regular expression decides for the whole
 * line. A line in another form (a foreign trace's, whose keys may stand in any order) and one
 * with names beyond plain ASCII is parsed. The answer is the same either way.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { EventQuery } from "./event_query.ts";

/** Text of JSON, escapes left as they are. */
const TEXT = String.raw`"[^"\\]*(?:\\.[^"\\]*)*"`;
/** Text of JSON that stands for itself, byte by byte. */
const NAME = String.raw`[\x20\x21\x23-\x5b\x5d-\x7e]*`;
const FIELD = `${TEXT}:(?:${TEXT}|[0-9a-z.+E-]+)`;

/** A whole line; groups: kind, actor, type. */
const CANONICAL = new RegExp(
  String.raw`\{"seq":\d+,"vt":\d+,"lamport":\d+,"kind":"([a-z]+)","actor":"(${NAME})"` +
    `(?:,"source":"${NAME}")?(?:,"target":"${NAME}")?(?:,"type":"(${NAME})")?` +
    String.raw`(?:,"msg":\d+)?(?:,"cause":\d+)?(?:,"state":${TEXT})?` +
    String.raw`(?:,"summary":\{(?:${FIELD}(?:,${FIELD})*)?\})?` +
    `(?:,"blob":${TEXT})?(?:,"rule":${TEXT})?` +
    String.raw`(?:,"origin":\{"file":${TEXT},"line":\d+,"text":${TEXT}\})?\}` + "\n",
  "y",
);

/** Lines that were picked. */
export interface PickedLines {
  /** Their numbers, ascending. */
  readonly numbers: readonly number[];
  /** Their bytes, each with its line feed. */
  readonly lines: Uint8Array<ArrayBuffer>;
}

/** A filter made once for a query. */
export type LineFilter = (kind: unknown, actor: unknown, type: unknown) => boolean;

/** The filter of a query. */
export function lineFilter(query: EventQuery): LineFilter {
  const kinds: ReadonlySet<unknown> = new Set(query.kinds);
  const actors: ReadonlySet<unknown> = new Set(query.actors);
  const types: ReadonlySet<unknown> = new Set(query.types.filter((type) => !type.endsWith("*")));
  const beginnings = query.types.filter((type) => type.endsWith("*"))
    .map((type) => type.slice(0, -1));
  return (kind, actor, type) =>
    (kinds.size === 0 || kinds.has(kind)) &&
    (actors.size === 0 || actors.has(actor)) &&
    (query.types.length === 0 || (typeof type === "string" &&
      (types.has(type) || beginnings.some((beginning) => type.startsWith(beginning)))));
}

function wantsParsed(filter: LineFilter, line: Uint8Array): boolean {
  let event: unknown;
  try {
    event = JSON.parse(new TextDecoder().decode(line));
  } catch {
    // Not an event's line: nothing that anybody could ask for.
    return false;
  }
  if (typeof event !== "object" || event === null) return false;
  const { kind, actor, type }: { kind?: unknown; actor?: unknown; type?: unknown } = event;
  return filter(kind, actor, type);
}

/**
 * Picks from whole lines.
 *
 * @param lines lines, each with its line feed.
 * @param first number of the first one.
 */
export function pickLines(
  lines: Uint8Array<ArrayBuffer>,
  first: number,
  filter: LineFilter,
): PickedLines {
  // One character a byte, so that an index into the text is an offset into the bytes.
  const text = Buffer.from(lines.buffer, lines.byteOffset, lines.length).toString("latin1");
  const numbers: number[] = [];
  const spans: number[] = [];
  let length = 0;
  for (let number = first, start = 0; start < text.length; number++) {
    CANONICAL.lastIndex = start;
    const match = CANONICAL.exec(text);
    const end = match === null ? text.indexOf("\n", start) + 1 : start + match[0].length;
    const wanted = match === null
      ? wantsParsed(filter, lines.subarray(start, end))
      : filter(match[1], match[2], match[3]);
    if (wanted) {
      numbers.push(number);
      if (spans.at(-1) === start) spans[spans.length - 1] = end;
      else spans.push(start, end);
      length += end - start;
    }
    start = end;
  }
  const picked = new Uint8Array(length);
  let at = 0;
  for (let span = 0; span < spans.length; span += 2) {
    const part = lines.subarray(spans[span], spans[span + 1]);
    picked.set(part, at);
    at += part.length;
  }
  return { numbers, lines: picked };
}
