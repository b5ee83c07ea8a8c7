/**
 * A stream of text or UTF-8 bytes as one string.
 *
 * @module
 */

/** All text of the stream; bytes that are not UTF-8 become U+FFFD. */
export async function toText(
  stream: ReadableStream<string> | ReadableStream<Uint8Array>,
): Promise<string> {
  const decoder = new TextDecoder();
  const chunks: AsyncIterable<string | Uint8Array> = stream;
  let text = "";
  for await (const chunk of chunks) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
