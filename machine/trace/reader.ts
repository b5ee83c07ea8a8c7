/**
 * Reads a trace line by line: header, events, footer (DESIGN.md 5). Nothing is kept but the line
 * at hand, so a trace of any length can be read.
 *
 * Promises: each line is checked for unknown keys, missing keys, wrong types and length; events
 * are numbered without gaps; the footer's count and SHA-256 are those of the lines read. What
 * does not hold is a {@linkcode TraceError} with the line's number. The one exception is the end
 * of a file that a crash cut off: a last line that cannot be parsed, a last line without its line
 * feed (where lines are given with theirs) and a missing footer are reported as a
 * {@linkcode TornEnd}, and everything before counts. It does not look into facts; the checker
 * does.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Sha256 } from "../digest.ts";
import { LIMITS } from "../limits.ts";
import type { TraceEvent, TraceFooter, TraceHeader } from "./event.ts";
import {
  eventFault,
  footerFault,
  headerFault,
  isEvent,
  isFooter,
  isHeader,
} from "./event_shape.ts";
import { TraceError } from "./trace_error.ts";

/** A trace whose end is missing. */
export interface TornEnd {
  /** Line from 1 at which the trace breaks off. */
  readonly line: number;
  readonly reason: "no line feed" | "not parsable" | "no footer";
  /** What was there of the line, at most 200 characters. */
  readonly text: string;
}

/** One thing read. The last one is a footer or a torn end. */
export type TraceRecord =
  | { readonly record: "header"; readonly header: TraceHeader }
  | { readonly record: "event"; readonly event: TraceEvent }
  | { readonly record: "footer"; readonly footer: TraceFooter }
  | { readonly record: "torn"; readonly torn: TornEnd };

/** Options of {@linkcode readTrace}. */
export interface ReadOptions {
  /** The lines come with their line feeds, so that a last one without it is known as torn. */
  readonly lineFeeds?: boolean;
}

/** Characters gathered before they are hashed. */
const BATCH_CHARACTERS = 65_536;

/** The reader as a thing that lines are pushed into. */
export class TraceReader {
  readonly #lineFeeds: boolean;
  readonly #hash: Sha256 = new Sha256();
  #text = "";
  #line = 0;
  #count = 0;
  #stage: "header" | "events" | "done" = "header";
  #suspect: TornEnd | undefined;

  constructor(options: ReadOptions = {}) {
    this.#lineFeeds = options.lineFeeds ?? false;
  }

  /**
   * Takes the next line.
   *
   * @returns what it says, or `undefined` if that is known only with the line after it.
   * @throws {TraceError} if it, or the line before it, is not a trace's.
   */
  push(raw: string): TraceRecord | undefined {
    if (this.#suspect !== undefined) {
      const { reason, line } = this.#suspect;
      throw new TraceError(
        reason === "no line feed" ? "a line without line feed" : "not JSON",
        { line },
      );
    }
    this.#line++;
    const line = this.#lineFeeds && raw.endsWith("\n") ? raw.slice(0, -1) : raw;
    this.#checkLength(line);
    if (this.#lineFeeds && line.length === raw.length) return this.#hold("no line feed", line);
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return this.#hold("not parsable", line);
    }
    return this.#take(value, line);
  }

  /** Ends the input: a torn end, or `undefined` if the footer was read. */
  end(): TraceRecord | undefined {
    if (this.#suspect !== undefined) return { record: "torn", torn: this.#suspect };
    if (this.#stage === "done") return undefined;
    return { record: "torn", torn: { line: this.#line + 1, reason: "no footer", text: "" } };
  }

  #hold(reason: TornEnd["reason"], line: string): undefined {
    if (this.#stage === "done") throw this.#error("a line after the footer");
    this.#suspect = { line: this.#line, reason, text: line.slice(0, 200) };
    return undefined;
  }

  #take(value: unknown, line: string): TraceRecord {
    switch (this.#stage) {
      case "header": {
        if (!isHeader(value)) throw this.#error(`header: ${headerFault(value)}`);
        this.#stage = "events";
        return { record: "header", header: value };
      }
      case "events":
        return typeof value === "object" && value !== null && "sha256" in value
          ? this.#footer(value)
          : this.#event(value, line);
      case "done":
        throw this.#error("a line after the footer");
    }
  }

  #event(value: unknown, line: string): TraceRecord {
    if (!isEvent(value)) throw this.#error(`event: ${eventFault(value)}`);
    if (value.seq !== this.#count) {
      throw this.#error(`gap in the numbering: wanted seq ${this.#count}, got ${value.seq}`);
    }
    this.#count++;
    this.#text += line + "\n";
    if (this.#text.length >= BATCH_CHARACTERS) this.#flush();
    return { record: "event", event: value };
  }

  #footer(value: object): TraceRecord {
    if (!isFooter(value)) throw this.#error(`footer: ${footerFault(value)}`);
    this.#flush();
    if (value.count !== this.#count) {
      throw this.#error(`the footer counts ${value.count} events, there are ${this.#count}`);
    }
    const digest = this.#hash.hex();
    if (value.sha256 !== digest) {
      throw this.#error(`the footer's SHA-256 is ${value.sha256}, that of the lines ${digest}`);
    }
    this.#stage = "done";
    return { record: "footer", footer: value };
  }

  #flush(): void {
    if (this.#text === "") return;
    this.#hash.update(this.#text);
    this.#text = "";
  }

  #checkLength(line: string): void {
    const max = LIMITS.traceLineBytes;
    if (line.length * 3 <= max) return;
    const bytes = Buffer.byteLength(line);
    if (bytes > max) {
      throw this.#error(`${bytes} bytes in a line, over the limit 'traceLineBytes' of ${max}`);
    }
  }

  #error(message: string): TraceError {
    return new TraceError(message, { line: this.#line });
  }
}

/**
 * Reads a trace from its lines.
 *
 * @throws {TraceError} at the first line that is not a trace's; all before it were given out.
 */
export async function* readTrace(
  lines: AsyncIterable<string> | Iterable<string>,
  options: ReadOptions = {},
): AsyncGenerator<TraceRecord, void, void> {
  const reader = new TraceReader(options);
  for await (const line of lines) {
    const record = reader.push(line);
    if (record !== undefined) yield record;
  }
  const last = reader.end();
  if (last !== undefined) yield last;
}

/** {@linkcode readTrace} for lines that are already there. */
export function* readTraceSync(
  lines: Iterable<string>,
  options: ReadOptions = {},
): Generator<TraceRecord, void, void> {
  const reader = new TraceReader(options);
  for (const line of lines) {
    const record = reader.push(line);
    if (record !== undefined) yield record;
  }
  const last = reader.end();
  if (last !== undefined) yield last;
}
