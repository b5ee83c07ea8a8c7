/**
 * The routes of moments and results: states, images, verdicts, reports, exports, blobs.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { ProblemError, PROBLEMS } from "../../../server/problem.ts";
import { ApiKit, problemIn, RUN } from "./api_kit.ts";

const SELF = `/api/runs/${RUN}`;

Deno.test("GET of states looks at the event that is asked for, or the last", async () => {
  using kit = new ApiKit();
  for (const path of ["machine", "machine/change", "memory", "disk"]) {
    const answer = await kit.get(`${SELF}/${path}?at=4`);
    strictEqual((await answer.json()).at, 4, path);
    match(answer.headers.get("server-timing") ?? "", /replay;dur=/);
    match(answer.headers.get("cache-control") ?? "", /immutable/);
    const tag = answer.headers.get("etag") ?? "";
    strictEqual((await kit.get(`${SELF}/${path}?at=4`, { "if-none-match": tag })).status, 304);
    const last = await kit.get(`${SELF}/${path}`, { "if-none-match": tag });
    strictEqual((await last.json()).at, 9);
    ok(last.headers.get("etag") !== tag);
  }
  deepStrictEqual(kit.replays.asked, [
    "machine 4",
    "machine 9",
    "change 4",
    "change 9",
    "memory 4",
    "memory 9",
    "disk 4",
    "disk 9",
  ]);
});

Deno.test("GET of states refuses events that are not there and runs that cannot be replayed", async () => {
  using kit = new ApiKit();
  kit.laboratory.add("0000000000000001", "finished", 5, { replayable: false });
  kit.laboratory.add("0000000000000002", "queued", 0);
  for (const path of ["machine", "machine/change", "memory", "disk", "images/elf"]) {
    const beyond = await problemIn(await kit.get(`${SELF}/${path}?at=10`));
    deepStrictEqual([beyond.name, beyond.body["seq"]], ["unknown-event", 10]);
    const imported = await problemIn(await kit.get(`/api/runs/0000000000000001/${path}`));
    deepStrictEqual([imported.status, imported.name], [409, "not-replayable"]);
    const none = await problemIn(await kit.get(`/api/runs/0000000000000002/${path}`));
    strictEqual(none.name, "unknown-event");
    strictEqual((await kit.get(`${SELF}/${path}?at=1.5`)).status, 400);
  }
  deepStrictEqual(kit.replays.asked, []);
});

Deno.test("GET images gives the file whole, in parts, or its head", async () => {
  using kit = new ApiKit();
  const whole = await kit.get(`${SELF}/images/elf?at=3`);
  strictEqual(await whole.text(), "content of elf.img");
  strictEqual(whole.headers.get("content-disposition"), 'attachment; filename="elf.img"');
  strictEqual(whole.headers.get("accept-ranges"), "bytes");
  const part = await kit.get(`${SELF}/images/elf?at=3`, { range: "bytes=-3" });
  strictEqual(part.status, 206);
  strictEqual(await part.text(), "img");
  strictEqual(part.headers.get("content-range"), "bytes 15-17/18");
  const head = await kit.ask(`${SELF}/images/disk`, { method: "HEAD" });
  strictEqual(head.headers.get("content-length"), "19");
  strictEqual(head.body, null);
  strictEqual((await kit.get(`${SELF}/images/tape`)).status, 400);
});

/** A run with a blob of 1000 bytes. */
function withBlob(kit: ApiKit): { path: string; bytes: Uint8Array; tag: string } {
  const digest = "ab".repeat(32);
  const bytes = Uint8Array.from({ length: 1000 }, (_, at) => at % 251);
  Deno.writeFileSync(`${kit.laboratory.folderOf(RUN)}/blobs/${digest}`, bytes);
  return { path: `${SELF}/blobs/${digest}`, bytes, tag: `"${digest}"` };
}

Deno.test("GET blobs answers ranges as the RFC wants", async () => {
  using kit = new ApiKit();
  const { path, bytes, tag } = withBlob(kit);
  const cases: readonly (readonly [string, number, number, number])[] = [
    ["bytes=0-0", 206, 0, 1],
    ["bytes=0-", 206, 0, 1000],
    ["bytes=10-19", 206, 10, 20],
    ["bytes=990-5000", 206, 990, 1000],
    ["bytes=-5000", 206, 0, 1000],
    ["Bytes=-1", 206, 999, 1000],
    ["bytes=5-4", 200, 0, 1000],
    ["bytes=-", 200, 0, 1000],
    ["bytes=0-1,5-6", 200, 0, 1000],
    ["lines=0-1", 200, 0, 1000],
  ];
  for (const [range, status, start, end] of cases) {
    const answer = await kit.get(path, { range });
    strictEqual(answer.status, status, range);
    strictEqual(answer.headers.get("content-length"), String(end - start));
    deepStrictEqual(await answer.bytes(), bytes.slice(start, end), range);
    strictEqual(answer.headers.get("etag"), tag);
    strictEqual(
      answer.headers.get("content-range"),
      status === 206 ? `bytes ${start}-${end - 1}/1000` : null,
    );
  }
  for (const range of ["bytes=1000-", "bytes=-0", "bytes=1000-2000"]) {
    const answer = await kit.get(path, { range });
    strictEqual(answer.headers.get("content-range"), "bytes */1000");
    deepStrictEqual((await problemIn(answer)).name, "wrong-range", range);
  }
});

Deno.test("GET blobs heeds If-Range, If-None-Match and HEAD", async () => {
  using kit = new ApiKit();
  const { path, tag } = withBlob(kit);
  const range = "bytes=0-1";
  const statuses: readonly (readonly [Record<string, string>, number])[] = [
    [{ range, "if-range": tag }, 206],
    [{ range, "if-range": `W/${tag}` }, 200],
    [{ range, "if-range": '"other"' }, 200],
    [{ range, "if-range": "Sat, 21 Nov 2026 10:00:00 GMT" }, 200],
    [{ "if-none-match": tag }, 304],
    [{ range, "if-none-match": tag }, 304],
  ];
  for (const [headers, status] of statuses) {
    const answer = await kit.get(path, headers);
    strictEqual(answer.status, status);
    await answer.body?.cancel();
  }
  const head = await kit.ask(path, { method: "HEAD", headers: { range } });
  strictEqual(head.status, 200);
  strictEqual(head.headers.get("content-length"), "1000");
  match(head.headers.get("cache-control") ?? "", /immutable/);
});

Deno.test("GET blobs knows no other names than digests of blobs that are there", async () => {
  using kit = new ApiKit();
  for (const name of ["0".repeat(64), "0", "AB".repeat(32), "trace.ndjson", "..%2ftrace.ndjson"]) {
    const { status, name: problem } = await problemIn(await kit.get(`${SELF}/blobs/${name}`));
    ok(status === 404 || name.includes("%"), name);
    ok(problem === "unknown-blob" || name.includes("%"), name);
  }
});

Deno.test("A file whose client leaves is closed", async () => {
  using kit = new ApiKit();
  const digest = "cd".repeat(32);
  Deno.writeFileSync(`${kit.laboratory.folderOf(RUN)}/blobs/${digest}`, new Uint8Array(1 << 20));
  const answer = await kit.get(`${SELF}/blobs/${digest}`);
  const reader = answer.body?.getReader();
  ok(((await reader?.read())?.value?.length ?? 0) > 0);
  // The test's own check of resources fails where the file stays open.
  await reader?.cancel();
});

Deno.test("GET verdicts gives whole lines only, and none where there are none yet", async () => {
  using kit = new ApiKit();
  kit.laboratory.add("0000000000000001", "running");
  const path = "/api/runs/0000000000000001/verdicts";
  const none = await kit.get(path);
  strictEqual(none.status, 200);
  strictEqual(await none.text(), "");
  const line = `${JSON.stringify({ rule: "F23", seq: 1, verdict: "held" })}\n`;
  const file = `${kit.laboratory.folderOf("0000000000000001")}/verdicts.ndjson`;
  Deno.writeTextFileSync(file, `${line}${line}{"rule":"F2`);
  const some = await kit.get(path);
  strictEqual(some.headers.get("cache-control"), "no-store");
  strictEqual(await some.text(), line + line);
  Deno.writeTextFileSync(file, `${line}${"x".repeat(40_000)}`);
  strictEqual(await (await kit.get(path)).text(), line);
  Deno.writeTextFileSync(file, "x".repeat(40_000));
  strictEqual(await (await kit.get(path)).text(), "");
});

Deno.test("GET report chooses the form by query or Accept", async () => {
  using kit = new ApiKit();
  const cases: readonly (readonly [string, string | undefined, string, string])[] = [
    ["", undefined, "application/json", '{"ok":true}'],
    ["", "text/plain", "text/plain; charset=utf-8", "all held\n"],
    ["", "text/*;q=0.5, application/xml", "application/xml; charset=utf-8", "<testsuites/>"],
    ["", "text/xml", "application/xml; charset=utf-8", "<testsuites/>"],
    ["?form=text", "application/json", "text/plain; charset=utf-8", "all held\n"],
    ["?form=junit", undefined, "application/xml; charset=utf-8", "<testsuites/>"],
  ];
  for (const [query, accept, type, text] of cases) {
    const answer = await kit.get(`${SELF}/report${query}`, accept === undefined ? {} : { accept });
    strictEqual(answer.headers.get("content-type"), type, accept ?? "");
    strictEqual(await answer.text(), text);
    match(answer.headers.get("server-timing") ?? "", /check;dur=/);
    const tag = answer.headers.get("etag") ?? "";
    const same = await kit.get(`${SELF}/report${query}`, {
      ...accept === undefined ? {} : { accept },
      "if-none-match": tag,
    });
    strictEqual(same.status, 304);
    strictEqual(same.headers.get("vary"), "Accept");
  }
  strictEqual(kit.desk.asked.length, cases.length);
  strictEqual(
    (await problemIn(await kit.get(`${SELF}/report`, { accept: "image/png" }))).status,
    406,
  );
  strictEqual((await problemIn(await kit.get(`${SELF}/report?form=pdf`))).status, 400);
});

Deno.test("GET export gives every form as a file to save", async () => {
  using kit = new ApiKit();
  const forms = ["perfetto", "otlp", "shiviz", "mermaid", "plantuml", "pcapng", "ndjson", "html"];
  for (const form of forms) {
    const answer = await kit.get(`${SELF}/export/${form}`);
    strictEqual(await answer.text(), `content of run.${form}`);
    strictEqual(answer.headers.get("content-disposition"), `attachment; filename="run.${form}"`);
    match(answer.headers.get("server-timing") ?? "", /export;dur=/);
    const tag = answer.headers.get("etag") ?? "";
    strictEqual(
      (await kit.get(`${SELF}/export/${form}`, { "if-none-match": tag })).status,
      304,
    );
  }
  strictEqual((await kit.get(`${SELF}/export/pdf`)).status, 400);
});

Deno.test("GET export lets ui.perfetto.dev in, and nobody else and nowhere else", async () => {
  using kit = new ApiKit();
  const viewer = { origin: "https://ui.perfetto.dev", "sec-fetch-site": "cross-site" };
  const answer = await kit.get(`${SELF}/export/perfetto`, viewer);
  strictEqual(answer.status, 200);
  strictEqual(answer.headers.get("access-control-allow-origin"), viewer.origin);
  await answer.body?.cancel();
  const problem = await problemIn(await kit.get(`${SELF}/export/otlp`, viewer));
  deepStrictEqual([problem.status, problem.name], [403, "foreign-origin"]);
  const other = { ...viewer, origin: "https://example.com" };
  strictEqual((await kit.get(`${SELF}/export/perfetto`, other)).status, 403);
});

Deno.test("Problems of desk and replays are passed on", async () => {
  using kit = new ApiKit();
  const trouble = new ProblemError("too-many", "Ask later", { retryAfter: 1 });
  const cases: readonly (readonly [string, "desk" | "replays"])[] = [
    ["/report", "desk"],
    ["/export/html", "desk"],
    ["/events/1", "desk"],
    ["/search?q=a", "desk"],
    ["/memory", "replays"],
    ["/images/disk", "replays"],
  ];
  for (const [path, reader] of cases) {
    kit[reader].trouble = trouble;
    const answer = await kit.get(`${SELF}${path}`);
    strictEqual(answer.status, PROBLEMS["too-many"].status, path);
    strictEqual(answer.headers.get("retry-after"), "1");
    await answer.body?.cancel();
  }
});
