import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { EVENT_KINDS, eventLine, type TraceEvent } from "../../machine/trace/event.ts";
import { TraceStore } from "../../server/page/trace_store.ts";

const name = fc.oneof(
  fc.constantFrom("A", "memory", "cpu", "disk"),
  fc.string({ minLength: 1, maxLength: 12, unit: "binary" }),
  fc.constantFrom('a"b', "back\\", '\\"', "tab\t", "é", '",":'),
);
const natural = fc.nat({ max: Number.MAX_SAFE_INTEGER });

/** Any event, with numbers that do not point behind it. */
function eventAt(seq: number): fc.Arbitrary<TraceEvent> {
  return fc.record({
    seq: fc.constant(seq),
    vt: natural,
    lamport: natural,
    kind: fc.constantFrom(...EVENT_KINDS),
    actor: name,
    source: fc.option(name, { nil: undefined }),
    target: fc.option(name, { nil: undefined }),
    type: fc.option(fc.constantFrom("memory.read", "fact.boot", "power.cut"), { nil: undefined }),
    msg: fc.option(fc.nat({ max: seq }), { nil: undefined }),
    cause: fc.option(fc.nat({ max: seq }), { nil: undefined }),
    state: fc.option(name, { nil: undefined }),
    summary: fc.option(fc.dictionary(name, fc.oneof(name, fc.nat(), fc.boolean())), {
      nil: undefined,
    }),
    rule: fc.option(name, { nil: undefined }),
  }) as fc.Arbitrary<TraceEvent>;
}

const traces = fc.nat({ max: 40 }).chain((count) =>
  fc.tuple(...Array.from({ length: count }, (_, seq) => eventAt(seq)))
);

function storeOf(lines: readonly string[]): TraceStore {
  const store = new TraceStore();
  for (const line of lines) equal(store.append(line), true);
  return store;
}

function nameOf(list: readonly string[], number: number): string | undefined {
  return number < 0 ? undefined : list[number];
}

function agrees(store: TraceStore, line: string, seq: number): void {
  const event: TraceEvent = JSON.parse(line);
  equal(store.vt(seq), event.vt);
  equal(store.kind(seq), event.kind);
  equal(nameOf(store.actors, store.actor(seq)), event.actor);
  equal(nameOf(store.actors, store.source(seq)), event.source);
  equal(nameOf(store.actors, store.target(seq)), event.target);
  equal(nameOf(store.types, store.type(seq)), event.type);
  equal(store.msg(seq), event.msg ?? -1);
  equal(store.cause(seq), event.cause ?? -1);
  deepEqual(store.event(seq), event);
  equal(store.line(seq), line);
}

Deno.test("TraceStore reads off every canonical line what JSON.parse does", () => {
  fc.assert(fc.property(traces, (events) => {
    // An empty name is not told from an absent one, and no actor has it.
    const lines = events.map((event) => eventLine(event));
    const store = storeOf(lines);
    lines.forEach((line, seq) => agrees(store, line, seq));
  }));
});

Deno.test("TraceStore reads a line with its keys in another order as JSON", () => {
  fc.assert(fc.property(eventAt(0), (event) => {
    const line = JSON.stringify(Object.fromEntries(Object.entries(event).reverse()));
    agrees(storeOf([line]), line, 0);
  }));
});

Deno.test("TraceStore.at finds the first event at or behind a time as a search from 0 does", () => {
  const times = fc.array(fc.nat({ max: 50 }), { maxLength: 60 });
  fc.assert(fc.property(times, fc.nat({ max: 60 }), (list, vt) => {
    const store = storeOf(
      list.map((time, seq) => eventLine({ seq, vt: time, lamport: 1, kind: "note", actor: "A" })),
    );
    const found = list.findIndex((time) => time >= vt);
    equal(store.at(vt), found < 0 ? list.length : found);
  }));
});

Deno.test("TraceStore.fate is the first delivery, drop or ignoring, and no deferral", () => {
  const store = new TraceStore();
  const base = { vt: 0, lamport: 1, actor: "A", type: "memory.read" } as const;
  const add = (event: Pick<TraceEvent, "seq" | "kind"> & Partial<TraceEvent>): unknown =>
    store.append(eventLine({ ...base, ...event }));
  add({ seq: 0, kind: "send", msg: 0, target: "B" });
  add({ seq: 1, kind: "send", msg: 1, target: "B" });
  equal(store.fate(0), -1);
  add({ seq: 2, kind: "defer", msg: 0 });
  equal(store.fate(0), -1);
  add({ seq: 3, kind: "deliver", msg: 0 });
  add({ seq: 4, kind: "drop", msg: 1 });
  add({ seq: 5, kind: "ignore", msg: 0 });
  deepEqual([store.fate(0), store.fate(1)], [3, 4]);
});

Deno.test("TraceStore.stateAt knows each actor's state and since when, until its end", () => {
  const store = new TraceStore();
  const add = (seq: number, actor: string, kind: TraceEvent["kind"], state?: string): unknown =>
    store.append(eventLine({ seq, vt: seq, lamport: 1, kind, actor, ...(state && { state }) }));
  add(0, "A", "start");
  add(1, "A", "state", "ready");
  add(2, "B", "state", "busy");
  add(3, "A", "state", "busy");
  add(4, "A", "end");
  const at = (name: string, seq: number): unknown =>
    Object.values(store.stateAt(store.actorNumber(name), seq));
  deepEqual(at("A", 0), ["", -1]);
  deepEqual(at("A", 2), ["ready", 1]);
  deepEqual(at("A", 3), ["busy", 3]);
  deepEqual(at("A", 9), ["", 4]);
  deepEqual(at("B", 9), ["busy", 2]);
  equal(store.actorNumber("nobody"), -1);
});

Deno.test("TraceStore.append leaves out what is there and refuses to leave a hole", () => {
  const line = (seq: number): string =>
    eventLine({ seq, vt: 0, lamport: 1, kind: "note", actor: "A" });
  const store = storeOf([line(0), line(1)]);
  equal(store.append(line(0)), false);
  equal(store.count, 2);
  throws(() => store.append(line(3)), RangeError);
  equal(store.count, 2);
  throws(() => store.append("{"), SyntaxError);
  throws(() => store.append("7"), SyntaxError);
  throws(() => store.event(2), RangeError);
});

Deno.test("TraceStore keeps its columns when it grows", () => {
  const store = new TraceStore();
  for (let seq = 0; seq < 10_000; seq++) {
    store.append(eventLine({ seq, vt: seq * 2, lamport: 1, kind: "note", actor: "A", cause: seq }));
  }
  for (const seq of [0, 4095, 4096, 8192, 9999]) {
    deepEqual([store.vt(seq), store.cause(seq), store.kind(seq)], [seq * 2, seq, "note"]);
  }
  ok(store.at(19_998) === 9_999);
});
