import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import { EM_386, EM_X86_64, parseElf } from "../../../machine/formats/elf.ts";
import {
  emitKimgcore,
  isKimgcore,
  kimgcoreBytes,
  type KimgcoreHeader,
  kimgcoreHeaderBytes,
  kimgcoreSize,
  listStart,
  parseKimgcore,
  sourcesInPage,
} from "../../../machine/formats/kimgcore.ts";
import {
  emitEntryList,
  IND_DESTINATION,
  IND_DONE,
  IND_INDIRECTION,
  IND_SOURCE,
  type KimageArch,
  walkEntryList,
} from "../../../machine/formats/kimage.ts";

const PAGE = 4096;
const GIB = 1024 ** 3;

const TWO: KimgcoreHeader = {
  machine: EM_386,
  entry: 0x36_40c0,
  segments: [{ mem: 0, memsz: 0x9_f000 }, { mem: 0x10_0000, memsz: 0x2000 }],
};

const headers = fc.record({
  machine: fc.constantFrom(EM_386, EM_X86_64),
  entry: fc.nat(),
  segments: fc.array(
    fc.record({
      mem: fc.nat(0xf_ffff).map((pfn) => pfn * PAGE),
      memsz: fc.nat(0xffff).map((pages) => pages * PAGE),
    }, { noNullPrototype: true }),
    { maxLength: 16 },
  ),
}, { noNullPrototype: true });

function patched(offset: number, value: number): Uint8Array {
  const bytes = emitKimgcore(TWO);
  bytes[offset] = value;
  return bytes;
}

Deno.test("emitKimgcore lays header and program headers out to the byte (E.3)", () => {
  const bytes = emitKimgcore(TWO);
  const view = new DataView(bytes.buffer);
  strictEqual(bytes.length, 64 + 2 * 56);
  deepStrictEqual([...bytes.subarray(0, 9)], [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0]);
  deepStrictEqual(
    [16, 18, 52, 54, 56, 58, 60, 62].map((at) => view.getUint16(at, true)),
    [4, EM_386, 64, 56, 2, 0, 0, 0],
  );
  strictEqual(view.getBigUint64(24, true), 0x36_40c0n);
  strictEqual(view.getBigUint64(32, true), 64n);
  // Class 64 though the machine is EM_386; data behind the last header, on no page's edge.
  const second = [0, 4].map((at) => view.getUint32(120 + at, true));
  deepStrictEqual(second, [1, 7]);
  deepStrictEqual(
    [8, 16, 24, 32, 40, 48].map((at) => Number(view.getBigUint64(120 + at, true))),
    [64 + 112 + 0x9_f000, 0, 0x10_0000, 0x2000, 0x2000, 4096],
  );
});

Deno.test("parseKimgcore gives back what emitKimgcore wrote", () => {
  fc.assert(fc.property(headers, (header) => {
    const bytes = emitKimgcore(header);
    strictEqual(bytes.length, kimgcoreHeaderBytes(header.segments.length));
    deepStrictEqual(parseKimgcore(bytes), header);
    strictEqual(parseElf(bytes).header.phnum, header.segments.length);
  }));
});

Deno.test("parseKimgcore refuses a header truncated at every byte", () => {
  const bytes = emitKimgcore(TWO);
  for (let length = 0; length < bytes.length; length++) {
    throws(() => parseKimgcore(bytes.subarray(0, length)), FormatError, `${length} bytes`);
    strictEqual(isKimgcore(bytes.subarray(0, length)), false);
  }
  ok(isKimgcore(bytes));
});

Deno.test("parseKimgcore refuses every field that the kernel would not write so", () => {
  const bad: readonly [string, number, number][] = [
    ["class 32", 4, 1],
    ["an executable", 16, 2],
    ["program headers elsewhere", 32, 65],
    ["section headers", 40, 1],
    ["flags", 48, 1],
    ["a note", 64, 4],
    ["no execute permission", 68, 6],
    ["data on another place", 72, 0xb1],
    ["a virtual address", 80, 1],
    ["an address inside a page", 88, 1],
    ["less in the file than in memory", 97, 0xe0],
    ["another alignment", 112, 1],
    ["the second one's data", 128, 1],
  ];
  for (const [what, offset, value] of bad) {
    throws(() => parseKimgcore(patched(offset, value)), FormatError, what);
  }
  // Both lengths alike, but half a page.
  const half = patched(97, 0xf8);
  half[105] = 0xf8;
  throws(() => parseKimgcore(half), /no whole pages/);
});

Deno.test("parseKimgcore throws nothing but FormatError for any bytes", () => {
  const begun = emitKimgcore(TWO);
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.nat(begun.length - 1), fc.nat(255)), { maxLength: 6 }),
    (changes) => {
      const bytes = begun.slice();
      for (const [at, value] of changes) bytes[at] = value;
      try {
        parseKimgcore(bytes);
      } catch (error) {
        ok(error instanceof FormatError);
      }
    },
  ));
});

Deno.test("kimgcoreSize wraps at 4 GiB, as an unsigned 32-bit number does (B.3.1)", () => {
  const segments = [{ mem: 0, memsz: 2 * GIB }, { mem: 4 * GIB, memsz: 2 * GIB - PAGE }];
  const header = kimgcoreHeaderBytes(2);
  strictEqual(kimgcoreBytes(segments), 4 * GIB - PAGE + header);
  strictEqual(kimgcoreSize(segments), 4 * GIB - PAGE + header);
  const more = [...segments, { mem: 8 * GIB, memsz: PAGE }];
  strictEqual(kimgcoreBytes(more), 4 * GIB + kimgcoreHeaderBytes(3));
  strictEqual(kimgcoreSize(more), kimgcoreHeaderBytes(3));
});

/** All sources by the page reader, page after page. */
function sourcesOf(arch: KimageArch, head: number, page: (pfn: number) => Uint8Array): number[] {
  const all: number[] = [];
  for (let at = listStart(head); at !== undefined;) {
    const { sources, next } = sourcesInPage(arch, page(at));
    all.push(...sources);
    at = next;
  }
  return all;
}

Deno.test("sourcesInPage finds the sources that the jump's own walk finds, in its order", () => {
  const segments = fc.array(
    fc.record({
      destination: fc.nat(0xffff),
      sources: fc.array(fc.nat(0xf_ffff), { maxLength: 700 }),
    }),
    { maxLength: 5 },
  );
  const arches = fc.constantFrom<KimageArch>("i386", "x86_64");
  fc.assert(
    fc.property(arches, segments, (arch, list) => {
      const { head, pages } = emitEntryList({
        arch,
        segments: list,
        indirectionPages: Array.from({ length: 12 }, (_, index) => 0x5000 + 2 * index),
      });
      const page = (pfn: number) =>
        pages.find((each) => each.pfn === pfn)?.bytes ?? new Uint8Array();
      const walked = walkEntryList(arch, head, page).map(({ source }) => source);
      deepStrictEqual(sourcesOf(arch, head, page), walked);
    }),
    { numRuns: 30 },
  );
});

Deno.test("sourcesInPage tests the flags in the kernel's order and passes over other words", () => {
  const bytes = new Uint8Array(PAGE);
  const view = new DataView(bytes.buffer);
  [
    0x1000 | IND_DESTINATION | IND_SOURCE,
    0x2000,
    0x3000 | IND_SOURCE,
    0x4000 | IND_INDIRECTION | IND_DONE | IND_SOURCE,
    0x5000 | IND_SOURCE,
  ].forEach((word, slot) => view.setUint32(slot * 4, word, true));
  deepStrictEqual(sourcesInPage("i386", bytes), { sources: [3], next: 4 });
  view.setUint32(12, 0x4000 | IND_DONE | IND_SOURCE, true);
  deepStrictEqual(sourcesInPage("i386", bytes), { sources: [3], next: undefined });
  throws(() => sourcesInPage("i386", new Uint8Array(PAGE)), FormatError);
  strictEqual(listStart(IND_DONE), undefined);
});
