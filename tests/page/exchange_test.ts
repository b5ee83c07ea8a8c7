import assert from "node:assert/strict";
import { eventLine, type TraceEvent } from "../../machine/trace/event.ts";
import { exchangeSentence, lastExchange } from "../../server/page/panels/exchange.ts";
import { TraceStore } from "../../server/page/trace_store.ts";

function note(type: string, summary: TraceEvent["summary"] = {}): Partial<TraceEvent> {
  return { kind: "note", actor: "cpu", type, summary };
}

const SWAP = note("fact.swap", { k: "A", count: 3999, walk: 1 });
const TRACE = new TraceStore();
[
  note("fact.power", { op: "on" }),
  SWAP,
  note("fact.lock"),
  { kind: "fault", actor: "disk", type: "power.cut" } as const,
  note("fact.power", { op: "on" }),
  note("fact.swap", { k: "C", count: 1, walk: 2 }),
].forEach((part, seq) =>
  TRACE.append(eventLine({ seq, vt: 0, lamport: 1, kind: "note", actor: "x", ...part }))
);

Deno.test("lastExchange finds the last one since the machine was switched on", () => {
  const seqAt = (cursor: number) => lastExchange(TRACE, cursor)?.seq;
  assert.deepEqual([0, 1, 2, 3, 4, 5, 99].map(seqAt), [
    undefined,
    1,
    1,
    undefined,
    undefined,
    5,
    5,
  ]);
  assert.equal(lastExchange(new TraceStore(), 0), undefined);
});

Deno.test("exchangeSentence says how many pages, by whose list and for which time", () => {
  const [first, second] = [lastExchange(TRACE, 1), lastExchange(TRACE, 5)];
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(
    exchangeSentence(first).replaceAll("\u202f", ""),
    "At event 1 the processor exchanged 3999 pages with their source pages by A's list.",
  );
  assert.equal(
    exchangeSentence(second),
    "At event 5 the processor exchanged one page with its source page by C's list, walking it " +
      "for the second time.",
  );
});
