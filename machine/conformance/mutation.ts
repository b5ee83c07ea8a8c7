/**
 * Makes bad traces of good ones: drop, change, add or move events, then number them anew and
 * close the trace with its true count and hash, so that nothing but a rule can find fault with
 * it.
 *
 * @module
 */
import { sha256 } from "../digest.ts";
import type { FactName } from "../protocol/facts.ts";
import {
  eventLine,
  type Scalar,
  type TraceEvent,
  type TraceFooter,
  type TraceHeader,
} from "../trace/event.ts";

/** A trace in memory. */
export interface StoredTrace {
  readonly header: TraceHeader;
  readonly events: readonly TraceEvent[];
  readonly footer: TraceFooter;
}

/** Chooses events. */
export type EventTest = (event: TraceEvent, index: number) => boolean;

/** Tests for a fact by its name and, where given, some of its fields. */
export function isFact(
  name: FactName,
  fields: { readonly [field: string]: Scalar } = {},
): EventTest {
  const type = `fact.${name}`;
  return ({ kind, type: own, summary }) =>
    kind === "note" && own === type &&
    Object.entries(fields).every(([field, value]) => summary?.[field] === value);
}

/** Tests for the nth (from 0) of the events that another test chooses. Use it for one search. */
export function nth(test: EventTest, wanted: number): EventTest {
  let seen = 0;
  return (event, index) => test(event, index) && seen++ === wanted;
}

function mustFind(events: readonly TraceEvent[], test: EventTest, what: string): number {
  const index = events.findIndex(test);
  if (index < 0) throw new RangeError(`Cannot ${what}: no event fits`);
  return index;
}

/**
 * Without the events that fit.
 *
 * @throws {RangeError} if none does.
 */
export function dropEvents(trace: StoredTrace, test: EventTest): StoredTrace {
  const events = trace.events.filter((event, index) => !test(event, index));
  if (events.length === trace.events.length) throw new RangeError("Cannot drop: no event fits");
  return seal(trace.header, events, trace.footer);
}

/**
 * With each event that fits changed.
 *
 * @throws {RangeError} if none fits.
 */
export function alterEvents(
  trace: StoredTrace,
  test: EventTest,
  change: (event: TraceEvent) => TraceEvent,
): StoredTrace {
  let changed = 0;
  const events = trace.events.map((event, index) => {
    if (!test(event, index)) return event;
    changed++;
    return change(event);
  });
  if (changed === 0) throw new RangeError("Cannot alter: no event fits");
  return seal(trace.header, events, trace.footer);
}

/** {@linkcode alterEvents} for some fields of a fact. */
export function alterFields(
  trace: StoredTrace,
  test: EventTest,
  fields: { readonly [field: string]: Scalar },
): StoredTrace {
  return alterEvents(trace, test, (event) => ({
    ...event,
    summary: { ...event.summary, ...fields },
  }));
}

/** A new event: number and clocks are those of the event it stands beside. */
export type NewEvent = Pick<TraceEvent, "kind" | "actor"> & Partial<TraceEvent>;

/** With an event put before (or after) the first one that fits. */
export function insertEvent(
  trace: StoredTrace,
  where: "before" | "after",
  test: EventTest,
  added: NewEvent,
): StoredTrace {
  const index = mustFind(trace.events, test, "insert");
  const beside = trace.events[index];
  const event: TraceEvent = { seq: -1, vt: beside?.vt ?? 0, lamport: 1, ...added };
  const events = [...trace.events];
  events.splice(where === "before" ? index : index + 1, 0, { ...event, seq: -1 });
  return seal(trace.header, events, trace.footer);
}

/** With the first event that fits moved to before (or after) the first that fits `place`. */
export function moveEvent(
  trace: StoredTrace,
  test: EventTest,
  where: "before" | "after",
  place: EventTest,
): StoredTrace {
  const events = [...trace.events];
  const [moved] = events.splice(mustFind(events, test, "move"), 1);
  const index = mustFind(events, place, "move");
  if (moved !== undefined) events.splice(where === "before" ? index : index + 1, 0, moved);
  return seal(trace.header, events, trace.footer);
}

/** Of the same trace up to before the first event that fits: what a crash leaves. */
export function cutBefore(trace: StoredTrace, test: EventTest): StoredTrace {
  return seal(
    trace.header,
    trace.events.slice(0, mustFind(trace.events, test, "cut")),
    trace.footer,
  );
}

/**
 * Numbers events from 0, carries `msg` and `cause` over (a link to an event that is gone, or is
 * no longer earlier, goes too), computes Lamport clocks and the footer.
 */
export function seal(
  header: TraceHeader,
  events: readonly TraceEvent[],
  footer: Pick<TraceFooter, "outcome" | "generator">,
): StoredTrace {
  const numbers = new Map<number, number>();
  const clocks = new Map<string, number>();
  const stamps: number[] = [];
  const sealed = events.map((event, seq) => {
    const msg = event.msg === event.seq ? seq : linkTo(numbers, event.msg);
    const cause = linkTo(numbers, event.cause);
    const past = Math.max(0, ...[msg, cause].map((link) => stamps[link ?? -1] ?? 0));
    const lamport = Math.max(clocks.get(event.actor) ?? 0, past) + 1;
    clocks.set(event.actor, lamport);
    stamps.push(lamport);
    if (event.seq >= 0) numbers.set(event.seq, seq);
    const { msg: _msg, cause: _cause, ...rest } = event;
    const links = {
      ...(msg === undefined ? {} : { msg }),
      ...(cause === undefined ? {} : { cause }),
    };
    return { ...rest, seq, lamport, ...links };
  });
  const text = sealed.map((event) => eventLine(event) + "\n").join("");
  const { outcome, generator } = footer;
  return {
    header,
    events: sealed,
    footer: { count: sealed.length, sha256: sha256(text), outcome, generator },
  };
}

function linkTo(numbers: ReadonlyMap<number, number>, seq: number | undefined): number | undefined {
  return seq === undefined ? undefined : numbers.get(seq);
}

/** The trace as the text of its file. */
export function traceText({ header, events, footer }: StoredTrace): string {
  const lines = [JSON.stringify(header), ...events.map(eventLine), JSON.stringify(footer)];
  return lines.join("\n") + "\n";
}
