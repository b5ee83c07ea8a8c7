/**
 * The kit of the bad traces: one change of a good story, as a function.
 *
 * @module
 */
import {
  alterEvents,
  alterFields,
  dropEvents,
  type EventTest,
  insertEvent,
  isFact,
  moveEvent,
  type NewEvent,
  seal,
  type StoredTrace,
} from "../../../machine/conformance/mutation.ts";
import type { Fact, FactName } from "../../../machine/protocol/facts.ts";
import { BLOBS, good } from "./stories.ts";

/** A trace that one rule rejects. */
export interface BadTrace {
  /** The rule. */
  readonly rule: string;
  /** What is wrong, as a file name. */
  readonly name: string;
  /** The good story it was made of. */
  readonly from: string;
  /** Other rules that it breaks. */
  readonly also: readonly string[];
  readonly trace: StoredTrace;
}

export type Fields = { readonly [field: string]: string | number | boolean };
export type Change = (trace: StoredTrace) => StoredTrace;

export function bad(
  rule: string,
  name: string,
  from: string,
  change: Change,
  ...also: readonly string[]
): BadTrace {
  return { rule, name, from, also, trace: change(good(from)) };
}

export function fact<N extends FactName>(name: N, fields: Fact<N>): NewEvent {
  const summary: Fields = { ...fields };
  const actor = String(summary["k"] ?? summary["from"] ?? "board");
  return { kind: "note", actor, type: `fact.${name}`, summary };
}

export function all(...changes: readonly Change[]): Change {
  return (trace) => changes.reduce((result, change) => change(result), trace);
}

export const drop = (test: EventTest): Change => (trace) => dropEvents(trace, test);
export const set = (test: EventTest, fields: Fields): Change => (trace) =>
  alterFields(trace, test, fields);
export const before = (test: EventTest, added: NewEvent): Change => (trace) =>
  insertEvent(trace, "before", test, added);
export const after = (test: EventTest, added: NewEvent): Change => (trace) =>
  insertEvent(trace, "after", test, added);
export const move =
  (test: EventTest, where: "before" | "after", place: EventTest): Change => (trace) =>
    moveEvent(trace, test, where, place);
export const blob = (bytes: Uint8Array, test: EventTest): Change => (trace) =>
  alterEvents(trace, test, (event) => ({ ...event, blob: BLOBS.put(bytes) }));

/** Loses power after the resume, and resumes from the same image again. */
export function resumeTwice(trace: StoredTrace): StoredTrace {
  const start = trace.events.findLastIndex(isFact("power", { op: "on" }));
  const loss = { seq: -1, vt: 0, lamport: 0, ...fact("power", { op: "loss" }) };
  const again = trace.events.slice(start);
  return seal(trace.header, [...trace.events, loss, ...again], trace.footer);
}
