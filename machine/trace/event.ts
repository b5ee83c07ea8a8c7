/**
 * One event of a trace and the lines before and after the events (DESIGN.md 5). The text of an
 * event is canonical: keys in one order, no spaces, nothing absent or empty written, so that the
 * hash of a trace is the hash of its lines.
 *
 * @module
 */

/** Kinds of events. */
export const EVENT_KINDS = [
  "start",
  "send",
  "deliver",
  "defer",
  "ignore",
  "drop",
  "timer",
  "signal",
  "fault",
  "state",
  "note",
  "end",
] as const;

/** What kind of thing happened. */
export type EventKind = typeof EVENT_KINDS[number];

/** A small value of a summary. Addresses and other large integers are hexadecimal strings. */
export type Scalar = string | number | boolean;

/** Small facts about an event: at most 512 bytes as JSON. */
export type Summary = { readonly [name: string]: Scalar };

/** Where an imported event was read. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** One event. */
export interface TraceEvent {
  /** Total order within the trace, from 0, no gaps. */
  readonly seq: number;
  /** Virtual time in ns since power-on of the run's first machine start. */
  readonly vt: number;
  /** Lamport number of the actor after the event. */
  readonly lamport: number;
  readonly kind: EventKind;
  /** Where it happened. */
  readonly actor: string;
  readonly source?: string;
  readonly target?: string;
  /** Message type, signal, or name of a fact. */
  readonly type?: string;
  /** `seq` of the send that this send, deliver, defer, ignore or drop belongs to. */
  readonly msg?: number;
  /** `seq` of the event whose handling brought this one about. */
  readonly cause?: number;
  /** The actor's state after the event, in events of kind `state` and `start`. */
  readonly state?: string;
  readonly summary?: Summary;
  /** `sha256:<hex>` of bytes that stand beside the trace. */
  readonly blob?: string;
  /** A rule's id, on notes of a checker that runs live. */
  readonly rule?: string;
  readonly origin?: Origin;
}

/** A moment of another run. */
export interface ParentMoment {
  readonly run: string;
  readonly seq: number;
}

/** First line of a trace file. */
export interface TraceHeader {
  readonly v: 1;
  /** Identity of the run: 16 hexadecimal digits or more. */
  readonly run: string;
  readonly scenario: string;
  readonly seed: number;
  /** Kernel profile and hardware profile, as `2.6.27/small-vm`. */
  readonly profile: string;
  /** Version of the laboratory. */
  readonly version: string;
  readonly actors: readonly string[];
  readonly clock: "virtual" | "imported";
  readonly order: "total" | "observed";
  /** SHA-256 of the trace that this one goes on from. */
  readonly continues?: string;
  /** The run whose events before `seq` this one shares: it was forked there. */
  readonly parent?: ParentMoment;
  /**
   * Facts that an imported recording can show, as `freeze` or, where it shows only some of a
   * kind, `acpi.method`. Absent where every fact is said.
   */
  readonly speaks?: readonly string[];
}

/** Last line of a trace file. */
export interface TraceFooter {
  readonly count: number;
  /** SHA-256 over the event lines, each with its line feed. */
  readonly sha256: string;
  readonly outcome: string;
  /** State of the run's random streams at the end. */
  readonly generator: string;
}

const KEY_ORDER = [
  "seq",
  "vt",
  "lamport",
  "kind",
  "actor",
  "source",
  "target",
  "type",
  "msg",
  "cause",
  "state",
  "summary",
  "blob",
  "rule",
  "origin",
] as const satisfies readonly (keyof TraceEvent)[];

const SAFE_TEXT = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** Quoted forms of names, which come again and again. */
const QUOTED: Map<string, string> = new Map();
const QUOTED_MAX = 4096;

function quote(value: string): string {
  return SAFE_TEXT.test(value) ? `"${value}"` : JSON.stringify(value);
}

function quoteName(name: string): string {
  let quoted = QUOTED.get(name);
  if (quoted === undefined) {
    quoted = quote(name);
    if (QUOTED.size < QUOTED_MAX) QUOTED.set(name, quoted);
  }
  return quoted;
}

function summaryText(summary: Summary): string {
  let line = "";
  for (const name in summary) {
    const value = summary[name];
    if (value === undefined) continue;
    line += (line === "" ? "" : ",") + quoteName(name) + ":" +
      (typeof value === "string" ? quote(value) : String(value));
  }
  return line;
}

/** An event before it is numbered. */
export type Unnumbered = Omit<TraceEvent, "seq" | "lamport">;

/** The canonical text of an event, without a line feed. */
export function eventLine(event: TraceEvent): string {
  return eventText(event.seq, event.lamport, event);
}

/** {@linkcode eventLine} of an event whose numbers stand apart. */
export function eventText(seq: number, lamport: number, event: Unnumbered): string {
  const { source } = event;
  const actor = quoteName(event.actor);
  let line = `{"seq":${seq},"vt":${event.vt},"lamport":${lamport},"kind":"${event.kind}"` +
    `,"actor":${actor}`;
  if (source !== undefined) {
    line += ',"source":' + (source === event.actor ? actor : quoteName(source));
  }
  if (event.target !== undefined) line += ',"target":' + quoteName(event.target);
  if (event.type !== undefined) line += ',"type":' + quoteName(event.type);
  if (event.msg !== undefined) line += ',"msg":' + event.msg;
  if (event.cause !== undefined) line += ',"cause":' + event.cause;
  if (event.state !== undefined) line += ',"state":' + quoteName(event.state);
  if (event.summary !== undefined) {
    const inner = summaryText(event.summary);
    if (inner !== "") line += ',"summary":{' + inner + "}";
  }
  if (event.blob !== undefined) line += `,"blob":"${event.blob}"`;
  if (event.rule !== undefined) line += ',"rule":' + quote(event.rule);
  if (event.origin !== undefined) line += ',"origin":' + JSON.stringify(event.origin);
  return line + "}";
}

/** The keys of an event in the order in which they are written. */
export const EVENT_KEYS: readonly (keyof TraceEvent)[] = KEY_ORDER;
