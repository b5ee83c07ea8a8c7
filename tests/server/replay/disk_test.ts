import assert from "node:assert/strict";
import { FlatStore } from "../../../machine/flat_store.ts";
import { parseElf } from "../../../machine/formats/elf.ts";
import { parseMbr } from "../../../machine/formats/mbr.ts";
import { fewRuns, filledSectors } from "../../../server/replay/disk_map.ts";
import type { DiskMap } from "../../../server/api/shapes/machine.ts";
import { ProblemError } from "../../../server/problem.ts";
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

function fileOf(map: DiskMap, path: string): DiskMap["files"][number] | undefined {
  return map.files.find((file) => file.path === path);
}

async function looking(
  run: KeptRun,
  test: (look: (at: number) => Promise<DiskMap>) => Promise<void>,
): Promise<void> {
  const service = newService();
  try {
    await test((at) => ask(service, run, "disk", at));
  } finally {
    service.close();
  }
}

Deno.test("filledSectors tells the sectors that hold something, fewRuns joins the nearest", () => {
  const store = FlatStore.make(64 * 4096);
  store.write(512 * 3 + 1, new Uint8Array([1]));
  store.write(512 * 4, new Uint8Array([0, 2]));
  store.write(512 * 40 + 511, new Uint8Array([3]));
  store.write(512 * 50, new Uint8Array(512));
  const runs = filledSectors(store);
  assert.deepEqual(runs, [{ sector: 3, count: 2 }, { sector: 40, count: 1 }]);
  assert.deepEqual(fewRuns(runs, 2), runs);
  assert.deepEqual(fewRuns(runs, 1), [{ sector: 3, count: 38 }]);
});

Deno.test("disk tells partitions, and what waits in the cache until it is flushed", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    await looking(run, async (look) => {
      const first = await look(0);
      assert.deepEqual(first.partitions.map(({ label, fileSystem }) => [label, fileSystem]), [
        ["boot", "ext2"],
        ["root", "ext2"],
        ["hibernating", "ext2"],
        ["nvram", ""],
      ]);
      assert.deepEqual(first.cached, []);
      assert.deepEqual(first.torn, []);
      assert.ok(first.files.every(({ state, view }) => state === "durable" && view === "both"));
      const write = seqOf(run, (event) => isFact(event, "disk_write", { k: "B" }));
      const { block, count } = run.events[write]?.summary ?? {};
      const written = await look(write);
      assert.deepEqual(written.cached.at(-1), { sector: block, count });
      const done = seqOf(run, (event) => isFact(event, "flush", { k: "B", op: "done" }), write);
      const flushed = await look(done);
      assert.deepEqual(flushed.cached, []);
      const inside = (map: DiskMap) =>
        map.durable.some((each) =>
          each.sector < Number(block) + Number(count) && Number(block) < each.sector + each.count
        );
      assert.ok(inside(flushed));
    });
  }));

Deno.test("disk tells a file whose name is only in the cache apart from one that would survive", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    await looking(run, async (look) => {
      const commit = seqOf(run, (event) => isFact(event, "image", { k: "B", op: "commit" }));
      const end = await look(run.events.length - 1);
      const image = fileOf(end, "/dump.elf");
      assert.equal(image?.state, "durable");
      assert.equal(image?.view, "both");
      assert.equal(fileOf(end, "/dump.elf.part"), undefined);
      // Between the write of the directory and the flush both names are found, by who looks how.
      let seen: DiskMap | undefined;
      for (let at = commit; seen === undefined && at < run.events.length; at++) {
        const map = await look(at);
        if (fileOf(map, "/dump.elf")?.view === "drive") seen = map;
      }
      assert.ok(seen !== undefined, "there is such a moment");
      assert.equal(fileOf(seen, "/dump.elf")?.state, "cached");
      assert.equal(fileOf(seen, "/dump.elf.part")?.view, "medium");
    });
  }));

Deno.test("disk remembers what a power cut tore or lost until the power goes again", () =>
  inFolder(async (folder) => {
    const whole = keepCycle(`${folder}/whole`, { part: "hibernate" });
    const write = seqOf(whole, (event) => isFact(event, "disk_write", { k: "B" })) + 1;
    const run = keepCycle(`${folder}/run`, {
      part: "hibernate",
      cutPower: { seq: write, durable: "none" },
    });
    await looking(run, async (look) => {
      const cut = seqOf(run, (event) => event.type === "power.cut" && event.kind === "fault");
      const before = await look(cut - 1);
      assert.ok(before.cached.length > 0);
      const after = await look(cut);
      assert.deepEqual(after.cached, []);
      assert.deepEqual(
        after.torn,
        before.cached.map((each) => ({ ...each, survived: 0 })),
      );
      const on = seqOf(run, (event) => event.kind === "start" && event.actor === "cpu", cut);
      assert.deepEqual((await look(on)).torn, after.torn, "what boots next meets them");
      assert.deepEqual((await look(cut)).torn, after.torn, "the way back knows it too");
      assert.deepEqual((await look(cut - 1)).torn, []);
    });
  }));

Deno.test("disk tells the signature of a swap area that holds an image", () =>
  inFolder(async (folder) => {
    const run = await keepScenario(`${folder}/run`, "swsusp-shutdown");
    await looking(run, async (look) => {
      assert.ok(fileOf(await look(0), "swap header, SWAPSPACE2"));
      const at = seqOf(run, (event) => isFact(event, "image", { k: "A", op: "commit" }));
      const map = await look(at);
      assert.ok(fileOf(map, "swap header, S1SUSPEND"));
      assert.ok(
        map.partitions.some(({ label, fileSystem }) => label === "swap" && fileSystem === "swap"),
      );
    });
  }));

Deno.test("disk and image know the header and the ELF of khdev", () =>
  inFolder(async (folder) => {
    const run = await keepScenario(`${folder}/run`, "v7-hibernate");
    const service = newService();
    try {
      const at = seqOf(run, (event) => isFact(event, "image", { k: "B", op: "commit" }));
      const off = seqOf(run, (event) => event.kind === "end" && event.actor === "cpu", at);
      const map = await ask(service, run, "disk", off);
      assert.equal(fileOf(map, "khdev header, valid")?.state, "durable");
      const image = await ask(service, run, "elf_image", off);
      assert.equal(image.bytes, fileOf(map, "khdev image")?.bytes);
      const bytes = await Deno.readFile(image.path);
      assert.equal(bytes.length, image.bytes);
      assert.ok(parseElf(bytes).programs.length > 0);
    } finally {
      service.close();
    }
  }));

Deno.test("image makes the disk and the ELF image on it, as they would survive", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    const service = newService();
    try {
      const last = run.events.length - 1;
      const disk = await ask(service, run, "disk_image", last);
      const map = await ask(service, run, "disk", last);
      const info = await Deno.stat(disk.path);
      assert.equal(info.size, map.sectors * map.sectorBytes);
      assert.ok((info.blocks ?? 0) * 512 < info.size / 2, "holes take no room");
      assert.equal(disk.path, `${folder}/run/exports/disk-${last}.img`);
      assert.match(disk.fileName, /^[0-9a-f]{16}-disk-\d+\.img$/);
      const bytes = await Deno.readFile(disk.path);
      assert.equal(parseMbr(bytes.subarray(0, 512)).partitions.length, 4);
      const elf = await ask(service, run, "elf_image", last);
      const file = fileOf(map, "/dump.elf");
      const content = await Deno.readFile(elf.path);
      assert.equal(content.length, file?.bytes);
      assert.ok(parseElf(content).programs.length > 0);
      const first = file?.runs[0]?.sector ?? 0;
      assert.deepEqual(content.subarray(0, 4096), bytes.subarray(first * 512, first * 512 + 4096));
      assert.deepEqual(
        [...Deno.readDirSync(`${folder}/run/exports`)].map(({ name }) => name).sort(),
        [`disk-${last}.img`, `image-${last}.elf`],
        "nothing half made is left",
      );
    } finally {
      service.close();
    }
  }));

Deno.test("image says that there is none before anything was saved", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    const service = newService();
    try {
      await assert.rejects(
        ask(service, run, "elf_image", 5),
        (error) => error instanceof ProblemError && error.problem === "unknown-blob",
      );
      assert.equal(service.kept.length, 1, "the machine is as good as before");
    } finally {
      service.close();
    }
  }));

Deno.test("image keeps a bounded number of files beside a run, and none of anybody else's", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    const service = newService();
    const exports = `${folder}/run/exports`;
    const names = () => [...Deno.readDirSync(exports)].map(({ name }) => name).sort();
    try {
      await Deno.mkdir(exports);
      await Deno.writeTextFile(`${exports}/trace.json`, "{}");
      const last = run.events.length - 1;
      for (let at = last - 9; at <= last; at++) await ask(service, run, "elf_image", at);
      assert.equal(names().length, 8 + 1);
      assert.ok(names().includes("trace.json"));
      assert.ok(names().includes(`image-${last}.elf`));
    } finally {
      service.close();
    }
  }));
