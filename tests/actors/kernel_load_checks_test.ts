import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ERRNO, errnoName, errnoOf } from "../../actors/kernel/errno.ts";
import {
  checkArguments,
  checkLoad,
  checkSegments,
  type LoadRequest,
} from "../../actors/kernel/load_checks.ts";
import { kernelProfile } from "../../actors/kernel/profiles.ts";
import type { ImageSegment } from "../../actors/kernel/state.ts";
import RECORDED from "../../fixtures/recordings/kexec_errnos.json" with { type: "json" };

const PAGE = 4096;
const GOOD: ImageSegment = { mem: 0x200_0000, memsz: 0x1000, bufsz: 0x1000 };

function request(fields: Partial<LoadRequest> = {}): LoadRequest {
  return {
    arch: "x86_64",
    capable: true,
    disabled: false,
    flags: 0,
    segments: [GOOD],
    limit: kernelProfile("6.1").destinationLimit,
    ramPages: 56_734,
    halfRam: true,
    entry: GOOD.mem,
    ...fields,
  };
}

/** So many good segments. */
function many(count: number): ImageSegment[] {
  return Array.from({ length: count }, (_, index) => ({ ...GOOD, mem: GOOD.mem + index * PAGE }));
}

/** The request of a recorded call. */
function recordedRequest(row: typeof RECORDED.rows[number]): LoadRequest {
  const segments = row.segments.map(({ mem, memsz, bufsz }) => ({
    mem: Number(mem),
    memsz: Number(memsz),
    bufsz: Number(bufsz),
  }));
  return request({
    capable: !/^(?:no_cap|uid1000)/i.test(row.test),
    disabled: row.test.startsWith("kexec_load_disabled"),
    flags: Number(row.flags),
    entry: Number(row.entry),
    ramPages: RECORDED.ram_pages,
    segments: segments.length === row.nr ? segments : many(Math.min(row.nr, 32)),
  });
}

for (const row of RECORDED.rows) {
  Deno.test(`checkLoad answers as Linux 6.1 did: ${row.test} gives ${row.errno}`, () => {
    const expected = row.errno === "0" ? 0 : errnoOf(row.errno);
    strictEqual(errnoName(checkLoad(recordedRequest(row))), errnoName(expected));
  });
}

/** What each row of C.2 is wrong with, in the order of the table. */
const FAULTS: readonly (readonly [string, number, (good: LoadRequest) => LoadRequest])[] = [
  ["S1", ERRNO.EPERM, (good) => ({ ...good, capable: false })],
  ["S1 disabled", ERRNO.EPERM, (good) => ({ ...good, disabled: true })],
  ["S3", ERRNO.EINVAL, (good) => ({ ...good, flags: good.flags | 8 })],
  ["S4", ERRNO.EINVAL, (good) => ({ ...good, segments: many(17) })],
  ["S5", ERRNO.EINVAL, (good) => ({ ...good, flags: good.flags | (3 << 16) })],
  ["S7a", ERRNO.EADDRNOTAVAIL, (good) => ({ ...good, flags: good.flags | 1, entry: 0 })],
  ["S8a", ERRNO.EADDRNOTAVAIL, (good) => add(good, 2 ** 64 - PAGE, 2 * PAGE)],
  ["S8b start", ERRNO.EADDRNOTAVAIL, (good) => add(good, 0x300_0010, PAGE)],
  ["S8b end", ERRNO.EADDRNOTAVAIL, (good) => add(good, 0x300_0000, PAGE + 1)],
  ["S8c", ERRNO.EADDRNOTAVAIL, (good) => add(good, 2 ** 46 - PAGE, PAGE)],
  ["S8d", ERRNO.EINVAL, (good) => add(good, GOOD.mem, PAGE)],
  ["S8e", ERRNO.EINVAL, (good) => add(good, 0x300_0000, PAGE, PAGE + 1)],
  ["S8f", ERRNO.EINVAL, (good) => add(good, 0x1000_0000, (28_367 + 1) * PAGE)],
  ["S8g", ERRNO.EINVAL, (good) => add(good, 0x1000_0000, 28_367 * PAGE)],
];

function add(good: LoadRequest, mem: number, memsz: number, bufsz = 0): LoadRequest {
  return { ...good, segments: [...good.segments, { mem, memsz, bufsz }] };
}

Deno.test("checkLoad takes the request that the rows of C.2 are broken from", () => {
  strictEqual(checkLoad(request()), 0);
});

for (const [row, errno, spoil] of FAULTS) {
  Deno.test(`checkLoad refuses what row ${row} of C.2 is about with ${errnoName(errno)}`, () => {
    strictEqual(errnoName(checkLoad(spoil(request()))), errnoName(errno));
  });
}

Deno.test("checkLoad gives the errno of the first failing row of C.2, whatever else is wrong", () => {
  fc.assert(
    fc.property(fc.subarray([...FAULTS.keys()], { minLength: 1 }), (indices) => {
      const spoiled = indices.reduce((good, at) => FAULTS[at]?.[2](good) ?? good, request());
      const [first = 0] = indices;
      strictEqual(errnoName(checkLoad(spoiled)), errnoName(FAULTS[first]?.[1] ?? 0));
    }),
  );
});

Deno.test("checkArguments stops before the segments are looked at, checkSegments begins there", () => {
  for (const [row, errno, spoil] of FAULTS) {
    const early = /^S[1-5]/.test(row);
    strictEqual(checkArguments(spoil(request())), early ? errno : 0, row);
    strictEqual(checkSegments(spoil(request())), early ? 0 : errno, row);
  }
});

Deno.test("checkLoad takes no segments for an unload, in either slot and whatever the entry", () => {
  for (const flags of [0, 1, 2, 3]) strictEqual(checkLoad(request({ flags, segments: [] })), 0);
  strictEqual(checkLoad(request({ segments: [], capable: false })), ERRNO.EPERM);
  strictEqual(checkLoad(request({ segments: [], flags: 8 })), ERRNO.EINVAL);
});

Deno.test("checkLoad wants a crash image and its entry inside the reservation", () => {
  const crash = { start: 0x200_0000, end: 0x300_0000 };
  const of = (fields: Partial<LoadRequest>) => checkLoad(request({ crash, flags: 1, ...fields }));
  strictEqual(of({}), 0);
  strictEqual(of({ entry: crash.end }), ERRNO.EADDRNOTAVAIL);
  strictEqual(of({ segments: [{ ...GOOD, mem: crash.end }] }), ERRNO.EADDRNOTAVAIL);
  strictEqual(of({ segments: [{ ...GOOD, mem: crash.end - PAGE }] }), 0);
  // S7a comes before S8d, S8h after it.
  strictEqual(of({ entry: 0, segments: [GOOD, GOOD] }), ERRNO.EADDRNOTAVAIL);
  const outside = { ...GOOD, mem: crash.end };
  strictEqual(of({ segments: [outside, outside] }), ERRNO.EINVAL);
});

Deno.test("checkLoad of 2.6.27 has no half-of-RAM rule, an i386 limit and the i386 machine", () => {
  const { arch, halfRam, destinationLimit: limit } = kernelProfile("2.6.27");
  const of = (fields: Partial<LoadRequest>) =>
    checkLoad(request({ arch, halfRam, limit, ...fields }));
  strictEqual(of({ segments: [{ mem: 0, memsz: 40_000 * PAGE, bufsz: 0 }] }), 0);
  strictEqual(of({ segments: [{ ...GOOD, mem: 0xffff_e000 }] }), 0);
  strictEqual(of({ flags: 3 << 16 }), 0);
  strictEqual(of({ flags: 62 << 16 }), ERRNO.EINVAL);
});

Deno.test("checkLoad of 2.6.27 does not look for a wrap, which S8a of a later i386 does (C.2)", () => {
  const { arch, destinationLimit: limit } = kernelProfile("2.6.27");
  const of = (segments: readonly ImageSegment[], halfRam: boolean) =>
    checkLoad(request({ arch, limit, halfRam, segments }));
  const last = { mem: 0xffff_f000, memsz: PAGE, bufsz: 0 };
  const wrapping = { ...last, memsz: 3 * PAGE };
  for (const segment of [last, wrapping]) {
    strictEqual(of([segment], false), 0);
    strictEqual(of([segment], true), ERRNO.EADDRNOTAVAIL);
  }
  // Its end is a small number now: alignment and overlap are looked at with that.
  strictEqual(of([{ ...wrapping, memsz: 3 * PAGE + 1 }], false), ERRNO.EADDRNOTAVAIL);
  strictEqual(of([wrapping, { mem: 0, memsz: PAGE, bufsz: 0 }], false), 0);
});

Deno.test("checkLoad knows the flags it is told of: none to preserve a context before kexec jump", () => {
  const known = { flagsKnown: 1, crash: { start: GOOD.mem, end: GOOD.mem + PAGE } };
  strictEqual(checkLoad(request({ ...known, flags: 1 })), 0);
  strictEqual(checkLoad(request({ ...known, flags: 2 })), ERRNO.EINVAL);
  strictEqual(checkLoad(request({ ...known, flags: 0x3e, moreFlags: 0x3e })), 0);
});

/** The checks of C.2 once more, told page by page and slowly. */
function oracle({ segments, limit, ramPages, halfRam }: LoadRequest): number {
  if (segments.length > 16) return ERRNO.EINVAL;
  for (const { mem, memsz } of segments) {
    if ((mem | memsz) & (PAGE - 1)) return ERRNO.EADDRNOTAVAIL;
    if (mem + memsz >= limit) return ERRNO.EADDRNOTAVAIL;
  }
  // An empty segment is a point between two pages; only strictly inside another it is in its way.
  const filled = new Set<number>();
  const inner = new Set<number>();
  for (const { mem, memsz } of segments) {
    for (let at = mem; at < mem + memsz; at += PAGE) {
      if (filled.has(at)) return ERRNO.EINVAL;
      filled.add(at);
      if (at > mem) inner.add(at);
    }
  }
  if (segments.some(({ mem, memsz }) => memsz === 0 && inner.has(mem))) return ERRNO.EINVAL;
  if (segments.some(({ memsz, bufsz }) => bufsz > memsz)) return ERRNO.EINVAL;
  return halfRam && filled.size > ramPages / 2 ? ERRNO.EINVAL : 0;
}

Deno.test("checkLoad agrees with a page by page oracle on random segment lists", () => {
  const unit = fc.oneof(
    { weight: 12, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(1, 16, 2048) },
  );
  const pages = (max: number) =>
    fc.tuple(fc.nat(max), unit).map(([count, more]) => count * PAGE + more);
  const segment = fc.record({ mem: pages(60), memsz: pages(6), bufsz: pages(7) })
    .map((one) => ({
      ...one,
      bufsz: one.bufsz % 8 === 7 ? one.bufsz : Math.min(one.bufsz, one.memsz),
    }));
  const tally = new Map<number, number>();
  fc.assert(
    fc.property(
      fc.array(segment, { maxLength: 18, size: "max" }),
      fc.boolean(),
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom(61 * PAGE, 0x1_0000_0000),
      (segments, halfRam, ramPages, limit) => {
        const asked = request({ segments, halfRam, ramPages, limit });
        const expected = segments.length === 0 ? 0 : oracle(asked);
        tally.set(expected, (tally.get(expected) ?? 0) + 1);
        strictEqual(errnoName(checkLoad(asked)), errnoName(expected));
      },
    ),
    { numRuns: 2000 },
  );
  deepStrictEqual([...tally.keys()].sort((a, b) => a - b), [0, ERRNO.EINVAL, ERRNO.EADDRNOTAVAIL]);
});
