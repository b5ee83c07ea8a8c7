/**
 * A log for ShiViz (server.md 5.7): the parser's regular expression, an empty line because there
 * is one execution, then two lines an event: what happened, and the actor with its vector clock.
 *
 * A clock names only actors that have had events, and an actor's own entry begins at 1 and rises
 * by one with each of its events; that is checked before a line is written. Memory: a clock for
 * each actor, for each message in flight, and for each event that the first pass over the trace
 * found to be the cause of one at another actor.
 *
 * @module
 */
import type { TraceEvent } from "../event.ts";
import { shortened, subject, summaryWords } from "./common.ts";
import type { Exporter, ExportSource } from "./exporter.ts";

/** What ShiViz is to read the lines with. */
export const SHIVIZ_REGEXP = "(?<event>.*)\\n(?<host>\\S*) (?<clock>\\{.*\\})";

const TEXT_MAX = 300;

type Clock = ReadonlyMap<string, number>;

/** Vector clocks with the memory of what is open. */
class OpenClocks {
  readonly #latest: Map<string, Clock> = new Map();
  readonly #flights: Map<number, Clock> = new Map();
  readonly #causes: Map<number, Clock | undefined> = new Map();

  /** Events that are the cause of one at another actor and not its message. */
  expect(events: Iterable<TraceEvent>): void {
    const actors = new Recent();
    for (const { seq, actor, cause, msg } of events) {
      if (cause !== undefined && cause !== msg && actors.get(cause) !== actor) {
        this.#causes.set(cause, undefined);
      }
      actors.set(seq, actor);
    }
  }

  add(event: TraceEvent): Clock {
    const { seq, actor, kind, msg, cause } = event;
    const clock = new Map(this.#latest.get(actor) ?? []);
    if (msg !== undefined && kind !== "send") join(clock, this.#flights.get(msg));
    if (cause !== undefined) join(clock, this.#causes.get(cause));
    const before = this.#latest.get(actor)?.get(actor) ?? 0;
    if ((clock.get(actor) ?? 0) > before) {
      throw new Error(`Event ${seq} is in the past of an earlier one`);
    }
    clock.set(actor, before + 1);
    this.#latest.set(actor, clock);
    if (kind === "send") this.#flights.set(msg ?? seq, clock);
    else if (msg !== undefined && kind !== "defer" && kind !== "note") this.#flights.delete(msg);
    if (this.#causes.has(seq)) this.#causes.set(seq, clock);
    return clock;
  }
}

/**
 * The actors of the latest events. A cause further back than that counts as another actor's,
 * which costs a clock and changes nothing.
 */
class Recent {
  readonly #actors: Map<number, string> = new Map();

  get(seq: number): string | undefined {
    return this.#actors.get(seq);
  }

  set(seq: number, actor: string): void {
    this.#actors.set(seq, actor);
    this.#actors.delete(seq - 65_536);
  }
}

function join(clock: Map<string, number>, other: Clock | undefined): void {
  for (const [actor, count] of other ?? []) {
    if (count > (clock.get(actor) ?? 0)) clock.set(actor, count);
  }
}

/** Names without blanks, each of one actor only. */
class Hosts {
  readonly #hosts: Map<string, string> = new Map();
  readonly #taken: Set<string> = new Set();

  of(actor: string): string {
    const known = this.#hosts.get(actor);
    if (known !== undefined) return known;
    const plain = oneLine(actor).replace(/\s/gu, "_");
    // ShiViz keeps hosts in a plain object, where names such as `constructor` are there already.
    const free = plain in {} ? `_${plain}` : plain;
    let host = free;
    for (let count = 2; this.#taken.has(host); count++) host = `${free}_${count}`;
    this.#taken.add(host);
    this.#hosts.set(actor, host);
    return host;
  }
}

/** A text whose every character a `.` of the expression matches. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.toWellFormed().replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, " ");
}

/**
 * What happened. It begins with number and kind, so that it cannot be taken for a line with a
 * host and a clock.
 */
function eventWords(event: TraceEvent): string {
  const { seq, kind, target, source, actor } = event;
  const about = subject(event);
  const where = kind === "send" && target !== undefined
    ? ` to ${target}`
    : source !== undefined && source !== actor
    ? ` from ${source}`
    : "";
  const words = `${seq} ${kind}${about === kind ? "" : ` ${about}`}${where} ` +
    summaryWords(event.summary);
  return oneLine(shortened(words.trimEnd(), TEXT_MAX));
}

function* lines(source: ExportSource): Generator<string, void, void> {
  yield `${SHIVIZ_REGEXP}\n\n`;
  const clocks = new OpenClocks();
  clocks.expect(source.events());
  const hosts = new Hosts();
  for (const event of source.events()) {
    const clock: Record<string, number> = {};
    for (const [actor, count] of clocks.add(event)) clock[hosts.of(actor)] = count;
    yield `${eventWords(event)}\n${hosts.of(event.actor)} ${JSON.stringify(clock)}\n`;
  }
}

/** See the module's header. */
export const SHIVIZ: Exporter = {
  form: "shiviz",
  title: "Log with vector clocks for ShiViz",
  mediaType: "text/plain; charset=utf-8",
  extension: "shiviz.log",
  export: lines,
};
