/**
 * Which events of a run are asked for: `after`, `from`, `to`, `actor`, `type`, `kind`, `follow` of
 * the query, and `Last-Event-ID`, which wins over `after`.
 *
 * @module
 */
import { EVENT_KINDS, type EventKind } from "../../machine/trace/event.ts";
import { ProblemError } from "../problem.ts";

/** Which events. What is absent or empty leaves nothing out. */
export interface EventQuery {
  /** Only events behind this one: the last that the client has. -1 for none. */
  readonly after?: number;
  /** First event, this one included. */
  readonly from?: number;
  /** Last event, this one included. */
  readonly to?: number;
  /** Names of actors, any of which is wanted. */
  readonly actors: readonly string[];
  readonly kinds: readonly EventKind[];
  /** Types, or beginnings of types with a `*` behind them; any of them is wanted. */
  readonly types: readonly string[];
  /** Whether NDJSON and json-seq wait for events that are still to come; SSE always does. */
  readonly follow: boolean;
}

/** All events there are. */
export const ALL_EVENTS: EventQuery = { actors: [], kinds: [], types: [], follow: false };

/** Values of one parameter. */
const VALUES_MAX = 64;
const VALUE_CHARACTERS = 200;
const KINDS: ReadonlySet<string> = new Set(EVENT_KINDS);
const KNOWN: ReadonlySet<string> = new Set([
  "after",
  "from",
  "to",
  "actor",
  "type",
  "kind",
  "follow",
]);

/** A mistake and where it is. */
interface Mistake {
  readonly pointer: string;
  readonly detail: string;
}

/** Reads parameters and gathers what is wrong with them. */
class QueryReader {
  readonly mistakes: Mistake[] = [];
  readonly #parameters: URLSearchParams;

  constructor(parameters: URLSearchParams) {
    this.#parameters = parameters;
  }

  wrong(pointer: string, detail: string): undefined {
    this.mistakes.push({ pointer, detail });
    return undefined;
  }

  single(name: string): string | undefined {
    const values = this.#parameters.getAll(name);
    if (values.length > 1) return this.wrong(`/query/${name}`, "Give it once");
    return values[0];
  }

  number(name: string): number | undefined {
    const text = this.single(name);
    return text === undefined ? undefined : this.natural(`/query/${name}`, text, 0);
  }

  natural(pointer: string, text: string, least: number): number | undefined {
    const value = /^(?:0|-?[1-9][0-9]{0,15})$/.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(value) && value >= least) return value;
    return this.wrong(pointer, "Wanted the number of an event: 0 or more, in decimal digits");
  }

  list(name: string): string[] {
    const values = this.#parameters.getAll(name).flatMap((value) => value.split(","));
    if (values.length > VALUES_MAX) this.wrong(`/query/${name}`, `At most ${VALUES_MAX} values`);
    if (values.some((value) => value === "" || value.length > VALUE_CHARACTERS)) {
      this.wrong(`/query/${name}`, `Each value has 1 to ${VALUE_CHARACTERS} characters`);
    }
    return [...new Set(values)];
  }

  flag(name: string): boolean {
    const text = this.single(name);
    if (text === undefined || text === "0" || text === "false") return false;
    if (text !== "1" && text !== "true") this.wrong(`/query/${name}`, "Wanted 1 or 0");
    return true;
  }

  known(also: readonly string[]): void {
    const unknown = [...this.#parameters.keys()].some((name) =>
      !KNOWN.has(name) && !also.includes(name)
    );
    if (unknown) {
      this.wrong("/query", `A parameter is unknown; there are ${[...KNOWN].join(", ")}`);
    }
  }
}

function isKind(text: string): text is EventKind {
  return KINDS.has(text);
}

/**
 * Reads a query.
 *
 * @param lastEventId the header `Last-Event-ID`, where there is one that is not empty.
 * @param also names of parameters that are somebody else's.
 * @throws {ProblemError} `bad-request` with a pointer for each mistake.
 */
export function parseEventQuery(
  parameters: URLSearchParams,
  lastEventId?: string | null,
  also: readonly string[] = ["token"],
): EventQuery {
  const reader = new QueryReader(parameters);
  reader.known(also);
  const hasHeader = lastEventId !== undefined && lastEventId !== null && lastEventId !== "";
  const given = reader.single("after");
  const afterQuery = given === undefined ? undefined : reader.natural("/query/after", given, -1);
  const after = hasHeader ? reader.natural("/header/last-event-id", lastEventId, -1) : afterQuery;
  const from = reader.number("from");
  const to = reader.number("to");
  if (from !== undefined && to !== undefined && from > to) {
    reader.wrong("/query/to", "It is less than 'from'");
  }
  const kinds = reader.list("kind").filter((text) =>
    isKind(text) || reader.wrong("/query/kind", `There are ${EVENT_KINDS.join(", ")}`)
  ).filter(isKind);
  const types = reader.list("type");
  if (types.some((type) => type.slice(0, -1).includes("*"))) {
    reader.wrong("/query/type", "A '*' stands only at the end");
  }
  const actors = reader.list("actor");
  const follow = reader.flag("follow");
  if (reader.mistakes.length > 0) {
    throw new ProblemError(
      "bad-request",
      "The query says which events are wanted; at least one part of it cannot be read.",
      { errors: reader.mistakes },
    );
  }
  return {
    ...after === undefined ? {} : { after },
    ...from === undefined ? {} : { from },
    ...to === undefined ? {} : { to },
    actors,
    kinds,
    types,
    follow,
  };
}

/** Whether a query picks events by what they are, not only by their numbers. */
export function picks(query: EventQuery): boolean {
  return query.actors.length > 0 || query.kinds.length > 0 || query.types.length > 0;
}

/** Whether a query asks for the whole file: no filter, no range, nothing left out in front. */
export function wantsWhole(query: EventQuery): boolean {
  return !picks(query) && query.to === undefined && (query.from ?? 0) === 0 &&
    (query.after ?? -1) === -1;
}

/** Number of the first event that a query wants. */
export function firstWanted(query: EventQuery): number {
  return Math.max(query.from ?? 0, (query.after ?? -1) + 1);
}
