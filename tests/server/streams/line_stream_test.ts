/** NDJSON and json-seq: what a client has in the end is the file, or just what it asked for. */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { eventLine } from "../../../machine/trace/event.ts";
import { ProblemError } from "../../../server/problem.ts";
import { ALL_EVENTS, type EventQuery } from "../../../server/streams/event_query.ts";
import { EventStreams } from "../../../server/streams/event_streams.ts";
import { GrowingLog, numbered, Taker, textOf, ToldRun } from "./stream_kit.ts";

const SIGNAL = new AbortController().signal;

function open(streams: EventStreams, log: GrowingLog, query: Partial<EventQuery> = {}) {
  return streams.open(log, { ...ALL_EVENTS, ...query }, "ndjson", new ToldRun(), SIGNAL);
}

function ended(count: number): GrowingLog {
  const log = new GrowingLog();
  log.add(count);
  log.end();
  return log;
}

function linesOf(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, at) => `${eventLine(numbered(from + at))}\n`)
    .join("");
}

Deno.test("open as NDJSON gives the file of an ended run, byte for byte", async () => {
  using log = ended(5000);
  const streams = new EventStreams();
  assert.equal(await textOf(open(streams, log)), Deno.readTextFileSync(log.path));
  assert.equal(streams.count, 0);
});

Deno.test("open as NDJSON resumes after any event", async () => {
  using log = ended(2600);
  const tail = Deno.readTextFileSync(log.path).split("\n").slice(-2).join("\n");
  for (const after of [0, 510, 511, 512, 1023, 1024, 1500, 2598, 2599]) {
    const text = await textOf(open(new EventStreams(), log, { after }));
    assert.equal(text, linesOf(after + 1, 2600) + tail, `after ${after}`);
  }
});

Deno.test("open as NDJSON gives a range with both its ends and nothing besides", async () => {
  using log = ended(3000);
  const streams = new EventStreams();
  for (const [from, to] of [[0, 0], [0, 511], [700, 1023], [1000, 2500], [2999, 2999]] as const) {
    assert.equal(await textOf(open(streams, log, { from, to })), linesOf(from, to + 1));
  }
  assert.equal(await textOf(open(streams, log, { from: 9, to: 20, after: 14 })), linesOf(15, 21));
  assert.equal(await textOf(open(streams, log, { from: 2990, to: 9999 })), linesOf(2990, 3000));
  assert.equal(await textOf(open(streams, log, { from: 3001, to: 4000 })), "");
});

Deno.test("open as NDJSON filters, also within a range", async () => {
  using log = ended(3000);
  const text = await textOf(open(new EventStreams(), log, {
    actors: ["disk"],
    kinds: ["send", "note"],
    types: ["disk.*"],
    from: 30,
    to: 2000,
  }));
  const wanted = Array.from({ length: 2001 }, (_, seq) => seq)
    .filter((seq) => seq >= 30 && seq % 30 === 0);
  assert.equal(text, wanted.map((seq) => `${eventLine(numbered(seq))}\n`).join(""));
});

Deno.test("open as NDJSON without follow gives what there is of a run that goes on", async () => {
  using log = new GrowingLog();
  log.add(40);
  const stream = open(new EventStreams(), log);
  log.add(10);
  assert.equal(await textOf(stream), `${JSON.stringify(log.header)}\n${linesOf(0, 40)}`);
  assert.equal(log.waits, 0);
});

Deno.test("open as NDJSON with follow ends with the run's footer", async () => {
  using log = new GrowingLog();
  log.add(3);
  const taker = new Taker(open(new EventStreams(), log, { follow: true }));
  await taker.until('{"seq":2,');
  for (let round = 0; round < 30; round++) {
    const next = taker.take();
    log.add(round * 7 + 1);
    await next;
  }
  log.end();
  while (await taker.take() !== undefined);
  assert.equal(taker.text, Deno.readTextFileSync(log.path));
});

Deno.test("open as json-seq puts a record separator before every line", async () => {
  using log = ended(1500);
  const streams = new EventStreams();
  const stream = streams.open(log, ALL_EVENTS, "json-seq", new ToldRun(), SIGNAL);
  const records = (await textOf(stream)).split("\x1e");
  assert.equal(records.shift(), "");
  assert.equal(records.join(""), Deno.readTextFileSync(log.path));
  assert.equal(records.length, 1502);
});

Deno.test("open as NDJSON refuses to go on behind an event that is not there", () => {
  using log = ended(10);
  assert.throws(
    () => open(new EventStreams(), log, { after: 10 }),
    (error) => error instanceof ProblemError && error.problem === "unknown-event",
  );
});

Deno.test("open gives lines of the longest kind whole", async () => {
  using log = new GrowingLog();
  const lines = Array.from({ length: 600 }, (_, seq) =>
    eventLine({
      ...numbered(seq),
      origin: { file: "log", line: seq, text: "ä".repeat(seq % 3 === 0 ? 30_000 : 10) },
    }));
  log.addLines(lines);
  log.end();
  assert.equal(await textOf(open(new EventStreams(), log)), Deno.readTextFileSync(log.path));
  const text = await textOf(open(new EventStreams(), log, { from: 555, to: 556 }));
  assert.equal(text, `${lines[555]}\n${lines[556]}\n`);
});

Deno.test("open breaks off a stream whose file is shorter than was said", async () => {
  using log = ended(3000);
  const streams = new EventStreams();
  Deno.truncateSync(log.path, log.firstByte + 10);
  await assert.rejects(textOf(open(streams, log)), /shorter/);
  assert.equal(streams.count, 0);
});

Deno.test("gzipped makes the whole file once, beside the trace", async () => {
  using log = ended(4000);
  const streams = new EventStreams();
  assert.equal(streams.canGzip(log, ALL_EVENTS), true);
  const [first, second] = await Promise.all([streams.gzipped(log), streams.gzipped(log)]);
  assert.equal(first, second);
  const packed = Deno.readFileSync(first.path);
  assert.equal(packed.length, first.bytes);
  assert.deepEqual(gunzipSync(packed).toString(), Deno.readTextFileSync(log.path));
  Deno.writeTextFileSync(first.path, "mark");
  assert.equal((await streams.gzipped(log)).bytes, 4);
  streams.close();
});

Deno.test("gzipped says when the file cannot be read", async () => {
  using log = ended(10);
  Deno.removeSync(log.path);
  await assert.rejects(new EventStreams().gzipped(log), /could not be compressed/);
});

Deno.test("canGzip is only for the whole file of a run that ended whole", () => {
  using log = new GrowingLog();
  const streams = new EventStreams();
  assert.equal(streams.canGzip(log, ALL_EVENTS), false);
  log.end();
  assert.equal(streams.canGzip(log, { ...ALL_EVENTS, follow: true }), false);
  assert.equal(streams.canGzip(log, { ...ALL_EVENTS, actors: ["A"] }), false);
  assert.equal(streams.canGzip(log, { ...ALL_EVENTS, from: 1 }), false);
  delete log.footer;
  assert.equal(streams.canGzip(log, ALL_EVENTS), false);
});
