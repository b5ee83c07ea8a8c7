/**
 * Lines of a response as they come, in batches; the last line may be torn and is then left out.
 *
 * @module
 */

/** Browsers hand out megabytes at once; no batch is of more bytes than that. */
const BATCH_BYTES = 65_536;

/** Gives the whole lines of a body batch by batch. Leaving the loop cancels the body. */
export async function* ndjsonLines(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string[], void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (let at = 0; at < value.byteLength; at += BATCH_BYTES) {
        const piece = value.subarray(at, at + BATCH_BYTES);
        const text = rest + decoder.decode(piece, { stream: true });
        const end = text.lastIndexOf("\n");
        rest = text.slice(end + 1);
        if (end >= 0) yield text.slice(0, end).split("\n");
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
