/**
 * Lines of a response as they come, in batches; the last line may be torn and is then left out.
 *
 * @module
 */

/** Gives the whole lines of a body batch by batch. Leaving the loop cancels the body. */
export async function* ndjsonLines(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string[], void> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const text = rest + value;
      const end = text.lastIndexOf("\n");
      if (end < 0) {
        rest = text;
        continue;
      }
      rest = text.slice(end + 1);
      yield text.slice(0, end).split("\n");
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
