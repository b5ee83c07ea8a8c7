/**
 * The routes of uploads: received to a file, counted, handed on, removed.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { SERVER_LIMITS } from "../../../server/limits.ts";
import { ProblemError } from "../../../server/problem.ts";
import { ApiKit, problemIn } from "./api_kit.ts";

const BYTES = { "content-type": "application/octet-stream" };

function upload(kit: ApiKit, path: string, init: RequestInit): Promise<Response> {
  return kit.ask(path, { method: "POST", headers: BYTES, ...init });
}

async function packed(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}

function left(kit: ApiKit): string[] {
  return [...Deno.readDirSync(`${kit.folder}/uploads`)].map(({ name }) => name);
}

Deno.test("POST /api/traces makes a run of a file, plain or packed, and keeps no copy", async () => {
  using kit = new ApiKit();
  const plain = await upload(kit, "/api/traces?name=serial%20log", { body: "[0.0] Linux" });
  strictEqual(plain.status, 201);
  strictEqual(plain.headers.get("location"), "/api/runs/00000000000000aa");
  strictEqual((await plain.json()).kind, "import");
  const gzip = await upload(kit, "/api/traces", {
    headers: { ...BYTES, "content-encoding": "gzip" },
    body: await packed("[1.0] Linux"),
  });
  strictEqual(gzip.status, 201);
  await gzip.body?.cancel();
  deepStrictEqual(kit.laboratory.asked, [
    "import serial log [0.0] Linux",
    "import upload [1.0] Linux",
  ]);
  deepStrictEqual(left(kit), []);
});

Deno.test("POST /api/images/inspect says what a file is and keeps none of it", async () => {
  using kit = new ApiKit();
  const answer = await upload(kit, "/api/images/inspect", { body: "\x7fELF" });
  deepStrictEqual(await answer.json(), { format: "text", text: "\x7fELF", value: { bytes: 4 } });
  deepStrictEqual(left(kit), []);
});

Deno.test("Uploads over the limit are 413 with the limit's name, by their head or as they come", async () => {
  using kit = new ApiKit();
  const max = SERVER_LIMITS.traceUploadBytes;
  const told = await upload(kit, "/api/traces", {
    headers: { ...BYTES, "content-length": String(max + 1) },
    body: "x",
  });
  const { status, body } = await problemIn(told);
  strictEqual(status, 413);
  deepStrictEqual(body["limit"], { name: "traceUploadBytes", max });
  deepStrictEqual(kit.laboratory.asked, []);
  deepStrictEqual(left(kit), []);
});

Deno.test("Uploads that are empty, forms, or packed wrongly are refused and leave nothing", async () => {
  using kit = new ApiKit();
  const gzip = { ...BYTES, "content-encoding": "gzip" };
  const form = new FormData();
  form.set("file", new Blob(["x"]));
  const cases: readonly (readonly [RequestInit, string])[] = [
    [{}, "bad-request"],
    [{ body: "" }, "bad-request"],
    [{ body: form, headers: {} }, "wrong-media-type"],
    [
      { body: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } },
      "wrong-media-type",
    ],
    [{ body: "no gzip", headers: gzip }, "not-readable"],
    [{ body: "x", headers: { ...BYTES, "content-encoding": "br" } }, "wrong-media-type"],
  ];
  for (const path of ["/api/traces", "/api/images/inspect"]) {
    for (const [init, wanted] of cases) {
      strictEqual((await problemIn(await upload(kit, path, init))).name, wanted);
    }
  }
  deepStrictEqual(left(kit), []);
  deepStrictEqual(kit.logged, []);
});

Deno.test("Uploads that cannot be read leave nothing either", async () => {
  using kit = new ApiKit();
  kit.laboratory.trouble = new ProblemError("not-readable", "It is no log");
  strictEqual((await problemIn(await upload(kit, "/api/traces", { body: "x" }))).status, 422);
  kit.desk.trouble = new ProblemError("not-readable", "It is no image");
  const image = await upload(kit, "/api/images/inspect", { body: "x" });
  strictEqual((await problemIn(image)).status, 422);
  deepStrictEqual(left(kit), []);
});

Deno.test("Uploads at one time are limited, and those that ended make room", async () => {
  using kit = new ApiKit();
  const writers: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>[] = [];
  const answers: Promise<Response>[] = [];
  for (let count = 0; count < SERVER_LIMITS.openUploads; count++) {
    const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
    writers.push(writable.getWriter());
    answers.push(upload(kit, "/api/images/inspect", { body: readable }));
  }
  await Promise.all(writers.map((writer) => writer.write(new Uint8Array([65]))));
  const { status, body } = await problemIn(await upload(kit, "/api/traces", { body: "x" }));
  strictEqual(status, 429);
  deepStrictEqual(body["limit"], { name: "openUploads", max: SERVER_LIMITS.openUploads });
  await Promise.all(writers.map((writer) => writer.close()));
  for (const answer of await Promise.all(answers)) strictEqual((await answer.json()).text, "A");
  const next = await upload(kit, "/api/images/inspect", { body: "x" });
  ok(next.ok);
  await next.body?.cancel();
});

Deno.test("POST /api/traces refuses names that are none", async () => {
  using kit = new ApiKit();
  for (const query of ["name=", `name=${"x".repeat(121)}`, "path=x"]) {
    strictEqual((await upload(kit, `/api/traces?${query}`, { body: "x" })).status, 400);
  }
});
