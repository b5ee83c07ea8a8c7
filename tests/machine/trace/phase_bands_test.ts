import { deepEqual, equal, ok } from "node:assert/strict";
import type { TraceEvent } from "../../../machine/trace/event.ts";
import {
  PHASE_BANDS_MAX,
  PHASE_TYPES,
  type PhaseBand,
  PhaseBands,
} from "../../../machine/trace/phase_bands.ts";
import { DISTINCT_SYSTEMS, runMatrix } from "../../runs/matrix_kit.ts";

function bandsOf(events: readonly TraceEvent[]): PhaseBand[] {
  const bands = new PhaseBands();
  for (const event of events) bands.take(event);
  return bands.list();
}

function fact(seq: number, vt: number, type: string, summary: TraceEvent["summary"]): TraceEvent {
  return { seq, vt, lamport: 1, kind: "note", actor: "A", type, ...(summary && { summary }) };
}

/** What a person sees happen in each system, in that order, whatever lies between. */
const STORIES: Readonly<Record<string, readonly string[]>> = {
  "mainline": ["boot A", "freeze A", "jump from A", "boot B", "save image", "off"],
  "rfc": ["boot A", "freeze A", "jump from A", "boot B", "save image", "off", "boot C", "boot D"],
  "v7": ["boot A", "freeze A", "jump from A", "boot B", "save image", "off"],
  "swsusp": ["boot A", "freeze A", "save image", "off", "load image", "restore A"],
  "tuxonice": ["boot A", "freeze A", "save image", "off", "load image", "restore A"],
};

for (const system of DISTINCT_SYSTEMS) {
  Deno.test(`PhaseBands tells a run of ${system.id} as spans without gaps that end with it`, () => {
    const { events } = runMatrix(system);
    const bands = bandsOf(events);
    ok(bands.length >= 8, bands.map(({ name }) => name).join(", "));
    ok(bands.length <= 60, String(bands.length));
    bands.forEach((band, index) => {
      const next = bands[index + 1];
      ok(band.from <= band.to && band.vtFrom <= band.vtTo, band.name);
      equal(band.to + 1, next?.from ?? events.length);
      equal(band.vtTo <= (next?.vtFrom ?? Infinity), true);
      ok(next?.name !== band.name);
    });
    let at = 0;
    for (const name of STORIES[system.id.split("-")[0] ?? ""] ?? []) {
      at = bands.findIndex((band, index) => index >= at && band.name === name);
      ok(at >= 0, `${name} in ${bands.map((band) => band.name).join(", ")}`);
    }
  });

  Deno.test(`PhaseBands needs of a run of ${system.id} only the events of PHASE_TYPES`, () => {
    const { events } = runMatrix(system);
    const bands = new PhaseBands();
    for (const event of events) {
      if (event.type !== undefined && PHASE_TYPES.has(event.type)) bands.take(event);
      else bands.pass(event.seq, event.vt);
    }
    deepEqual(bands.list(), bandsOf(events));
  });
}

Deno.test("PhaseBands takes those who are told afterwards for no new phase", () => {
  const bands = bandsOf([
    fact(0, 0, "fact.boot", { k: "A" }),
    fact(1, 5, "fact.notifier", { k: "A", chain: "post", event: "0x0" }),
    fact(2, 9, "fact.notifier", { k: "A", chain: "pm", event: "PM_POST_HIBERNATION" }),
    fact(3, 12, "fact.notifier", { k: "A", chain: "pm", event: "PM_HIBERNATION_PREPARE" }),
  ]);
  deepEqual(bands, [
    { name: "boot A", from: 0, to: 2, vtFrom: 0, vtTo: 12 },
    { name: "freeze A", from: 3, to: 3, vtFrom: 12, vtTo: 12 },
  ]);
});

Deno.test("PhaseBands keeps times in order where events come a little out of it", () => {
  const bands = bandsOf([
    fact(0, 100, "fact.boot", { k: "A" }),
    fact(1, 90, "fact.leave", { k: "A" }),
  ]);
  deepEqual(bands.map(({ vtFrom, vtTo }) => [vtFrom, vtTo]), [[100, 100], [100, 100]]);
});

Deno.test("PhaseBands.list is empty before anything has begun", () => {
  deepEqual(bandsOf([fact(0, 0, "fact.memory_write", { k: "A" })]), []);
});

Deno.test("PhaseBands tells no more than PHASE_BANDS_MAX apart, and leaves nothing out", () => {
  const bands = new PhaseBands();
  const count = PHASE_BANDS_MAX + 500;
  for (let seq = 0; seq < count; seq++) {
    bands.take(fact(seq, seq, "fact.boot", { k: `K${seq}` }));
  }
  const list = bands.list();
  equal(list.length, PHASE_BANDS_MAX + 1);
  equal(list.at(-1)?.to, count - 1);
});
