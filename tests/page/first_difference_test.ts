import assert from "node:assert/strict";
import fc from "fast-check";
import { eventLine } from "../../machine/trace/event.ts";
import {
  comparableText,
  comparisonSentence,
  FirstDifference,
  type Lines,
} from "../../server/page/beside/first_difference.ts";

function linesOf(texts: readonly string[]): Lines {
  return { count: texts.length, line: (seq) => texts[seq] ?? "" };
}

function line(seq: number, value: string, vt = seq): string {
  return eventLine({
    seq,
    vt,
    lamport: 1,
    kind: "note",
    actor: "A",
    type: "fact.x",
    summary: { value },
  });
}

const ENDED = [true, true] as const;

Deno.test("comparableText leaves out place and time, and nothing of what happened", () => {
  const event = {
    seq: 9,
    vt: 100,
    lamport: 4,
    kind: "send",
    actor: "A",
    source: "A",
    target: "disk",
    type: "disk.read",
    msg: 9,
    cause: 3,
    summary: { msg: 1, cause: 2, state: "x" },
  } as const;
  const text = comparableText(eventLine(event));
  assert.equal(
    text,
    '"kind":"send","actor":"A","source":"A","target":"disk","type":"disk.read",' +
      '"summary":{"msg":1,"cause":2,"state":"x"}}',
  );
  const moved = { ...event, seq: 10, vt: 7, lamport: 5, msg: 10, cause: 4 };
  assert.equal(comparableText(eventLine(moved)), text);
  assert.notEqual(comparableText(eventLine({ ...event, target: "cpu" })), text);
  assert.notEqual(comparableText(eventLine({ ...event, summary: { msg: 2 } })), text);
});

Deno.test("FirstDifference finds the first event that differs, in steps of any size", () => {
  const values = fc.array(fc.constantFrom("a", "b"), { maxLength: 20 });
  fc.assert(fc.property(values, values, fc.integer({ min: 1, max: 7 }), (left, right, most) => {
    const [a, b] = [left, right].map((list) => linesOf(list.map((value, seq) => line(seq, value))));
    if (a === undefined || b === undefined) return;
    const difference = new FirstDifference();
    let state = difference.advance(a, b, most, ENDED);
    while (!state.done) state = difference.advance(a, b, most, ENDED);
    const both = Math.min(left.length, right.length);
    const expected = left.findIndex((value, index) => index < both && value !== right[index]);
    const first = expected >= 0 ? expected : left.length === right.length ? -1 : both;
    assert.equal(state.first, first);
  }));
});

Deno.test("FirstDifference waits for a run that goes on", () => {
  const all = ["a", "b", "c"].map((value, seq) => line(seq, value));
  const difference = new FirstDifference();
  const early = difference.advance(linesOf(all), linesOf(all.slice(0, 2)), 99, [true, false]);
  assert.deepEqual([early.first, early.same], [-1, 2]);
  const late = difference.advance(linesOf(all), linesOf(all), 99, ENDED);
  assert.deepEqual([late.first, late.same], [-1, 3]);
});

Deno.test("FirstDifference tells other times from other happenings", () => {
  const left = linesOf([line(0, "a", 5), line(1, "b", 9)]);
  const right = linesOf([line(0, "a", 6), line(1, "c", 9)]);
  const state = new FirstDifference().advance(left, right, 99, ENDED);
  assert.deepEqual([state.firstTime, state.first], [0, 1]);
  assert.match(
    comparisonSentence(state, ENDED, 0),
    /first difference is at event 1\..* at other times/,
  );
});

Deno.test("FirstDifference does not compare what a fork is known to share", () => {
  const left: Lines = {
    count: 3,
    line: (seq) => {
      assert.ok(seq >= 2);
      return line(seq, "a");
    },
  };
  const state = new FirstDifference(2).advance(left, left, 99, ENDED);
  assert.deepEqual([state.same, state.first], [3, -1]);
  assert.match(comparisonSentence(state, ENDED, 2), /same in all 3 events\. They share the past/);
});
