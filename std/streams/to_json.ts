/**
 * A stream of text or UTF-8 bytes as the JSON value it spells.
 *
 * @module
 */
import { toText } from "./to_text.ts";

/**
 * The JSON value in the stream.
 *
 * @throws {SyntaxError} if the text is not JSON.
 */
export async function toJson(
  stream: ReadableStream<string> | ReadableStream<Uint8Array>,
): Promise<unknown> {
  return JSON.parse(await toText(stream));
}
