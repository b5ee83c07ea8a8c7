/**
 * The laboratory's small parts by themselves.
 */
import assert from "node:assert/strict";
import { LimitError, UsageError } from "../../../machine/errors.ts";
import type { TraceEvent, TraceHeader } from "../../../machine/trace/event.ts";
import { lastEntry, morningOf } from "../../../server/runs/autopilot.ts";
import { failureSentence } from "../../../server/runs/failure_sentence.ts";
import { GrowingLog } from "../../../server/runs/growing_log.ts";
import { MachineFate } from "../../../server/runs/machine_fate.ts";
import { Slots } from "../../../server/runs/slots.ts";
import { headerIn, repairTrace } from "../../../server/runs/trace_extent.ts";
import { parseTranscript } from "../../../server/transcript/transcript_parser.ts";
import { ScratchFolder } from "../terminal_kit.ts";

const HEADER: TraceHeader = {
  v: 1,
  run: "00".repeat(8),
  scenario: "jump",
  seed: 1,
  profile: "p",
  version: "0",
  actors: [],
  clock: "virtual",
  order: "total",
};

Deno.test("GrowingLog.more resolves by events, by the end and by its signal, and keeps nobody", async () => {
  const log = new GrowingLog("/f", HEADER, 10);
  const stop = new AbortController();
  const order: string[] = [];
  const wait = (name: string, events: number, signal = new AbortController().signal) =>
    log.more(events, signal).then(() => void order.push(name));
  const all = [wait("five", 4), wait("one", 0), wait("signal", 99, stop.signal), wait("end", 99)];
  log.grow({ events: 1, bytes: 20 });
  await all[1];
  log.grow({ events: 0, bytes: 5 });
  assert.deepEqual([log.events, log.bytes], [1, 20], "it never goes back");
  log.grow({ events: 5, bytes: 60 });
  await all[0];
  stop.abort();
  await all[2];
  assert.equal(log.ended, false);
  log.end({ events: 5, bytes: 60 });
  await all[3];
  assert.deepEqual(order, ["one", "five", "signal", "end"]);
  await log.more(99, new AbortController().signal);
  const early = new GrowingLog("/f", HEADER, 10);
  await early.more(0, AbortSignal.abort());
});

Deno.test("Slots lets so many run, in order, and forgets who does not want any more", () => {
  const slots = new Slots(2);
  const began: number[] = [];
  const turns = [0, 1, 2, 3].map((number) => ({ go: () => void began.push(number) }));
  for (const turn of turns) slots.take(turn);
  assert.deepEqual([began, slots.queued, slots.isFull], [[0, 1], 2, true]);
  const [first, , third] = turns;
  assert.ok(first !== undefined && third !== undefined);
  assert.deepEqual([slots.drop(third), slots.drop(third), slots.drop(first)], [true, false, false]);
  slots.release();
  assert.deepEqual(began, [0, 1, 3]);
  slots.release();
  slots.release();
  assert.equal(slots.isFull, false);
});

Deno.test("repairTrace finds the last whole line wherever the trace was cut", () => {
  using scratch = new ScratchFolder();
  const event = (seq: number) =>
    `{"seq":${seq},"vt":${seq * 10},"lamport":${seq},"kind":"note","actor":"ä"}\n`;
  const footer = `{"count":2,"sha256":"${"0".repeat(64)}","outcome":"x","generator":""}\n`;
  const lines = [`${JSON.stringify(HEADER)}\n`, event(0), event(1), footer];
  const bytes = new TextEncoder().encode(lines.join(""));
  const ends = lines.map((_, index) =>
    new TextEncoder().encode(lines.slice(0, index + 1).join("")).length
  );
  for (let length = 0; length <= bytes.length; length++) {
    const path = scratch.write("t", bytes.subarray(0, length));
    const whole = ends.filter((end) => end <= length).length;
    const extent = repairTrace(path);
    assert.equal(headerIn(path) === undefined, whole === 0);
    if (whole === 0) {
      assert.equal(extent, undefined);
      continue;
    }
    const events = Math.min(whole - 1, 2);
    assert.equal(extent?.events, events);
    assert.equal(extent?.bytes, ends[events]);
    assert.equal(extent?.vt, Math.max(0, events - 1) * 10);
    assert.equal(extent?.footer !== undefined, whole === 4);
    assert.equal(Deno.statSync(path).size, ends[whole - 1]);
  }
});

Deno.test("failureSentence says what went wrong in a run without the host's paths", () => {
  assert.match(failureSentence(new LimitError("queueDeliveries", 2, 1)), /queueDeliveries/);
  const usage = new UsageError("Cannot load file:///home/me/a.ts or '/etc/x', sorry\n at b");
  assert.equal(failureSentence(usage), "Cannot load … or '…', sorry.");
  const other = failureSentence(new Error("/home/me broke"));
  assert.doesNotMatch(other, /home/);
  assert.match(failureSentence(new Error("write: No space left on device")), /disk is full/);
});

Deno.test("morningOf gives the steps behind the last power on, unless there was only one", () => {
  const of = (...lines: string[]) =>
    parseTranscript("t", ["```console", ...lines, "```"].join("\n"));
  const two = of("# power on", "# boot A", "# power on", "# boot C", "C$ restore-image");
  assert.deepEqual(morningOf(two).map(({ text }) => text), ["boot C", "restore-image"]);
  assert.equal(lastEntry(two, []), "C");
  const one = of("# power on", "# boot A");
  assert.deepEqual(morningOf(one), []);
  const typed = '{"do":"choose","entry":"C","append":""}';
  const choice = { kind: "input", at: 3, actor: "operator", text: typed } as const;
  assert.equal(lastEntry(of("# power on"), [choice]), "C");
  assert.equal(lastEntry(of("# power on"), []), undefined);
});

Deno.test("MachineFate of a machine that sleeps as S4 says that it is off", () => {
  const fate = new MachineFate();
  let seq = 0;
  const take = (type: string, summary: NonNullable<TraceEvent["summary"]>): string => {
    const event = { seq: seq++, vt: 0, lamport: 0, kind: "note", actor: "firmware" } as const;
    fate.take({ ...event, type, summary });
    return fate.text;
  };
  assert.equal(fate.text, "the machine is off");
  assert.equal(take("fact.power", { op: "on" }), "no kernel runs yet");
  assert.equal(take("fact.boot", { k: "A" }), "ordinary boot of A");
  assert.equal(take("fact.power", { op: "sleep", state: "S4", k: "A" }), "the machine is off");
  take("fact.power", { op: "on" });
  assert.equal(take("fact.power", { op: "wake", state: "S4" }), "no kernel runs yet");
  take("fact.boot", { k: "A" });
  assert.equal(take("fact.resumed", { k: "A" }), "A resumed");
});
