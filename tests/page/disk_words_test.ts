import assert from "node:assert/strict";
import fc from "fast-check";
import type { DiskMap } from "../../server/api/shapes/machine.ts";
import {
  cachedSectors,
  cutSentence,
  fileSectors,
  fileSentence,
  segmentsOf,
  segmentText,
  stripsOf,
} from "../../server/page/panels/disk_words.ts";

const SECTORS = 64;
const EMPTY: DiskMap = {
  at: 1,
  next: 2,
  vt: 0,
  sectors: SECTORS,
  sectorBytes: 512,
  partitions: [
    { number: 1, firstSector: 4, sectorCount: 20, label: "boot", fileSystem: "ext2" },
    { number: 3, firstSector: 24, sectorCount: 40, label: "hibernating", fileSystem: "ext2" },
  ],
  durable: [],
  cached: [],
  torn: [],
  files: [],
};

const plain = (text: string) => text.replaceAll("\u202f", "");

const RUNS = fc.array(
  fc.record({ sector: fc.nat(SECTORS - 9), count: fc.integer({ min: 1, max: 9 }) }),
  { maxLength: 5 },
);
const MAPS = fc.record({ durable: RUNS, cached: RUNS, torn: RUNS, file: RUNS }).map((
  { durable, cached, torn, file },
): DiskMap => ({
  ...EMPTY,
  durable,
  cached,
  torn: torn.map((run) => ({ ...run, survived: run.count - 1 })),
  files: [{ partition: 3, path: "/dump.elf.part", bytes: 4096, runs: file, state: "durable" }],
}));

function has(runs: readonly { sector: number; count: number }[], sector: number): boolean {
  return runs.some((run) => run.sector <= sector && sector < run.sector + run.count);
}

Deno.test("cutSentence of an empty cache loses nothing", () => {
  assert.equal(
    cutSentence({ ...EMPTY, durable: [{ sector: 0, count: 1 }] }),
    "Nothing waits in the drive's cache: a power cut now loses no write; " +
      "1 sector (512 bytes) that holds data is on the medium.",
  );
});

Deno.test("cutSentence names what is at stake", () => {
  const map: DiskMap = {
    ...EMPTY,
    cached: [{ sector: 30, count: 8 }, { sector: 30, count: 8 }],
    files: [{
      partition: 3,
      path: "/dump.elf.part",
      bytes: 8192,
      runs: [{ sector: 28, count: 16 }],
      state: "cached",
    }],
  };
  assert.match(
    cutSentence(map),
    /^A power cut now may lose 8 sectors \(4 KiB\) in 2 writes that wait .*\/dump\.elf\.part on hib/,
  );
  assert.equal(
    fileSentence(map, map.files[0] ?? assert.fail()),
    "8 KiB, 8 sectors only in the cache: a power cut now may lose them.",
  );
});

Deno.test("cutSentence and fileSentence have the figures of any map", () => {
  fc.assert(fc.property(MAPS, (map) => {
    const every = Array.from({ length: SECTORS }, (_, sector) => sector);
    const cached = every.filter((sector) => has(map.cached, sector)).length;
    assert.equal(cachedSectors(map), cached);
    const text = plain(cutSentence(map));
    assert.equal(text.includes("loses no write"), cached === 0);
    assert.equal(text.includes(`may lose ${cached} sector`), cached > 0);
    assert.equal(
      text.includes("the last power cut") || text.includes("The last"),
      map.torn.length > 0,
    );
    const file = map.files[0] ?? assert.fail();
    const waiting = every.filter((sector) => has(file.runs, sector) && has(map.cached, sector));
    assert.equal(fileSectors(map, file).cached, waiting.length);
    assert.equal(fileSentence(map, file).includes("may lose"), waiting.length > 0);
    assert.doesNotMatch(text, /undefined|NaN|\b1 sectors\b|\b1 writes\b/);
  }));
});

Deno.test("segmentsOf tells of every sector of every partition what it is", () => {
  fc.assert(fc.property(MAPS, (map) => {
    const strips = stripsOf(map);
    assert.equal(strips.reduce((sum, { sectors }) => sum + sectors, 0), SECTORS);
    for (const strip of strips) {
      let at = strip.first;
      for (const { from, to, state } of segmentsOf(strip)) {
        assert.equal(from, at);
        for (let sector = from; sector < to; sector++) {
          const expected = has(map.cached, sector)
            ? "cached"
            : has(map.torn, sector)
            ? "torn"
            : has(map.durable, sector)
            ? "durable"
            : "empty";
          assert.equal(state, expected);
        }
        at = to;
      }
      assert.equal(at, strip.first + strip.sectors);
    }
  }));
});

Deno.test("segmentText reads out sectors, one or many", () => {
  assert.equal(
    segmentText({ from: 7, to: 8, state: "torn" }, 512),
    "sector 7, torn by a power cut",
  );
  assert.equal(
    segmentText({ from: 8, to: 16, state: "cached" }, 512),
    "sectors 8–15, 4 KiB, only in the drive's cache",
  );
});
