/** Streams cost nothing when their clients leave, and nothing grows while clients are slow. */
import assert from "node:assert/strict";
import { ProblemError } from "../../../server/problem.ts";
import { ALL_EVENTS } from "../../../server/streams/event_query.ts";
import { EventStreams } from "../../../server/streams/event_streams.ts";
import { LogFile, PIECE_BYTES } from "../../../server/streams/log_file.ts";
import { GrowingLog, HandTimers, Taker, textOf, ToldRun } from "./stream_kit.ts";

const SIGNAL = new AbortController().signal;

/** A log that counts what is read of it. */
class CountedReads {
  bytes = 0;
  files = 0;
  readonly #open = Deno.open;

  constructor() {
    Deno.open = async (...given) => {
      const file = await this.#open(...given);
      this.files++;
      const { read, close } = file;
      file.read = async (target) => {
        const count = await read.call(file, target);
        this.bytes += count ?? 0;
        return count;
      };
      file.close = () => {
        this.files--;
        close.call(file);
      };
      return file;
    };
  }

  [Symbol.dispose](): void {
    Deno.open = this.#open;
  }
}

/** Lets everything that can go on go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("open reads nothing that nobody takes", async () => {
  using log = new GrowingLog();
  log.add(50_000);
  using reads = new CountedReads();
  const streams = new EventStreams({ timers: new HandTimers() });
  const taker = new Taker(streams.open(log, ALL_EVENTS, "sse", new ToldRun(), SIGNAL));
  await settle();
  assert.equal(reads.bytes, 0);
  await taker.until('{"seq":0,');
  await settle();
  assert.ok(reads.bytes <= PIECE_BYTES, `${reads.bytes} bytes were read`);
  assert.ok(streams.keptBytes <= 3 * PIECE_BYTES);
  await taker.leave();
  await settle();
  assert.equal(reads.files, 0, "the file is closed");
});

for (const form of ["sse", "ndjson", "json-seq"] as const) {
  Deno.test(`open as ${form} ends at once when its client leaves while it waits`, async () => {
    using log = new GrowingLog();
    log.add(3);
    using reads = new CountedReads();
    const timers = new HandTimers();
    const run = new ToldRun();
    const streams = new EventStreams({ timers });
    const query = { ...ALL_EVENTS, follow: true };
    const taker = new Taker(streams.open(log, query, form, run, SIGNAL));
    await taker.until('{"seq":2,');
    const next = taker.take();
    while (log.waiting === 0) await Promise.resolve();
    assert.equal(streams.count, 1);
    await taker.leave();
    assert.equal(await next, undefined);
    assert.equal(streams.count, 0);
    await settle();
    assert.deepEqual([log.waiting, run.watchers, reads.files], [0, 0, 0]);
  });

  Deno.test(`open as ${form} ends when its signal fires, read or not`, async () => {
    using log = new GrowingLog();
    log.add(3);
    using reads = new CountedReads();
    const run = new ToldRun();
    const streams = new EventStreams({ timers: new HandTimers() });
    const query = { ...ALL_EVENTS, follow: true };
    const aborting = new AbortController();
    const taken = new Taker(streams.open(log, query, form, run, aborting.signal));
    await taken.until('{"seq":2,');
    const waiting = taken.take();
    streams.open(log, query, form, run, aborting.signal);
    while (log.waiting === 0) await Promise.resolve();
    assert.equal(streams.count, 2);
    aborting.abort();
    assert.equal(await waiting, undefined);
    assert.equal(streams.count, 0);
    await settle();
    assert.deepEqual([log.waiting, run.watchers, reads.files], [0, 0, 0]);
    assert.equal(await textOf(streams.open(log, query, form, run, aborting.signal)), "");
  });
}

Deno.test("open stops a search that finds nothing when its client leaves", async () => {
  using log = new GrowingLog();
  log.add(60_000);
  using reads = new CountedReads();
  const streams = new EventStreams();
  const query = { ...ALL_EVENTS, actors: ["nobody"] };
  const taker = new Taker(streams.open(log, query, "ndjson", new ToldRun(), SIGNAL));
  const next = taker.take();
  await taker.leave();
  await next;
  await settle();
  assert.ok(reads.bytes <= 2 * PIECE_BYTES, `${reads.bytes} bytes were read`);
  assert.equal(reads.files, 0);
});

Deno.test("open keeps nothing of a trace that it only searches", async () => {
  using log = new GrowingLog();
  log.add(3000);
  const streams = new EventStreams();
  const query = { ...ALL_EVENTS, actors: ["nobody"] };
  await textOf(streams.open(log, query, "ndjson", new ToldRun(), SIGNAL));
  assert.equal(streams.keptBytes, 0);
});

Deno.test("open lets others have their turn while it searches what is kept", async () => {
  using log = new GrowingLog();
  log.add(60_000);
  log.end();
  const streams = new EventStreams();
  await textOf(streams.open(log, ALL_EVENTS, "ndjson", new ToldRun(), SIGNAL));
  let turned = false;
  const timer = setTimeout(() => turned = true, 0);
  const query = { ...ALL_EVENTS, actors: ["nobody"] };
  const searching = streams.open(log, query, "ndjson", new ToldRun(), SIGNAL);
  const turnedAtEnd = textOf(searching).then(() => turned);
  assert.equal(await turnedAtEnd, true);
  clearTimeout(timer);
});

Deno.test("open gives a late client large pieces, however small those were that came", async () => {
  using log = new GrowingLog();
  log.add(1);
  const streams = new EventStreams();
  const query = { ...ALL_EVENTS, follow: true };
  const early = new Taker(streams.open(log, query, "ndjson", new ToldRun(), SIGNAL));
  await early.until('{"seq":0,');
  for (let seq = 1; seq < 100; seq++) {
    log.add(1);
    await early.until(`{"seq":${seq},`);
  }
  log.end();
  while (await early.take() !== undefined);
  const late = new Taker(streams.open(log, ALL_EVENTS, "ndjson", new ToldRun(), SIGNAL));
  let pieces = 0;
  while (await late.take() !== undefined) pieces++;
  assert.equal(late.text, early.text);
  assert.equal(pieces, 3, "header, events, footer");
});

Deno.test("open refuses more streams than there may be, and counts those that ended", async () => {
  using log = new GrowingLog();
  log.add(3);
  log.end();
  const streams = new EventStreams({ openStreams: 2 });
  const open = () => streams.open(log, ALL_EVENTS, "ndjson", new ToldRun(), SIGNAL);
  const first = open();
  const second = open();
  assert.throws(open, (error) => {
    assert.ok(error instanceof ProblemError);
    assert.equal(error.problem, "too-many");
    assert.deepEqual(error.details.limit, { name: "openStreams", max: 2 });
    assert.ok((error.details.retryAfter ?? 0) > 0);
    return true;
  });
  await textOf(first);
  const third = open();
  await second.cancel();
  await third.cancel();
  assert.equal(streams.count, 0);
});

Deno.test("open reads and encodes once for all clients of a run", async () => {
  using log = new GrowingLog();
  log.add(20_000);
  log.end();
  using reads = new CountedReads();
  const streams = new EventStreams();
  const texts = await Promise.all(Array.from(
    { length: 10 },
    () => textOf(streams.open(log, ALL_EVENTS, "sse", new ToldRun(), SIGNAL)),
  ));
  assert.equal(new Set(texts).size, 1);
  // A piece ends at a multiple of events, so that a part of what is read is read twice.
  assert.ok(reads.bytes < 3 * log.bytes, `${reads.bytes} of ${log.bytes} bytes`);
});

for (const form of ["sse", "ndjson"] as const) {
  Deno.test(`open as ${form} keeps no more than the limit allows`, async () => {
    using log = new GrowingLog();
    log.add(20_000);
    log.end();
    const frameCacheBytes = 3 * PIECE_BYTES;
    const streams = new EventStreams({ frameCacheBytes });
    const text = await textOf(streams.open(log, ALL_EVENTS, form, new ToldRun(), SIGNAL));
    assert.ok(text.length > 2 * frameCacheBytes);
    assert.ok(streams.keptBytes > 0 && streams.keptBytes <= frameCacheBytes);
    streams.forget(log.run);
    assert.equal(streams.keptBytes, 0);
  });
}

Deno.test("open keeps of events that come one by one little more than their frames", async () => {
  using log = new GrowingLog();
  const streams = new EventStreams({ timers: new HandTimers() });
  const taker = new Taker(streams.open(log, ALL_EVENTS, "sse", new ToldRun(), SIGNAL));
  for (let seq = 0; seq < 200; seq++) {
    log.add(1);
    await taker.until(`{"seq":${seq},`);
  }
  assert.ok(streams.keptBytes < 2 * taker.text.length, `${streams.keptBytes} bytes are kept`);
  await taker.leave();
  await settle();
});

Deno.test("forget ends the run's streams and what is read next is the new file", async () => {
  using log = new GrowingLog();
  log.add(5);
  const streams = new EventStreams();
  const taker = new Taker(
    streams.open(log, { ...ALL_EVENTS, follow: true }, "ndjson", new ToldRun(), SIGNAL),
  );
  await taker.until('{"seq":4,');
  streams.forget(log.run);
  assert.equal(await taker.take(), undefined);
  using other = new GrowingLog();
  other.add(2);
  const text = await textOf(streams.open(other, ALL_EVENTS, "ndjson", new ToldRun(), SIGNAL));
  assert.equal(text, Deno.readTextFileSync(other.path));
  await settle();
});

Deno.test("offsetOf searches each part of a file for line feeds once", async () => {
  using log = new GrowingLog();
  log.add(30_000);
  using reads = new CountedReads();
  const file = new LogFile(log);
  const release = file.hold();
  const first = await Promise.all([
    file.offsetOf(29_999, log.bytes, SIGNAL),
    file.offsetOf(29_000, log.bytes, SIGNAL),
  ]);
  assert.ok(first.every((offset) => offset !== undefined));
  assert.equal(file.indexed, 59);
  const searched = reads.bytes;
  assert.ok(searched < log.bytes + 2 * PIECE_BYTES);
  const text = Deno.readFileSync(log.path);
  for (const event of [0, 1, 511, 512, 513, 15_000, 29_999]) {
    const offset = await file.offsetOf(event, log.bytes, SIGNAL) ?? 0;
    assert.ok(
      new TextDecoder().decode(text.subarray(offset, offset + 40)).startsWith(`{"seq":${event},`),
    );
  }
  assert.equal(await file.offsetOf(30_001, log.bytes, SIGNAL), undefined);
  release();
  await settle();
});

Deno.test("Deno.serve with a client that does not read keeps no more than pieces", async () => {
  using log = new GrowingLog();
  for (let round = 0; round < 6; round++) log.add(50_000);
  using reads = new CountedReads();
  const streams = new EventStreams({ frameCacheBytes: 4 * PIECE_BYTES });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response(streams.open(log, ALL_EVENTS, "ndjson", new ToldRun(), SIGNAL)),
  );
  const client = await Deno.connect({ port: server.addr.port, hostname: "127.0.0.1" });
  await client.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  let seen = -1;
  // The reads stop by themselves: what the sockets take is full.
  while (reads.bytes === 0 || seen !== reads.bytes) {
    seen = reads.bytes;
    await settle();
  }
  assert.ok(reads.bytes < log.bytes / 2, `${reads.bytes} of ${log.bytes} bytes were read`);
  assert.equal(streams.count, 1);
  client.close();
  while (streams.count > 0) await settle();
  await settle();
  assert.equal(reads.files, 0);
  await server.shutdown();
});
