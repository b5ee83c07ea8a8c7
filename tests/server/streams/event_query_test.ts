/** Queries for events, and the forms that clients want. */
import assert from "node:assert/strict";
import { ProblemError } from "../../../server/problem.ts";
import { acceptsGzip, eventFormOf } from "../../../server/streams/event_form.ts";
import {
  ALL_EVENTS,
  firstWanted,
  parseEventQuery,
  wantsWhole,
} from "../../../server/streams/event_query.ts";

function pointersOf(query: string, header?: string): string[] {
  try {
    parseEventQuery(new URLSearchParams(query), header);
  } catch (error) {
    assert.ok(error instanceof ProblemError);
    assert.equal(error.problem, "bad-request");
    return (error.details.errors ?? []).map(({ pointer }) => pointer);
  }
  return [];
}

Deno.test("parseEventQuery reads every parameter", () => {
  const query = parseEventQuery(
    new URLSearchParams(
      "after=4&from=2&to=90&actor=A,disk&actor=B&type=disk.*&kind=send,note&follow=1",
    ),
  );
  assert.deepEqual(query, {
    after: 4,
    from: 2,
    to: 90,
    actors: ["A", "disk", "B"],
    types: ["disk.*"],
    kinds: ["send", "note"],
    follow: true,
  });
  assert.equal(firstWanted(query), 5);
});

Deno.test("parseEventQuery of nothing asks for all", () => {
  assert.deepEqual(parseEventQuery(new URLSearchParams()), ALL_EVENTS);
  assert.equal(wantsWhole(ALL_EVENTS), true);
  assert.equal(wantsWhole({ ...ALL_EVENTS, after: 0 }), false);
});

Deno.test("parseEventQuery lets Last-Event-ID win over after", () => {
  assert.equal(parseEventQuery(new URLSearchParams("after=4"), "9").after, 9);
  assert.equal(parseEventQuery(new URLSearchParams("after=4"), "").after, 4);
  assert.equal(parseEventQuery(new URLSearchParams(), "-1").after, -1);
});

Deno.test("parseEventQuery points at each mistake", () => {
  assert.deepEqual(pointersOf("after=x"), ["/query/after"]);
  assert.deepEqual(pointersOf("after=-2"), ["/query/after"]);
  assert.deepEqual(pointersOf("from=01"), ["/query/from"]);
  assert.deepEqual(pointersOf("from=9007199254740992"), ["/query/from"]);
  assert.deepEqual(pointersOf("to=1.5"), ["/query/to"]);
  assert.deepEqual(pointersOf("to=1&to=2"), ["/query/to"]);
  assert.deepEqual(pointersOf("from=5&to=4"), ["/query/to"]);
  assert.deepEqual(pointersOf("kind=sent"), ["/query/kind"]);
  assert.deepEqual(pointersOf("type=a*b"), ["/query/type"]);
  assert.deepEqual(pointersOf("actor="), ["/query/actor"]);
  assert.deepEqual(pointersOf(`actor=${"a".repeat(201)}`), ["/query/actor"]);
  assert.deepEqual(pointersOf(`type=${Array(65).fill("t").join()}`), ["/query/type"]);
  assert.deepEqual(pointersOf("follow=yes"), ["/query/follow"]);
  assert.deepEqual(pointersOf("actors=A"), ["/query"]);
  assert.deepEqual(pointersOf("", "abc"), ["/header/last-event-id"]);
  assert.deepEqual(pointersOf("token=secret"), []);
  assert.deepEqual(pointersOf("from=x&to=y"), ["/query/from", "/query/to"]);
});

Deno.test("parseEventQuery repeats nothing of the request", () => {
  try {
    parseEventQuery(new URLSearchParams("kind=%3Cscript%3E&from=evil"));
    assert.fail("it was taken");
  } catch (error) {
    assert.ok(error instanceof ProblemError);
    assert.doesNotMatch(error.message + JSON.stringify(error.details), /script|evil/);
  }
});

Deno.test("eventFormOf takes the form with the greatest weight", () => {
  assert.equal(eventFormOf(null), "ndjson");
  assert.equal(eventFormOf("text/event-stream"), "sse");
  assert.equal(eventFormOf("application/jsonl"), "ndjson");
  assert.equal(eventFormOf("application/json-seq;q=0.5, text/event-stream;q=0.4"), "json-seq");
  assert.equal(eventFormOf("text/html, */*;q=0.1"), "ndjson");
  assert.equal(eventFormOf("text/html"), undefined);
  assert.equal(eventFormOf("text/event-stream;q=0"), undefined);
});

Deno.test("acceptsGzip knows weights and the star", () => {
  assert.equal(acceptsGzip("br, gzip"), true);
  assert.equal(acceptsGzip("gzip;q=0, *"), false);
  assert.equal(acceptsGzip("*"), true);
  assert.equal(acceptsGzip("identity"), false);
  assert.equal(acceptsGzip(null), false);
});
