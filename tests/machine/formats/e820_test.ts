import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { FormatError } from "../../../machine/errors.ts";
import {
  applyMemmap,
  E820_TYPE,
  e820Crc32,
  type E820Entry,
  e820FromIomem,
  emitE820,
  emitE820Counted,
  emitIomem,
  endOf,
  formatE820,
  iomemFromE820,
  parseE820,
  parseE820Counted,
  parseIomem,
  parseMemmap,
  parseSize,
  ramRanges,
  sanitizeE820,
} from "../../../machine/formats/e820.ts";
import { virtualMachineE820 } from "../../../machine/formats/e820_profiles.ts";

const MIB = 1024 * 1024;

/** The map that a kernel of 6.1 was given on QEMU with 256 MiB. */
const RECORDED: readonly E820Entry[] = virtualMachineE820(256 * MIB);

const entry: fc.Arbitrary<E820Entry> = fc.record({
  start: fc.integer({ min: 0, max: 2 ** 40 }),
  length: fc.integer({ min: 0, max: 2 ** 40 }),
  type: fc.constantFrom(1, 2, 3, 4, 5, 7, 12, 128, 0xefff_ffff, 99),
}, { noNullPrototype: true });
const small: fc.Arbitrary<E820Entry> = fc.record({
  start: fc.integer({ min: 0, max: 60 }),
  length: fc.integer({ min: 0, max: 20 }),
  type: fc.constantFrom(1, 2, 3, 12),
});
const entries = fc.array(entry, { maxLength: 20 });

Deno.test("emitE820 lays an entry out in 20 bytes", () => {
  deepStrictEqual(
    [...emitE820([{ start: 0x1_2345_6000, length: 0x1000, type: 3 }])],
    [0, 0x60, 0x45, 0x23, 1, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0],
  );
});

Deno.test("parseE820 gives back what emitE820 was given, with and without count", () => {
  fc.assert(fc.property(entries, (list) => {
    deepStrictEqual(parseE820(emitE820(list)), list);
    deepStrictEqual(parseE820Counted(emitE820Counted(list)), list);
  }));
});

Deno.test("parseE820 refuses a table cut at every byte that is no end of an entry", () => {
  const bytes = emitE820(RECORDED);
  const counted = emitE820Counted(RECORDED);
  for (let length = 0; length < bytes.length; length++) {
    if (length % 20 !== 0) throws(() => parseE820(bytes.subarray(0, length)), FormatError);
  }
  for (let length = 0; length < counted.length; length++) {
    throws(() => parseE820Counted(counted.subarray(0, length)), FormatError);
  }
});

Deno.test("parseE820 refuses too many entries and ranges above 2^53", () => {
  throws(() => parseE820(new Uint8Array(129 * 20)), FormatError);
  throws(() => parseE820Counted(Uint8Array.of(129, 0, 0, 0)), FormatError);
  const high = emitE820([{ start: 0, length: 0, type: 1 }]);
  high[7] = 0xff;
  throws(() => parseE820(high), FormatError);
  throws(() => emitE820([{ start: 2 ** 52, length: 2 ** 52, type: 1 }]), FormatError);
});

Deno.test("e820Crc32 of the recorded map is the one in the recorded hibernation header", () => {
  strictEqual(e820Crc32(RECORDED), 0xba571fd2);
});

Deno.test("formatE820 writes lines as the kernel's log", () => {
  const lines = formatE820(RECORDED, "BIOS-e820");
  strictEqual(lines[0], "BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable");
  strictEqual(lines[3], "BIOS-e820: [mem 0x0000000000100000-0x000000000ffdcfff] usable");
  strictEqual(lines[6], "BIOS-e820: [mem 0x000000fd00000000-0x000000ffffffffff] reserved");
  deepStrictEqual(formatE820([{ start: 0, length: 16, type: 99 }]), [
    "[mem 0x0000000000000000-0x000000000000000f] type 99",
  ]);
});

Deno.test("sanitizeE820 lets the highest type hold in every byte", () => {
  fc.assert(fc.property(fc.array(small, { maxLength: 12 }), (list) => {
    const result = sanitizeE820(list);
    for (let address = 0; address < 90; address++) {
      const covers = (each: E820Entry) => each.start <= address && address < endOf(each);
      const wanted = Math.max(-1, ...list.filter(covers).map((each) => each.type));
      const found = result.filter(covers).map((each) => each.type);
      deepStrictEqual(found, wanted < 0 ? [] : [wanted]);
    }
  }));
});

Deno.test("sanitizeE820 sorts, merges neighbours of a type and is idempotent", () => {
  fc.assert(fc.property(fc.array(small, { maxLength: 12 }), (list) => {
    const result = sanitizeE820(list);
    deepStrictEqual(sanitizeE820(result), result);
    for (const [index, each] of result.entries()) {
      const next = result[index + 1];
      ok(each.length > 0);
      if (next === undefined) continue;
      ok(endOf(each) <= next.start);
      ok(endOf(each) < next.start || each.type !== next.type || each.type === E820_TYPE.pram);
    }
  }));
});

Deno.test("sanitizeE820 keeps touching PRAM ranges apart, unlike RAM", () => {
  const touching = (type: number) => [0, 0x1000].map((start) => ({ start, length: 0x1000, type }));
  strictEqual(sanitizeE820(touching(E820_TYPE.pram)).length, 2);
  strictEqual(sanitizeE820(touching(E820_TYPE.softReserved)).length, 2);
  strictEqual(sanitizeE820(touching(E820_TYPE.ram)).length, 1);
});

Deno.test("ramRanges merges RAM and reserved-kernel, and leaves out what another type covers", () => {
  deepStrictEqual(
    ramRanges([
      { start: 0x3000, length: 0x1000, type: 128 },
      { start: 0x1000, length: 0x2000, type: 1 },
      { start: 0x1800, length: 0x100, type: 2 },
    ]),
    [{ start: 0x1000, length: 0x800 }, { start: 0x1900, length: 0x2700 }],
  );
});

Deno.test("parseSize reads the kernel's sizes", () => {
  strictEqual(parseSize("192M"), 192 * MIB);
  strictEqual(parseSize("0x6f000"), 0x6f000);
  strictEqual(parseSize("0X10k"), 0x4000);
  strictEqual(parseSize("010"), 8);
  strictEqual(parseSize("0"), 0);
  strictEqual(parseSize("2g"), 2 ** 31);
  for (const text of ["", "M", "08", "0x", "1Q", "1 M", "-1", "1MM", "9E"]) {
    strictEqual(parseSize(text), undefined, text);
  }
});

Deno.test("applyMemmap gives the recorded map for mem=192M on 1 GiB", () => {
  deepStrictEqual(formatE820(applyMemmap("nokaslr mem=192M x=1", virtualMachineE820(1024 * MIB))), [
    "[mem 0x0000000000000000-0x000000000009fbff] usable",
    "[mem 0x000000000009fc00-0x000000000009ffff] reserved",
    "[mem 0x00000000000f0000-0x00000000000fffff] reserved",
    "[mem 0x0000000000100000-0x000000000bffffff] usable",
    "[mem 0x000000003ffdd000-0x000000003fffffff] reserved",
    "[mem 0x00000000fffc0000-0x00000000ffffffff] reserved",
    "[mem 0x000000fd00000000-0x000000ffffffffff] reserved",
  ]);
});

Deno.test("applyMemmap gives the recorded map of a kernel that was jumped to", () => {
  const line = "memmap=exactmap memmap=0x6f000@0x1000 memmap=0x3ffc000@0x4000000 " +
    "memmap=0x3f00000#0x100000 memmap=0x7fdd000#0x8000000 lab_role=B";
  deepStrictEqual(formatE820(applyMemmap(line, RECORDED)), [
    "[mem 0x0000000000001000-0x000000000006ffff] usable",
    "[mem 0x0000000000100000-0x0000000003ffffff] ACPI data",
    "[mem 0x0000000004000000-0x0000000007ffbfff] usable",
    "[mem 0x0000000008000000-0x000000000ffdcfff] ACPI data",
  ]);
});

Deno.test("applyMemmap takes items in their order, also several in one parameter", () => {
  const firmware = [{ start: 0, length: 64 * MIB, type: 1 }];
  deepStrictEqual(applyMemmap("memmap=1M@0,exactmap,1M@2M", firmware), [
    { start: 2 * MIB, length: MIB, type: 1 },
  ]);
  deepStrictEqual(applyMemmap("memmap=1M$1M memmap=4M", firmware), [
    { start: 0, length: MIB, type: 1 },
    { start: MIB, length: MIB, type: 2 },
    { start: 2 * MIB, length: 2 * MIB, type: 1 },
  ]);
  deepStrictEqual(applyMemmap("quiet -- mem=1M", firmware), firmware);
});

Deno.test("parseMemmap shows malformed items, and applyMemmap ignores them", () => {
  const line = "mem=0 mem=x memmap=1M@ memmap=1M?2M memmap=@1M mem=1Mx";
  const items = parseMemmap(line);
  strictEqual(items.length, 6);
  ok(items.every((item) => item.kind === "malformed"));
  deepStrictEqual(applyMemmap(line, RECORDED), RECORDED);
});

const IOMEM = `00000000-00000fff : Reserved
00001000-0009fbff : System RAM
000a0000-000bffff : PCI Bus 0000:00
00100000-0bffffff : System RAM
  01000000-01600f9f : Kernel code
40000000-febfffff : PCI Bus 0000:00
  febf8000-febfbfff : 0000:00:02.0
    febf8000-febfbfff : virtio-pci-modern
100000000-17fffffff : PCI Bus 0000:00
fd00000000-ffffffffff : Reserved
`;

Deno.test("parseIomem and emitIomem keep a recorded text", () => {
  const resources = parseIomem(IOMEM);
  strictEqual(emitIomem(resources), IOMEM);
  deepStrictEqual(e820FromIomem(resources), [
    { start: 0, length: 0x1000, type: 2 },
    { start: 0x1000, length: 0x9ec00, type: 1 },
    { start: 0x10_0000, length: 0xbf0_0000, type: 1 },
    { start: 0xfd_0000_0000, length: 0x3_0000_0000, type: 2 },
  ]);
});

Deno.test("iomemFromE820 names types so that e820FromIomem finds them again", () => {
  const types = [1, 2, 3, 4, 5, 7, 12, 0xefff_ffff];
  const list = types.map((type, index) => ({ start: index * 0x1000, length: 0x1000, type }));
  deepStrictEqual(e820FromIomem(parseIomem(emitIomem(iomemFromE820(list)))), list);
});

Deno.test("parseIomem says where a line is wrong", () => {
  const bad = (line: string) => () => parseIomem(`00000000-00000fff : Reserved\n${line}\n`);
  const at29 = (error: FormatError) => error instanceof FormatError && error.offset === 29;
  throws(bad("00001000-00000fff : System RAM"), at29);
  throws(bad(" 00001000-00001fff : System RAM"), at29);
  throws(bad("00001000 : System RAM"), at29);
  throws(bad("0-ffffffffffffffff : System RAM"), at29);
});
