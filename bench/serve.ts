/**
 * What delivering a trace costs: events a second to 1, 10 and 100 clients against a bare
 * `Deno.serve` that writes the same bytes from memory to the same clients, both in turns in one
 * run; and the memory that clients take who do not read.
 *
 * The server runs on this thread, the clients in a worker. "Warm" is what all clients get but the
 * first of a run: pieces that are kept. "Cold" is what the first ones get, for whom the file is
 * read and, for SSE, its lines are framed; 10 and 100 of them come at the same time and share
 * that. What a cold client can get at most, the rows of bounds say: a server that does nothing but
 * read the file and write it, and the framing alone without file or server. All rows are of plain
 * bytes but for the one of gzip.
 *
 * @module
 */
import { ALL_EVENTS, type EventQuery } from "../server/streams/event_query.ts";
import type { EventForm } from "../server/streams/event_form.ts";
import { framed } from "../server/streams/frames.ts";
import { EventStreams, type StreamExtras } from "../server/streams/event_streams.ts";
import type { ClientsAnswer, ClientsRequest } from "./serve_clients.ts";
import type { Row } from "./engine.ts";
import { BenchLog } from "./serve_log.ts";

const EVENTS = 25_600;
/** How often one measurement delivers all events to one client, and to many in all. */
const ROUNDS_ALONE = 20;
const ROUNDS = 100;
/** Bytes of lines that are framed at one time. */
const FRAMED_BYTES = 196_608;
const LINE_FEED = 10;
const REPETITIONS = 9;
const CHUNK_BYTES = 262_144;
/** Wanted: of what a bare server delivers. */
const RATIO = 0.8;
/** Wanted: events a second to 100 clients in all. */
const ALL_RATE = 2e6;
const MEBIBYTE = 1_048_576;
const STALLED = 20;
const STALLED_RATIO = 0.01;

/** Never fires: streams end when their clients go. */
const SIGNAL = new AbortController().signal;
const EXTRAS: StreamExtras = { summary: () => undefined, watch: () => () => {} };

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

/** Bytes of a file, read in chunks and given out as they are. */
function fromFile(path: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  let file: Deno.FsFile | undefined;
  return new ReadableStream({
    async pull(controller) {
      file ??= await Deno.open(path);
      const bytes = new Uint8Array(CHUNK_BYTES);
      const count = await file.read(bytes);
      if (count !== null) return controller.enqueue(bytes.subarray(0, count));
      file.close();
      controller.close();
    },
  }, { highWaterMark: 0 });
}

/** A server on which a path is a form, and what it is measured with. */
class Bench {
  readonly log: BenchLog;
  readonly #folder: string = Deno.makeTempDirSync({ prefix: "kjump-bench-" });
  readonly #warm: EventStreams = new EventStreams();
  /** New for each measurement: its first clients find nothing that is kept. */
  #shared: EventStreams = new EventStreams();
  readonly #memory: Map<string, Uint8Array<ArrayBuffer>> = new Map();
  readonly #written: Set<EventForm> = new Set();
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
    if (how === "read") return new Response(fromFile(await this.#file(form)));
    const streams = how === "cold"
      ? new EventStreams()
      : how === "together"
      ? this.#shared
      : this.#warm;
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

  /** A file of the bytes that a form has. */
  async #file(form: EventForm): Promise<string> {
    const path = `${this.#folder}/${form}`;
    const whole = await this.#whole(form);
    if (!this.#written.has(form)) Deno.writeFileSync(path, whole);
    this.#written.add(form);
    return path;
  }

  /** Events a second that are framed, without file or server. */
  framedRate(form: EventForm): number {
    const lines = Deno.readFileSync(this.log.path).subarray(this.log.firstByte, this.log.bytes);
    const length = lines.lastIndexOf(LINE_FEED, FRAMED_BYTES) + 1;
    const piece = lines.slice(0, length);
    const count = piece.reduce((sum, byte) => byte === LINE_FEED ? sum + 1 : sum, 0);
    const rounds = Math.ceil(EVENTS / count);
    const begin = performance.now();
    for (let round = 0; round < rounds; round++) framed(form, piece, round * count);
    return rounds * count / ((performance.now() - begin) / 1000);
  }

  /** Events a second that arrive. */
  async rate(path: string, clients: number, rounds: number): Promise<number> {
    const delivered = EVENTS * clients * rounds;
    this.#shared = new EventStreams();
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
  /** How often each client comes. */
  readonly rounds: number;
}

interface Rate {
  readonly value: number;
  readonly baseline: number;
}

async function measureRates(bench: Bench, measurement: Measurement): Promise<Rate[]> {
  const { path, peer, clients, rounds } = measurement;
  const rates: Rate[] = [];
  for (let round = 0; round <= REPETITIONS; round++) {
    const value = await bench.rate(path, clients, rounds);
    const baseline = await bench.rate(peer, clients, rounds);
    // The first round warms up.
    if (round > 0) rates.push({ value, baseline });
  }
  return rates;
}

function againstPeer({ name }: Measurement, rates: readonly Rate[], target = RATIO): Row {
  const ratio = median(rates.map((rate) => rate.value / rate.baseline));
  return {
    name: `${name}, against bare`,
    value: median(rates.map((rate) => rate.value)),
    unit: "ev/s",
    baseline: median(rates.map((rate) => rate.baseline)),
    ratio,
    target,
    met: ratio >= target,
  };
}

function againstRate({ name }: Measurement, rates: readonly Rate[], wanted: number): Row {
  const value = median(rates.map((rate) => rate.value));
  return {
    name: `${name}, against ${wanted / 1e6} M/s`,
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

/** A form, as the table and as the server call it. */
interface MeasuredForm {
  readonly name: string;
  readonly form: EventForm;
}

/** Clients that find what was kept for those before them. */
async function measureWarm(bench: Bench, { name, form }: MeasuredForm): Promise<Row[]> {
  const rows: Row[] = [];
  for (const clients of [1, 10, 100]) {
    const measurement = {
      name: `${name} to ${clients}, warm: pieces are kept`,
      path: `/warm/${form}`,
      peer: `/bare/${form}`,
      clients,
      rounds: clients === 1 ? ROUNDS_ALONE : ROUNDS / clients,
    };
    const rates = await measureRates(bench, measurement);
    rows.push(againstPeer(measurement, rates));
    if (clients === 100) rows.push(againstRate(measurement, rates, ALL_RATE));
  }
  return rows;
}

/** The first clients of a run, and what bounds them. */
async function measureCold(bench: Bench, { name, form }: MeasuredForm): Promise<Row[]> {
  const rows: Row[] = [];
  const peer = `/bare/${form}`;
  const work = form === "sse" ? "file read, lines framed" : "file read";
  for (const clients of [1, 10, 100]) {
    const measurement = {
      name: `${name} to ${clients}, cold: ${work}`,
      path: clients === 1 ? `/cold/${form}` : `/together/${form}`,
      peer,
      clients,
      rounds: clients === 1 ? ROUNDS_ALONE : 1,
    };
    rows.push(againstPeer(measurement, await measureRates(bench, measurement)));
  }
  const reading = {
    name: `  bound of it to 1: a server that only reads a file and writes it`,
    path: `/read/${form}`,
    peer,
    clients: 1,
    rounds: ROUNDS_ALONE,
  };
  rows.push(againstPeer(reading, await measureRates(bench, reading), 0));
  if (form === "ndjson") return rows;
  const framing: Rate[] = [];
  for (let round = 0; round < REPETITIONS; round++) {
    const value = bench.framedRate(form);
    framing.push({ value, baseline: await bench.rate(peer, 1, ROUNDS_ALONE) });
  }
  const alone = { ...reading, name: "  bound of it to 1: framing lines in memory, no server" };
  rows.push(againstPeer(alone, framing, 0));
  return rows;
}

/** Rows of the table. */
export async function measureServe(): Promise<Row[]> {
  const rows: Row[] = [await measureStalled()];
  const bench = new Bench();
  for (const form of [{ name: "SSE", form: "sse" }, { name: "NDJSON", form: "ndjson" }] as const) {
    rows.push(...await measureWarm(bench, form), ...await measureCold(bench, form));
  }
  const gzip = { path: "/gzip/ndjson", peer: "/bare/ndjson", clients: 10, rounds: ROUNDS / 10 };
  const packed = { ...gzip, name: "NDJSON as gzip to 10, kept file, plain" };
  rows.push(againstPeer(packed, await measureRates(bench, packed)));
  await bench.close();
  return rows;
}
