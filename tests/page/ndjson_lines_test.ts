import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { ndjsonLines } from "../../server/page/ndjson_lines.ts";

function bodyOf(
  chunks: readonly Uint8Array<ArrayBuffer>[],
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

async function linesOf(chunks: readonly Uint8Array<ArrayBuffer>[]): Promise<string[][]> {
  const batches: string[][] = [];
  for await (const lines of ndjsonLines(bodyOf(chunks))) batches.push(lines);
  return batches;
}

Deno.test("ndjsonLines finds the same lines wherever the bytes are cut, without a torn last one", async () => {
  const line = fc.string({ unit: "grapheme", maxLength: 20 }).map((text) =>
    text.replaceAll("\n", " ")
  );
  await fc.assert(fc.asyncProperty(
    fc.array(line, { maxLength: 20 }),
    line,
    fc.array(fc.nat({ max: 400 }), { maxLength: 6 }),
    async (lines, torn, cuts) => {
      const bytes = new TextEncoder().encode(lines.map((one) => `${one}\n`).join("") + torn);
      const places = [...cuts, 0, bytes.length].toSorted((one, other) => one - other);
      const chunks = places.slice(1).map((to, at) => bytes.slice(places[at], to));
      deepEqual((await linesOf(chunks)).flat(), lines);
    },
  ));
});

Deno.test("ndjsonLines gives a large chunk out in small batches", async () => {
  const text = `${"x".repeat(99)}\n`.repeat(20_000);
  const batches = await linesOf([new TextEncoder().encode(text)]);
  equal(batches.flat().length, 20_000);
  ok(batches.length > 25);
  ok(batches.every((lines) => lines.length <= 700));
});

Deno.test("ndjsonLines gives the body up when nobody reads on", async () => {
  let gone = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("line\n")),
    cancel() {
      gone = true;
    },
  });
  for await (const lines of ndjsonLines(body)) {
    deepEqual(lines, ["line"]);
    break;
  }
  ok(gone);
});
