/**
 * Requests of other sites, and of our own page.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import { SHARED_HEADERS } from "../../../server/guard/cors.ts";
import { ask, guarded, problemOf, RUN, type Sent } from "./guard_kit.ts";

const OWN = "http://localhost:8473";
const JSON_BODY = { method: "POST", body: "{}" };

async function problem(path: string, sent: Sent): Promise<string> {
  return await problemOf(await ask(guarded().app, path, sent));
}

function post(headers: Readonly<Record<string, string>>): Promise<string> {
  return problem("/api/runs", {
    ...JSON_BODY,
    headers: { "content-type": "application/json", ...headers },
  });
}

Deno.test("originGuard lets the own page and programs change something", async () => {
  strictEqual(await post({}), "");
  strictEqual(await post({ origin: OWN }), "");
  strictEqual(await post({ origin: OWN, "sec-fetch-site": "same-origin" }), "");
  strictEqual(await post({ "sec-fetch-site": "none" }), "");
});

Deno.test("originGuard refuses to change anything for another site", async () => {
  const headers: Readonly<Record<string, string>>[] = [
    { origin: "https://evil.example" },
    { origin: "http://localhost:3000" },
    { origin: "http://127.0.0.1:8473" },
    { origin: "null" },
    { origin: "file://localhost:8473" },
    { origin: "extension://localhost:8473" },
    { origin: "" },
    { origin: "nonsense" },
    { origin: "https://ui.perfetto.dev" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: OWN, "sec-fetch-site": "cross-site" },
  ];
  for (const each of headers) {
    strictEqual(await post(each), "foreign-origin", JSON.stringify(each));
  }
});

Deno.test("originGuard refuses a form's post, whose content type no browser asks about", async () => {
  const types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"];
  for (const type of types) {
    const headers = { "content-type": type, origin: "https://evil.example" };
    strictEqual(await problem("/api/runs", { ...JSON_BODY, headers }), "foreign-origin");
  }
  for (const method of ["DELETE", "PUT", "PATCH"]) {
    const sent = { method, headers: { origin: "https://evil.example" } };
    strictEqual(await problem("/api/runs", sent), "foreign-origin");
  }
});

Deno.test("originGuard refuses another site's page to read the API, but not to link to it", async () => {
  const embedded = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" };
  strictEqual(await problem("/api/runs", { headers: embedded }), "foreign-origin");
  strictEqual(await problem("/%61pi/runs", { headers: embedded }), "foreign-origin");
  const sibling = { ...embedded, "sec-fetch-site": "same-site" };
  strictEqual(await problem("/api/runs", { headers: sibling }), "foreign-origin");
  strictEqual(
    await problem("/api/runs", { headers: { origin: "https://a.example" } }),
    "foreign-origin",
  );
  const framed = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
  strictEqual(
    await problem("/api/runs", { headers: { ...framed, "sec-fetch-dest": "iframe" } }),
    "foreign-origin",
  );
  const followed = { ...framed, "sec-fetch-dest": "document" };
  strictEqual(await problem("/api/runs", { headers: followed }), "");
  strictEqual(await problem("/", { headers: followed }), "");
  strictEqual(await problem("/api/runs", { headers: { "sec-fetch-site": "same-origin" } }), "");
});

Deno.test("perfettoSharing lets Perfetto's viewer read that export and nothing else", async () => {
  const { app } = guarded();
  const headers = { origin: "https://ui.perfetto.dev", "sec-fetch-site": "cross-site" };
  const path = `/api/runs/${RUN}/export/perfetto`;
  const answer = await ask(app, path, { headers });
  strictEqual(answer.status, 200);
  strictEqual(answer.headers.get("access-control-allow-origin"), "https://ui.perfetto.dev");
  strictEqual(answer.headers.get("access-control-allow-credentials"), null);
  strictEqual(answer.headers.get("vary"), "Origin");
  await answer.body?.cancel();

  const before = await ask(app, path, { method: "OPTIONS", headers });
  strictEqual(before.status, 204);
  for (const [name, value] of Object.entries(SHARED_HEADERS)) {
    strictEqual(before.headers.get(name), value);
  }

  for (const other of [`/api/runs/${RUN}/export/otlp`, `/api/runs/${RUN}/events`, "/api/runs"]) {
    strictEqual(await problem(other, { headers }), "foreign-origin", other);
  }
  const evil = { ...headers, origin: "https://evil.example" };
  strictEqual(await problem(path, { headers: evil }), "foreign-origin");
  const own = await ask(app, path, { headers: { origin: OWN } });
  strictEqual(own.headers.get("access-control-allow-origin"), null);
  strictEqual(own.headers.get("vary"), "Origin");
  await own.body?.cancel();
});
