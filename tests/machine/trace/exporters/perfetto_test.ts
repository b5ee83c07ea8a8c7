import assert from "node:assert/strict";
import fc from "fast-check";
import type { ExportSource } from "../../../../machine/trace/exporters/exporters.ts";
import { microseconds } from "../../../../machine/trace/exporters/perfetto_records.ts";
import { anyText, cycle, type Draft, HEADER, imported, made, saying, textOf } from "./kit.ts";
import { reportOf } from "./report_kit.ts";

interface Row {
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly name: string;
  readonly cat?: string;
  readonly id?: string;
  readonly bp?: string;
  readonly s?: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

interface File {
  readonly traceEvents: readonly Row[];
  readonly displayTimeUnit: string;
  readonly otherData: Readonly<Record<string, unknown>>;
}

function rows(source: ExportSource): readonly Row[] {
  const file: File = JSON.parse(textOf("perfetto", source));
  return file.traceEvents;
}

/** ns of a time of the file; exact, because the tests' times are small. */
const ns = (microseconds: number): number => Math.round(microseconds * 1000);

const EXCHANGE: readonly Draft[] = [
  { kind: "start", actor: "a", type: "actor.a", vt: 0 },
  {
    kind: "send",
    actor: "a",
    target: "b",
    type: "x.ask",
    msg: 1,
    cause: 0,
    vt: 0,
    summary: { n: 7 },
  },
  { kind: "deliver", actor: "b", source: "a", type: "x.ask", msg: 1, cause: 1, vt: 1000 },
  { kind: "note", actor: "b", type: "fact.sync", cause: 2, vt: 1000, summary: { k: "b" } },
  { kind: "send", actor: "b", target: "a", type: "x.answer", msg: 4, cause: 2, vt: 1000 },
  { kind: "fault", actor: "b", type: "power.cut", vt: 1500 },
  { kind: "drop", actor: "a", source: "b", type: "x.answer", msg: 4, cause: 4, vt: 2000 },
];

/** No two slices of a thread overlap, and each has a length. */
function checkSlices(all: readonly Row[]): void {
  const ends = new Map<string, number>();
  const slices = all.filter(({ ph }) => ph === "X").toSorted((a, b) => a.ts - b.ts);
  for (const { pid, tid, ts, dur = 0 } of slices) {
    const key = `${pid}.${tid}`;
    assert.ok(ns(dur) >= 1);
    assert.ok(ns(ts) >= (ends.get(key) ?? 0), `a slice of ${key} begins before ${ends.get(key)}`);
    ends.set(key, ns(ts) + ns(dur));
  }
}

/** Every arrow begins and ends within a slice that was written before it, and takes time. */
function checkArrows(all: readonly Row[]): void {
  const begun = new Map(
    all.filter(({ ph }) => ph === "s").map(({ id = "", ts }) => [id, ns(ts)]),
  );
  const latest = new Map<number, Row>();
  for (const row of all) {
    if (row.ph === "X" && row.tid === 1) latest.set(row.pid, row);
    if (row.ph !== "s" && row.ph !== "f") continue;
    const slice = latest.get(row.pid) ?? assert.fail("an arrow without a slice");
    assert.ok(ns(slice.ts) <= ns(row.ts) && ns(row.ts) < ns(slice.ts) + ns(slice.dur ?? 0));
    if (row.ph === "s") continue;
    assert.equal(row.bp, "e");
    assert.ok((begun.get(row.id ?? "") ?? Infinity) < ns(row.ts));
  }
}

Deno.test("microseconds keeps every ns, also of great numbers", () => {
  assert.equal(microseconds(0), "0.000");
  assert.equal(microseconds(1), "0.001");
  assert.equal(microseconds(1_234_567), "1234.567");
  assert.equal(microseconds(Number.MAX_SAFE_INTEGER), "9007199254740.991");
});

Deno.test("PERFETTO draws a handling, a message, its arrow, its queue, its loss and a fault", () => {
  const all = rows(made(EXCHANGE));
  const named = (ph: string): string[] =>
    all.filter((row) => row.ph === ph).map(({ name }) => name);
  assert.deepEqual(named("X").sort(), ["actor.a", "x.ask"]);
  assert.deepEqual(named("b"), ["x.ask", "x.answer"].toSorted().reverse());
  assert.deepEqual(named("e").sort(), ["x.answer", "x.ask"]);
  assert.deepEqual(named("s").sort(), ["x.answer", "x.ask"]);
  assert.deepEqual(named("f"), ["x.ask"]);
  assert.deepEqual(named("i").sort(), ["drop x.answer", "fact.sync", "fault power.cut"]);
  const process = all.filter(({ name }) => name === "process_name").map(({ args }) =>
    args?.["name"]
  );
  assert.deepEqual(process, ["a", "b"]);
  const fault = all.find(({ name }) => name === "fault power.cut");
  assert.deepEqual([fault?.s, fault?.ts], ["g", 1.5]);
  const fates = all.filter(({ ph }) => ph === "e").map(({ args, ts }) => [args?.["fate"], ts]);
  assert.deepEqual(fates, [["deliver", 1], ["drop", 2]]);
  const queues = all.filter(({ ph, name }) => ph === "C" && name === "queue")
    .map(({ pid, args }) => [pid, args?.["messages"]]);
  assert.deepEqual(queues, [[2, 1], [2, 0], [1, 1], [1, 0]]);
});

Deno.test("PERFETTO puts handlings of one ns behind each other, and what they send with them", () => {
  const drafts: Draft[] = [{ kind: "start", actor: "b", vt: 5 }];
  for (let count = 0; count < 4; count++) {
    const cause = drafts.length;
    drafts.push({ kind: "timer", actor: "b", vt: 5, summary: { name: "t" } });
    drafts.push({
      kind: "send",
      actor: "b",
      target: "a",
      type: "x.y",
      cause,
      msg: cause + 1,
      vt: 5,
    });
  }
  const all = rows(made(drafts));
  checkSlices(all);
  checkArrows(all);
  const starts = all.filter(({ ph }) => ph === "X").map(({ ts, dur }) => [ns(ts), ns(dur ?? 0)]);
  assert.deepEqual(starts, [[5, 1], [6, 1], [7, 1], [8, 1], [9, 1]]);
});

Deno.test("PERFETTO lets no message arrive before it was sent", () => {
  const all = rows(made([
    { kind: "start", actor: "a", vt: 0 },
    { kind: "timer", actor: "a", vt: 0 },
    { kind: "send", actor: "a", target: "b", type: "x.y", cause: 1, msg: 2, vt: 0 },
    { kind: "deliver", actor: "b", source: "a", type: "x.y", msg: 2, cause: 2, vt: 0 },
  ]));
  const at = (ph: string): number => ns(all.find((row) => row.ph === ph)?.ts ?? -1);
  assert.deepEqual([at("s"), at("f"), at("b"), at("e")], [1, 2, 1, 2]);
});

Deno.test("PERFETTO of a recorded run holds together: slices, arrows, messages, queues", () => {
  const source = cycle();
  const all = rows(source);
  checkSlices(all);
  checkArrows(all);
  const count = (ph: string): number => all.filter((row) => row.ph === ph).length;
  const events = [...source.events()];
  const kind = (name: string): number => events.filter((event) => event.kind === name).length;
  assert.equal(count("b"), kind("send"));
  assert.equal(count("e"), kind("send"));
  assert.equal(count("s"), kind("send"));
  assert.equal(count("f"), kind("deliver"));
  const inFlight = all.filter(({ ph, args }) => ph === "e" && args?.["fate"] === "in flight");
  assert.equal(inFlight.length, kind("send") - kind("deliver") - kind("drop"));
  const queues = all.filter(({ ph, name }) => ph === "C" && name === "queue");
  assert.ok(queues.every(({ args }) => Number(args?.["messages"]) >= 0));
  const begun = new Map(all.filter(({ ph }) => ph === "b").map(({ id, ts }) => [id, ts]));
  for (const { id, ts } of all.filter(({ ph }) => ph === "e")) {
    assert.ok(ts > (begun.get(id) ?? Infinity));
  }
});

Deno.test("PERFETTO counts sectors that wait in the disk's cache, not those written through", () => {
  const write = (block: number, count: number, fua: boolean, at: number): Draft[] => [
    {
      kind: "send",
      actor: "A",
      target: "disk",
      type: "disk.write",
      msg: at,
      summary: { sector: block, count, fua },
    },
    { kind: "deliver", actor: "disk", source: "A", type: "disk.write", msg: at, cause: at },
    {
      kind: "note",
      actor: "disk",
      type: "fact.disk_write",
      cause: at + 1,
      summary: { k: "A", block, count },
    },
  ];
  const flush: Draft = {
    kind: "note",
    actor: "disk",
    type: "fact.flush",
    summary: { k: "A", op: "done" },
  };
  const counts = (drafts: readonly Draft[]): unknown[] =>
    rows(made(drafts)).filter(({ name }) => name === "dirty sectors")
      .map(({ args }) => args?.["sectors"]);
  assert.deepEqual(counts([...write(0, 8, false, 0), ...write(8, 4, false, 3), flush]), [8, 12, 0]);
  assert.deepEqual(counts([...write(0, 8, false, 0), ...write(100, 4, true, 3)]), [8, 8]);
  // One that overlaps what waits pushes all of it to the medium first.
  assert.deepEqual(counts([...write(0, 8, false, 0), ...write(4, 1, true, 3)]), [8, 0]);
  const cut: Draft = { kind: "signal", actor: "disk", type: "power.cut" };
  assert.deepEqual(counts([...write(0, 8, false, 0), cut]), [8, 0]);
  // 8 MiB are 16 384 sectors; the oldest write gives way.
  const full = [...write(0, 10_000, false, 0), ...write(20_000, 6_384, false, 3)];
  assert.deepEqual(counts([...full, ...write(40_000, 1, false, 6)]), [10_000, 16_384, 6_385]);
});

Deno.test("PERFETTO marks violations of this trace, and of no other", () => {
  const marks = (source: ExportSource): Row[] =>
    rows(source).filter(({ name }) => name === "F23 violated");
  const [mark, ...others] = marks({ ...made(EXCHANGE), report: reportOf("F23", [3]) });
  assert.deepEqual(others, []);
  assert.deepEqual([mark?.ph, mark?.ts, mark?.args?.["reason"]], ["i", 1, "because of 3"]);
  const foreign = reportOf("F23", [3], "ffffffffffffffff");
  assert.deepEqual(marks({ ...made(EXCHANGE), report: foreign }), []);
});

Deno.test("PERFETTO cuts a handling that brings about very much, and loses nothing", () => {
  const drafts: Draft[] = [{ kind: "timer", actor: "a", vt: 0 }];
  for (let count = 0; count < 10_000; count++) {
    drafts.push({ kind: "note", actor: "a", type: "fact.sync", cause: 0, vt: 0 });
  }
  const all = rows(made(drafts));
  checkSlices(all);
  assert.equal(all.filter(({ ph }) => ph === "X").length, 3);
  assert.equal(all.filter(({ ph }) => ph === "i").length, 10_000);
});

Deno.test("PERFETTO shows states one after the other on a thread of their own", () => {
  const all = rows(made([
    { kind: "start", actor: "a", vt: 0 },
    { kind: "state", actor: "a", state: "ready", cause: 0, vt: 0 },
    { kind: "state", actor: "a", state: "busy", vt: 700 },
    { kind: "end", actor: "a", vt: 900 },
  ]));
  const states = all.filter(({ ph, tid }) => ph === "X" && tid === 2)
    .map(({ name, ts, dur }) => [name, ns(ts), ns(dur ?? 0)]);
  assert.deepEqual(states, [["ready", 0, 700], ["busy", 700, 200]]);
});

Deno.test("PERFETTO takes what the header and the footer say, and never what is no JSON", () => {
  const file: File = JSON.parse(textOf("perfetto", cycle()));
  assert.equal(file.displayTimeUnit, "ns");
  assert.equal(file.otherData["run"], HEADER.run);
  assert.equal(file.otherData["outcome"], "resumed");
  assert.equal(JSON.parse(textOf("perfetto", made([]))).traceEvents.length, 0);
  assert.ok(rows(imported()).filter(({ ph }) => ph === "i").length > 20);
  fc.assert(
    fc.property(fc.array(anyText, { minLength: 1, maxLength: 6 }), (texts) => {
      const all = rows(saying(texts));
      checkSlices(all);
      checkArrows(all);
    }),
    { numRuns: 100 },
  );
});
