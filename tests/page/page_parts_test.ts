import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { eventLine, type TraceEvent } from "../../machine/trace/event.ts";
import { type Lane, ROW_PIXELS, sceneOf } from "../../server/page/diagram/scene.ts";
import { laneOrder } from "../../server/page/diagram/lanes.ts";
import { familyOf } from "../../server/page/family.ts";
import { Feeder } from "../../server/page/feeder.ts";
import { BIN_COLOURS, binsOf, Scale } from "../../server/page/overview/bins.ts";
import { Rows } from "../../server/page/rows.ts";
import { NO_FILTER } from "../../server/page/state.ts";
import { TraceStore } from "../../server/page/trace_store.ts";
import { grouped, seconds, span, summaryLine } from "../../server/page/values.ts";
import { SCROLL_PIXELS_MAX, VirtualScroll } from "../../server/page/virtual_scroll.ts";

Deno.test("Feeder takes everything in order, and never longer than a slice", async () => {
  let now = 0;
  const turns: (() => void)[] = [];
  const taken: number[] = [];
  let slices = 0;
  const feeder = new Feeder(
    { now: () => now, later: (then) => turns.push(then) },
    (item: number) => {
      taken.push(item);
      now += 0.05;
    },
    () => slices++,
  );
  const items = Array.from({ length: 1_000 }, (_, at) => at);
  feeder.push(items.slice(0, 700));
  feeder.push(items.slice(700));
  const idle = feeder.idle();
  equal(turns.length, 1);
  while (turns.length > 0) {
    const before = now;
    turns.shift()?.();
    ok(now - before <= 12, String(now - before));
  }
  await idle;
  deepEqual(taken, items);
  ok(slices >= 5 && feeder.empty);
});

Deno.test("Feeder.clear forgets what waits and lets those go who wait for it", async () => {
  const turns: (() => void)[] = [];
  const taken: number[] = [];
  const feeder = new Feeder(
    { now: () => 0, later: (then) => turns.push(then) },
    (item: number) => taken.push(item),
    () => undefined,
  );
  feeder.push([1, 2]);
  const idle = feeder.idle();
  feeder.clear();
  await idle;
  turns.forEach((turn) => turn());
  deepEqual(taken, []);
});

Deno.test("VirtualScroll finds back to a row, whether its box is scaled or not", () => {
  const rows = fc.integer({ min: 1, max: 6_000_000 });
  fc.assert(fc.property(rows, fc.nat({ max: 1_000_000 }), (count, part) => {
    const scroll = new VirtualScroll(22);
    scroll.size(count, 440);
    ok(scroll.boxPixels <= SCROLL_PIXELS_MAX);
    equal(scroll.scaled, count * 22 > SCROLL_PIXELS_MAX);
    const top = Math.max(0, count - 20) * part / 1_000_000;
    ok(Math.abs(scroll.topOf(scroll.scrollOf(top)) - top) < 0.001);
    ok(scroll.scrollOf(Infinity) <= Math.max(0, scroll.boxPixels - 440) + 0.001);
  }));
});

Deno.test("VirtualScroll.reveal leaves a row that is seen and brings in one that is not", () => {
  const scroll = new VirtualScroll(22);
  scroll.size(1_000, 440);
  equal(scroll.reveal(10, 3), 3);
  for (const row of [0, 2, 3, 500, 999]) {
    const top = scroll.reveal(row, 300);
    ok(row >= top && row < top + 20, `${row} from ${top}`);
    equal(top, Math.round(top));
  }
});

function traceOf(list: readonly Partial<TraceEvent>[]): TraceStore {
  const trace = new TraceStore();
  list.forEach((event, seq) =>
    trace.append(eventLine({ vt: seq, lamport: 1, kind: "note", actor: "A", ...event, seq }))
  );
  return trace;
}

function lanesOver(trace: TraceStore): Lane[] {
  return trace.actors.map((name, actor) => ({ name, actor, x: 100 + actor * 60 }));
}

Deno.test("sceneOf draws arrows whose ends lie above and below the window, and crosses", () => {
  const steps: Partial<TraceEvent>[] = [
    { kind: "send", msg: 0, target: "B", type: "disk.read" },
    { kind: "send", msg: 1, target: "B", type: "disk.read" },
    { kind: "send", msg: 2, target: "B", type: "disk.read" },
    ...Array.from({ length: 50 }, () => ({})),
    { kind: "deliver", actor: "B", source: "A", msg: 0, type: "disk.read" },
    { kind: "drop", actor: "B", source: "A", msg: 1, type: "disk.read" },
    ...Array.from({ length: 50 }, () => ({})),
    { kind: "deliver", actor: "B", source: "A", msg: 2, type: "disk.read" },
  ];
  const trace = traceOf(steps);
  const rows = new Rows(trace);
  rows.bring({ filter: NO_FILTER, range: undefined, collapsed: false });
  const window = { top: 50, height: ROW_PIXELS * 10, width: 400 };
  const scene = sceneOf(trace, rows, lanesOver(trace), window);
  deepEqual(scene.rows.map(({ seq }) => seq), [50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
  const arrows = scene.arrows.map(({ msg, lost, open, y1, y2 }) => [msg, lost, open, y1 < 0, y2]);
  deepEqual(arrows.toSorted(), [
    [0, false, false, true, 3.5 * ROW_PIXELS],
    [1, true, false, true, 4.5 * ROW_PIXELS],
    [2, false, false, true, 55.5 * ROW_PIXELS],
  ]);
});

Deno.test("sceneOf gives only the rows of the window, at 100 000 events too", () => {
  const trace = traceOf(Array.from({ length: 100_000 }, (_, at) => ({ actor: `A${at % 7}` })));
  const rows = new Rows(trace);
  rows.bring({ filter: NO_FILTER, range: undefined, collapsed: true });
  const scene = sceneOf(trace, rows, lanesOver(trace), { top: 5e4, height: 600, width: 900 });
  equal(scene.rows.length, Math.ceil(600 / ROW_PIXELS));
});

Deno.test("sceneOf follows an actor's states down its life line, until it ends", () => {
  const trace = traceOf([
    { kind: "state", state: "ready" },
    {},
    { kind: "state", state: "busy" },
    { kind: "end" },
    { actor: "B" },
  ]);
  const rows = new Rows(trace);
  rows.bring({ filter: NO_FILTER, range: undefined, collapsed: false });
  const { bars } = sceneOf(trace, rows, lanesOver(trace), { top: 0, height: 200, width: 400 });
  deepEqual(bars.map(({ state }) => state), ["ready", "busy"]);
  equal(bars[0]?.y2, bars[1]?.y1);
});

Deno.test("laneOrder takes the wanted order first, leaves nobody out and nobody in", () => {
  deepEqual(laneOrder(["A", "B", "C"], ["C", "ghost", "A"]), ["C", "A", "B"]);
});

Deno.test("binsOf counts every event once, by number and by time", () => {
  fc.assert(fc.property(
    fc.array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 300 }),
    fc.integer({ min: 1, max: 900 }),
    fc.boolean(),
    (times, width, byTime) => {
      const sorted = times.toSorted((one, other) => one - other);
      const trace = traceOf(sorted.map((vt, at) => ({
        vt,
        ...(at % 2 > 0 && { type: "disk.read" }),
      })));
      const bins = binsOf(trace, new Scale(trace, width, byTime));
      let sum = 0;
      for (const count of bins.counts) sum += count;
      equal(sum, times.length);
      equal(bins.counts.length, bins.count * BIN_COLOURS);
    },
  ));
});

Deno.test("Scale finds the event of a px back", () => {
  const trace = traceOf(Array.from({ length: 100 }, () => ({})));
  for (const byTime of [false, true]) {
    const scale = new Scale(trace, 1_000, byTime);
    for (const seq of [0, 1, 50, 98]) {
      ok(Math.abs(scale.seq(scale.x(seq)) - seq) <= 1, `${seq} ${byTime}`);
    }
    equal(scale.seq(-5), 0);
    equal(scale.seq(5_000), 99);
  }
});

Deno.test("familyOf tells families apart by more than their colour", () => {
  const names =
    "memory disk console cpu device acpi timer rtc kernel program loader machine network"
      .split(" ");
  const looks = names.map((name) => familyOf(`${name}.x`));
  equal(new Set(looks.map(({ letter }) => letter)).size, names.length);
  equal(familyOf("fact.boot").colour, -1);
  equal(familyOf("unheard.of"), familyOf("unheard.more"));
});

Deno.test("values are written in groups, units and within bounds", () => {
  equal(grouped(1_234_567), "1\u202f234\u202f567");
  equal(grouped(999), "999");
  equal(seconds(1_004_503_310), "1.004\u202f503\u202f310");
  deepEqual([5, 1_500, 2_000_000, 3e9, 28_800e9].map(span), [
    "5 ns",
    "1.5 µs",
    "2 ms",
    "3 s",
    "8 h",
  ]);
  equal(summaryLine({ a: 1, b: true }, 40), "a=1  b=true");
  equal(summaryLine({ a: "x".repeat(99) }, 10).length, 11);
  equal(summaryLine(undefined, 10), "");
});
