import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { concatReadableStreams, TextLineStream, toArrayBuffer, toJson, toText } from "@std/streams";
import { TextLineStream as FromSubpath } from "@std/streams/text-line-stream";

function lines(chunks: string[], allowCR = false): Promise<string[]> {
  return Array.fromAsync(
    ReadableStream.from(chunks).pipeThrough(new TextLineStream({ allowCR })),
  );
}

Deno.test("TextLineStream is the same class from its own path", () => {
  strictEqual(FromSubpath, TextLineStream);
});

Deno.test("TextLineStream splits at line feeds with or without a carriage return", async () => {
  deepStrictEqual(await lines(["a\r\nb\rc\n", "\nd\r", "\ne\r"]), ["a", "b\rc", "", "d", "e\r"]);
});

Deno.test("TextLineStream with allowCR splits at a lone carriage return too", async () => {
  deepStrictEqual(await lines(["a\r\nb\rc\r", "\nd\r", "e\r"], true), ["a", "b", "c", "d", "e"]);
});

Deno.test("TextLineStream makes no line of an end at the very last", async () => {
  deepStrictEqual(await lines(["a\n"]), ["a"]);
  deepStrictEqual(await lines(["\n"]), [""]);
  deepStrictEqual(await lines([""]), []);
});

Deno.test("TextLineStream gives the same lines wherever the text was cut", async () => {
  const piece = fc.constantFrom("a", "bc", "\n", "\r\n", "\r", "");
  await fc.assert(fc.asyncProperty(fc.array(piece), fc.boolean(), async (chunks, allowCR) => {
    deepStrictEqual(await lines(chunks, allowCR), await lines([chunks.join("")], allowCR));
  }));
});

Deno.test("concatReadableStreams reads one stream after the other", async () => {
  const all = concatReadableStreams(ReadableStream.from([1, 2]), ReadableStream.from([3]));
  deepStrictEqual(await Array.fromAsync(all), [1, 2, 3]);
  deepStrictEqual(await Array.fromAsync(concatReadableStreams()), []);
});

Deno.test("concatReadableStreams passes a cancel on to all that is unread", async () => {
  const cancelled: unknown[] = [];
  const one = (): ReadableStream<number> =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(1),
      cancel: (reason) => void cancelled.push(reason),
    });
  const all = concatReadableStreams(one(), one());
  const reader = all.getReader();
  await reader.read();
  await reader.cancel("enough");
  deepStrictEqual(cancelled, ["enough", "enough"]);
});

Deno.test("toText joins strings, and bytes cut inside a character", async () => {
  strictEqual(await toText(ReadableStream.from(["a", "b"])), "ab");
  const bytes = new TextEncoder().encode("grün");
  strictEqual(await toText(ReadableStream.from([bytes.slice(0, 3), bytes.slice(3)])), "grün");
});

Deno.test("toJson reads the value, and throws SyntaxError at text that is none", async () => {
  deepStrictEqual(await toJson(ReadableStream.from(['{"a":', "[1]}"])), { a: [1] });
  await rejects(toJson(ReadableStream.from(["{"])), SyntaxError);
});

Deno.test("toArrayBuffer is exactly as long as the chunks", async () => {
  const chunks = [Uint8Array.of(1, 2, 3).subarray(1), Uint8Array.of(), Uint8Array.of(4)];
  deepStrictEqual(
    new Uint8Array(await toArrayBuffer(ReadableStream.from(chunks))),
    Uint8Array.of(2, 3, 4),
  );
});
