/**
 * The token: by header, by cookie, and what there is without it.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { timingSafeEqual } from "node:crypto";
import { isSameSecret } from "../../../server/guard/token.ts";
import { ask, guarded, problemOf, RUN } from "./guard_kit.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const EVENTS = `/api/runs/${RUN}/events`;

function kept(): ReturnType<typeof guarded> {
  return guarded({ token: TOKEN });
}

/** The cookie that a visit gives. */
async function visit(app: ReturnType<typeof guarded>["app"]): Promise<string> {
  const answer = await ask(app, `/?token=${TOKEN}`);
  strictEqual(answer.status, 303);
  return answer.headers.get("set-cookie") ?? "";
}

Deno.test("tokenGuard refuses every path without the token, streams too", async () => {
  const { app, reached } = kept();
  for (const path of ["/", "/api/runs", EVENTS, "/healthz", "/nowhere"]) {
    const answer = await ask(app, path);
    strictEqual(answer.status, 401, path);
    strictEqual(answer.headers.get("www-authenticate"), 'Bearer realm="kjump"');
    strictEqual(await problemOf(answer), "token-required");
  }
  strictEqual(reached(), 0);
});

Deno.test("tokenGuard lets a program in that sends the token", async () => {
  const { app } = kept();
  for (const path of ["/", "/api/runs", EVENTS]) {
    for (const scheme of ["Bearer", "bearer"]) {
      const headers = { authorization: `${scheme} ${TOKEN}` };
      strictEqual(await problemOf(await ask(app, path, { headers })), "", path);
    }
  }
});

Deno.test("tokenGuard refuses wrong tokens and repeats none", async () => {
  const { app } = kept();
  const wrong = ["x", `${TOKEN}x`, TOKEN.slice(1), TOKEN.toUpperCase(), "'\"<b>", "geheim"];
  for (const token of wrong) {
    for (
      const headers of [
        { authorization: `Bearer ${token}` },
        { authorization: `Basic ${token}` },
        { cookie: `kjump-8473=${token}` },
        { cookie: `kjump-8473=${TOKEN}` },
      ]
    ) {
      const answer = await ask(app, EVENTS, { headers });
      strictEqual(answer.status, 401);
      ok(!(await answer.text()).includes(token));
    }
    const visited = await ask(app, `/?token=${encodeURIComponent(token)}`);
    strictEqual(visited.status, 401);
    strictEqual(visited.headers.get("set-cookie"), null);
    ok(!(await visited.text()).includes(token));
  }
  const inQuery = await ask(app, `${EVENTS}?token=${TOKEN}`);
  strictEqual(await problemOf(inQuery), "token-required", "only the page's address may have it");
});

Deno.test("tokenGuard gives a browser that visits with the token a cookie and sends it on", async () => {
  const { app } = kept();
  const answer = await ask(app, `/?token=${TOKEN}`);
  strictEqual(answer.headers.get("location"), "/");
  strictEqual(answer.headers.get("referrer-policy"), "no-referrer");
  strictEqual(answer.headers.get("cache-control"), "no-store");
  const [pair = "", ...attributes] = (answer.headers.get("set-cookie") ?? "").split("; ");
  deepStrictEqual(attributes, ["Path=/", "HttpOnly", "SameSite=Strict"]);
  ok(!pair.includes(TOKEN), "the cookie does not hold the token");
  const headers = { cookie: `theme=dark; ${pair}; other=1` };
  for (const path of ["/", "/api/runs", EVENTS]) {
    strictEqual(await problemOf(await ask(app, path, { headers })), "", path);
  }
});

Deno.test("tokenGuard's cookie is this token's and this port's", async () => {
  const [pair = ""] = (await visit(kept().app)).split(";");
  const headers = { cookie: pair };
  const other = guarded({ token: "another" });
  strictEqual(await problemOf(await ask(other.app, "/", { headers })), "token-required");
  const [anyPort = ""] = (await visit(guarded({ token: TOKEN, port: 0 }).app)).split(";");
  strictEqual(anyPort.split("=")[0], "kjump");
});

Deno.test("tokenGuard is asked after the host, so that a foreign page learns nothing of it", async () => {
  const answer = await ask(kept().app, `http://evil.example:8473/?token=${TOKEN}`);
  strictEqual(await problemOf(answer), "foreign-host");
});

Deno.test("tokenGuard is not there where no token is wanted", async () => {
  const answer = await ask(guarded().app, "/?token=whatever");
  strictEqual(answer.status, 200);
  await answer.body?.cancel();
});

Deno.test("isSameSecret compares texts of any length, by node's constant-time compare", async () => {
  ok(isSameSecret("", ""));
  ok(isSameSecret("geheim", "geheim"));
  ok(!isSameSecret("geheim", "geheim "));
  ok(!isSameSecret("", "geheim"));
  // It throws on texts of two lengths, so digests have to be what is compared.
  ok(timingSafeEqual(new Uint8Array(2), new Uint8Array(2)));
  const source = await Deno.readTextFile(
    new URL("../../../server/guard/token.ts", import.meta.url),
  );
  ok(/return timingSafeEqual\(digest\(given\), digest\(wanted\)\)/.test(source));
  const compared = source.match(/[!=]== (?:token|session|wanted)\b|(?:token|session) [!=]==/g);
  strictEqual(compared, null, "no secret is compared by the language");
});
