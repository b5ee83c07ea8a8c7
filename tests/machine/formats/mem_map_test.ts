import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { toHex } from "../../../machine/digest.ts";
import { FormatError } from "../../../machine/errors.ts";
import { emitVmcoreinfo, parseVmcoreinfo } from "../../../machine/formats/elf_notes.ts";
import {
  classifyFrames,
  emitFrames,
  FRAME,
  FRAME_BYTES,
  framesWith,
  memMapBytes,
  parseFrames,
  readFrame,
  readVmcoreinfo,
  setFrames,
  vmcoreinfoOf,
} from "../../../machine/formats/mem_map.ts";
import { countPages, formatRuns, fromRuns } from "../../../machine/formats/page_runs.ts";

const frames = fc.array(
  fc.record({ flags: fc.nat(0xffff), owner: fc.nat(0xffff), count: fc.nat(0xffff_ffff) }, {
    noNullPrototype: true,
  }),
  { maxLength: 30 },
);

/** One page of each class, in this order. */
function oneOfEach(): Uint8Array {
  const order = ["reserved", "kernel", "user", "cache", "cachePrivate", "kimage", "free"] as const;
  return emitFrames(order.map((name) => ({ flags: FRAME[name], owner: 0, count: 1 })));
}

Deno.test("setFrames writes flags, owner and count of a run, little endian", () => {
  const table = new Uint8Array(memMapBytes(4));
  setFrames(table, { pfn: 1, count: 2 }, { flags: 0x0108, owner: 0x1234, count: 0xfedc_ba98 });
  const record = "0801" + "3412" + "98badcfe";
  strictEqual(toHex(table), "00".repeat(8) + record + record + "00".repeat(8));
  deepStrictEqual(readFrame(table, 2), { flags: 0x0108, owner: 0x1234, count: 0xfedc_ba98 });
});

Deno.test("setFrames and readFrame count from the first frame of a part of the table", () => {
  const part = new Uint8Array(memMapBytes(2));
  setFrames(part, { pfn: 0x201, count: 1 }, { flags: FRAME.user, owner: 7, count: 1 }, 0x200);
  strictEqual(readFrame(part, 0x201, 0x200).owner, 7);
  strictEqual(formatRuns(framesWith(part, FRAME.user, 0x200)), "201+1");
});

Deno.test("setFrames and readFrame refuse frames outside the table", () => {
  const table = new Uint8Array(memMapBytes(4));
  const frame = { flags: 1, owner: 0, count: 0 };
  throws(() => setFrames(table, { pfn: 3, count: 2 }, frame), RangeError);
  throws(() => setFrames(table, { pfn: 1, count: 1 }, frame, 2), RangeError);
  throws(() => setFrames(table, { pfn: 0, count: 1 }, { ...frame, owner: 0x1_0000 }), RangeError);
  throws(() => readFrame(table, 4), FormatError);
  throws(() => readFrame(table, 1, 2), FormatError);
});

Deno.test("parseFrames and emitFrames round-trip any records", () => {
  fc.assert(fc.property(frames, (list) => {
    deepStrictEqual(parseFrames(emitFrames(list)), list);
  }));
});

Deno.test("parseFrames refuses a table truncated within a record", () => {
  const table = oneOfEach();
  for (let length = 0; length < table.length; length++) {
    const part = table.subarray(0, length);
    if (length % FRAME_BYTES === 0) parseFrames(part);
    else {
      throws(() => parseFrames(part), FormatError);
      throws(() => classifyFrames(part, 0), FormatError);
    }
  }
});

Deno.test("classifyFrames leaves out exactly what each bit of the level names", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0+7"],
    [2, "0+3,4+3"],
    [4, "0+3,5+2"],
    [6, "0+3,5+2"],
    [8, "0+2,3+4"],
    [16, "0+6"],
    [31, "0+2,5+1"],
  ];
  for (const [level, kept] of cases) {
    strictEqual(formatRuns(classifyFrames(oneOfEach(), level).kept), kept, `level ${level}`);
  }
  deepStrictEqual(classifyFrames(oneOfEach(), 31).excluded, {
    zero: 0,
    cache: 1,
    cachePrivate: 1,
    user: 1,
    free: 1,
  });
});

Deno.test("classifyFrames counts a zero page in its other class first", () => {
  const zero = () => true;
  const nothing = { zero: 0, cache: 0, cachePrivate: 0, user: 0, free: 0 };
  deepStrictEqual(classifyFrames(oneOfEach(), 1, zero), {
    kept: [],
    excluded: { ...nothing, zero: 7 },
  });
  deepStrictEqual(classifyFrames(oneOfEach(), 17, zero).excluded, { ...nothing, zero: 6, free: 1 });
  const asked: number[] = [];
  classifyFrames(oneOfEach(), 17, (pfn) => asked.push(pfn) < 0);
  deepStrictEqual(asked, [0, 1, 2, 3, 4, 5]);
  strictEqual(formatRuns(classifyFrames(oneOfEach(), 16, zero).kept), "0+6");
});

Deno.test("classifyFrames keeps or counts every page once, whatever the table", () => {
  fc.assert(fc.property(frames, fc.nat(31), fc.nat(3), (list, level, modulus) => {
    const { kept, excluded } = classifyFrames(emitFrames(list), level, (pfn) => pfn % 4 > modulus);
    const out = Object.values(excluded).reduce((sum, count) => sum + count, 0);
    strictEqual(countPages(kept) + out, list.length);
    if (level === 16) {
      const live = list.flatMap(({ flags }, pfn) => (flags & FRAME.free) === 0 ? [pfn] : []);
      deepStrictEqual(fromRuns(kept), live);
    }
  }));
});

Deno.test("classifyFrames refuses levels makedumpfile does not have", () => {
  for (const level of [-1, 32, 1.5, Number.NaN]) {
    throws(() => classifyFrames(oneOfEach(), level), RangeError);
  }
});

Deno.test("framesWith finds the runs with any of the flags", () => {
  strictEqual(formatRuns(framesWith(oneOfEach(), FRAME.cache | FRAME.cachePrivate)), "3+2");
  strictEqual(formatRuns(framesWith(oneOfEach(), FRAME.nosave)), "");
});

const INFO = {
  osRelease: "2.6.27",
  kernelName: "A",
  memMapPhysical: 0x1a0_0000,
  frameCount: 16_384,
  buildId: "3a7d0a66",
  crashTime: 1_795_196_435,
};

Deno.test("vmcoreinfoOf and readVmcoreinfo round-trip through the text", () => {
  for (const info of [INFO, { osRelease: "", kernelName: "B", memMapPhysical: 0, frameCount: 0 }]) {
    const text = new TextDecoder().decode(emitVmcoreinfo(vmcoreinfoOf(info)));
    deepStrictEqual(readVmcoreinfo(parseVmcoreinfo(text)), info);
  }
  const text = new TextDecoder().decode(emitVmcoreinfo(vmcoreinfoOf(INFO)));
  strictEqual(text.includes("SYMBOL(mem_map)=1a00000\n"), true);
  strictEqual(text.includes("NUMBER(PG_private)=7\n"), true);
});

Deno.test("readVmcoreinfo refuses the text of another kernel", () => {
  const without = (key: string) => new Map(vmcoreinfoOf(INFO).filter(([name]) => name !== key));
  for (const key of ["OSRELEASE", "KERNELNAME", "PAGESIZE", "SYMBOL(mem_map)", "LENGTH(mem_map)"]) {
    throws(() => readVmcoreinfo(without(key)), FormatError, key);
  }
  const edits: readonly (readonly [string, string])[] = [
    ["PAGESIZE", "16384"],
    ["SIZE(page)", "56"],
    ["OFFSET(page.flags)", "8"],
    ["SYMBOL(mem_map)", "ffffffff81c1f3e0"],
    ["SYMBOL(mem_map)", "0x1000"],
    ["LENGTH(mem_map)", "many"],
  ];
  for (const [key, value] of edits) {
    throws(() => readVmcoreinfo(without(key).set(key, value)), FormatError, `${key}=${value}`);
  }
});
