/**
 * The trace as the page holds it: lines as text, and columns of numbers for what is drawn. Events
 * are parsed one by one when somebody asks for them. Knows no DOM.
 *
 * @module
 */
import { EVENT_KINDS } from "../../machine/trace/event.ts";
import type { EventKind, TraceEvent, TraceHeader } from "../../machine/trace/event.ts";
import type { TraceView } from "./model.ts";
import { Names } from "./names.ts";
import { LineScanner } from "./scan_line.ts";

const FIRST_CAPACITY = 4096;
const KIND_NUMBERS: ReadonlyMap<string, number> = new Map(
  EVENT_KINDS.map((kind, number) => [kind, number]),
);

/** Number of a kind in the column. */
export function kindNumber(kind: EventKind): number {
  return KIND_NUMBERS.get(kind) ?? -1;
}

const SEND = kindNumber("send");
const FATES: ReadonlySet<number> = new Set(
  [kindNumber("deliver"), kindNumber("drop"), kindNumber("ignore")],
);
const FAULT = kindNumber("fault");

/** State of an actor from an event on. */
interface StateChangeAt {
  readonly seq: number;
  readonly state: number;
}

/** The columns; grown by doubling. */
class Columns {
  vt = new Float64Array(FIRST_CAPACITY);
  /** Latest time up to each event: events of actors that work at once come out of order. */
  latest = new Float64Array(FIRST_CAPACITY);
  kind = new Uint8Array(FIRST_CAPACITY);
  actor = new Int16Array(FIRST_CAPACITY);
  source = new Int16Array(FIRST_CAPACITY);
  target = new Int16Array(FIRST_CAPACITY);
  type = new Int16Array(FIRST_CAPACITY);
  msg = new Int32Array(FIRST_CAPACITY);
  cause = new Int32Array(FIRST_CAPACITY);
  fate = new Int32Array(FIRST_CAPACITY);

  ensure(count: number): void {
    if (count <= this.vt.length) return;
    const capacity = Math.max(count, this.vt.length * 2);
    this.vt = grown(this.vt, new Float64Array(capacity));
    this.latest = grown(this.latest, new Float64Array(capacity));
    this.kind = grown(this.kind, new Uint8Array(capacity));
    this.actor = grown(this.actor, new Int16Array(capacity));
    this.source = grown(this.source, new Int16Array(capacity));
    this.target = grown(this.target, new Int16Array(capacity));
    this.type = grown(this.type, new Int16Array(capacity));
    this.msg = grown(this.msg, new Int32Array(capacity));
    this.cause = grown(this.cause, new Int32Array(capacity));
    this.fate = grown(this.fate, new Int32Array(capacity));
  }
}

function grown<Column extends { set(from: ArrayLike<number>): void }>(
  old: ArrayLike<number>,
  fresh: Column,
): Column {
  fresh.set(old);
  return fresh;
}

/** See the module's header. */
export class TraceStore implements TraceView {
  header: TraceHeader | undefined;
  /** Numbers of the faults, in order. */
  readonly faults: number[] = [];
  readonly #columns: Columns = new Columns();
  readonly #lines: string[] = [];
  readonly #actors: Names = new Names();
  readonly #types: Names = new Names();
  readonly #states: Names = new Names();
  readonly #changes: StateChangeAt[][] = [];
  readonly #scanner: LineScanner = new LineScanner();
  #last: TraceEvent | undefined;

  get count(): number {
    return this.#lines.length;
  }

  get actors(): readonly string[] {
    return this.#actors.list;
  }

  get types(): readonly string[] {
    return this.#types.list;
  }

  /**
   * Takes the next event's line.
   *
   * @returns whether it was the next: `false` for one that is there already.
   * @throws RangeError where events are missing before it.
   * @throws SyntaxError where it is no event.
   */
  append(line: string): boolean {
    const scanner = this.#scanner;
    scanner.scan(line);
    const { found } = scanner;
    const seq = this.#lines.length;
    if (found.seq < seq) return false;
    if (found.seq > seq) throw new RangeError(`event ${seq} is missing before ${found.seq}`);
    const columns = this.#columns;
    columns.ensure(seq + 1);
    this.#lines.push(line);
    const kind = KIND_NUMBERS.get(found.kind) ?? kindNumber("note");
    const actor = this.#actors.raw(found.actor);
    columns.vt[seq] = found.vt;
    columns.latest[seq] = Math.max(found.vt, seq === 0 ? 0 : columns.latest[seq - 1] ?? 0);
    columns.kind[seq] = kind;
    columns.actor[seq] = actor;
    columns.source[seq] = this.#actors.raw(found.source);
    columns.target[seq] = this.#actors.raw(found.target);
    columns.type[seq] = this.#types.raw(found.type);
    columns.msg[seq] = found.msg;
    columns.cause[seq] = found.cause;
    columns.fate[seq] = -1;
    if (found.msg >= 0 && found.msg < seq && FATES.has(kind) && columns.fate[found.msg] === -1) {
      columns.fate[found.msg] = seq;
    }
    if (kind === FAULT) this.faults.push(seq);
    if (found.state !== "") this.#change(actor, seq, this.#states.raw(found.state));
    else if (found.kind === "end") this.#change(actor, seq, -1);
    return true;
  }

  vt(seq: number): number {
    return this.#columns.vt[seq] ?? 0;
  }

  kind(seq: number): EventKind {
    return EVENT_KINDS[this.#columns.kind[seq] ?? 0] ?? "note";
  }

  /** Number of the kind: what loops over all events compare. */
  kindAt(seq: number): number {
    return this.#columns.kind[seq] ?? 0;
  }

  actor(seq: number): number {
    return this.#columns.actor[seq] ?? -1;
  }

  source(seq: number): number {
    return this.#columns.source[seq] ?? -1;
  }

  target(seq: number): number {
    return this.#columns.target[seq] ?? -1;
  }

  type(seq: number): number {
    return this.#columns.type[seq] ?? -1;
  }

  msg(seq: number): number {
    return this.#columns.msg[seq] ?? -1;
  }

  cause(seq: number): number {
    return this.#columns.cause[seq] ?? -1;
  }

  fate(seq: number): number {
    return this.#columns.fate[seq] ?? -1;
  }

  /** Whether an event is a send. */
  isSend(seq: number): boolean {
    return this.#columns.kind[seq] === SEND;
  }

  event(seq: number): TraceEvent {
    if (this.#last?.seq === seq) return this.#last;
    const line = this.#lines[seq];
    if (line === undefined) throw new RangeError(`there is no event ${seq}`);
    const event: TraceEvent = JSON.parse(line);
    this.#last = event;
    return event;
  }

  /** The event's line as it stands in the trace. */
  line(seq: number): string {
    return this.#lines[seq] ?? "";
  }

  at(vt: number): number {
    const { latest } = this.#columns;
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((latest[middle] ?? 0) < vt) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** Number of an actor; -1 where it has not occurred. */
  actorNumber(name: string): number {
    return this.#actors.of(name);
  }

  /** State of an actor after an event: its name and since when; "" where it does not live. */
  stateAt(actor: number, seq: number): { readonly state: string; readonly since: number } {
    const changes = this.#changes[actor] ?? [];
    let from = 0;
    let to = changes.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((changes[middle]?.seq ?? 0) <= seq) from = middle + 1;
      else to = middle;
    }
    const change = changes[from - 1];
    if (change === undefined) return { state: "", since: -1 };
    return { state: this.#states.list[change.state] ?? "", since: change.seq };
  }

  #change(actor: number, seq: number, state: number): void {
    const changes = this.#changes[actor] ??= [];
    changes.push({ seq, state });
  }
}
