/**
 * A proxy before the server that breaks connections off in the middle: what a laptop's lid or a bad
 * network does to streams of events. Bytes are passed on as they come, but for the server's
 * address in requests, without which it would refuse them.
 *
 * @module
 */

/** Answers of these kinds are cut. */
const STREAMED = /content-type: (?:text\/event-stream|application\/x-ndjson)/i;

/** Bytes as text of as many characters, and back. */
function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** See the module's header. */
export class CuttingProxy implements AsyncDisposable {
  readonly #listener: Deno.TcpListener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  readonly #open: Set<Deno.TcpConn> = new Set();
  readonly #upstream: URL;
  readonly #bytes: number;
  readonly #running: Promise<void>;
  #left: number;

  /**
   * @param upstream the server's address.
   * @param bytes after which a streamed answer is cut.
   * @param cuts how many are cut; what comes then is let through.
   */
  constructor(upstream: string, bytes: number, cuts: number) {
    this.#upstream = new URL(upstream);
    this.#bytes = bytes;
    this.#left = cuts;
    this.#running = this.#listen();
  }

  /** The address to open instead of the server's. */
  get address(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}/`;
  }

  /** Cuts that are still to come. */
  get left(): number {
    return this.#left;
  }

  async #listen(): Promise<void> {
    const passed: Promise<void>[] = [];
    for await (const client of this.#listener) passed.push(this.#pass(client));
    await Promise.all(passed);
  }

  async #pass(client: Deno.TcpConn): Promise<void> {
    const { hostname, port } = this.#upstream;
    const server = await Deno.connect({ hostname, port: Number(port) });
    const own = new URL(this.address).host;
    const close = (): void => {
      for (const connection of [client, server]) {
        if (this.#open.delete(connection)) connection.close();
      }
    };
    this.#open.add(client).add(server);
    let streamed = -1;
    const asked = pump(client, server, (piece) => {
      streamed = -1;
      return bytesOf(textOf(piece).replaceAll(own, this.#upstream.host));
    });
    const answered = pump(server, client, (piece) => {
      if (streamed < 0 && STREAMED.test(textOf(piece))) streamed = 0;
      if (streamed < 0 || this.#left <= 0) return piece;
      streamed += piece.length;
      if (streamed <= this.#bytes) return piece;
      this.#left--;
      close();
      return undefined;
    });
    await Promise.race([asked, answered]);
    close();
    await Promise.all([asked, answered]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    this.#open.clear();
    await this.#running;
  }
}

/** Passes bytes on until an end is closed or what is passed on is nothing. */
async function pump(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  change: (piece: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | undefined,
): Promise<void> {
  const buffer = new Uint8Array(16_384);
  try {
    while (true) {
      const count = await from.read(buffer);
      if (count === null) return;
      let rest = change(buffer.subarray(0, count));
      if (rest === undefined) return;
      while (rest.length > 0) rest = rest.subarray(await to.write(rest));
    }
  } catch {
    // One of the two has gone.
  }
}
