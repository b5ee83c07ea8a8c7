/**
 * The trace of a run: as a stream in three forms, event by event, searched, stepped through.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { StoredRun } from "../deps.ts";
import { ProblemError } from "../problem.ts";
import {
  acceptsGzip,
  EVENT_MEDIA_TYPES,
  type EventForm,
  eventFormOf,
} from "../streams/event_form.ts";
import { type EventQuery, parseEventQuery } from "../streams/event_query.ts";
import { empty, inForms, inJson, isHead, jsonAnswer, TEXT } from "./answers.ts";
import { fileAnswer } from "./file_answer.ts";
import {
  type Freshness,
  freshnessHeaders,
  freshnessOf,
  hasEnded,
  notModified,
} from "./freshness.ts";
import { operation } from "./operation.ts";
import { RunParameter, SeqParameter, TagHeaders, whole } from "./parameters.ts";
import { linked, momentOf, storedOf } from "./run_lookup.ts";
import { EventContext, SearchAnswer, StepAnswer } from "./shapes/event.ts";
import { StepRequest } from "./shapes/run.ts";
import { timed, untimed } from "./timing.ts";
import type { Wiring } from "./wiring.ts";

const VARY = "Accept, Accept-Encoding, Last-Event-ID";

/** Events of a cone that are listed. */
const CONE_EVENTS = 200;
const CONE_EVENTS_MAX = 5000;
const FOUND_EVENTS = 100;
const FOUND_EVENTS_MAX = 1000;

/** Adds them. */
export function eventRoutes(wiring: Wiring): void {
  streamRoute(wiring);
  contextRoute(wiring);
  searchRoute(wiring);
  stepRoute(wiring);
}

const number = (description: string, example: number) =>
  whole({ min: -1, max: Number.MAX_SAFE_INTEGER, example, description }).optional();

const names = (description: string, example: string) =>
  z.string().optional().openapi({ description, example });

const StreamQuery = z.strictObject({
  after: number("Only events behind this one; `Last-Event-ID` wins.", 1042),
  from: number("First event.", 0),
  to: number("Last event.", 2000),
  actor: names("Actors, with commas between.", "memory,A"),
  type: names("Types, or beginnings of types with a `*` behind.", "disk.*"),
  kind: names("Kinds of events.", "send,deliver"),
  follow: names("`1`: NDJSON and json-seq wait for events still to come, as SSE does.", "1"),
});

/** The answer's form and freshness, of which the rest follows. */
function freshnessOfStream(
  context: Context,
  stored: StoredRun,
  form: EventForm,
  gzip: boolean,
  settings: Wiring["deps"]["settings"],
): Freshness {
  if (form === "sse") return { control: "no-store" };
  const query = new URL(context.req.url).searchParams;
  query.sort();
  const isWhole = form === "ndjson" && !gzip && query.size === 0 &&
    context.req.header("last-event-id") === undefined;
  const what = `${form} ${gzip} ${query} ${context.req.header("last-event-id") ?? ""}`;
  return freshnessOf(stored.summary, isWhole ? "" : what, settings);
}

function streamHeaders(form: EventForm, freshness: Freshness): Record<string, string> {
  return {
    "Content-Type": EVENT_MEDIA_TYPES[form],
    "Vary": VARY,
    ...freshnessHeaders(freshness),
    ...form === "sse" ? { "X-Accel-Buffering": "no" } : {},
  };
}

function formOf(context: Context): EventForm {
  const form = eventFormOf(context.req.header("accept"));
  if (form !== undefined) return form;
  throw new ProblemError(
    "not-acceptable",
    `Events can be had as ${Object.values(EVENT_MEDIA_TYPES).join(", ")}`,
  );
}

function queryOf(context: Context): EventQuery {
  return parseEventQuery(
    new URL(context.req.url).searchParams,
    context.req.header("last-event-id"),
    [],
  );
}

function streamRoute({ app, deps, streams }: Wiring): void {
  const { laboratory, settings } = deps;
  operation(app, {
    method: "get",
    path: "/api/runs/{run}/events",
    operationId: "streamEvents",
    tag: "events",
    summary: "Get the events of a run",
    description: "As server-sent events, NDJSON (also where anything is taken) or json-seq, by " +
      "`Accept`. Server-sent events go on until the run ends and can be resumed with " +
      "`Last-Event-ID`; NDJSON without a filter is the trace file itself.",
    params: RunParameter,
    query: StreamQuery,
    queryUnread: true,
    headers: TagHeaders.extend({
      "Last-Event-ID": number("Number of the last event that the client has.", 1042),
      "Accept": names("The form that is wanted.", "application/x-ndjson"),
    }),
    answers: {
      200: inForms(
        {
          [EVENT_MEDIA_TYPES.sse]: TEXT,
          [EVENT_MEDIA_TYPES.ndjson]: TEXT,
          [EVENT_MEDIA_TYPES["json-seq"]]: TEXT,
        },
        "The events.",
        "ETag",
      ),
      204: empty("The run has ended and the client has all of it: an EventSource stays away."),
      304: empty("The client has what would be answered.", "ETag"),
    },
    problems: ["unknown-run", "not-acceptable", "too-many", "stopping"],
  }, async ({ context, params: { run } }) => {
    untimed(context);
    const stored = storedOf(deps, run);
    const { log } = stored;
    const form = formOf(context);
    const query = queryOf(context);
    if (form === "sse" && streams.isOver(log, query)) {
      return new Response(null, { status: 204, headers: { "Cache-Control": "no-store" } });
    }
    const gzip = form === "ndjson" && acceptsGzip(context.req.header("accept-encoding")) &&
      hasEnded(stored.summary) && streams.canGzip(log, query);
    const freshness = freshnessOfStream(context, stored, form, gzip, settings);
    const same = notModified(context, freshness, VARY);
    if (same !== undefined) return same;
    const headers = streamHeaders(form, freshness);
    if (isHead(context)) return new Response(null, { headers });
    if (gzip) {
      const { path, bytes } = await streams.gzipped(log);
      const file = { path, bytes, mediaType: EVENT_MEDIA_TYPES.ndjson };
      return fileAnswer(context, file, freshness, { ...headers, "Content-Encoding": "gzip" });
    }
    const summary = () => {
      const now = laboratory.get(run);
      return now === undefined ? undefined : linked(now);
    };
    const body = streams.open(log, query, form, {
      summary,
      watch: (changed) => laboratory.watch(run, (now) => changed(linked(now))),
    }, context.req.raw.signal);
    return new Response(body, { headers });
  });
}

function contextRoute({ app, deps }: Wiring): void {
  operation(app, {
    method: "get",
    path: "/api/runs/{run}/events/{seq}",
    operationId: "getEvent",
    tag: "events",
    summary: "Get one event with its causes and effects",
    description: "The event, its vector clock, and the cones of what could have influenced it " +
      "and of what it could have influenced, nearest first.",
    params: RunParameter.extend(SeqParameter.shape),
    query: z.strictObject({
      most: whole({
        min: 0,
        max: CONE_EVENTS_MAX,
        example: 50,
        description: `Events that each cone lists; ${CONE_EVENTS} unless given.`,
      }).optional(),
    }),
    headers: TagHeaders,
    answers: {
      200: inJson(EventContext, "The event.", "ETag"),
      304: empty("The client has what would be answered.", "ETag"),
    },
    problems: ["unknown-run", "unknown-event", "too-many"],
  }, async ({ context, params: { run, seq }, query: { most = CONE_EVENTS } }) => {
    const stored = storedOf(deps, run);
    const at = momentOf(stored, seq);
    const freshness = freshnessOf(stored.summary, `event ${at} ${most}`, deps.settings);
    const { signal } = context.req.raw;
    const found = () => timed(context, "load", deps.desk.causality(stored, at, most, signal));
    return notModified(context, freshness) ??
      jsonAnswer(await found(), 200, freshnessHeaders(freshness));
  });
}

function searchRoute({ app, deps }: Wiring): void {
  operation(app, {
    method: "get",
    path: "/api/runs/{run}/search",
    operationId: "searchEvents",
    tag: "events",
    summary: "Search the events of a run",
    description: "Events that have a text in actor, source, target, type, state or summary.",
    params: RunParameter,
    query: z.strictObject({
      q: z.string().min(1).max(200).openapi({ description: "The text.", example: "e820" }),
      from: whole({
        min: 0,
        max: Number.MAX_SAFE_INTEGER,
        example: 0,
        description: "First event to look at; the first unless given.",
      }).optional(),
      most: whole({
        min: 1,
        max: FOUND_EVENTS_MAX,
        example: 20,
        description: `Events to find; ${FOUND_EVENTS} unless given.`,
      }).optional(),
    }),
    headers: TagHeaders,
    answers: {
      200: inJson(SearchAnswer, "Numbers of events.", "ETag"),
      304: empty("The client has what would be answered.", "ETag"),
    },
    problems: ["unknown-run", "too-many"],
  }, async ({ context, params: { run }, query: { q, from = 0, most = FOUND_EVENTS } }) => {
    const stored = storedOf(deps, run);
    const what = `search ${JSON.stringify([q, from, most])}`;
    const freshness = freshnessOf(stored.summary, what, deps.settings);
    const { signal } = context.req.raw;
    const found = () => timed(context, "load", deps.desk.search(stored, q, from, most, signal));
    return notModified(context, freshness) ??
      jsonAnswer(await found(), 200, freshnessHeaders(freshness));
  });
}

function stepRoute({ app, deps }: Wiring): void {
  operation(app, {
    method: "post",
    path: "/api/runs/{run}/step",
    operationId: "stepRun",
    tag: "events",
    summary: "Step through a run",
    description: "From an event to the next or the one before, to the next fault, violation, " +
      "change of state or send, of all actors or of one.",
    params: RunParameter,
    body: StepRequest,
    bodyExample: { at: 1042, to: "next_fault" },
    answers: { 200: inJson(StepAnswer, "Where that leads.") },
    problems: ["unknown-run", "unknown-event", "too-large", "wrong-media-type", "too-many"],
  }, async ({ context, params: { run }, body }) => {
    const stepped = deps.desk.step(storedOf(deps, run), body, context.req.raw.signal);
    return jsonAnswer(await timed(context, "load", stepped));
  });
}
