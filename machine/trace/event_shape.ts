/**
 * Checks of the three kinds of lines a trace has, for files that others wrote. The order of keys
 * is free; an unknown key, a missing one or a value of the wrong type is refused, so that a
 * misspelt field cannot pass in silence. Written out by hand because every line of a trace of
 * millions goes through {@linkcode eventFault}.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { LIMITS } from "../limits.ts";
import { EVENT_KINDS, type TraceEvent, type TraceFooter, type TraceHeader } from "./event.ts";

const KINDS: ReadonlySet<unknown> = new Set(EVENT_KINDS);
const BLOB = /^sha256:[0-9a-f]{64}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const RUN = /^[0-9a-f]{16,}$/;

function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keyFault(key: string, value: unknown): string | undefined {
  switch (key) {
    case "seq":
    case "vt":
    case "lamport":
    case "msg":
    case "cause":
      return isNatural(value) ? undefined : `'${key}' is not a natural number`;
    case "kind":
      return KINDS.has(value) ? undefined : `'kind' is not one of ${EVENT_KINDS.join(", ")}`;
    case "actor":
      return typeof value === "string" && value !== "" ? undefined : "'actor' is not a name";
    case "source":
    case "target":
    case "type":
    case "state":
    case "rule":
      return typeof value === "string" ? undefined : `'${key}' is not text`;
    case "summary":
      return summaryFault(value);
    case "blob":
      return typeof value === "string" && BLOB.test(value)
        ? undefined
        : "'blob' is not 'sha256:' and 64 hexadecimal digits";
    case "origin":
      return originFault(value);
    default:
      return `unknown key '${key}'`;
  }
}

function summaryFault(value: unknown): string | undefined {
  if (!isRecord(value)) return "'summary' is not a record";
  let bytes = 2;
  for (const name in value) {
    const content = value[name];
    switch (typeof content) {
      case "string":
        // At most 6 bytes a character; what is over the limit by this is measured exactly.
        bytes += content.length * 6 + 2;
        break;
      case "number":
        bytes += 24;
        break;
      case "boolean":
        bytes += 5;
        break;
      default:
        return `'summary.${name}' is neither text, number nor flag`;
    }
    bytes += name.length + 4;
  }
  if (bytes <= LIMITS.summaryBytes) return undefined;
  const exact = jsonBytes(value);
  return exact <= LIMITS.summaryBytes
    ? undefined
    : `'summary' has ${exact} bytes, over the limit 'summaryBytes' of ${LIMITS.summaryBytes}`;
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function originFault(value: unknown): string | undefined {
  if (!isRecord(value)) return "'origin' is not a record";
  for (const key in value) {
    if (key !== "file" && key !== "line" && key !== "text") return `unknown key 'origin.${key}'`;
  }
  if (typeof value["file"] !== "string") return "'origin.file' is not text";
  if (!isNatural(value["line"])) return "'origin.line' is not a natural number";
  if (typeof value["text"] !== "string") return "'origin.text' is not text";
  return undefined;
}

/** What keeps a value from being an event, or `undefined` if nothing does. */
export function eventFault(value: unknown): string | undefined {
  if (!isRecord(value)) return "not a record";
  for (const key in value) {
    const fault = keyFault(key, value[key]);
    if (fault !== undefined) return fault;
  }
  if (value["seq"] === undefined) return "'seq' is missing";
  if (value["vt"] === undefined) return "'vt' is missing";
  if (value["lamport"] === undefined) return "'lamport' is missing";
  if (value["kind"] === undefined) return "'kind' is missing";
  if (value["actor"] === undefined) return "'actor' is missing";
  const seq = Number(value["seq"]);
  if (value["msg"] !== undefined && Number(value["msg"]) > seq) return "'msg' is a later event";
  if (value["cause"] !== undefined && Number(value["cause"]) >= seq) {
    return "'cause' is not an earlier event";
  }
  return undefined;
}

/** Whether a value is an event; {@linkcode eventFault} says why not. */
export function isEvent(value: unknown): value is TraceEvent {
  return eventFault(value) === undefined;
}

type Tests = { readonly [key: string]: (value: unknown) => boolean };

function recordFault(value: unknown, tests: Tests, free: readonly string[]): string | undefined {
  if (!isRecord(value)) return "not a record";
  for (const key in value) {
    const test = Object.hasOwn(tests, key) ? tests[key] : undefined;
    if (test === undefined) return `unknown key '${key}'`;
    if (!test(value[key])) return `'${key}' has a wrong value`;
  }
  for (const key in tests) {
    if (!(key in value) && !free.includes(key)) return `'${key}' is missing`;
  }
  return undefined;
}

const isText = (value: unknown): boolean => typeof value === "string";
const matches = (pattern: RegExp) => (value: unknown): boolean =>
  typeof value === "string" && pattern.test(value);
const isOneOf = (...words: string[]) => (value: unknown): boolean =>
  typeof value === "string" && words.includes(value);

function isParent(value: unknown): boolean {
  const tests: Tests = { run: matches(RUN), seq: isNatural };
  return recordFault(value, tests, []) === undefined;
}

const HEADER_TESTS: Tests = {
  v: (value) => value === 1,
  run: matches(RUN),
  scenario: isText,
  seed: Number.isSafeInteger,
  profile: isText,
  version: isText,
  actors: (value) => Array.isArray(value) && value.every(isText),
  clock: isOneOf("virtual", "imported"),
  order: isOneOf("total", "observed"),
  continues: matches(SHA256),
  parent: isParent,
  speaks: (value) => Array.isArray(value) && value.every(isText),
};

const FOOTER_TESTS: Tests = {
  count: isNatural,
  sha256: matches(SHA256),
  outcome: isText,
  generator: isText,
};

/** What keeps a value from being a header, or `undefined` if nothing does. */
export function headerFault(value: unknown): string | undefined {
  return recordFault(value, HEADER_TESTS, ["continues", "parent", "speaks"]);
}

/** Whether a value is a header. */
export function isHeader(value: unknown): value is TraceHeader {
  return headerFault(value) === undefined;
}

/** What keeps a value from being a footer, or `undefined` if nothing does. */
export function footerFault(value: unknown): string | undefined {
  return recordFault(value, FOOTER_TESTS, []);
}

/** Whether a value is a footer. */
export function isFooter(value: unknown): value is TraceFooter {
  return footerFault(value) === undefined;
}
