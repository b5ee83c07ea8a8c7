/**
 * Compresses one file with gzip, away from the server's thread. It may read that file and write
 * the other, nothing else.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import type { CompressAnswer, CompressRequest } from "./compress_request.ts";

async function compress({ from, to }: CompressRequest): Promise<void> {
  const source = await Deno.open(from, { read: true });
  const target = await Deno.open(to, { write: true, create: true, truncate: true });
  await source.readable.pipeThrough(new CompressionStream("gzip")).pipeTo(target.writable);
}

self.onmessage = ({ data }: MessageEvent<CompressRequest>): void => {
  const answer = (done: boolean) => self.postMessage({ done } satisfies CompressAnswer);
  compress(data).then(() => answer(true), () => answer(false));
};
