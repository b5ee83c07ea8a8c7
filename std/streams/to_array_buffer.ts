/**
 * A stream of bytes as one buffer.
 *
 * @module
 */

/** All bytes of the stream in a buffer of exactly their length. */
export async function toArrayBuffer(stream: ReadableStream<Uint8Array>): Promise<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  let lengthBytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    lengthBytes += chunk.length;
  }
  const whole = new Uint8Array(lengthBytes);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole.buffer;
}
