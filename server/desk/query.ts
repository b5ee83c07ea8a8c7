/**
 * What somebody looks for in a trace: words, all of which must be there, in upper or lower case.
 *
 * A plain word is found anywhere in actor, source, target, type, state and the values of the
 * summary; in double quotes it may have spaces and colons. `field:value` is found where that field
 * is the value as a whole, or, with `*` for any text, is like it: `type:disk.*`. Fields are those
 * just named, `kind`, and the names of summaries: `k:A`.
 *
 * @module
 */
import { EVENT_KINDS, type TraceEvent } from "../../machine/trace/event.ts";
import { ProblemError } from "../problem.ts";

const QUERY_CHARACTERS_MAX = 400;
const WORDS_MAX = 16;

const OWN_FIELDS = ["actor", "source", "target", "type", "state", "kind"] as const;
type OwnField = typeof OWN_FIELDS[number];

/** Characters that stand in JSON as they are. */
const PLAIN_IN_JSON = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const WORD = /"([^"]*)"|([A-Za-z_][A-Za-z0-9_]*):(?:"([^"]*)"|([^\s"]*))(?=\s|$)|([^\s"]+)/gy;

interface Word {
  /** Absent for a plain word. */
  readonly field?: string;
  /** In lower case. */
  readonly value: string;
}

/** A query that was understood. */
export interface Query {
  /** Whether a line of the trace, in lower case, can be an event that is looked for. */
  mayMatch(line: string): boolean;
  matches(event: TraceEvent): boolean;
}

function wrong(detail: string): ProblemError {
  return new ProblemError("bad-request", detail);
}

function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  const query = text.trim();
  WORD.lastIndex = 0;
  for (let at = 0; at < query.length; at = WORD.lastIndex) {
    while (/\s/.test(query.charAt(at))) at++;
    WORD.lastIndex = at;
    const found = WORD.exec(query);
    if (found === null) throw wrong("A quotation mark in the query has no other; close it");
    const [, quoted, field, quotedValue, value, plain] = found;
    const wanted = (quoted ?? quotedValue ?? value ?? plain ?? "").toLowerCase();
    if (wanted === "") throw wrong("A word of the query is empty; say what to look for");
    words.push(field === undefined ? { value: wanted } : { field, value: wanted });
  }
  return words;
}

function isOwnField(field: string): field is OwnField {
  return OWN_FIELDS.some((own) => own === field);
}

/** Whether a value is like a pattern, in which `*` is any text. Takes linear time. */
function isLike(value: string, pattern: string): boolean {
  const parts = pattern.split("*");
  const first = parts.shift() ?? "";
  if (parts.length === 0) return value === first;
  const last = parts.pop() ?? "";
  if (value.length < first.length + last.length) return false;
  if (!value.startsWith(first) || !value.endsWith(last)) return false;
  const end = value.length - last.length;
  let at = first.length;
  for (const part of parts) {
    const found = value.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

function fieldMatches(event: TraceEvent, field: string, pattern: string): boolean {
  const own = field.toLowerCase();
  if (isOwnField(own)) {
    const value = event[own];
    return value !== undefined && isLike(value.toLowerCase(), pattern);
  }
  for (const [name, value] of Object.entries(event.summary ?? {})) {
    if (name.toLowerCase() === own && isLike(String(value).toLowerCase(), pattern)) return true;
  }
  return false;
}

function textMatches(event: TraceEvent, text: string): boolean {
  const has = (value: string | undefined): boolean => value?.toLowerCase().includes(text) === true;
  return has(event.actor) || has(event.source) || has(event.target) || has(event.type) ||
    has(event.state) || Object.values(event.summary ?? {}).some((value) => has(String(value)));
}

/** Texts that every line that matches contains. */
function surely({ value }: Word): string[] {
  return value.split("*").filter((part) => part !== "" && PLAIN_IN_JSON.test(part));
}

/**
 * Understands a query.
 *
 * @throws {ProblemError} bad-request, where it looks for nothing or cannot be understood.
 */
export function parseQuery(text: string): Query {
  if (text.length > QUERY_CHARACTERS_MAX) {
    throw new ProblemError("bad-request", "The query is too long", {
      limit: { name: "queryCharacters", max: QUERY_CHARACTERS_MAX },
    });
  }
  const words = wordsOf(text);
  if (words.length === 0) throw wrong("The query is empty; say what to look for");
  if (words.length > WORDS_MAX) throw wrong(`A query may have ${WORDS_MAX} words`);
  for (const { field, value } of words) {
    const isKind = EVENT_KINDS.some((kind) => isLike(kind, value));
    if (field?.toLowerCase() === "kind" && !isKind) {
      throw wrong(`There is no such kind of event; kinds are ${EVENT_KINDS.join(", ")}`);
    }
  }
  const certain = words.flatMap((word) =>
    word.field === undefined ? plainParts(word) : surely(word)
  );
  return {
    mayMatch: (line) => certain.every((part) => line.includes(part)),
    matches: (event) =>
      words.every(({ field, value }) =>
        field === undefined ? textMatches(event, value) : fieldMatches(event, field, value)
      ),
  };
}

/** A plain word stands in the line as it is, also one with a star in it. */
function plainParts({ value }: Word): string[] {
  return PLAIN_IN_JSON.test(value) ? [value] : [];
}
