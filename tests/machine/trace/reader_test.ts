import assert from "node:assert/strict";
import fc from "fast-check";
import { sha256 } from "../../../machine/digest.ts";
import {
  EVENT_KINDS,
  eventLine,
  type TraceEvent,
  type TraceHeader,
} from "../../../machine/trace/event.ts";
import { readTrace, readTraceSync, type TraceRecord } from "../../../machine/trace/reader.ts";
import { TraceError } from "../../../machine/trace/trace_error.ts";

const HEADER: TraceHeader = {
  v: 1,
  run: "0123456789abcdef",
  scenario: "hibernate",
  seed: 7,
  profile: "2.6.27/small-vm",
  version: "0.1.0",
  actors: ["A", "disk"],
  clock: "virtual",
  order: "total",
};

function event(seq: number, rest: Partial<TraceEvent> = {}): TraceEvent {
  return { seq, vt: seq * 10, lamport: seq + 1, kind: "note", actor: "A", ...rest };
}

function linesOf(events: readonly TraceEvent[]): string[] {
  const lines = events.map(eventLine);
  const digest = sha256(lines.map((line) => line + "\n").join(""));
  const footer = { count: events.length, sha256: digest, outcome: "ok", generator: "00" };
  return [JSON.stringify(HEADER), ...lines, JSON.stringify(footer)];
}

const THREE = [
  event(0, { kind: "send", source: "A", target: "disk", type: "disk.write", msg: 0 }),
  event(1, { kind: "deliver", actor: "disk", type: "disk.write", msg: 0 }),
  event(2, { actor: "disk", cause: 1, type: "fact.flush", summary: { k: "A", op: "done" } }),
];

function read(lines: Iterable<string>, lineFeeds = false): TraceRecord[] {
  return [...readTraceSync(lines, { lineFeeds })];
}

function refused(lines: readonly string[], line: number, message: RegExp): void {
  assert.throws(() => read(lines), (error: unknown) => {
    assert.ok(error instanceof TraceError, String(error));
    assert.match(error.message, message);
    assert.equal(error.line, line);
    return true;
  });
}

/** The lines with one of them changed as data. */
function changed(index: number, change: { readonly [key: string]: unknown }): string[] {
  return linesOf(THREE).map((line, at) =>
    at === index ? JSON.stringify({ ...JSON.parse(line), ...change }) : line
  );
}

Deno.test("readTrace gives header, events and footer, from lines that come in time", async () => {
  async function* slowly(): AsyncGenerator<string> {
    for (const line of linesOf(THREE)) {
      await Promise.resolve();
      yield line;
    }
  }
  const records = await Array.fromAsync(readTrace(slowly()));
  assert.deepEqual(records.map(({ record }) => record), [
    ...["header", "event", "event", "event", "footer"],
  ]);
  const events = records.flatMap((item) => item.record === "event" ? [item.event] : []);
  assert.deepEqual(events, THREE);
});

Deno.test("readTrace takes keys in any order", () => {
  const [header = "", first = "", ...rest] = linesOf(THREE);
  const turned = JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(first)).reverse()));
  assert.notEqual(turned, first);
  // The hash is of the lines as they stand, so another order is another hash.
  refused([header, turned, ...rest], 5, /SHA-256/);
  const records = read([header, turned, ...rest.slice(0, -1)]);
  assert.deepEqual(records[1], { record: "event", event: THREE[0] });
});

Deno.test("readTrace refuses unknown keys, wrong types and missing keys with the line", () => {
  refused(changed(1, { ok: true }), 2, /unknown key 'ok'/);
  refused(changed(1, { seq: "0" }), 2, /'seq' is not a natural number/);
  refused(changed(1, { vt: -1 }), 2, /'vt'/);
  refused(changed(1, { lamport: 1.5 }), 2, /'lamport'/);
  refused(changed(1, { kind: "verdict" }), 2, /'kind'/);
  refused(changed(1, { actor: "" }), 2, /'actor'/);
  refused(changed(2, { type: 7 }), 3, /'type' is not text/);
  refused(changed(2, { summary: { k: { deep: 1 } } }), 3, /'summary.k'/);
  refused(changed(2, { summary: [] }), 3, /'summary'/);
  refused(changed(2, { summary: { k: "x".repeat(600) } }), 3, /summaryBytes/);
  refused(changed(2, { blob: "sha256:12" }), 3, /'blob'/);
  refused(changed(2, { origin: { file: "f", line: 1, text: "t", more: 1 } }), 3, /origin.more/);
  refused(changed(2, { origin: { file: "f", line: 1 } }), 3, /'origin.text'/);
  refused(changed(2, { cause: 1 }), 3, /'cause' is not an earlier event/);
  refused(changed(2, { msg: 2 }), 3, /'msg' is a later event/);
  refused(changed(1, { lamport: undefined }), 2, /'lamport' is missing/);
  refused(changed(0, { v: 2 }), 1, /'v'/);
  refused(changed(0, { transport: "worker" }), 1, /unknown key 'transport'/);
  refused(changed(0, { toString: 1 }), 1, /unknown key 'toString'/);
  refused(changed(0, { seed: undefined }), 1, /'seed' is missing/);
  refused(changed(0, { continues: "abc" }), 1, /'continues'/);
  refused(changed(0, { parent: { run: "0123456789abcdef" } }), 1, /'parent'/);
  refused(changed(0, { parent: { run: "abc", seq: 3 } }), 1, /'parent'/);
  refused(changed(0, { parent: { run: "0123456789abcdef", seq: 3, more: 1 } }), 1, /'parent'/);
  refused(changed(4, { count: 2 }), 5, /counts 2 events, there are 3/);
  refused(changed(4, { sha256: "0".repeat(64) }), 5, /SHA-256/);
  refused(changed(4, { outcome: undefined }), 5, /'outcome' is missing/);
});

Deno.test("readTrace reads the moment at which a fork left its parent", () => {
  const parent = { run: "0123456789abcdef", seq: 3 };
  const [first] = read(changed(0, { parent }));
  assert.ok(first?.record === "header");
  assert.deepEqual(first.header.parent, parent);
});

Deno.test("readTrace refuses gaps, long lines, lines after the footer and a missing header", () => {
  refused(changed(2, { seq: 2 }), 3, /wanted seq 1, got 2/);
  refused(linesOf(THREE).slice(1), 1, /header/);
  refused([...linesOf(THREE), "{}"], 6, /after the footer/);
  refused([...linesOf(THREE), "torn"], 6, /after the footer/);
  const long = linesOf([event(0, { state: "x".repeat(70_000) })]);
  refused(long, 2, /traceLineBytes/);
  const wide = linesOf([event(0, { state: "€".repeat(22_000) })]);
  refused(wide, 2, /traceLineBytes/);
});

Deno.test("readTrace reports a torn last line and keeps the rest, wherever it is cut", () => {
  const text = linesOf(THREE).join("\n") + "\n";
  const whole = read(text.split(/(?<=\n)/), true);
  for (let end = 0; end < text.length; end++) {
    const lines = text.slice(0, end).split(/(?<=\n)/).filter((line) => line !== "");
    const records = read(lines, true);
    const last = records.at(-1);
    assert.equal(last?.record, "torn");
    assert.deepEqual(records.slice(0, -1), whole.slice(0, records.length - 1));
    const complete = lines.filter((line) => line.endsWith("\n")).length;
    assert.equal(records.length - 1, complete);
    assert.equal(last?.record === "torn" && last.torn.line, complete + 1);
  }
});

Deno.test("readTrace takes a line that cannot be parsed for torn only at the end", () => {
  const [header = "", first = "", ...rest] = linesOf(THREE);
  refused([header, first.slice(0, 20), ...rest], 2, /not JSON/);
  const records = read([header, first.slice(0, 20)]);
  assert.deepEqual(records.at(-1), {
    record: "torn",
    torn: { line: 2, reason: "not parsable", text: first.slice(0, 20) },
  });
  const none = read([header, first]);
  assert.deepEqual(none.at(-1), {
    record: "torn",
    torn: { line: 3, reason: "no footer", text: "" },
  });
});

const scalar = fc.oneof(fc.string({ maxLength: 20 }), fc.integer(), fc.boolean());
const anyEvent = fc.record({
  vt: fc.nat(),
  lamport: fc.nat(),
  kind: fc.constantFrom(...EVENT_KINDS),
  actor: fc.string({ minLength: 1, maxLength: 8 }),
  type: fc.string({ maxLength: 12 }),
  state: fc.string({ maxLength: 12 }),
  summary: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), scalar, { minKeys: 1, maxKeys: 6 }),
}, { requiredKeys: ["vt", "lamport", "kind", "actor"] });

Deno.test("readTrace reads back whatever eventLine wrote", () => {
  fc.assert(fc.property(fc.array(anyEvent, { maxLength: 20 }), (drafts) => {
    const events = drafts.map((draft, seq) => ({ seq, ...draft }));
    const text = linesOf(events).join("\n") + "\n";
    const records = read(text.split(/(?<=\n)/), true);
    assert.equal(records.at(-1)?.record, "footer");
    const lines = records.flatMap((item) => item.record === "event" ? [item.event] : []);
    assert.deepEqual(lines.map(eventLine), events.map(eventLine));
  }));
});

Deno.test("readTrace throws nothing but TraceError, whatever it is given", () => {
  const line = fc.oneof(fc.json(), fc.string(), fc.constantFrom(...linesOf(THREE)));
  fc.assert(fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
    try {
      read(lines);
    } catch (error) {
      assert.ok(error instanceof TraceError, String(error));
    }
  }));
});
