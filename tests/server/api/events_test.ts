/**
 * The routes of events: streams in three forms, single events, search, steps.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { ApiKit, eventOf, problemIn, RUN } from "./api_kit.ts";

const EVENTS = `/api/runs/${RUN}/events`;

function types(text: string): string[] {
  return [...text.matchAll(/^event: (.*)$/gm)].map(([, name = ""]) => name);
}

Deno.test("GET events chooses the form by Accept with its weights", async () => {
  using kit = new ApiKit();
  const cases: readonly (readonly [string | undefined, string])[] = [
    [undefined, "application/x-ndjson"],
    ["*/*", "application/x-ndjson"],
    ["text/html, */*;q=0.1", "application/x-ndjson"],
    ["text/event-stream", "text/event-stream"],
    ["application/json-seq;q=0.5, text/event-stream;q=0.9", "text/event-stream"],
    ["application/json-seq, text/event-stream;q=0.9", "application/json-seq"],
    ["application/jsonl", "application/x-ndjson"],
  ];
  for (const [accept, wanted] of cases) {
    const answer = await kit.get(EVENTS, accept === undefined ? {} : { accept });
    strictEqual(answer.status, 200);
    strictEqual(answer.headers.get("content-type"), wanted, accept ?? "");
    match(answer.headers.get("vary") ?? "", /Accept/);
    await answer.text();
  }
  const refused = await problemIn(await kit.get(EVENTS, { accept: "text/html, */*;q=0" }));
  deepStrictEqual([refused.status, refused.name], [406, "not-acceptable"]);
});

Deno.test("GET events as NDJSON is the file of an ended run, packed where that is taken", async () => {
  using kit = new ApiKit();
  const file = Deno.readTextFileSync(`${kit.laboratory.folderOf(RUN)}/trace.ndjson`);
  const plain = await kit.get(EVENTS);
  strictEqual(await plain.text(), file);
  const packed = await kit.get(EVENTS, { "accept-encoding": "br, gzip" });
  strictEqual(packed.headers.get("content-encoding"), "gzip");
  ok(packed.body !== null);
  const unpacked = packed.body.pipeThrough(new DecompressionStream("gzip"));
  strictEqual(await new Response(unpacked).text(), file);
  ok(packed.headers.get("etag") !== plain.headers.get("etag"));
});

Deno.test("GET events of an ended run has a tag of the trace's digest and is kept for good", async () => {
  using kit = new ApiKit();
  const digest = kit.laboratory.get(RUN)?.sha256;
  const answer = await kit.get(EVENTS);
  await answer.text();
  strictEqual(answer.headers.get("etag"), `"${digest}"`);
  strictEqual(answer.headers.get("cache-control"), "public, max-age=31536000, immutable");
  for (const list of [`"${digest}"`, `"x", W/"${digest}"`]) {
    const same = await kit.get(EVENTS, { "if-none-match": list });
    strictEqual(same.status, 304);
    strictEqual(same.body, null);
    strictEqual(same.headers.get("etag"), `"${digest}"`);
    strictEqual(same.headers.get("cache-control"), "public, max-age=31536000, immutable");
  }
  strictEqual(kit.streams.count, 0);
  const filtered = await kit.get(`${EVENTS}?kind=send`, { "if-none-match": `"${digest}"` });
  strictEqual(filtered.status, 200);
  await filtered.text();
});

Deno.test("GET events tags every query and form apart, in whatever order its parameters are", async () => {
  using kit = new ApiKit();
  const tags: (string | null)[] = [];
  for (const query of ["", "?kind=send", "?kind=deliver", "?from=1", "?from=1&to=3"]) {
    for (const accept of ["application/x-ndjson", "application/json-seq"]) {
      const answer = await kit.get(`${EVENTS}${query}`, { accept });
      tags.push(answer.headers.get("etag"));
      await answer.text();
    }
  }
  strictEqual(new Set(tags).size, 10);
  const other = await kit.get(`${EVENTS}?to=3&from=1`, { accept: "application/json-seq" });
  await other.text();
  strictEqual(other.headers.get("etag"), tags.at(-1));
});

Deno.test("GET events of a run that goes on is not kept; of one that was stopped it is asked again", async () => {
  using kit = new ApiKit();
  kit.laboratory.add("0000000000000001", "running");
  const live = await kit.get("/api/runs/0000000000000001/events");
  await live.text();
  strictEqual(live.headers.get("cache-control"), "no-store");
  strictEqual(live.headers.get("etag"), null);
  kit.laboratory.add("0000000000000002", "interrupted", 10, { sha256: "0".repeat(64) });
  const path = "/api/runs/0000000000000002/events";
  const stopped = await kit.get(path);
  await stopped.text();
  strictEqual(stopped.headers.get("cache-control"), "no-cache");
  const tag = stopped.headers.get("etag") ?? "";
  strictEqual((await kit.get(path, { "if-none-match": tag })).status, 304);
  kit.laboratory.change("0000000000000002", { events: 11 });
  const anew = await kit.get(path, { "if-none-match": tag });
  strictEqual(anew.status, 200);
  await anew.text();
});

Deno.test("GET events with a token is kept by its own client only", async () => {
  using kit = new ApiKit({ token: "secret" });
  strictEqual((await problemIn(await kit.get(EVENTS))).name, "token-required");
  const answer = await kit.get(EVENTS, { authorization: "Bearer secret" });
  await answer.text();
  strictEqual(answer.headers.get("cache-control"), "private, max-age=31536000, immutable");
});

Deno.test("GET events as SSE resumes behind Last-Event-ID and is 204 when all has been had", async () => {
  using kit = new ApiKit();
  const accept = "text/event-stream";
  const whole = await kit.get(EVENTS, { accept });
  strictEqual(whole.headers.get("cache-control"), "no-store");
  strictEqual(whole.headers.get("x-accel-buffering"), "no");
  strictEqual(whole.headers.get("server-timing"), null);
  const text = await whole.text();
  ok(text.startsWith("retry: "));
  const names = types(text);
  strictEqual(names.filter((name) => name === "trace").length, 10);
  strictEqual(names.at(-1), "end");
  const rest = await (await kit.get(EVENTS, { accept, "last-event-id": "7" })).text();
  deepStrictEqual(types(rest).filter((name) => name === "trace").length, 2);
  ok(rest.includes(JSON.stringify(eventOf(8)).slice(0, 20)));
  const over = await kit.get(EVENTS, { accept, "last-event-id": "9" });
  strictEqual(over.status, 204);
  const beyond = await (await kit.get(EVENTS, { accept, "last-event-id": "99" })).text();
  ok(types(beyond).includes("gap"));
});

Deno.test("GET events as SSE tells of changes with the links of the run", async () => {
  using kit = new ApiKit();
  const log = kit.laboratory.add("0000000000000001", "running");
  const answer = await kit.get("/api/runs/0000000000000001/events", {
    accept: "text/event-stream",
  });
  kit.laboratory.change("0000000000000001", { status: "finished", outcome: "off" });
  log.end();
  const text = await answer.text();
  const state = /^event: state\ndata: (.*)$/m.exec(text)?.[1] ?? "{}";
  strictEqual(JSON.parse(state).links.self, "/api/runs/0000000000000001");
});

Deno.test("GET events as NDJSON waits for events to come only where it is asked to follow", async () => {
  using kit = new ApiKit();
  const log = kit.laboratory.add("0000000000000001", "running", 2);
  const path = "/api/runs/0000000000000001/events";
  const now = await (await kit.get(`${path}?from=0&to=99`)).text();
  strictEqual(now.trimEnd().split("\n").length, 2);
  const following = await kit.get(`${path}?follow=1&from=1&kind=deliver`);
  log.add(3);
  log.end();
  const lines = (await following.text()).trimEnd().split("\n");
  deepStrictEqual(lines.map((line) => JSON.parse(line).seq), [1, 3]);
});

Deno.test("GET events gives its client up when that goes, and HEAD opens nothing", async () => {
  using kit = new ApiKit();
  kit.laboratory.add("0000000000000001", "running");
  const path = "/api/runs/0000000000000001/events";
  const going = new AbortController();
  await kit.ask(path, { headers: { accept: "text/event-stream" }, signal: going.signal });
  strictEqual(kit.streams.count, 1);
  going.abort();
  strictEqual(kit.streams.count, 0);
  const head = await kit.ask(path, { method: "HEAD", headers: { accept: "text/event-stream" } });
  strictEqual(head.status, 200);
  strictEqual(head.headers.get("content-type"), "text/event-stream");
  strictEqual(kit.streams.count, 0);
});

Deno.test("GET events refuses queries that are none, with pointers", async () => {
  using kit = new ApiKit();
  for (const query of ["after=x", "from=-1", "to=1&from=2", "kind=sent", "what=1", "follow=2"]) {
    const { status, body } = await problemIn(await kit.get(`${EVENTS}?${query}`));
    strictEqual(status, 400, query);
    const [first] = Array.isArray(body["errors"]) ? body["errors"] : [];
    match(first.pointer, /^\/query/, query);
  }
});

Deno.test("GET of one event asks for its cones, as many as are wanted", async () => {
  using kit = new ApiKit();
  const answer = await kit.get(`${EVENTS}/3?most=5`);
  strictEqual((await answer.json()).event.seq, 3);
  match(answer.headers.get("server-timing") ?? "", /load;dur=/);
  match(answer.headers.get("cache-control") ?? "", /immutable/);
  const same = await kit.get(`${EVENTS}/3?most=5`, {
    "if-none-match": answer.headers.get("etag") ?? "",
  });
  strictEqual(same.status, 304);
  deepStrictEqual(kit.desk.asked, ["causality 3 5"]);
  for (
    const [path, name] of [["10", "unknown-event"], ["x", "unknown-event"], ["-1", "unknown-event"]]
  ) {
    const problem = await problemIn(await kit.get(`${EVENTS}/${path}`));
    deepStrictEqual([problem.status, problem.name], [404, name], path ?? "");
  }
  strictEqual((await problemIn(await kit.get(`${EVENTS}/3?most=5001`))).status, 400);
});

Deno.test("GET search and POST step ask the desk what they are asked", async () => {
  using kit = new ApiKit();
  const found = await kit.get(`/api/runs/${RUN}/search?q=e820&from=4&most=7`);
  deepStrictEqual(await found.json(), { seqs: [1, 2], more: true });
  const step = await kit.post(`/api/runs/${RUN}/step`, { at: -1, to: "next_fault" });
  deepStrictEqual(await step.json(), { at: 0 });
  deepStrictEqual(kit.desk.asked, ["search e820 4 7", "step -1 next_fault"]);
  for (const query of ["", "?q=", `?q=${"x".repeat(201)}`, "?q=a&most=0", "?q=a&q=b"]) {
    strictEqual((await kit.get(`/api/runs/${RUN}/search${query}`)).status, 400, query);
  }
  for (const body of [{ at: -2, to: "next" }, { at: 0, to: "up" }, { at: 0, to: "next", x: 1 }]) {
    strictEqual((await kit.post(`/api/runs/${RUN}/step`, body)).status, 400);
  }
});

Deno.test("A client that has gone is no defect", async () => {
  using kit = new ApiKit();
  const going = new AbortController();
  going.abort();
  kit.desk.trouble = going.signal.reason;
  await kit.ask(`/api/runs/${RUN}/search?q=a`, { signal: going.signal }).catch(() => {});
  deepStrictEqual(kit.logged, []);
});
