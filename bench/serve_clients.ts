/**
 * Clients of a server, as a worker, so that they do not share the server's thread: raw TCP, bytes
 * are counted and thrown away.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

/** What is asked of the worker. */
export interface ClientsRequest {
  readonly port: number;
  readonly path: string;
  readonly clients: number;
  /** Requests of each client, one behind the other. */
  readonly rounds: number;
}

/** What it found. */
export interface ClientsAnswer {
  readonly bytes: number;
  readonly seconds: number;
}

const BUFFER_BYTES = 1_048_576;

async function client({ port, path, rounds }: ClientsRequest): Promise<number> {
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
  const buffer = new Uint8Array(BUFFER_BYTES);
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    using connection = await Deno.connect({ port, hostname: "127.0.0.1" });
    await connection.write(new TextEncoder().encode(request));
    while (true) {
      const count = await connection.read(buffer);
      if (count === null) break;
      bytes += count;
    }
  }
  return bytes;
}

self.onmessage = async ({ data }: MessageEvent<ClientsRequest>): Promise<void> => {
  const begin = performance.now();
  const counts = await Promise.all(Array.from({ length: data.clients }, () => client(data)));
  const answer: ClientsAnswer = {
    bytes: counts.reduce((sum, count) => sum + count, 0),
    seconds: (performance.now() - begin) / 1000,
  };
  self.postMessage(answer);
};
