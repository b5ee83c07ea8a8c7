/**
 * Events as they are given out one by one, with what brought them about and what came of them.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { EVENT_KINDS } from "../../../machine/trace/event.ts";
import { Natural } from "./run.ts";

/** Kinds of events. */
export const Kind = z.enum(EVENT_KINDS).openapi("EventKind");

/** One event of a trace (DESIGN.md 5). */
export const Event = z.object({
  seq: Natural,
  vt: Natural,
  lamport: Natural,
  kind: Kind,
  actor: z.string(),
  source: z.string().optional(),
  target: z.string().optional(),
  type: z.string().optional(),
  msg: Natural.optional(),
  cause: Natural.optional(),
  state: z.string().optional(),
  summary: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  blob: z.string().optional(),
  rule: z.string().optional(),
  origin: z.object({ file: z.string(), line: Natural, text: z.string() }).optional(),
}).openapi("TraceEvent");

/** A cone of causes or effects, nearest first, cut off at a limit. */
export const Cone = z.object({
  /** All of it, also what is not listed. */
  count: Natural,
  seqs: z.array(Natural),
}).openapi("Cone");

/** Answer of `GET /api/runs/{run}/events/{seq}`. */
export const EventContext = z.object({
  event: Event,
  /** Vector clock: how many events of each actor are in its past, itself included. */
  clock: z.record(z.string(), Natural),
  /** What could have influenced it. */
  past: Cone,
  /** What it could have influenced. */
  future: Cone,
  /** Direct links, for arrows: `[from, to]` within what is listed. */
  links: z.array(z.tuple([Natural, Natural])),
}).openapi("EventContext");

/** Answer of `GET /api/runs/{run}/search`. */
export const SearchAnswer = z.object({
  /** Events of which the query is in actor, source, target, type, state or summary. */
  seqs: z.array(Natural),
  /** Whether there are more behind the last one. */
  more: z.boolean(),
}).openapi("SearchAnswer");

/** Answer of `POST /api/runs/{run}/step`. */
export const StepAnswer = z.object({
  /** Where that leads; absent where there is no such event. */
  at: Natural.optional(),
  event: Event.optional(),
  /** Rules broken at that event. */
  violated: z.array(z.string()).optional(),
}).openapi("StepAnswer");

/** Answer line of `GET /api/runs/{run}/verdicts`: one rule at one event. */
export const VerdictMark = z.object({
  rule: z.string(),
  seq: Natural,
  verdict: z.enum(["held", "violated"]),
  reason: z.string().optional(),
}).openapi("VerdictMark");

/** See {@linkcode EventContext}. */
export type EventContext = z.infer<typeof EventContext>;
/** See {@linkcode SearchAnswer}. */
export type SearchAnswer = z.infer<typeof SearchAnswer>;
/** See {@linkcode StepAnswer}. */
export type StepAnswer = z.infer<typeof StepAnswer>;
/** See {@linkcode VerdictMark}. */
export type VerdictMark = z.infer<typeof VerdictMark>;
