/**
 * The routes of the server itself and of what it has: catalogue, page, problems, unknown paths.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { PROBLEMS } from "../../../server/problem.ts";
import { ApiKit, problemIn, RUN } from "./api_kit.ts";

Deno.test("The catalogue's paths answer with tags and know no other names", async () => {
  using kit = new ApiKit();
  const paths = ["scenarios", "scenarios/v7-hibernate", "protocols", "rules", "rules/F23"];
  for (const path of paths) {
    const answer = await kit.get(`/api/${path}`);
    strictEqual(answer.status, 200, path);
    strictEqual(answer.headers.get("cache-control"), "no-cache");
    const tag = answer.headers.get("etag") ?? "";
    match(tag, /^"[0-9a-f]{32}"$/);
    await answer.body?.cancel();
    strictEqual((await kit.get(`/api/${path}`, { "if-none-match": tag })).status, 304);
  }
  const { scenarios } = await (await kit.get("/api/scenarios")).json();
  strictEqual(scenarios[0].text, undefined);
  strictEqual((await (await kit.get("/api/scenarios/v7-hibernate")).json()).text, "# A cycle\n");
  for (const name of ["other", "UPPER", "..", "x".repeat(81)]) {
    if (name === "..") continue;
    strictEqual(
      (await problemIn(await kit.get(`/api/scenarios/${name}`))).name,
      "unknown-scenario",
    );
    if (name !== "UPPER") continue;
    strictEqual((await problemIn(await kit.get(`/api/rules/${name}`))).name, "unknown-rule");
  }
});

Deno.test("GET /healthz counts runs and streams", async () => {
  using kit = new ApiKit();
  kit.laboratory.add("0000000000000001", "running");
  const stream = await kit.get("/api/runs/0000000000000001/events?follow=1");
  deepStrictEqual(await (await kit.get("/healthz")).json(), {
    ok: true,
    busy: 1,
    runs: 2,
    streams: 1,
  });
  await stream.body?.cancel();
});

Deno.test("GET /problems explains every problem, in words or as data", async () => {
  using kit = new ApiKit();
  for (const [name, { title, status }] of Object.entries(PROBLEMS)) {
    const text = await (await kit.get(`/problems/${name}`)).text();
    ok(text.startsWith(title) && text.length > title.length + 60, name);
    const answer = await kit.get(`/problems/${name}`, { accept: "application/json" });
    const page = await answer.json();
    deepStrictEqual([page.name, page.status, page.title], [name, status, title]);
  }
  for (const name of ["other", "constructor", "__proto__"]) {
    strictEqual((await problemIn(await kit.get(`/problems/${name}`))).name, "unknown-path");
  }
  strictEqual((await kit.get("/problems/internal", { accept: "image/png" })).status, 406);
});

Deno.test("The page's files have their types and tags", async () => {
  using kit = new ApiKit();
  for (const [path, file] of kit.deps.page.files) {
    const answer = await kit.get(`${path}?from=mail`);
    strictEqual(answer.headers.get("content-type"), file.mediaType);
    strictEqual(answer.headers.get("etag"), `"${file.digest}"`);
    match(answer.headers.get("content-security-policy") ?? "", /script-src 'self'/);
    deepStrictEqual(await answer.bytes(), file.body);
    const same = await kit.get(path, { "if-none-match": `"${file.digest}"` });
    deepStrictEqual([same.status, same.body], [304, null]);
    const head = await kit.ask(path, { method: "HEAD" });
    strictEqual(head.headers.get("content-length"), String(file.body.length));
  }
});

Deno.test("Paths that are not there are 404 and name no more of themselves than the path", async () => {
  using kit = new ApiKit();
  for (const path of ["/other", "/api", "/api/", "/api/run", "/api/runs/", `/api/runs/${RUN}/x`]) {
    const { status, name, body } = await problemIn(await kit.get(`${path}?secret=1`));
    deepStrictEqual([status, name], [404, "unknown-path"], path);
    strictEqual(body["instance"], path);
    ok(!JSON.stringify(body).includes("secret"));
  }
});

Deno.test("Paths that take no query refuse one", async () => {
  using kit = new ApiKit();
  for (const path of ["/healthz", "/api/rules", `/api/runs/${RUN}`]) {
    const { status, body } = await problemIn(await kit.get(`${path}?at=1`));
    strictEqual(status, 400, path);
    deepStrictEqual(body["errors"], [{
      pointer: "/query",
      detail: "There is something here that is not known; leave it out",
    }]);
  }
});

Deno.test("Paths that do not know a method are 405 and say which they know", async () => {
  using kit = new ApiKit();
  const cases: readonly (readonly [string, string, string])[] = [
    ["PUT", "/api/runs", "GET, HEAD, POST"],
    ["POST", `/api/runs/${RUN}`, "DELETE, GET, HEAD"],
    ["GET", `/api/runs/${RUN}/cancel`, "POST"],
    ["HEAD", "/api/traces", "POST"],
    ["PATCH", `/api/runs/${RUN}/export/html`, "GET, HEAD"],
    ["DELETE", "/", "GET, HEAD"],
    ["OPTIONS", "/healthz", "GET, HEAD"],
  ];
  for (const [method, path, allowed] of cases) {
    const answer = await kit.ask(path, { method });
    strictEqual(answer.status, 405, path);
    strictEqual(answer.headers.get("allow"), allowed);
    if (method === "HEAD") continue;
    strictEqual((await problemIn(answer)).name, "wrong-method");
  }
});

Deno.test("HEAD is answered wherever GET is, without a body", async () => {
  using kit = new ApiKit();
  const self = `/api/runs/${RUN}`;
  const paths = ["", "/events", "/events/1", "/search?q=a", "/machine", "/memory", "/verdicts"];
  for (const path of [...paths.map((each) => self + each), "/healthz", "/openapi.json", "/"]) {
    const answer = await kit.ask(path, { method: "HEAD" });
    deepStrictEqual([answer.status, answer.body], [200, null], path);
  }
});

Deno.test("Every answer has the headers of the guards, errors too", async () => {
  using kit = new ApiKit();
  for (const path of ["/", "/healthz", "/nothing", "/api/runs/x", `/api/runs/${RUN}/events`]) {
    const answer = await kit.get(path);
    strictEqual(answer.headers.get("x-content-type-options"), "nosniff", path);
    ok(answer.headers.has("content-security-policy"), path);
    await answer.body?.cancel();
  }
});
