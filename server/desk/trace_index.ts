/**
 * What is kept of a trace to walk in it: for each event its kind, its actor, and the events right
 * before it: the actor's own, its cause, the send of its message. 17 bytes an event; the events
 * themselves stay in the file, found by the offset of every 64th.
 *
 * @module
 */
import { EVENT_KINDS, type EventKind, type TraceEvent } from "../../machine/trace/event.ts";
import { SERVER_LIMITS } from "../limits.ts";
import { ProblemError } from "../problem.ts";
import type { TraceRef } from "./job.ts";
import { eventOf, linePieces, type Place } from "./trace_lines.ts";
import type { Watch } from "./watch.ts";

/** No event. */
export const NONE = -1;

const LINE_FEED = 0x0a;
/** Events between two whose offset is kept. */
const STRIDE = 64;
const ACTORS_MAX = 65_535;
const FIRST_CAPACITY = 4096;

const KIND_NUMBERS: ReadonlyMap<EventKind, number> = new Map(
  EVENT_KINDS.map((kind, number) => [kind, number]),
);

/** The columns, with room for more events than there are. */
interface Columns {
  readonly kind: Uint8Array;
  readonly actor: Uint16Array;
  readonly previous: Int32Array;
  readonly cause: Int32Array;
  readonly message: Int32Array;
}

function columns(capacity: number, old?: Columns): Columns {
  const made = {
    kind: new Uint8Array(capacity),
    actor: new Uint16Array(capacity),
    previous: new Int32Array(capacity),
    cause: new Int32Array(capacity),
    message: new Int32Array(capacity),
  };
  if (old !== undefined) {
    made.kind.set(old.kind);
    made.actor.set(old.actor);
    made.previous.set(old.previous);
    made.cause.set(old.cause);
    made.message.set(old.message);
  }
  return made;
}

/** See the module's header. */
export class TraceIndex {
  readonly #actors: Map<string, number> = new Map();
  /** Names by number. */
  readonly actorNames: string[] = [];
  /** Last event of each actor so far. */
  readonly #latest: number[] = [];
  readonly #offsets: number[] = [];
  #columns: Columns = columns(FIRST_CAPACITY);
  #count = 0;
  /** Offset in bytes behind the last event that was read. */
  #end: number;

  constructor(trace: TraceRef) {
    this.#end = trace.firstByte;
  }

  /** Events in it. */
  get count(): number {
    return this.#count;
  }

  /** Reads what the trace has grown by since the last time. */
  extend(trace: TraceRef, watch: Watch): void {
    if (trace.events <= this.#count) return;
    this.#reserve(trace.events);
    const decoder = new TextDecoder();
    const from = { seq: this.#count, byte: this.#end };
    for (const { byte, bytes } of linePieces(trace, from, watch)) {
      let start = 0;
      for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
        const seq = this.#count;
        this.#add(eventOf(decoder.decode(bytes.subarray(start, end)), seq), byte + start);
        start = end + 1;
        this.#end = byte + start;
      }
    }
  }

  kindAt(seq: number): EventKind {
    return EVENT_KINDS[this.#columns.kind[seq] ?? 0] ?? "note";
  }

  /** Number of the actor. */
  actorAt(seq: number): number {
    return this.#columns.actor[seq] ?? 0;
  }

  /** Number of an actor's name; `undefined` for one that is not in the trace. */
  actorNumber(name: string): number | undefined {
    return this.#actors.get(name);
  }

  /** The actor's event before this one. */
  previousOf(seq: number): number {
    return this.#columns.previous[seq] ?? NONE;
  }

  /** The event whose handling brought this one about. */
  causeOf(seq: number): number {
    return this.#columns.cause[seq] ?? NONE;
  }

  /** The send of what this one delivers, defers, drops or ignores. */
  sendOf(seq: number): number {
    return this.#columns.message[seq] ?? NONE;
  }

  /** The nearest place at or before an event from which it can be read. */
  place(seq: number): Place {
    const at = Math.min(Math.floor(seq / STRIDE), this.#offsets.length - 1);
    return { seq: Math.max(at, 0) * STRIDE, byte: this.#offsets[at] ?? this.#end };
  }

  #add(event: TraceEvent, byte: number): void {
    const { seq } = event;
    if (seq >= SERVER_LIMITS.runEvents) {
      throw new ProblemError("too-large", "The trace has more events than are looked at here", {
        limit: { name: "runEvents", max: SERVER_LIMITS.runEvents },
      });
    }
    const actor = this.#numberOf(event.actor);
    if (seq % STRIDE === 0) this.#offsets.push(byte);
    const { kind, actor: actors, previous, cause, message } = this.#columns;
    kind[seq] = KIND_NUMBERS.get(event.kind) ?? 0;
    actors[seq] = actor;
    previous[seq] = this.#latest[actor] ?? NONE;
    cause[seq] = event.cause ?? NONE;
    // A send names itself.
    message[seq] = event.msg === undefined || event.msg === seq ? NONE : event.msg;
    this.#latest[actor] = seq;
    this.#count = seq + 1;
  }

  #numberOf(name: string): number {
    const known = this.#actors.get(name);
    if (known !== undefined) return known;
    const number = this.actorNames.length;
    if (number >= ACTORS_MAX) {
      throw new ProblemError("too-large", "The trace has more actors than are looked at here", {
        limit: { name: "actors", max: ACTORS_MAX },
      });
    }
    this.actorNames.push(name);
    this.#actors.set(name, number);
    return number;
  }

  #reserve(events: number): void {
    const capacity = this.#columns.kind.length;
    const needed = Math.min(events, SERVER_LIMITS.runEvents);
    if (needed > capacity) this.#columns = columns(Math.max(needed, capacity * 2), this.#columns);
  }
}

/** The indexes of the runs looked at last. */
export class IndexCache {
  readonly #kept: Map<string, TraceIndex> = new Map();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** The index of a trace, made or extended where it has to be. */
  get(trace: TraceRef, watch: Watch): TraceIndex {
    const index = this.#kept.get(trace.key) ?? new TraceIndex(trace);
    this.#kept.delete(trace.key);
    index.extend(trace, watch);
    this.#kept.set(trace.key, index);
    for (const key of this.#kept.keys()) {
      if (this.#kept.size > this.#most) this.#kept.delete(key);
    }
    return index;
  }

  /** The index, if it is there already and goes far enough. */
  peek(trace: TraceRef): TraceIndex | undefined {
    const index = this.#kept.get(trace.key);
    return index !== undefined && index.count >= trace.events ? index : undefined;
  }
}
