/**
 * Causes and effects, against vector clocks that are computed another way.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { VectorClocks } from "../../../machine/trace/clocks.ts";
import type { TraceEvent } from "../../../machine/trace/event.ts";
import type { StoredRun } from "../../../server/deps.ts";
import { conesOf } from "../../../server/desk/cones.ts";
import { traceRef } from "../../../server/desk/job.ts";
import { IndexCache, TraceIndex } from "../../../server/desk/trace_index.ts";
import { Watch } from "../../../server/desk/watch.ts";
import { cutTo, DeskFolder, type Draft, events, fixture, is, traceText } from "./desk_kit.ts";

const WATCH = new Watch(new Int32Array(1), 1);

/** Any trace: events of few actors, with causes and sends among what was before. */
const ANY_TRACE: fc.Arbitrary<TraceEvent[]> = fc.array(
  fc.record({
    actor: fc.constantFrom("A", "B", "disk", "__proto__", "cpu 0"),
    cause: fc.option(fc.nat()),
    msg: fc.option(fc.nat()),
  }),
  { minLength: 1, maxLength: 60 },
).map((drafts) =>
  events(drafts.map(({ actor, cause, msg }, seq): Draft => ({
    actor,
    kind: msg === null ? "note" : "deliver",
    ...(cause === null || seq === 0 ? {} : { cause: cause % seq }),
    ...(msg === null ? {} : { msg: msg % (seq + 1) }),
  })))
);

function indexOf(run: StoredRun): TraceIndex {
  const index = new TraceIndex(traceRef(run));
  index.extend(traceRef(run), WATCH);
  return index;
}

/** Pasts and futures by clocks, for every event. */
function byClocks(list: readonly TraceEvent[]) {
  const clocks = new VectorClocks();
  const stamps = list.map((event) => clocks.add(event));
  return list.map(({ seq }) => ({
    clock: Object.fromEntries([...stamps[seq] ?? []]),
    past: list.filter((other) => clocks.happensBefore(other.seq, seq)).map((other) => other.seq),
    future: list.filter((other) => clocks.happensBefore(seq, other.seq)).map((other) => other.seq),
  }));
}

const ascending = (left: number, right: number): number => left - right;

Deno.test("conesOf agrees with vector clocks on every event of any trace", async () => {
  await using folder = new DeskFolder();
  fc.assert(
    fc.property(ANY_TRACE, (list) => {
      const index = indexOf(folder.run(traceText(list)));
      for (const [seq, wanted] of byClocks(list).entries()) {
        const { clock, past, future } = conesOf(index, seq, list.length, list.length);
        deepStrictEqual(clock, wanted.clock);
        strictEqual(past.count, wanted.past.length);
        deepStrictEqual(past.seqs.toSorted(ascending), wanted.past);
        strictEqual(future.count, wanted.future.length);
        deepStrictEqual(future.seqs.toSorted(ascending), wanted.future);
        const sum = Object.values(clock).reduce((left, right) => left + right, 0);
        strictEqual(sum, past.count + 1);
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("conesOf lists the nearest, counts all, and links only what it lists", async () => {
  await using folder = new DeskFolder();
  fc.assert(
    fc.property(ANY_TRACE, fc.integer({ min: 1, max: 8 }), (list, most) => {
      const index = indexOf(folder.run(traceText(list)));
      for (const { seq } of list) {
        const all = conesOf(index, seq, list.length, list.length);
        const few = conesOf(index, seq, most, list.length);
        deepStrictEqual(few.past, { count: all.past.count, seqs: all.past.seqs.slice(0, most) });
        deepStrictEqual(few.future.seqs, all.future.seqs.slice(0, most));
        const listed = new Set([seq, ...few.past.seqs, ...few.future.seqs]);
        ok(few.links.every(([from, to]) => from < to && listed.has(from) && listed.has(to)));
        deepStrictEqual(
          few.links,
          all.links.filter(([from, to]) => listed.has(from) && listed.has(to)),
        );
      }
    }),
    { numRuns: 40 },
  );
});

Deno.test("conesOf puts what is fewer steps away first", async () => {
  await using folder = new DeskFolder();
  const list = events([
    { actor: "A" },
    { actor: "A", kind: "send", msg: 1 },
    { actor: "C" },
    { actor: "B", kind: "deliver", msg: 1 },
    { actor: "B", kind: "send", msg: 4, cause: 3 },
    { actor: "A", kind: "deliver", msg: 4 },
  ]);
  const cones = conesOf(indexOf(folder.run(traceText(list))), 4, 10, 6);
  deepStrictEqual(cones, {
    clock: { A: 2, B: 2 },
    past: { count: 3, seqs: [3, 1, 0] },
    future: { count: 1, seqs: [5] },
    links: [[0, 1], [1, 3], [3, 4], [1, 5], [4, 5]],
  });
  const { past } = conesOf(indexOf(folder.run(traceText(list))), 5, 10, 6);
  deepStrictEqual(past.seqs, [4, 1, 3, 0], "of those equally far the one that was last");
});

Deno.test("TraceIndex goes on where it was when a run has grown", async () => {
  await using folder = new DeskFolder();
  const run = folder.run(fixture("good/jump.ndjson"));
  const whole = indexOf(run);
  const grown = new TraceIndex(traceRef(run));
  for (const count of [0, 1, 63, 64, 65, 129]) {
    const ref = traceRef(cutTo(run, count));
    grown.extend(ref, WATCH);
    strictEqual(grown.count, count);
  }
  grown.extend(traceRef(run), WATCH);
  strictEqual(grown.count, whole.count);
  deepStrictEqual(grown.actorNames, whole.actorNames);
  for (let seq = 0; seq < whole.count; seq++) {
    deepStrictEqual(
      [grown.kindAt(seq), grown.actorAt(seq), grown.previousOf(seq), grown.causeOf(seq)],
      [whole.kindAt(seq), whole.actorAt(seq), whole.previousOf(seq), whole.causeOf(seq)],
    );
    deepStrictEqual(grown.place(seq), whole.place(seq));
  }
});

Deno.test("IndexCache keeps the runs asked for last, and none of a run begun anew", async () => {
  await using folder = new DeskFolder();
  const text = traceText(events([{ actor: "A" }]));
  const [first, second, third] = [1, 2, 3].map((number) => {
    return { ...traceRef(folder.run(text)), key: String(number) };
  });
  ok(first !== undefined && second !== undefined && third !== undefined);
  const cache = new IndexCache(2);
  const one = cache.get(first, WATCH);
  cache.get(second, WATCH);
  strictEqual(cache.get(first, WATCH), one);
  cache.get(third, WATCH);
  strictEqual(cache.peek(second), undefined, "the one that was not asked for again is gone");
  strictEqual(cache.peek(first), one);
  strictEqual(cache.peek({ ...first, key: "1 later" }), undefined);
  strictEqual(cache.peek({ ...first, events: 2 }), undefined, "it has grown since");
});

Deno.test("causality tells an event with its past and future, as far as the run goes", async () => {
  await using folder = new DeskFolder();
  const run = folder.run(fixture("good/jump.ndjson"));
  const whole = await folder.desk.causality(run, 100, 50);
  strictEqual(whole.event.seq, 100);
  ok(whole.past.count > 0 && whole.future.count > 50 && whole.future.seqs.length === 50);
  strictEqual(whole.clock[whole.event.actor] !== undefined, true);
  const early = await folder.desk.causality(cutTo(run, 120), 100, 50);
  deepStrictEqual(early.past, whole.past);
  ok(early.future.seqs.every((seq) => seq < 120));
  await rejects(folder.desk.causality(cutTo(run, 100), 100, 50), is("unknown-event"));
  for (const seq of [-1, run.log.events, 0.5, Number.NaN]) {
    await rejects(folder.desk.causality(run, seq, 50), is("unknown-event"));
  }
  await rejects(folder.desk.causality(cutTo(run, 0), 0, 50), is("unknown-event"));
});
