/**
 * Headers of every answer, addresses that are refused, names of files that are saved.
 *
 * @module
 */
import { match, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { attachment } from "../../../server/guard/attachment.ts";
import { DATA_POLICY, PAGE_POLICY } from "../../../server/guard/headers.ts";
import { ask, guarded, problemOf, RUN } from "./guard_kit.ts";

Deno.test("answerHeaders stand on pages, data, errors and unknown paths", async () => {
  const { app } = guarded();
  const cases: [path: string, status: number, policy: string][] = [
    ["/", 200, PAGE_POLICY],
    ["/api/runs", 200, DATA_POLICY],
    [`/api/runs/${RUN}/events`, 200, DATA_POLICY],
    ["/api/nothing", 404, DATA_POLICY],
    ["/nothing", 404, PAGE_POLICY],
    ["http://evil.example/api/runs", 403, DATA_POLICY],
  ];
  for (const [path, status, policy] of cases) {
    const { headers, status: got, body } = await ask(app, path);
    await body?.cancel();
    strictEqual(got, status, path);
    strictEqual(headers.get("content-security-policy"), policy, path);
    strictEqual(headers.get("x-content-type-options"), "nosniff");
    strictEqual(headers.get("referrer-policy"), "no-referrer");
    strictEqual(headers.get("cross-origin-opener-policy"), "same-origin");
    strictEqual(headers.get("cross-origin-resource-policy"), "same-origin");
    match(headers.get("permissions-policy") ?? "", /camera=\(\)/);
    strictEqual(headers.get("www-authenticate"), null);
  }
});

Deno.test("PAGE_POLICY lets in nothing inline, nothing of another origin, and no frames", () => {
  for (const word of ["unsafe", "http", "*", "blob:", "eval"]) {
    ok(!PAGE_POLICY.includes(word), word);
  }
  for (
    const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ]
  ) ok(PAGE_POLICY.split("; ").includes(part), part);
});

Deno.test("addressGuard refuses escaped slashes, dots, zeros and line ends in a path", async () => {
  const { app, reached } = guarded();
  const parts = [
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2fetc",
    "%2E%2E",
    "..%5cwindows",
    "x%00.ndjson",
    "x%0d%0aSet-Cookie:%20a=b",
    "%252e%252e",
    "%7f",
    "%ff",
    "%c0%ae",
  ];
  for (const part of parts) {
    const answer = await ask(app, `http://localhost:8473/api/runs/${part}/export/x`);
    const name = await problemOf(answer).catch(() => "not found");
    // What the URL parser has resolved already leads nowhere.
    ok(name === "bad-request" || answer.status === 404, `${part}: ${name}`);
  }
  strictEqual(await problemOf(await ask(app, `/api/runs/${RUN}/export/%C3%A4`)), "");
  strictEqual(reached(), 2, "one was resolved by the URL parser, one is a plain letter");
});

Deno.test("addressGuard refuses an address over its limit and names the limit", async () => {
  const { app } = guarded();
  const begin = "http://localhost:8473/api/runs?q=";
  const fits = begin + "a".repeat(8192 - begin.length);
  strictEqual(await problemOf(await ask(app, fits)), "");
  const answer = await ask(app, `${fits}a`);
  strictEqual(answer.status, 400);
  match(await answer.text(), /"limit":\{"name":"addressCharacters","max":8192\}/);
});

Deno.test("attachment keeps a plain name and makes any other one harmless", () => {
  strictEqual(attachment("v7-hibernate.json"), 'attachment; filename="v7-hibernate.json"');
  strictEqual(attachment("a\r\nSet-Cookie: x=y"), 'attachment; filename="aSet-Cookie- x=y"');
  strictEqual(attachment('a"; filename="b'), 'attachment; filename="a-; filename=-b"');
  strictEqual(attachment("../../etc/passwd"), 'attachment; filename="-..-etc-passwd"');
  strictEqual(attachment(""), 'attachment; filename="file"');
  strictEqual(attachment("..."), 'attachment; filename="file"');
  strictEqual(
    attachment("Zürich (1).txt"),
    "attachment; filename=\"Z_rich (1).txt\"; filename*=UTF-8''Z%C3%BCrich%20%281%29.txt",
  );
});

Deno.test("attachment makes a header that is taken, for any name", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (name) => {
    const header = attachment(name);
    match(
      header,
      /^attachment; filename="[ !#$&-[\]-~]{1,240}"(?:; filename\*=UTF-8''[\w%.~!$&+^`|-]+)?$/,
    );
    strictEqual(new Headers({ "Content-Disposition": header }).get("content-disposition"), header);
    ok(!/[/\\]/.test(header));
  }));
});

Deno.test("attachment stands on an answer whatever name the client gives", async () => {
  const { app } = guarded();
  const name = encodeURIComponent('x"\r\nX-Evil: 1\r\n\r\n<script>');
  const answer = await ask(app, `/api/runs/${RUN}/export/mermaid?name=${name}`);
  strictEqual(answer.headers.get("x-evil"), null);
  strictEqual(
    answer.headers.get("content-disposition"),
    'attachment; filename="x-X-Evil- 1-script-"',
  );
  await answer.body?.cancel();
});
