/**
 * The routes of runs: start, wait, list, look, stop, remove, type.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { ProblemError, PROBLEMS } from "../../../server/problem.ts";
import { ApiKit, problemIn, RUN } from "./api_kit.ts";

const CYCLE = { kind: "cycle", machine: { memoryMiB: 64 } };

Deno.test("POST /api/runs answers 202 with the place of a new run, 200 with one that is there", async () => {
  using kit = new ApiKit();
  const first = await kit.post("/api/runs", CYCLE);
  strictEqual(first.status, 202);
  const { run, links } = await first.json();
  strictEqual(first.headers.get("location"), `/api/runs/${run}`);
  strictEqual(first.headers.get("preference-applied"), null);
  strictEqual(links.events, `/api/runs/${run}/events`);
  const again = await kit.post("/api/runs", CYCLE);
  strictEqual(again.status, 200);
  strictEqual(again.headers.get("location"), `/api/runs/${run}`);
  strictEqual((await again.json()).run, run);
  deepStrictEqual(kit.laboratory.requests, [CYCLE, CYCLE]);
});

Deno.test("POST /api/runs waits where it is preferred, within the limit, and answers 201 at the end", async () => {
  using kit = new ApiKit();
  const ended = await kit.post("/api/runs", CYCLE, { prefer: "respond-async, wait=5" });
  strictEqual(ended.status, 201);
  strictEqual(ended.headers.get("preference-applied"), "wait=5");
  strictEqual((await ended.json()).status, "finished");
  kit.laboratory.settlesAs = "running";
  const goesOn = await kit.post("/api/runs", { kind: "live" }, { prefer: 'Wait="999999"' });
  strictEqual(goesOn.status, 202);
  strictEqual(goesOn.headers.get("preference-applied"), "wait=30");
  await goesOn.body?.cancel();
  kit.laboratory.settlesAs = "waiting";
  const waits = await kit.post("/api/runs", { kind: "live", play: true }, { prefer: "wait=1" });
  strictEqual(waits.status, 201);
  match((await waits.json()).links.input, /\/input$/);
  const asked = kit.laboratory.asked.filter((each) => each.startsWith("settled"));
  deepStrictEqual(asked, ["settled 5000", "settled 30000", "settled 1000"]);
});

Deno.test("POST /api/runs does not wait for a preference that it does not know", async () => {
  using kit = new ApiKit();
  for (const prefer of ["wait", "wait=", "wait=x", "waiting=3", "return=minimal"]) {
    const answer = await kit.post("/api/runs", CYCLE, { prefer });
    strictEqual(answer.headers.get("preference-applied"), null, prefer);
    await answer.body?.cancel();
  }
});

Deno.test("POST /api/runs says where a body is wrong and repeats nothing of it", async () => {
  using kit = new ApiKit();
  const wrong = { kind: "cycle", machine: { memoryMiB: 4, "<script>": 1 }, part: "half" };
  const { status, name, body } = await problemIn(await kit.post("/api/runs", wrong));
  strictEqual(status, 400);
  strictEqual(name, "bad-request");
  const errors = body["errors"];
  ok(Array.isArray(errors));
  deepStrictEqual(errors.map(({ pointer }) => pointer).sort(), [
    "/body/machine",
    "/body/machine/memoryMiB",
    "/body/part",
  ]);
  ok(!JSON.stringify(body).includes("script") && !JSON.stringify(body).includes('half"'));
  strictEqual(kit.laboratory.requests.length, 0);
});

Deno.test("POST /api/runs refuses what is no JSON, no UTF-8, too deep or of another type", async () => {
  using kit = new ApiKit();
  const json = { "content-type": "application/json" };
  const cases: readonly (readonly [BodyInit, Record<string, string>, string])[] = [
    ["{", json, "bad-request"],
    [new Uint8Array([0x22, 0xff, 0x22]), json, "bad-request"],
    ["[".repeat(64), json, "too-large"],
    ["kind=cycle", { "content-type": "application/x-www-form-urlencoded" }, "wrong-media-type"],
    ["{}", { "content-type": "text/plain" }, "wrong-media-type"],
    ['{"kind":"other"}', json, "bad-request"],
    ["null", json, "bad-request"],
  ];
  for (const [body, headers, wanted] of cases) {
    const answer = await kit.ask("/api/runs", { method: "POST", headers, body });
    strictEqual((await problemIn(answer)).name, wanted, String(body));
  }
});

Deno.test("POST /api/runs tells when to come again where there is too much to do", async () => {
  using kit = new ApiKit();
  kit.laboratory.trouble = new ProblemError("too-many", "Too many runs wait", {
    limit: { name: "queuedRuns", max: 32 },
    retryAfter: 2.2,
  });
  const answer = await kit.post("/api/runs", CYCLE);
  strictEqual(answer.headers.get("retry-after"), "3");
  const { status, body } = await problemIn(answer);
  strictEqual(status, 429);
  deepStrictEqual(body["limit"], { name: "queuedRuns", max: 32 });
  strictEqual(body["retryAfter"], undefined);
});

Deno.test("GET /api/runs gives pages, latest first, that the Link header joins", async () => {
  using kit = new ApiKit();
  for (let number = 1; number <= 5; number++) {
    const created = `2026-11-21T11:00:0${number % 3}.000Z`;
    kit.laboratory.add(`000000000000000${number}`, "running", 1, { created });
  }
  const wanted = kit.laboratory.list().map(({ run }) => run);
  const found: string[] = [];
  let path: string | undefined = "/api/runs?limit=2";
  for (let pages = 0; path !== undefined; pages++) {
    ok(pages < 3);
    const answer: Response = await kit.get(path);
    const { runs }: { runs: { run: string }[] } = await answer.json();
    ok(runs.length === 2);
    found.push(...runs.map(({ run }) => run));
    path = /^<(.*)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
  }
  deepStrictEqual(found, wanted);
});

Deno.test("GET /api/runs goes on behind a run that was removed meanwhile", async () => {
  using kit = new ApiKit();
  const created = "2026-11-21T11:00:00.000Z";
  kit.laboratory.add("0000000000000001", "running", 1, { created });
  const first = await kit.get("/api/runs?limit=1");
  await first.body?.cancel();
  const next = /^<(.*)>/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
  await kit.laboratory.remove("0000000000000001");
  const { runs } = await (await kit.get(next)).json();
  deepStrictEqual(runs.map(({ run }: { run: string }) => run), [RUN]);
});

Deno.test("GET /api/runs misses none of one moment when the run before it was removed", async () => {
  using kit = new ApiKit();
  const created = "2026-11-21T11:00:00.000Z";
  kit.laboratory.add("0000000000000001", "running", 1, { created });
  kit.laboratory.add("0000000000000002", "running", 1, { created });
  await kit.laboratory.remove("0000000000000001");
  const { runs } = await (await kit.get(`/api/runs?after=${created}_0000000000000001`)).json();
  deepStrictEqual(runs.map(({ run }: { run: string }) => run), ["0000000000000002", RUN]);
});

Deno.test("GET /api/runs refuses cursors, limits and parameters that are none", async () => {
  using kit = new ApiKit();
  for (const query of ["after=x", "limit=0", "limit=501", "limit=1e2", "limit=1&limit=2", "q=1"]) {
    const { status, name } = await problemIn(await kit.get(`/api/runs?${query}`));
    deepStrictEqual([status, name], [400, "bad-request"], query);
  }
});

Deno.test("GET, cancel, input and DELETE of a run do what they say", async () => {
  using kit = new ApiKit();
  const log = kit.laboratory.add("0000000000000001", "waiting");
  const summary = await (await kit.get("/api/runs/0000000000000001")).json();
  strictEqual(summary.status, "waiting");
  strictEqual(summary.links.input, "/api/runs/0000000000000001/input");
  const input = await kit.post("/api/runs/0000000000000001/input", { text: "# power on" });
  strictEqual(input.status, 200);
  await input.body?.cancel();
  const cancelled = await kit.ask("/api/runs/0000000000000001/cancel", { method: "POST" });
  strictEqual((await cancelled.json()).status, "cancelled");
  log.end();
  const removed = await kit.ask("/api/runs/0000000000000001", { method: "DELETE" });
  strictEqual(removed.status, 204);
  strictEqual(removed.body, null);
  strictEqual((await kit.get("/api/runs/0000000000000001")).status, 404);
  deepStrictEqual(kit.laboratory.asked, ["input # power on", "cancel", "remove"]);
});

Deno.test("DELETE of a run ends its streams before its files go", async () => {
  using kit = new ApiKit();
  kit.laboratory.add("0000000000000001", "running");
  const answer = await kit.get("/api/runs/0000000000000001/events", {
    accept: "text/event-stream",
  });
  strictEqual(kit.streams.count, 1);
  await kit.ask("/api/runs/0000000000000001", { method: "DELETE" });
  strictEqual(kit.streams.count, 0);
  await answer.text();
});

Deno.test("Runs that are not there are 404 on every path below them, whatever else is asked", async () => {
  using kit = new ApiKit();
  const paths = ["", "/events", "/events/0", "/search?q=a", "/machine", "/machine/change?at=1"];
  paths.push("/memory", "/disk", "/verdicts", "/images/disk", "/report", "/export/perfetto");
  paths.push(`/blobs/${"0".repeat(64)}`);
  for (const run of ["ffffffffffffffff", "x", "DF701EE5DFEC7AE1", "f".repeat(65)]) {
    for (const path of paths) {
      const { status, name } = await problemIn(await kit.get(`/api/runs/${run}${path}`));
      deepStrictEqual([status, name], [404, "unknown-run"], `${run}${path}`);
    }
    for (const [path, body] of [["cancel", {}], ["input", { text: "a" }]] as const) {
      const answer = await kit.post(`/api/runs/${run}/${path}`, body);
      strictEqual((await problemIn(answer)).name, "unknown-run", path);
    }
    const step = await kit.post(`/api/runs/${run}/step`, { at: 0, to: "next" });
    strictEqual((await problemIn(step)).name, "unknown-run");
  }
});

Deno.test("Every problem of the laboratory becomes its status and type", async () => {
  using kit = new ApiKit();
  for (const name of Object.keys(PROBLEMS)) {
    const entry = Object.entries(PROBLEMS).find(([each]) => each === name)?.[1];
    // A key of the table, as the loop says.
    kit.laboratory.trouble = new ProblemError(name as keyof typeof PROBLEMS, "What to do", {
      seq: 7,
      offset: 3,
      rule: "F23",
    });
    const answer = await kit.post("/api/runs?", CYCLE);
    strictEqual(answer.headers.get("content-type"), "application/problem+json");
    strictEqual(answer.headers.get("cache-control"), "no-store");
    deepStrictEqual(await answer.json(), {
      type: `/problems/${name}`,
      title: entry?.title,
      status: entry?.status,
      detail: "What to do",
      instance: "/api/runs",
      rule: "F23",
      seq: 7,
      offset: 3,
    });
    strictEqual(answer.status, entry?.status);
  }
});

Deno.test("A defect is logged and its answer has nothing of it", async () => {
  using kit = new ApiKit();
  const defect = new TypeError("secret of /home/someone/file.ts");
  kit.laboratory.trouble = defect;
  const answer = await kit.post("/api/runs", CYCLE);
  strictEqual(answer.status, 500);
  const text = await answer.text();
  ok(!/secret|home|file\.ts|TypeError|stack/.test(text), text);
  strictEqual(JSON.parse(text).type, "/problems/internal");
  deepStrictEqual(kit.logged, [defect]);
});
