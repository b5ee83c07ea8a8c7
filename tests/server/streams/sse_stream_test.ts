/** Server-sent events: resuming, gaps, changes of the run, heartbeats, the end. */
import assert from "node:assert/strict";
import { eventLine } from "../../../machine/trace/event.ts";
import { ALL_EVENTS, type EventQuery } from "../../../server/streams/event_query.ts";
import { EventStreams } from "../../../server/streams/event_streams.ts";
import { GrowingLog, HandTimers, numbered, sentIn, Taker, textOf, ToldRun } from "./stream_kit.ts";

const SIGNAL = new AbortController().signal;

function ended(count: number): GrowingLog {
  const log = new GrowingLog();
  log.add(count);
  log.end();
  return log;
}

function open(log: GrowingLog, query: Partial<EventQuery> = {}, run = new ToldRun()) {
  const streams = new EventStreams({ timers: new HandTimers() });
  return streams.open(log, { ...ALL_EVENTS, ...query }, "sse", run, SIGNAL);
}

async function traced(log: GrowingLog, query: Partial<EventQuery> = {}): Promise<number[]> {
  const sent = sentIn(await textOf(open(log, query)));
  return sent.flatMap(({ id, event }) => event === "trace" ? [Number(id)] : []);
}

Deno.test("open as SSE tells retry, the run, every event with its number, the end", async () => {
  using log = ended(3000);
  const sent = sentIn(await textOf(open(log)));
  assert.deepEqual(sent.slice(0, 1), [{ retry: "1000" }]);
  assert.equal(sent[1]?.event, "state");
  const events = sent.slice(2, -1);
  assert.equal(events.length, 3000);
  for (const [seq, { id, event, data }] of events.entries()) {
    assert.deepEqual({ id, event, data }, {
      id: String(seq),
      event: "trace",
      data: eventLine(numbered(seq)),
    });
  }
  const last = sent.at(-1);
  assert.equal(last?.event, "end");
  assert.equal(last?.id, "2999");
  assert.equal(JSON.parse(last?.data ?? "").run, log.run);
});

Deno.test("open as SSE resumes after the id of the last event, without gap or double", async () => {
  using log = ended(1300);
  for (const after of [-1, 0, 511, 1023, 1298]) {
    const wanted = Array.from({ length: 1299 - after }, (_, at) => after + 1 + at);
    assert.deepEqual(await traced(log, { after }), wanted);
  }
});

Deno.test("open as SSE numbers filtered events as they are numbered in the run", async () => {
  using log = ended(2100);
  const wanted = Array.from({ length: 2100 }, (_, seq) => seq).filter((seq) => seq % 3 === 0);
  assert.deepEqual(await traced(log, { actors: ["disk"] }), wanted);
});

Deno.test("open as SSE tells a gap and begins anew where the id is not there", async () => {
  using log = ended(20);
  const sent = sentIn(await textOf(open(log, { after: 20 })));
  const gap = sent.findIndex(({ event }) => event === "gap");
  assert.ok(gap > 0 && gap < sent.findIndex(({ event }) => event === "trace"));
  assert.deepEqual(JSON.parse(sent[gap]?.data ?? ""), { first: 0 });
  assert.equal(sent.filter(({ event }) => event === "trace").length, 20);
  const ranged = sentIn(await textOf(open(log, { after: 99, from: 5 })));
  const told = ranged.find(({ event }) => event === "gap");
  assert.deepEqual(JSON.parse(told?.data ?? ""), { first: 5 });
});

Deno.test("open as SSE tells changes of the run, several at once as one", async () => {
  using log = new GrowingLog();
  log.add(2);
  const run = new ToldRun();
  const taker = new Taker(open(log, {}, run));
  await taker.until('{"seq":1,');
  run.change({ events: 5 });
  run.change({ events: 7 });
  await taker.until('"events":7');
  const states = sentIn(taker.text).filter(({ event }) => event === "state")
    .map(({ data }) => JSON.parse(data ?? ""));
  assert.deepEqual(states.map(({ events }) => events), [0, 7]);
  const next = taker.take();
  run.change({ status: "waiting" });
  assert.match(await next ?? "", /"status":"waiting"/);
  log.end();
  while (await taker.take() !== undefined);
  assert.equal(run.watchers, 0);
});

Deno.test("open as SSE tells each broken rule once", async () => {
  using log = new GrowingLog();
  log.add(2);
  const run = new ToldRun();
  const verdict = { ok: false, held: 1, vacuous: 2 };
  const first = { rule: "F23", seq: 1, reason: "differs" };
  const second = { rule: "F40", seq: 0, reason: "frozen" };
  run.change({ verdict: { ...verdict, violated: [first] } });
  const taker = new Taker(open(log, {}, run));
  await taker.until('{"seq":1,');
  run.change({ verdict: { ...verdict, violated: [first, second] } });
  await taker.until("F40");
  log.end();
  while (await taker.take() !== undefined);
  const told = sentIn(taker.text).filter(({ event }) => event === "verdict");
  assert.deepEqual(told.map(({ data }) => JSON.parse(data ?? "")), [
    { rule: "F23", seq: 1, verdict: "violated", reason: "differs" },
    { rule: "F40", seq: 0, verdict: "violated", reason: "frozen" },
  ]);
  assert.ok(told.every(({ id }) => id === undefined), "only events of the trace have ids");
});

Deno.test("open as SSE sends a comment while nothing happens, and only then", async () => {
  using log = new GrowingLog();
  log.add(1);
  const timers = new HandTimers();
  const streams = new EventStreams({ timers });
  const taker = new Taker(streams.open(log, ALL_EVENTS, "sse", new ToldRun(), SIGNAL));
  await taker.until('{"seq":0,');
  for (let beat = 0; beat < 3; beat++) {
    const next = taker.take();
    while (timers.count === 0) await Promise.resolve();
    timers.fire();
    assert.equal(await next, ":\n\n");
  }
  await Promise.resolve();
  assert.equal(timers.count, 0, "nobody reads, nothing is timed");
  log.end();
  while (await taker.take() !== undefined);
  assert.equal(timers.count, 0);
});

Deno.test("isOver is true for a client that has all there will be", () => {
  using log = new GrowingLog();
  log.add(10);
  const streams = new EventStreams();
  const over = (query: Partial<EventQuery>) => streams.isOver(log, { ...ALL_EVENTS, ...query });
  assert.equal(over({ after: 9 }), false, "the run goes on");
  assert.equal(over({ after: 5, to: 5 }), true, "the range is over");
  log.end();
  assert.equal(over({ after: 9 }), true);
  assert.equal(over({ after: 8 }), false);
  assert.equal(over({}), false, "a client that never was there");
  assert.equal(over({ after: 10 }), false, "a gap");
  assert.equal(over({ after: 9, actors: ["nobody"] }), true);
});

Deno.test("open as SSE ends so that whoever comes again is over, also with a filter", async () => {
  for (const count of [0, 7]) {
    using log = ended(count);
    const streams = new EventStreams();
    const query = { ...ALL_EVENTS, actors: ["nobody"] };
    const sent = sentIn(await textOf(streams.open(log, query, "sse", new ToldRun(), SIGNAL)));
    const after = Number(sent.at(-1)?.id);
    assert.equal(streams.isOver(log, { ...query, after }), true, `${count} events`);
  }
});
