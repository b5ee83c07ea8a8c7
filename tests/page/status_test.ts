import { deepEqual, equal } from "node:assert/strict";
import { eventLine } from "../../machine/trace/event.ts";
import { type StatusContext, StatusLine } from "../../server/page/parts/status.ts";
import { Rows } from "../../server/page/rows.ts";
import { FIRST_STATE, NO_FILTER } from "../../server/page/state.ts";
import { TraceStore } from "../../server/page/trace_store.ts";

/** The run as its summary tells of it, and as much of it as is there. */
function contextOf(events: number, there: number): StatusContext {
  const trace = new TraceStore();
  const rows = new Rows(trace);
  for (let seq = 0; seq < there; seq++) {
    trace.append(eventLine({ seq, vt: seq, lamport: seq, kind: "note", actor: "A" }));
  }
  rows.bring({ filter: NO_FILTER, range: undefined, collapsed: true });
  const state = { ...FIRST_STATE, run: "r", summary: { events } };
  return { state, trace, rows, violations: [] };
}

Deno.test("StatusLine says what there is at once, and nothing wrong while it comes in", () => {
  const status = new StatusLine(() => {});
  equal(status.text(contextOf(3, 0)), "3 events come in");
  equal(status.text(contextOf(3, 2)), "3 events come in");
  equal(status.text(contextOf(3, 3)).startsWith("3 events, "), true);
});

Deno.test("StatusLine says nothing of runs before they are known, and then how many", () => {
  const status = new StatusLine(() => {});
  const said = [FIRST_STATE.runs, []].map((runs) =>
    status.text({ ...contextOf(0, 0), state: { ...FIRST_STATE, runs } })
  );
  deepEqual(said, ["", "0 runs"]);
});

Deno.test("StatusLine keeps its text for a while when more comes, and asks to be drawn", async () => {
  const { promise: changed, resolve } = Promise.withResolvers<void>();
  const status = new StatusLine(resolve);
  const first = status.text(contextOf(3, 3));
  equal(status.text(contextOf(4, 4)), first);
  await changed;
  equal(status.text(contextOf(4, 4)).startsWith("4 events, "), true);
});
