import assert from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import type { PageRun } from "../../../machine/formats/page_runs.ts";
import {
  emitTuxOnIceHeader,
  parseTuxOnIceHeader,
  TUXONICE_HEADER_PAGES,
  type TuxOnIceHeader,
} from "../../../machine/formats/tuxonice_header.ts";

const runs = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 700 })),
  { maxLength: 20 },
).map((gaps): PageRun[] => {
  let free = 0;
  return gaps.map(([gap, count]) => {
    const pfn = free + gap;
    free = pfn + count;
    return { pfn, count };
  });
});

/** A set of those frames, stored in one run. */
const sets = runs.map((frames) => {
  const count = frames.reduce((sum, run) => sum + run.count, 0);
  return { frames, storage: count === 0 ? [] : [{ pfn: 17, count }] };
});

const HEADER: TuxOnIceHeader = {
  memoryPages: 16_383,
  device: [8, 6],
  record: new Uint8Array(16).fill(9),
  set2: { frames: [{ pfn: 40, count: 3 }], storage: [{ pfn: 17, count: 3 }] },
  set1: { frames: [{ pfn: 1, count: 5 }], storage: [{ pfn: 20, count: 2 }, { pfn: 30, count: 3 }] },
};

Deno.test("parseTuxOnIceHeader gives back what emitTuxOnIceHeader was given", () => {
  fc.assert(fc.property(sets, sets, fc.nat(2 ** 31), (set1, set2, memoryPages) => {
    const header = { ...HEADER, memoryPages, set1, set2 };
    const bytes = emitTuxOnIceHeader(header);
    assert.equal(bytes.length, TUXONICE_HEADER_PAGES * 4096);
    assert.deepEqual(parseTuxOnIceHeader(bytes), header);
  }));
});

Deno.test("parseTuxOnIceHeader refuses a header that is short, or torn anywhere", () => {
  const bytes = emitTuxOnIceHeader(HEADER);
  for (const length of [0, 7, 100, 4096, bytes.length - 1]) {
    assert.throws(() => parseTuxOnIceHeader(bytes.subarray(0, length)), FormatError);
  }
  for (let at = 0; at < 400; at++) {
    const torn = bytes.slice();
    torn[at] = (torn[at] ?? 0) ^ 1;
    assert.throws(() => parseTuxOnIceHeader(torn), FormatError, String(at));
  }
});

Deno.test("parseTuxOnIceHeader refuses a set that does not fit its storage", () => {
  const set1 = { ...HEADER.set1, storage: [{ pfn: 20, count: 4 }] };
  assert.throws(() => parseTuxOnIceHeader(emitTuxOnIceHeader({ ...HEADER, set1 })), FormatError);
});

Deno.test("emitTuxOnIceHeader refuses more runs than there is room for", () => {
  const frames = Array.from({ length: 5000 }, (_, index) => ({ pfn: index * 2, count: 1 }));
  const set1 = { frames, storage: [{ pfn: 1, count: 5000 }] };
  assert.throws(() => emitTuxOnIceHeader({ ...HEADER, set1 }), FormatError);
  assert.throws(() => emitTuxOnIceHeader({ ...HEADER, record: new Uint8Array(65) }), FormatError);
});
