import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { EVENT_KINDS, eventLine, type TraceEvent } from "../../machine/trace/event.ts";
import { Rows, type RowSettings } from "../../server/page/rows.ts";
import { NO_FILTER } from "../../server/page/state.ts";
import { TraceStore } from "../../server/page/trace_store.ts";
import { destinationOf } from "../../server/page/walk.ts";

const ALL: RowSettings = { filter: NO_FILTER, range: undefined, collapsed: false };
const LOCAL = new Set(["note", "state", "timer", "start", "end"]);

const events = fc.array(
  fc.record({
    kind: fc.constantFrom(...EVENT_KINDS),
    actor: fc.constantFrom("A", "B", "C"),
    target: fc.option(fc.constantFrom("A", "B", "C"), { nil: undefined }),
    type: fc.option(fc.constantFrom("disk.read", "disk.write", "cpu.enter"), { nil: undefined }),
  }),
  { maxLength: 60 },
).map((list) =>
  list.map(({ target, type, ...rest }, seq): TraceEvent => ({
    seq,
    vt: seq,
    lamport: 1,
    ...rest,
    ...(target && { target }),
    ...(type && { type }),
  }))
);

const settings: fc.Arbitrary<RowSettings> = fc.record({
  filter: fc.record({
    hiddenActors: fc.subarray(["A", "B", "C"]).map((names) => new Set(names)),
    kinds: fc.option(fc.subarray([...EVENT_KINDS]).map((kinds) => new Set(kinds)), {
      nil: undefined,
    }),
    type: fc.constantFrom("", "disk", "read"),
    query: fc.constant(""),
  }),
  range: fc.option(
    fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 60 })).map(([one, other]) => ({
      from: Math.min(one, other),
      to: Math.max(one, other),
    })),
    { nil: undefined },
  ),
  collapsed: fc.boolean(),
});

function isShown(event: TraceEvent, { filter, range }: RowSettings): boolean {
  if (range !== undefined && (event.seq < range.from || event.seq > range.to)) return false;
  if (filter.kinds !== undefined && !filter.kinds.has(event.kind)) return false;
  if (filter.hiddenActors.has(event.actor) || filter.hiddenActors.has(event.target ?? "")) {
    return false;
  }
  return (event.type ?? "").includes(filter.type);
}

/** Rows of the diagram, written down plainly. */
function plainRows(list: readonly TraceEvent[], wanted: RowSettings): number[][] {
  const rows: TraceEvent[][] = [];
  for (const event of list.filter((one) => isShown(one, wanted))) {
    const last = rows.at(-1)?.at(-1);
    const joins = wanted.collapsed && last !== undefined && last.actor === event.actor &&
      LOCAL.has(last.kind) && LOCAL.has(event.kind);
    if (joins) rows.at(-1)?.push(event);
    else rows.push([event]);
  }
  return rows.map((row) => row.map(({ seq }) => seq));
}

function readRows(rows: Rows): number[][] {
  return Array.from({ length: rows.count }, (_, row) => {
    const first = rows.indexOf(rows.seqOf(row));
    return Array.from({ length: rows.sizeOf(row) }, (_, at) => rows.shownAt(first + at));
  });
}

Deno.test("Rows shows what the filter leaves, whether it comes at once or bit by bit", () => {
  fc.assert(fc.property(events, settings, fc.nat({ max: 60 }), (list, wanted, cut) => {
    const trace = new TraceStore();
    const rows = new Rows(trace);
    list.slice(0, cut).forEach((event) => trace.append(eventLine(event)));
    rows.bring(wanted);
    list.slice(cut).forEach((event) => trace.append(eventLine(event)));
    rows.bring(wanted);
    const plain = plainRows(list, wanted);
    deepEqual(readRows(rows), plain);
    equal(rows.shown, plain.flat().length);
    plain.forEach((seqs, row) => {
      equal(rows.lastOf(row), seqs.at(-1));
      for (const seq of seqs) equal(rows.rowAt(seq), row);
    });
  }));
});

Deno.test("Rows.rowOf gives the row before an event that is hidden, and rowAt none", () => {
  const trace = new TraceStore();
  const rows = new Rows(trace);
  ["A", "B", "A"].forEach((actor, seq) =>
    trace.append(eventLine({ seq, vt: 0, lamport: 1, kind: "send", actor }))
  );
  rows.bring({ ...ALL, filter: { ...NO_FILTER, hiddenActors: new Set(["B"]) } });
  deepEqual([rows.rowOf(1), rows.rowAt(1), rows.rowAt(2)], [0, -1, 1]);
  rows.bring({ ...ALL, filter: { ...NO_FILTER, hiddenActors: new Set(["A"]) } });
  equal(rows.rowOf(0), -1);
  deepEqual([rows.seqOf(1), rows.seqOf(-1), rows.shownAt(1)], [-1, -1, -1]);
});

Deno.test("Rows hides a message with either of its ends", () => {
  const trace = new TraceStore();
  const rows = new Rows(trace);
  trace.append(eventLine({ seq: 0, vt: 0, lamport: 1, kind: "send", actor: "A", target: "B" }));
  trace.append(eventLine({ seq: 1, vt: 0, lamport: 1, kind: "deliver", actor: "C", source: "B" }));
  trace.append(eventLine({ seq: 2, vt: 0, lamport: 1, kind: "send", actor: "A", target: "C" }));
  rows.bring({ ...ALL, filter: { ...NO_FILTER, hiddenActors: new Set(["B"]) } });
  deepEqual(readRows(rows), [[2]]);
});

Deno.test("destinationOf walks over what is shown, and round over marks", () => {
  const trace = new TraceStore();
  const rows = new Rows(trace);
  for (let seq = 0; seq < 50; seq++) {
    const kind = seq % 2 === 0 ? "send" : "note";
    trace.append(eventLine({ seq, vt: 0, lamport: 1, kind, actor: "A" }));
  }
  rows.bring({ ...ALL, filter: { ...NO_FILTER, kinds: new Set(["send"]) } });
  const places = { faults: [7, 30], violations: [], hits: [4, 6] };
  const from = (way: Parameters<typeof destinationOf>[0], cursor: number) =>
    destinationOf(way, cursor, trace, rows, places);
  deepEqual([from("next", -1), from("next", 4), from("next", 5), from("next", 48)], [
    0,
    6,
    6,
    undefined,
  ]);
  deepEqual([from("back", 4), from("back", 5), from("back", 0)], [2, 4, undefined]);
  deepEqual([from("first", 9), from("last", 9)], [0, 48]);
  deepEqual([from("down", 0), from("down", 40), from("up", 44), from("up", 2)], [40, 48, 4, 0]);
  deepEqual([from("fault", 7), from("fault", 30), from("violation", 0)], [30, 7, undefined]);
  deepEqual([from("hit", 4), from("hit_back", 6), from("hit_back", 4)], [6, 4, 6]);
  equal(destinationOf("next", -1, new TraceStore(), rows, places), undefined);
});
