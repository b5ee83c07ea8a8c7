import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { copyPairs } from "../../actors/kernel/swsusp_arch.ts";
import { mapChecksum } from "../../actors/kernel/swsusp_header.ts";
import { planPlacement, targetFrames } from "../../actors/kernel/swsusp_place.ts";
import { phaseAfter, phaseName } from "../../actors/kernel/device_phases.ts";
import {
  countPages,
  fromRuns,
  intersect,
  mergeRuns,
  type PageRun,
  toRuns,
} from "../../machine/formats/page_runs.ts";
import { backupPages } from "../../machine/formats/restore_tables.ts";

const frames = fc.uniqueArray(fc.integer({ min: 1, max: 300 }), { maxLength: 120 })
  .map((list) => toRuns(list.sort((left, right) => left - right)));

Deno.test("planPlacement loads in place what is free, and the rest where no page belongs (F71)", () => {
  fc.assert(fc.property(frames, frames, (saved, free) => {
    const plan = planPlacement(saved, free);
    const outside = countPages(free) - countPages(intersect(free, saved));
    const moved = countPages(saved) - countPages(intersect(saved, free));
    if (plan === undefined) {
      ok(outside < moved + backupPages(moved), "it refuses though there is room");
      return;
    }
    const targets = fromRuns(targetFrames(saved, plan));
    strictEqual(targets.length, countPages(saved));
    strictEqual(new Set(targets).size, targets.length, "two pages in one frame");
    const list = new Set(fromRuns(plan.list));
    fromRuns(saved).forEach((pfn, index) => {
      const target = targets[index] ?? -1;
      const isFree = countPages(intersect(free, [{ pfn: target, count: 1 }])) === 1;
      ok(isFree, `frame ${target} is not free`);
      ok(!list.has(target), `frame ${target} is the list's`);
      const isUnsafe = countPages(intersect(saved, [{ pfn: target, count: 1 }])) === 1;
      ok(target === pfn || !isUnsafe, `page ${pfn} waits in frame ${target} of the image`);
    });
    strictEqual(countPages(intersect(mergeRuns(plan.list), saved)), 0);
  }));
});

Deno.test("planPlacement gives up where safe frames do not last: ENOMEM (G.4)", () => {
  const saved: PageRun[] = [{ pfn: 100, count: 10 }];
  strictEqual(planPlacement(saved, [{ pfn: 200, count: 10 }]), undefined);
  ok(planPlacement(saved, [{ pfn: 200, count: 11 }]) !== undefined);
});

Deno.test("copyPairs pairs the pages of any runs with those of any others, in order", () => {
  fc.assert(fc.property(frames, (saved) => {
    const count = countPages(saved);
    const copies: PageRun[] = [{ pfn: 1000, count: Math.min(7, count) }];
    if (count > 7) copies.push({ pfn: 2000, count: count - 7 });
    const pairs = copyPairs(copies.filter((run) => run.count > 0), saved);
    const sources = pairs.flatMap((pair) => fromRuns([{ pfn: pair.source, count: pair.count }]));
    const targets = pairs.flatMap((pair) =>
      fromRuns([{ pfn: pair.destination, count: pair.count }])
    );
    deepStrictEqual(sources, fromRuns(saved));
    deepStrictEqual(targets, fromRuns(copies).slice(0, count));
  }));
});

Deno.test("mapChecksum changes with any field of any entry (F68)", () => {
  const map = [{ start: 0, length: 0x9_f000, type: 1 }, { start: 0x10_0000, length: 1, type: 4 }];
  const sum = mapChecksum(map);
  strictEqual(mapChecksum(map.map((entry) => ({ ...entry }))), sum);
  for (const field of ["start", "length", "type"] as const) {
    const other = map.map((entry, index) =>
      index === 1 ? { ...entry, [field]: entry[field] + 1 } : entry
    );
    ok(mapChecksum(other) !== sum, field);
  }
  ok(mapChecksum(map.slice(1)) !== sum);
});

Deno.test("phaseName has the callbacks of protocol.md B.5.3 for every message", () => {
  const down = ["main", "late", "noirq"] as const;
  const up = ["noirq", "early", "main"] as const;
  const names = (message: "FREEZE" | "QUIESCE" | "HIBERNATE" | "SUSPEND") =>
    down.map((place) => phaseName(message, place));
  deepStrictEqual(names("FREEZE"), ["freeze", "freeze_late", "freeze_noirq"]);
  deepStrictEqual(names("QUIESCE"), names("FREEZE"));
  deepStrictEqual(names("HIBERNATE"), ["poweroff", "poweroff_late", "poweroff_noirq"]);
  deepStrictEqual(names("SUSPEND"), ["suspend", "suspend_late", "suspend_noirq"]);
  deepStrictEqual(up.map((place) => phaseName("RECOVER", place)), [
    "thaw_noirq",
    "thaw_early",
    "thaw",
  ]);
  deepStrictEqual(up.map((place) => phaseName("RESTORE", place))[2], "restore");
  deepStrictEqual(up.map((place) => phaseName("RESUME", place))[0], "resume_noirq");
});

Deno.test("phaseAfter goes up level by level in the family a driver went down in", () => {
  for (const family of ["freeze", "poweroff", "suspend"]) {
    for (const back of ["thaw", "restore", "resume"]) {
      let standing = `${family}_noirq`;
      const seen: string[] = [];
      for (const phase of [`${back}_noirq`, `${back}_early`, back, "complete"]) {
        standing = phaseAfter(standing, phase);
        seen.push(standing);
      }
      deepStrictEqual(seen, [`${family}_late`, family, "prepare", "active"]);
    }
  }
});
