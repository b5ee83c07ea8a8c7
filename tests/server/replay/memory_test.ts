import assert from "node:assert/strict";
import { PAGE_BYTES } from "../../../machine/formats/page_runs.ts";
import type { MemoryMap } from "../../../server/api/shapes/machine.ts";
import {
  ask,
  inFolder,
  isFact,
  keepCycle,
  keepScenario,
  type KeptRun,
  newService,
  seqOf,
} from "./replay_kit.ts";

const MIB_FRAMES = 0x10_0000 / PAGE_BYTES;

/** Frames by owner and class. */
function countsOf(map: MemoryMap): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { owner, class: name, count } of map.runs) {
    const key = `${owner}:${name}`;
    counts.set(key, (counts.get(key) ?? 0) + count);
  }
  return counts;
}

/** What must be true of every map. */
function checkMap(map: MemoryMap): void {
  let next = 0;
  map.runs.forEach((run, index) => {
    assert.equal(run.pfn, next, "runs are in order, without gaps");
    assert.ok(run.count > 0);
    const before = map.runs[index - 1];
    assert.ok(before?.owner !== run.owner || before.class !== run.class, "runs are joined");
    next = run.pfn + run.count;
  });
  assert.equal(next, map.frames, "all frames are told");
  assert.ok(map.kernels.filter(({ status }) => status === "running").length <= 1);
  for (const { name, frames } of map.kernels) {
    const own = map.runs.filter((run) => run.owner === name && run.class !== "free");
    assert.equal(own.reduce((sum, { count }) => sum + count, 0), frames);
  }
}

function statuses(map: MemoryMap): { readonly [name: string]: string } {
  return Object.fromEntries(map.kernels.map(({ name, status }) => [name, status]));
}

/** Looks at a run at many moments, and gives a look at single ones. */
async function looking(
  run: KeptRun,
  test: (look: (at: number) => Promise<MemoryMap>) => Promise<void>,
): Promise<void> {
  const service = newService();
  const look = async (at: number): Promise<MemoryMap> => {
    const map = await ask(service, run, "memory", at);
    checkMap(map);
    return map;
  };
  try {
    const step = Math.floor(run.events.length / 12);
    for (let at = 0; at < run.events.length; at += step) await look(at);
    await test(look);
  } finally {
    service.close();
  }
}

function booted(run: KeptRun, k: string, from = 0): number {
  return seqOf(run, (event) => isFact(event, "boot", { k }), from);
}

Deno.test("memory of the default cycle: A's low pages are in the source pages while B runs", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`);
    await looking(run, async (look) => {
      const loaded = seqOf(run, (event) => isFact(event, "kimage", { k: "A" }));
      const before = countsOf(await look(loaded));
      const sources = before.get("A:source") ?? 0;
      assert.equal(sources, 0x9f + 0xf00, "as the entry list has them");
      assert.ok((before.get("A:window") ?? 0) > 0);
      const purgatory = seqOf(run, (event) => isFact(event, "jump", { to: "purgatory" }));
      assert.deepEqual(statuses(await look(purgatory)), { A: "asleep" });
      const during = await look(booted(run, "B"));
      assert.deepEqual(statuses(during), { B: "running", A: "asleep" });
      const counts = countsOf(during);
      assert.equal(counts.get("A:source"), sources);
      const window = during.runs.filter(({ pfn }) => pfn >= MIB_FRAMES && pfn < 16 * MIB_FRAMES);
      assert.ok(window.length > 0);
      assert.ok(window.every(({ owner }) => owner === "B"), "B has the window, and only B");
      const off = await look(seqOf(run, (event) => isFact(event, "power", { op: "off" })));
      assert.deepEqual(off.kernels, []);
      assert.deepEqual(off.runs, [{ pfn: 0, count: off.frames, owner: "", class: "free" }]);
      const end = await look(run.events.length - 1);
      assert.deepEqual(statuses(end), { A: "running" });
      assert.deepEqual(countsOf(end).get("A:source"), sources, "the image is still loaded");
      const back = seqOf(run, (event) => isFact(event, "resumed", { k: "A" }));
      assert.ok((countsOf(await look(back)).get("A:kernel") ?? 0) > 0, "by its table in RAM");
    });
  }));

Deno.test("memory of a round trip: B that came back stands asleep in A's source pages", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "jump" });
    await looking(run, async (look) => {
      const end = await look(run.events.length - 1);
      assert.deepEqual(statuses(end), { A: "running", B: "asleep" });
      const counts = countsOf(end);
      const sources = (counts.get("A:source") ?? 0) + (counts.get("B:source") ?? 0);
      assert.equal(sources, 0x9f + 0xf00);
      assert.ok((counts.get("B:source") ?? 0) > 500, "text, tables and data of B");
    });
  }));

Deno.test("memory of the RFC: B runs in what crashkernel= has set aside, nothing is exchanged", () =>
  inFolder(async (folder) => {
    const run = await keepScenario(`${folder}/run`, "rfc-hibernate");
    await looking(run, async (look) => {
      const window = { pfn: 32 * MIB_FRAMES, count: 16 * MIB_FRAMES };
      const alone = await look(booted(run, "A") + 200);
      assert.ok(
        alone.runs.some(({ pfn, count, owner, class: name }) =>
          pfn === window.pfn && count === window.count && owner === "A" && name === "window"
        ),
      );
      const during = await look(booted(run, "B"));
      assert.deepEqual(statuses(during), { B: "running", A: "asleep" });
      assert.equal(countsOf(during).get("A:source"), undefined);
      const inside = during.runs.filter(({ owner, class: name, pfn }) =>
        owner === "B" && name !== "reserved" && pfn >= MIB_FRAMES
      );
      for (const { pfn, count } of inside) {
        assert.ok(window.pfn <= pfn && pfn + count <= window.pfn + window.count);
      }
    });
  }));

Deno.test("memory of v4: both kernels by turns, the other one asleep", () =>
  inFolder(async (folder) => {
    const run = await keepScenario(`${folder}/run`, "v4-jump");
    await looking(run, async (look) => {
      const away = seqOf(run, (event) => isFact(event, "jump", { from: "B", to: "A" }));
      assert.deepEqual(statuses(await look(booted(run, "B"))), { B: "running", A: "asleep" });
      assert.deepEqual(statuses(await look(away + 60)), { A: "running", B: "asleep" });
      const again = seqOf(run, (event) => isFact(event, "jump", { from: "A", to: "B" }), away);
      assert.deepEqual(statuses(await look(again)), { B: "running", A: "asleep" });
    });
  }));

for (const name of ["v7-hibernate", "kimgcore-run"]) {
  Deno.test(`memory of ${name}: A asleep while B saves it, RAM lost at power-off`, () =>
    inFolder(async (folder) => {
      const run = await keepScenario(`${folder}/run`, name);
      await looking(run, async (look) => {
        const saved = seqOf(run, (event) => isFact(event, "image", { k: "B", op: "commit" }));
        const during = await look(saved);
        assert.deepEqual(statuses(during), { B: "running", A: "asleep" });
        assert.equal(countsOf(during).get("A:source"), 0x9f + 0xf00);
        const off = await look(
          seqOf(run, (event) => event.kind === "end" && event.actor === "cpu", saved),
        );
        assert.deepEqual(off.kernels, []);
      });
    }));
}

Deno.test("memory of swsusp: A's copies are the image, and nobody sleeps beside it", () =>
  inFolder(async (folder) => {
    const run = await keepScenario(`${folder}/run`, "swsusp-shutdown");
    await looking(run, async (look) => {
      const at = seqOf(run, (event) => isFact(event, "snapshot", { k: "A" }));
      const pages = run.events[at]?.summary?.["pages"];
      const copied = await look(at);
      assert.deepEqual(statuses(copied), { A: "running" });
      assert.equal(countsOf(copied).get("A:image"), pages);
      const jump = seqOf(run, (event) => isFact(event, "jump", { from: "C", to: "A" }));
      const placed = seqOf(run, (event) => isFact(event, "loader_pages", { k: "C" }));
      const loaded = countsOf(await look(placed));
      assert.ok((loaded.get("C:image") ?? 0) >= Number(pages), "C has put it into its frames");
      assert.deepEqual(statuses(await look(jump)), { A: "running" });
    });
  }));

Deno.test("memory of TuxOnIce: the second page set holds the copy of the first", () =>
  inFolder(async (folder) => {
    const run = await keepScenario(`${folder}/run`, "tuxonice");
    await looking(run, async (look) => {
      const at = seqOf(run, (event) => isFact(event, "snapshot", { k: "A" }));
      const counts = countsOf(await look(at));
      assert.ok((counts.get("A:image") ?? 0) > Number(run.events[at]?.summary?.["pages"]));
      assert.equal(counts.get("A:user"), undefined, "they are the second set's");
      assert.deepEqual(statuses(await look(run.events.length - 1)), { A: "running" });
    });
  }));

Deno.test("memory of the stock 6.1: A is gone as soon as B is entered in its place", () =>
  inFolder(async (folder) => {
    const run = await keepScenario(`${folder}/run`, "mainline-6.1-stock");
    await looking(run, async (look) => {
      const fault = seqOf(run, (event) => isFact(event, "jump", { from: "B", to: "B" }));
      const before = await look(fault - 400);
      assert.equal(statuses(before)["A"], "asleep");
      assert.deepEqual(statuses(await look(fault)), { B: "running" });
    });
  }));
