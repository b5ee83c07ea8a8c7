import assert from "node:assert/strict";
import fc from "fast-check";
import { FrameClass, type MemoryMap } from "../../server/api/shapes/machine.ts";
import {
  changedFrames,
  framesInRow,
  framesOf,
  memorySentence,
  runAt,
  runText,
  totalsOf,
} from "../../server/page/panels/memory_words.ts";
import { sizeOf } from "../../server/page/panels/spans.ts";

type Run = MemoryMap["runs"][number];

function mapOf(
  parts: readonly Omit<Run, "pfn">[],
  kernels: MemoryMap["kernels"] = [],
): MemoryMap {
  let pfn = 0;
  const runs = parts.map((part) => {
    const run = { ...part, pfn };
    pfn += part.count;
    return run;
  });
  return { at: 9, next: 10, vt: 1, frames: pfn, pageBytes: 4096, kernels, runs };
}

const PARTS = fc.array(
  fc.record({
    count: fc.integer({ min: 1, max: 9 }),
    owner: fc.constantFrom("", "A", "B", "C"),
    class: fc.constantFrom(...FrameClass.options),
  }),
  { minLength: 1, maxLength: 12 },
);

function framesList({ runs }: MemoryMap): readonly string[] {
  return runs.flatMap(({ count, owner, class: what }) =>
    Array.from({ length: count }, () => `${owner}/${what}`)
  );
}

const plain = (text: string) => text.replaceAll("\u202f", "");

Deno.test("memorySentence says who runs where and who sleeps", () => {
  const map = mapOf([
    { count: 256, owner: "A", class: "kernel" },
    { count: 160, owner: "A", class: "source" },
    { count: 100, owner: "B", class: "kernel" },
    { count: 3996, owner: "", class: "free" },
  ], [
    { name: "A", status: "asleep", frames: 416 },
    { name: "B", status: "running", frames: 100 },
  ]);
  assert.equal(
    plain(memorySentence(map)),
    "B runs in 100 pages (400 KiB), all between 0x1a0000 and 0x203fff; " +
      "A stands asleep in 416 pages (1.6 MiB), all between 0x0 and 0x19ffff. " +
      "160 pages of A are source pages of a loaded image. 3996 of 4512 pages are free.",
  );
});

Deno.test("memorySentence of a machine without kernels says so", () => {
  const map = mapOf([{ count: 1, owner: "", class: "firmware" }, {
    count: 1,
    owner: "",
    class: "free",
  }]);
  assert.equal(memorySentence(map), "No kernel is in memory. 1 of 2 pages is free.");
});

Deno.test("memorySentence names every kernel and the figures of every map", () => {
  fc.assert(
    fc.property(PARTS, fc.constantFrom("running" as const, "asleep" as const), (parts, status) => {
      const bare = mapOf(parts);
      const names = [...new Set(parts.map(({ owner }) => owner).filter((name) => name !== ""))];
      const kernels = names.map((name) => ({
        name,
        status,
        frames: framesList(bare).filter((one) =>
          one.startsWith(`${name}/`) && one !== `${name}/free`
        )
          .length,
      }));
      const map = { ...bare, kernels };
      const text = plain(memorySentence(map));
      for (const { name, frames } of kernels) {
        const verb = status === "running" ? "runs" : "stands asleep";
        assert.ok(text.includes(`${name} ${verb} in ${frames} page`), text);
      }
      const free = framesList(map).filter((one) => one.endsWith("/free")).length;
      assert.ok(text.includes(`${free} of ${map.frames} page`), text);
      for (const what of ["window", "source", "image"] as const) {
        const frames = framesOf(map, what);
        const words = { window: "set aside", source: "source page", image: "of an image" }[what];
        assert.equal(text.includes(words), frames > 0, text);
      }
      assert.doesNotMatch(text, /undefined|NaN|\b1 pages\b/);
    }),
  );
});

Deno.test("totalsOf counts every frame once", () => {
  fc.assert(fc.property(PARTS, (parts) => {
    const map = mapOf(parts);
    const frames = framesList(map);
    for (const { owner, class: what, frames: count } of totalsOf(map)) {
      assert.equal(count, frames.filter((one) => one === `${owner}/${what}`).length);
    }
    assert.equal(totalsOf(map).reduce((sum, { frames }) => sum + frames, 0), map.frames);
  }));
});

Deno.test("runAt finds the run of every frame", () => {
  fc.assert(fc.property(PARTS, (parts) => {
    const map = mapOf(parts);
    framesList(map).forEach((one, pfn) => {
      const run = map.runs[runAt(map, pfn)];
      assert.equal(`${run?.owner}/${run?.class}`, one);
    });
    assert.equal(runAt(map, map.frames), -1);
  }));
});

Deno.test("runText reads out a run as people say it", () => {
  const map = mapOf([{ count: 0x100, owner: "", class: "free" }, {
    count: 0x300,
    owner: "A",
    class: "source",
  }]);
  assert.equal(
    runText(map, 1),
    "pfn 0x100–0x3ff, 768 pages from 0x100000, A, source page of a loaded image",
  );
  assert.equal(runText(map, 0), "pfn 0x0–0xff, 256 pages from 0x0, free");
  assert.equal(runText(map, -1), "");
});

Deno.test("changedFrames are those whose owner or class differs", () => {
  fc.assert(fc.property(PARTS, PARTS, (left, right) => {
    const [before, after] = [mapOf(left), mapOf(right)];
    const [old, fresh] = [framesList(before), framesList(after)];
    const changed = changedFrames(before, after);
    const expected = old.filter((one, pfn) => fresh[pfn] !== undefined && fresh[pfn] !== one);
    assert.equal(sizeOf(changed), expected.length);
    for (const { from, to } of changed) {
      for (let pfn = from; pfn < to; pfn++) assert.notEqual(old[pfn], fresh[pfn]);
    }
  }));
});

Deno.test("framesInRow gives at most so many rows", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 1 << 22 }), (frames) => {
    const row = framesInRow(frames, 48);
    assert.ok(Math.ceil(frames / row) <= 48);
    assert.equal(Math.log2(row) % 1, 0);
  }));
});
