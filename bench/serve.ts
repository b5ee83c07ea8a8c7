/**
 * What delivering a trace costs: events a second to 1, 10 and 100 clients against a bare
 * `Deno.serve` that writes the same bytes from memory to the same clients, both in turns in one
 * run; and the memory that clients take who do not read.
 *
 * The server runs on this thread, the clients in a worker. Frames are warm but for the rows that
 * say otherwise: there each client is the first one of its run, for whom the file is read and
 * encoded. All rows are of plain bytes but for the one of gzip.
 *
 * @module
 */
import { eventLine, type TraceFooter, type TraceHeader } from "../machine/trace/event.ts";
import type { TraceLog } from "../server/deps.ts";
import { ALL_EVENTS, type EventQuery } from "../server/streams/event_query.ts";
import type { EventForm } from "../server/streams/event_form.ts";
import { EventStreams, type StreamExtras } from "../server/streams/event_streams.ts";
import type { ClientsAnswer, ClientsRequest } from "./serve_clients.ts";
import type { Row } from "./engine.ts";

const EVENTS = 25_600;
/** Events that one measurement delivers to one client, and to many of them. */
const DELIVERED_ALONE = 20 * EVENTS;
const DELIVERED = 100 * EVENTS;
const REPETITIONS = 9;
const CHUNK_BYTES = 262_144;
/** Wanted: of what a bare server delivers. */
const RATIO = 0.8;
/** Wanted: events a second to 100 clients in all, and to the first client of a run. */
const ALL_RATE = 2e6;
const COLD_RATE = 1e6;
const MEBIBYTE = 1_048_576;
const STALLED = 20;
const STALLED_RATIO = 0.01;

const HEADER: TraceHeader = {
  v: 1,
  run: "0123456789abcdef",
  scenario: "bench",
  seed: 1,
  profile: "2.6.27/small-vm",
  version: "0",
  actors: ["kernel.A", "disk"],
  clock: "virtual",
  order: "total",
};

/** Never fires: streams end when their clients go. */
const SIGNAL = new AbortController().signal;
const EXTRAS: StreamExtras = { summary: () => undefined, watch: () => () => {} };

function lineOf(seq: number): string {
  const source = seq % 2 === 0 ? "A" : "memory";
  return eventLine({
    seq,
    vt: seq * 1731,
    lamport: seq >> 1,
    kind: seq % 2 === 0 ? "send" : "deliver",
    actor: source,
    source,
    target: seq % 2 === 0 ? "memory" : "A",
    type: "memory.grant",
    msg: seq & ~1,
    ...seq > 0 ? { cause: seq - 1 } : {},
    summary: { tag: `load.${seq % 97}`, start: `0x${(seq * 4096).toString(16)}`, length: 4096 },
  });
}

/** A trace in a file, to which more can be written. */
class BenchLog implements TraceLog {
  readonly run: string = HEADER.run;
  readonly header: TraceHeader = HEADER;
  readonly path: string;
  readonly firstByte: number;
  events = 0;
  bytes: number;
  ended = false;
  footer?: TraceFooter;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers<void>();

  constructor(path: string) {
    this.path = path;
    const text = `${JSON.stringify(HEADER)}\n`;
    Deno.writeTextFileSync(path, text);
    this.firstByte = text.length;
    this.bytes = text.length;
  }

  add(count: number): void {
    let text = "";
    for (let at = 0; at < count; at++) text += `${lineOf(this.events + at)}\n`;
    Deno.writeTextFileSync(this.path, text, { append: true });
    this.reveal({ events: this.events + count, bytes: this.bytes + text.length });
  }

  /** Says how much is there. */
  reveal({ events, bytes }: { readonly events: number; readonly bytes: number }): void {
    this.events = events;
    this.bytes = bytes;
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  end(): void {
    this.footer = { count: this.events, sha256: "0".repeat(64), outcome: "off", generator: "" };
    Deno.writeTextFileSync(this.path, `${JSON.stringify(this.footer)}\n`, { append: true });
    this.ended = true;
    this.#wake.resolve();
  }

  async more(events: number, signal: AbortSignal): Promise<void> {
    while (this.events <= events && !this.ended && !signal.aborted) {
      const fired = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => fired.resolve(), { once: true });
      await Promise.race([this.#wake.promise, fired.promise]);
    }
  }
}

/** Bytes given out from memory, in chunks. */
function fromMemory(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(bytes.subarray(at, at + CHUNK_BYTES));
      at += CHUNK_BYTES;
      if (at >= bytes.length) controller.close();
    },
  }, { highWaterMark: 0 });
}

/** A server on which a path is a form, and what it is measured with. */
class Bench {
  readonly log: BenchLog;
  readonly #folder: string = Deno.makeTempDirSync({ prefix: "kjump-bench-" });
  readonly #warm: EventStreams = new EventStreams();
  readonly #memory: Map<string, Uint8Array<ArrayBuffer>> = new Map();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #worker: Worker;

  constructor() {
    this.log = new BenchLog(`${this.#folder}/trace.ndjson`);
    this.log.add(EVENTS);
    this.log.end();
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => this.#answer(new URL(request.url)),
    );
    this.#worker = new Worker(new URL("./serve_clients.ts", import.meta.url), { type: "module" });
  }

  async #answer({ pathname }: URL): Promise<Response> {
    const [, how, name] = pathname.split("/");
    const form: EventForm = name === "sse" ? "sse" : "ndjson";
    if (how === "bare") return new Response(fromMemory(await this.#whole(form)));
    if (how === "gzip") {
      const { path } = await this.#warm.gzipped(this.log);
      return new Response((await Deno.open(path)).readable);
    }
    const streams = how === "cold" ? new EventStreams() : this.#warm;
    return new Response(streams.open(this.log, ALL_EVENTS, form, EXTRAS, SIGNAL));
  }

  async #whole(form: EventForm): Promise<Uint8Array<ArrayBuffer>> {
    let whole = this.#memory.get(form);
    if (whole === undefined) {
      const stream = this.#warm.open(this.log, ALL_EVENTS, form, EXTRAS, SIGNAL);
      whole = await new Response(stream).bytes();
      this.#memory.set(form, whole);
    }
    return whole;
  }

  /** Events a second that arrive. */
  async rate(path: string, clients: number): Promise<number> {
    const delivered = clients === 1 ? DELIVERED_ALONE : DELIVERED;
    const rounds = delivered / EVENTS / clients;
    const request: ClientsRequest = { port: this.#server.addr.port, path, clients, rounds };
    const { bytes, seconds } = await new Promise<ClientsAnswer>((resolve, reject) => {
      this.#worker.onmessage = ({ data }: MessageEvent<ClientsAnswer>) => resolve(data);
      this.#worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(`The clients failed: ${event.message}`));
      };
      this.#worker.postMessage(request);
    });
    if (!path.startsWith("/gzip/") && bytes < clients * rounds * this.log.bytes) {
      throw new Error(`Of ${path} only ${bytes} bytes arrived`);
    }
    return delivered / seconds;
  }

  async close(): Promise<void> {
    this.#worker.terminate();
    await this.#server.shutdown();
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN;
}

/** What is measured, and against what. */
interface Measurement {
  readonly name: string;
  readonly path: string;
  readonly peer: string;
  readonly clients: number;
}

interface Rate {
  readonly value: number;
  readonly baseline: number;
}

async function measureRates(bench: Bench, { path, peer, clients }: Measurement): Promise<Rate[]> {
  const rates: Rate[] = [];
  for (let round = 0; round <= REPETITIONS; round++) {
    const value = await bench.rate(path, clients);
    const baseline = await bench.rate(peer, clients);
    // The first round warms up.
    if (round > 0) rates.push({ value, baseline });
  }
  return rates;
}

function againstPeer({ name }: Measurement, rates: readonly Rate[]): Row {
  const ratio = median(rates.map((rate) => rate.value / rate.baseline));
  return {
    name: `${name}, against bare Deno.serve`,
    value: median(rates.map((rate) => rate.value)),
    unit: "ev/s",
    baseline: median(rates.map((rate) => rate.baseline)),
    ratio,
    target: RATIO,
    met: ratio >= RATIO,
  };
}

function againstRate({ name }: Measurement, rates: readonly Rate[], wanted: number): Row {
  const value = median(rates.map((rate) => rate.value));
  return {
    name: `${name}, against ${wanted / 1e6} M events/s`,
    value,
    unit: "ev/s",
    baseline: wanted,
    ratio: value / wanted,
    target: 1,
    met: value >= wanted,
  };
}

/** Lets the server's thread do what it can do. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Memory that clients take who do not read, while their log grows. */
async function measureStalled(): Promise<Row> {
  const folder = Deno.makeTempDirSync({ prefix: "kjump-bench-" });
  const streams = new EventStreams({ frameCacheBytes: 4 * MEBIBYTE });
  const log = new BenchLog(`${folder}/trace.ndjson`);
  // All of it is written before anything is measured, and becomes known piece by piece.
  const known = Array.from({ length: 12 }, () => {
    log.add(2 * EVENTS);
    return { events: log.events, bytes: log.bytes };
  });
  const query: EventQuery = { ...ALL_EVENTS, follow: true };
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response(streams.open(log, query, "sse", EXTRAS, SIGNAL)),
  );
  const clients: Deno.TcpConn[] = [];
  for (let client = 0; client < STALLED; client++) {
    const connection = await Deno.connect({ port: server.addr.port, hostname: "127.0.0.1" });
    await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    clients.push(connection);
  }
  const sizes: number[] = [];
  for (const moment of known) {
    log.reveal(moment);
    await settle();
    sizes.push(Deno.memoryUsage().rss / MEBIBYTE);
  }
  // In the first third the sockets become full; from then on nothing may grow.
  const third = sizes.length / 3;
  const grown = Math.max(0, Math.max(...sizes.slice(third)) - Math.max(...sizes.slice(0, third)));
  const owed = STALLED * (log.bytes - (known[third]?.bytes ?? 0)) / MEBIBYTE;
  for (const client of clients) client.close();
  streams.close();
  await server.shutdown();
  Deno.removeSync(folder, { recursive: true });
  return {
    name: `memory while ${STALLED} clients do not read, against what is owed to them`,
    value: grown,
    unit: "MiB",
    baseline: owed,
    ratio: grown / owed,
    target: STALLED_RATIO,
    atMost: true,
    met: grown / owed <= STALLED_RATIO,
  };
}

/** Rows of the table. */
export async function measureServe(): Promise<Row[]> {
  const rows: Row[] = [await measureStalled()];
  const bench = new Bench();
  for (const [name, form] of [["SSE", "sse"], ["NDJSON", "ndjson"]] as const) {
    const peer = `/bare/${form}`;
    for (const clients of [1, 10, 100]) {
      const to = `${name} to ${clients} client${clients === 1 ? "" : "s"}`;
      const warm = { name: to, path: `/warm/${form}`, peer, clients };
      const rates = await measureRates(bench, warm);
      rows.push(againstPeer(warm, rates));
      if (clients === 100) rows.push(againstRate(warm, rates, ALL_RATE));
    }
    const cold = {
      name: `${name} that nobody had before`,
      path: `/cold/${form}`,
      peer,
      clients: 1,
    };
    rows.push(againstRate(cold, await measureRates(bench, cold), COLD_RATE));
  }
  const gzip = { path: "/gzip/ndjson", peer: "/bare/ndjson", clients: 10 };
  const packed = { ...gzip, name: "NDJSON as gzip to 10 clients, plain" };
  rows.push(againstPeer(packed, await measureRates(bench, packed)));
  await bench.close();
  return rows;
}
