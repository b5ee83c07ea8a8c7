/**
 * Chrome's trace-event JSON, which Perfetto's page, chrome://tracing and others open (server.md
 * 5.7). An actor is a process with two threads: what it handles, and the state it is in. Each
 * handling is a slice of at least 1 ns; handlings of one actor never overlap, so where several
 * fall on the same ns the later ones are put behind it. A message in flight is an asynchronous
 * slice and an arrow; facts, faults, signals and violations are instants; counters give messages
 * under way to each actor and sectors in the disk's volatile cache.
 *
 * Times are virtual, in µs with three decimals. Memory: actors, what their present handling
 * brought about, messages in flight.
 *
 * @module
 */
import type { Summary, TraceEvent } from "../event.ts";
import { type Broken, brokenRules, cameOf, subject } from "./common.ts";
import { DirtySectors } from "./dirty_sectors.ts";
import type { Exporter, ExportSource } from "./exporter.ts";
import {
  type Arguments,
  asynchronous,
  counter,
  flow,
  HANDLING_THREAD,
  metadata,
  microseconds,
  record,
  STATE_THREAD,
} from "./perfetto_records.ts";

/** Records kept for one slice; a handling that brings about more is cut into several. */
const SLICE_RECORDS_MAX = 4_096;

interface Slice {
  readonly seq: number;
  readonly vt: number;
  readonly name: string;
  readonly category: string;
  readonly args: Arguments;
  readonly start: number;
  end: number;
  /** Records that lie within the slice; a reader must have seen the slice before them. */
  readonly inside: string[];
}

interface Lane {
  readonly actor: string;
  readonly pid: number;
  slice: Slice | undefined;
  /** First ns at which no slice is yet. */
  free: number;
  queue: number;
  state: { readonly name: string; readonly since: number } | undefined;
  stateFree: number;
}

interface Flight {
  readonly pid: number;
  readonly name: string;
  readonly start: number;
  readonly to: Lane;
  readonly summary: Summary | undefined;
  /** Whether the actor's queue still counts it. */
  queued: boolean;
}

class Writer {
  readonly #lanes: Map<string, Lane> = new Map();
  readonly #flights: Map<number, Flight> = new Map();
  readonly #broken: ReadonlyMap<number, readonly Broken[]>;
  readonly #dirty: Map<Lane, DirtySectors> = new Map();
  #records: string[] = [];
  #last = 0;

  constructor(broken: ReadonlyMap<number, readonly Broken[]>) {
    this.#broken = broken;
  }

  /** The records that are ready, each without what separates it from the next. */
  take(): string[] {
    const ready = this.#records;
    this.#records = [];
    return ready;
  }

  event(event: TraceEvent): void {
    const lane = this.#lane(event.actor);
    this.#last = Math.max(this.#last, event.vt);
    switch (event.kind) {
      case "start":
      case "timer":
        this.#open(lane, event, event.vt);
        break;
      case "signal":
        this.#open(lane, event, event.vt);
        this.#instant(lane, event, "t");
        break;
      case "deliver":
        this.#deliver(lane, event);
        break;
      case "send":
        this.#send(lane, event);
        break;
      case "drop":
      case "ignore":
        this.#land(event, event.vt, event.kind);
        this.#instant(lane, event, "t");
        break;
      case "state":
        this.#state(lane, event);
        break;
      case "end":
        this.#end(lane, event);
        break;
      case "fault":
        this.#instant(lane, event, "g");
        break;
      default:
        this.#instant(lane, event, "t");
    }
    this.#count(lane, event);
    for (const { rule, reason } of this.#broken.get(event.seq) ?? []) {
      const args = { seq: event.seq, reason };
      this.#inside(
        lane,
        event,
        (ts) => record("i", lane.pid, ts, { name: `${rule} violated`, cat: "rule", s: "p", args }),
      );
    }
  }

  /** Closes what is open when the trace ends. */
  end(): void {
    for (const [msg, flight] of this.#flights) {
      const at = Math.max(this.#last, flight.start);
      this.#records.push(asynchronous("e", msg, flight, at, { fate: "in flight" }));
    }
    for (const lane of this.#lanes.values()) {
      this.#close(lane);
      this.#closeState(lane, this.#last);
    }
  }

  #lane(actor: string): Lane {
    let lane = this.#lanes.get(actor);
    if (lane !== undefined) return lane;
    const pid = this.#lanes.size + 1;
    lane = { actor, pid, slice: undefined, free: 0, queue: 0, state: undefined, stateFree: 0 };
    this.#lanes.set(actor, lane);
    this.#records.push(
      metadata(pid, 0, "process_name", { name: actor }),
      metadata(pid, 0, "process_sort_index", { sort_index: pid }),
      metadata(pid, HANDLING_THREAD, "thread_name", { name: "handling" }),
      metadata(pid, STATE_THREAD, "thread_name", { name: "state" }),
    );
    return lane;
  }

  #open(lane: Lane, event: TraceEvent, earliest: number): Slice {
    this.#close(lane);
    const { seq, vt, kind, source } = event;
    const start = Math.max(vt, lane.free, earliest);
    const args: Arguments = {
      seq,
      ...(source === undefined || source === lane.actor ? {} : { from: source }),
      ...event.summary,
    };
    const name = kind === "send" ? `send ${subject(event)}` : subject(event);
    lane.slice = { seq, vt, name, category: kind, args, start, end: start + 1, inside: [] };
    return lane.slice;
  }

  #close(lane: Lane): void {
    const { slice } = lane;
    if (slice === undefined) return;
    lane.slice = undefined;
    lane.free = slice.end;
    const { name, category, args, start, end, inside } = slice;
    const dur = microseconds(end - start);
    this.#records.push(record("X", lane.pid, start, { dur, name, cat: category, args }), ...inside);
  }

  /** Puts a record where its event lies: in the slice it came of, else by itself. */
  #inside(lane: Lane, event: TraceEvent, make: (ts: number) => string): void {
    const slice = this.#sliceOf(lane, event);
    if (slice === undefined) {
      this.#records.push(make(event.vt));
      return;
    }
    const ts = Math.max(event.vt, slice.start);
    slice.end = Math.max(slice.end, ts + 1);
    slice.inside.push(make(ts));
  }

  /** The slice an event came of; what is full is cut, and goes on in another of its name. */
  #sliceOf(lane: Lane, event: TraceEvent): Slice | undefined {
    const { slice } = lane;
    if (slice === undefined || !(event.seq === slice.seq || cameOf(event, slice))) return undefined;
    if (slice.inside.length < SLICE_RECORDS_MAX) return slice;
    this.#close(lane);
    lane.slice = { ...slice, start: lane.free, end: lane.free + 1, inside: [] };
    return lane.slice;
  }

  #instant(lane: Lane, event: TraceEvent, scope: "t" | "g"): void {
    const { seq, kind, summary, state } = event;
    const name = kind === "note" || kind === "state" ? subject(event) : `${kind} ${subject(event)}`;
    const args: Arguments = { seq, ...(state === undefined ? {} : { state }), ...summary };
    this.#inside(
      lane,
      event,
      (ts) => record("i", lane.pid, ts, { name, cat: kind, s: scope, args }),
    );
  }

  #send(lane: Lane, event: TraceEvent): void {
    const { seq, msg = seq, vt, target = lane.actor, summary } = event;
    const slice = this.#sliceOf(lane, event) ?? this.#open(lane, event, vt);
    const start = Math.max(vt, slice.start);
    slice.end = Math.max(slice.end, start + 1);
    const to = this.#lane(target);
    const flight: Flight = {
      pid: lane.pid,
      name: subject(event),
      start,
      to,
      summary,
      queued: true,
    };
    this.#flights.set(msg, flight);
    const args: Arguments = { seq, to: target, ...summary };
    slice.inside.push(
      asynchronous("b", msg, flight, start, args),
      flow("s", msg, flight.name, lane.pid, start),
    );
    this.#queue(to, 1, vt);
  }

  #deliver(lane: Lane, event: TraceEvent): void {
    const { msg } = event;
    const flight = msg === undefined ? undefined : this.#flights.get(msg);
    // Readers sort by time: an arrow must begin before it ends.
    const slice = this.#open(lane, event, flight === undefined ? 0 : flight.start + 1);
    if (msg === undefined || flight === undefined) return;
    slice.inside.push(flow("f", msg, flight.name, lane.pid, slice.start));
    if (event.type === "disk.write") this.#dirtyOf(lane).delivered(event, flight.summary);
    this.#land(event, slice.start, "deliver");
  }

  /** A message is no longer in flight. */
  #land({ msg, vt }: TraceEvent, at: number, fate: string): void {
    const flight = msg === undefined ? undefined : this.#flights.get(msg);
    if (msg === undefined || flight === undefined) return;
    this.#flights.delete(msg);
    const end = Math.max(at, flight.start);
    this.#records.push(asynchronous("e", msg, flight, end, { fate }));
    if (flight.queued) this.#queue(flight.to, -1, vt);
  }

  #state(lane: Lane, event: TraceEvent): void {
    this.#closeState(lane, event.vt);
    const since = Math.max(event.vt, lane.stateFree);
    lane.state = { name: event.state ?? "", since };
    this.#instant(lane, event, "t");
  }

  #closeState(lane: Lane, until: number): void {
    const { state } = lane;
    if (state === undefined) return;
    lane.state = undefined;
    lane.stateFree = Math.max(until, state.since + 1);
    const dur = microseconds(lane.stateFree - state.since);
    const { name, since } = state;
    this.#records.push(record("X", lane.pid, since, { dur, name, cat: "state" }, STATE_THREAD));
  }

  /** An actor that ends has no queue; what is still under way to it is dropped, or vanishes. */
  #end(lane: Lane, event: TraceEvent): void {
    this.#instant(lane, event, "t");
    this.#close(lane);
    this.#closeState(lane, event.vt);
    for (const flight of this.#flights.values()) if (flight.to === lane) flight.queued = false;
    if (lane.queue !== 0) this.#queue(lane, -lane.queue, event.vt);
  }

  #queue(lane: Lane, change: number, vt: number): void {
    lane.queue += change;
    this.#records.push(counter(lane.pid, vt, "queue", { messages: lane.queue }));
  }

  #dirtyOf(lane: Lane): DirtySectors {
    let dirty = this.#dirty.get(lane);
    if (dirty === undefined) this.#dirty.set(lane, dirty = new DirtySectors());
    return dirty;
  }

  #count(lane: Lane, event: TraceEvent): void {
    const known = this.#dirty.get(lane);
    if (known === undefined && event.type !== "fact.disk_write") return;
    const dirty = known ?? this.#dirtyOf(lane);
    if (!dirty.event(event)) return;
    this.#records.push(counter(lane.pid, event.vt, "dirty sectors", { sectors: dirty.count }));
  }
}

function* pieces(source: ExportSource): Generator<string, void, void> {
  const { header, footer } = source;
  const writer = new Writer(brokenRules(source));
  let separator = "\n";
  const written = (): string => {
    let text = "";
    for (const each of writer.take()) {
      text += separator + each;
      separator = ",\n";
    }
    return text;
  };
  yield '{"traceEvents":[';
  for (const event of source.events()) {
    writer.event(event);
    const text = written();
    if (text !== "") yield text;
  }
  writer.end();
  yield written();
  const { actors: _, ...about } = header;
  const other = { ...about, ...(footer === undefined ? {} : { outcome: footer.outcome }) };
  yield `\n],"displayTimeUnit":"ns","otherData":${JSON.stringify(other)}}\n`;
}

/** See the module's header. */
export const PERFETTO: Exporter = {
  form: "perfetto",
  title: "Trace for Perfetto and chrome://tracing",
  mediaType: "application/json",
  extension: "perfetto.json",
  export: pieces,
};
