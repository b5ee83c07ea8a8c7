/**
 * Bodies that are too long, too deep, not UTF-8, not JSON, or bombs.
 *
 * @module
 */
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { readJson } from "../../../server/guard/body.ts";
import { receiveFile } from "../../../server/guard/upload.ts";
import { SERVER_LIMITS } from "../../../server/limits.ts";
import { ProblemError, type ProblemName } from "../../../server/problem.ts";

function request(body: BodyInit | null, headers: Readonly<Record<string, string>> = {}): Request {
  return new Request("http://localhost/api/runs", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

function is(problem: ProblemName, limit?: string): (error: unknown) => boolean {
  return (error) => {
    ok(error instanceof ProblemError, String(error));
    strictEqual(error.problem, problem);
    strictEqual(error.details.limit?.name, limit);
    return true;
  };
}

/** A body that never ends; tells how many bytes were taken and whether it was let go. */
function endless(piece: Uint8Array<ArrayBuffer>) {
  const seen = { bytes: 0, cancelled: false };
  const stream = new ReadableStream({
    pull(controller) {
      seen.bytes += piece.length;
      controller.enqueue(piece);
    },
    cancel() {
      seen.cancelled = true;
    },
  });
  return { stream, seen };
}

Deno.test("readJson reads JSON", async () => {
  deepStrictEqual(await readJson(request('{"a":[1,"é"]}')), { a: [1, "é"] });
  const headers = { "content-type": "application/json; charset=utf-8" };
  deepStrictEqual(await readJson(request("[]", headers)), []);
  const brackets = JSON.stringify({ a: '[{"'.repeat(100) + "\\" });
  deepStrictEqual(await readJson(request(brackets)), JSON.parse(brackets));
});

Deno.test("readJson refuses other media types", async () => {
  const types = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/jsonp",
    "text/json, application/json",
    "application/json; charset=latin1",
    "",
  ];
  for (const type of types) {
    await rejects(readJson(request("{}", { "content-type": type })), is("wrong-media-type"));
  }
  const packed = request("{}", { "content-encoding": "gzip" });
  await rejects(readJson(packed), is("wrong-media-type"));
});

Deno.test("readJson stops reading at its limit of bytes, whatever length was said", async () => {
  const { stream, seen } = endless(new Uint8Array(65_536).fill(0x20));
  await rejects(readJson(request(stream)), is("too-large", "jsonBytes"));
  ok(seen.cancelled);
  ok(seen.bytes <= SERVER_LIMITS.jsonBytes + 4 * 65_536, `${seen.bytes} were taken`);
  const said = endless(new Uint8Array(1));
  const long = request(said.stream, { "content-length": String(SERVER_LIMITS.jsonBytes + 1) });
  await rejects(readJson(long), is("too-large", "jsonBytes"));
  ok(said.seen.cancelled && said.seen.bytes <= 1);
  const fits = `"${"a".repeat(SERVER_LIMITS.jsonBytes - 2)}"`;
  strictEqual(String(await readJson(request(fits))).length, fits.length - 2);
  await rejects(readJson(request(`${fits} `)), is("too-large", "jsonBytes"));
});

Deno.test("readJson refuses JSON of 100 000 levels without running out of stack", async () => {
  for (const [open, close] of [["[", "]"], ['{"a":', "}"]] as const) {
    const deep = (levels: number) => open.repeat(levels) + "1" + close.repeat(levels);
    await rejects(readJson(request(deep(100_000))), is("too-large", "jsonDepth"));
    await rejects(readJson(request(deep(33))), is("too-large", "jsonDepth"));
    ok(await readJson(request(deep(32))));
    await rejects(readJson(request(open.repeat(100_000))), is("too-large", "jsonDepth"));
  }
});

Deno.test("readJson refuses what is not UTF-8 and what is not JSON, and repeats none of it", async () => {
  const bad = [[0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22]];
  for (const bytes of bad) {
    await rejects(readJson(request(Uint8Array.from(bytes))), is("bad-request"));
  }
  for (const text of ["", "geheim", '{"geheim":', '{"a":1}{"geheim":2}', "NaN"]) {
    await rejects(readJson(request(text)), (error) => {
      ok(error instanceof ProblemError && !error.message.includes("geheim"));
      return is("bad-request")(error);
    });
  }
  await rejects(readJson(request(null)), is("bad-request"));
});

Deno.test("readJson refuses the key __proto__, however often and however it is written", async () => {
  for (
    const text of [
      '{"__proto__":{"admin":true}}',
      '{"__proto__":1,"__proto__":{}}',
      '{"a":[{"\\u005f_proto__":{}}]}',
    ]
  ) await rejects(readJson(request(text)), is("bad-request"));
  const plain = await readJson(request('{"constructor":{"prototype":{"admin":true}}}'));
  ok(plain instanceof Object && Object.hasOwn(plain, "constructor"));
  strictEqual(Reflect.get({}, "admin"), undefined);
});

async function inFolder(body: (path: string, files: () => string[]) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await body(`${folder}/upload`, () => [...Deno.readDirSync(folder)].map(({ name }) => name));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function gzip(pieces: Iterable<Uint8Array<ArrayBuffer>>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = ReadableStream.from(pieces).pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const SMALL = {
  ...SERVER_LIMITS,
  traceUploadBytes: 200_000,
  unpackedBytes: 1_000_000,
  imageUploadBytes: 300_000,
};

Deno.test("receiveFile writes what is sent, plain or packed", async () => {
  const bytes = Uint8Array.from({ length: 100_001 }, (_, at) => at * at % 251);
  await inFolder(async (path, files) => {
    strictEqual(await receiveFile(request(bytes), path, "imageUploadBytes"), bytes.length);
    deepStrictEqual(await Deno.readFile(path), bytes);
    await Deno.remove(path);
    const packed = request(await gzip([bytes]), { "content-encoding": "gzip" });
    strictEqual(await receiveFile(packed, path, "traceUploadBytes"), bytes.length);
    deepStrictEqual(await Deno.readFile(path), bytes);
    deepStrictEqual(files(), ["upload"]);
  });
});

Deno.test("receiveFile ends an upload at its limit and leaves no file", async () => {
  await inFolder(async (path, files) => {
    const { stream, seen } = endless(new Uint8Array(4096));
    const receive = receiveFile(request(stream), path, "traceUploadBytes", null, SMALL);
    await rejects(receive, is("too-large", "traceUploadBytes"));
    ok(seen.cancelled && seen.bytes < 300_000, `${seen.bytes} were taken`);
    const said = request("x", { "content-length": "300001" });
    await rejects(
      receiveFile(said, path, "imageUploadBytes", null, SMALL),
      is("too-large", "imageUploadBytes"),
    );
    deepStrictEqual(files(), []);
  });
});

Deno.test("receiveFile ends a bomb at the limit of what is unpacked and leaves no file", async () => {
  const zeros = new Uint8Array(1_048_576);
  const bomb = await gzip(Array.from({ length: 64 }, () => zeros));
  ok(bomb.length < SMALL.traceUploadBytes, `${bomb.length} bytes become 64 MiB`);
  await inFolder(async (path, files) => {
    const cases = [["traceUploadBytes", "unpackedBytes"], ["imageUploadBytes", "imageUploadBytes"]];
    for (const [limit, named] of cases) {
      const name = limit === "traceUploadBytes" ? limit : "imageUploadBytes";
      const receive = receiveFile(request(bomb), path, name, "gzip", SMALL);
      await rejects(receive, is("too-large", named));
      deepStrictEqual(files(), []);
    }
  });
});

Deno.test("receiveFile refuses what is empty, wrongly packed or packed otherwise", async () => {
  const whole = await gzip([new Uint8Array(50_000).fill(7)]);
  await inFolder(async (path, files) => {
    const receive = (body: BodyInit | null, encoding: string | null) =>
      receiveFile(request(body), path, "traceUploadBytes", encoding);
    await rejects(receive(null, null), is("bad-request"));
    await rejects(receive("", null), is("bad-request"));
    await rejects(receive("no gzip at all", "gzip"), is("not-readable"));
    await rejects(receive(whole.slice(0, -9), "gzip"), is("not-readable"));
    await rejects(receive("x", "br"), is("wrong-media-type"));
    await rejects(receive("x", "gzip, gzip"), is("wrong-media-type"));
    deepStrictEqual(files(), []);
  });
});

Deno.test("receiveFile leaves nothing of an upload whose client goes away", async () => {
  await inFolder(async (path, files) => {
    let sent = 0;
    const broken = new ReadableStream({
      pull(controller) {
        if (sent++ < 3) controller.enqueue(new Uint8Array(1000));
        else controller.error(new Error("gone"));
      },
    });
    await rejects(receiveFile(request(broken), path, "traceUploadBytes"), /gone/);
    deepStrictEqual(files(), []);
  });
});

Deno.test("receiveFile never writes over a file", async () => {
  await inFolder(async (path) => {
    await Deno.writeTextFile(path, "mine");
    await rejects(
      receiveFile(request("theirs"), path, "traceUploadBytes"),
      Deno.errors.AlreadyExists,
    );
    match(await Deno.readTextFile(path), /^mine$/);
  });
});
