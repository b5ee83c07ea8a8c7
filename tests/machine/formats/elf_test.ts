import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex } from "../../../machine/digest.ts";
import { FormatError } from "../../../machine/errors.ts";
import {
  type ElfClass,
  elfHeaderBytes,
  EM_386,
  EM_X86_64,
  emitElf,
  ET_CORE,
  parseElf,
  programHeaderBytes,
  PT_LOAD,
  PT_NOTE,
} from "../../../machine/formats/elf.ts";
import { REAL_VMCORE_HEADER } from "./real_vmcore.ts";

const RWX = 7;

function sample(elfClass: ElfClass): Uint8Array {
  return emitElf({ class: elfClass, type: ET_CORE, machine: EM_386, entry: 0x1234 }, [
    { type: PT_NOTE, flags: 0, offset: 9, vaddr: 0n, paddr: 0, filesz: 8, memsz: 8, align: 4 },
    {
      type: PT_LOAD,
      flags: RWX,
      offset: 0x1000,
      vaddr: 0xffff_ffffn,
      paddr: 0x10_0000,
      filesz: 5,
      memsz: 6,
      align: 0,
    },
  ]);
}

Deno.test("parseElf reads the headers of a recorded vmcore", () => {
  const { header, programs } = parseElf(fromHex(REAL_VMCORE_HEADER));
  deepStrictEqual(header, {
    class: 64,
    type: ET_CORE,
    machine: EM_X86_64,
    entry: 0,
    phoff: 64,
    shoff: 0,
    flags: 0,
    phnum: 5,
  });
  deepStrictEqual(programs.map((each) => each.type), [PT_NOTE, PT_LOAD, PT_LOAD, PT_LOAD, PT_LOAD]);
  deepStrictEqual(programs[1], {
    type: PT_LOAD,
    flags: RWX,
    offset: 0x2000,
    vaddr: 0xffff_ffff_8100_0000n,
    paddr: 0x100_0000,
    filesz: 0xe2_0000,
    memsz: 0xe2_0000,
    align: 0,
  });
});

Deno.test("emitElf gives the recorded headers back byte for byte", () => {
  const { header, programs } = parseElf(fromHex(REAL_VMCORE_HEADER));
  strictEqual(toHex(emitElf(header, programs)), REAL_VMCORE_HEADER);
});

Deno.test("emitElf writes the offsets of ELF32", () => {
  strictEqual(
    toHex(sample(32)),
    "7f454c46010101000000000000000000" + "0400" + "0300" + "01000000" + "34120000" + "34000000" +
      "00000000" + "00000000" + "3400" + "2000" + "0200" + "000000000000" +
      "04000000" + "09000000" + "00000000" + "00000000" + "08000000" + "08000000" + "00000000" +
      "04000000" +
      "01000000" + "00100000" + "ffffffff" + "00001000" + "05000000" + "06000000" + "07000000" +
      "00000000",
  );
});

Deno.test("parseElf and emitElf round-trip any header", () => {
  const property = (elfClass: ElfClass) => {
    const word = elfClass === 64 ? fc.maxSafeNat() : fc.nat(0xffff_ffff);
    const u32 = fc.nat(0xffff_ffff);
    const vaddr = fc.bigInt({ min: 0n, max: (1n << BigInt(elfClass)) - 1n });
    const program = fc.record({
      type: u32,
      flags: u32,
      offset: word,
      vaddr,
      paddr: word,
      filesz: word,
      memsz: word,
      align: word,
    }, { noNullPrototype: true });
    const u16 = fc.nat(0xffff);
    const init = fc.record({ type: u16, machine: u16, entry: word, flags: u32 }, {
      noNullPrototype: true,
    });
    fc.assert(fc.property(init, fc.array(program, { maxLength: 6 }), (fields, programs) => {
      const bytes = emitElf({ class: elfClass, ...fields }, programs);
      const length = elfHeaderBytes(elfClass) + programs.length * programHeaderBytes(elfClass);
      strictEqual(bytes.length, length);
      const parsed = parseElf(bytes);
      const phoff = elfHeaderBytes(elfClass);
      deepStrictEqual(parsed, {
        header: { class: elfClass, ...fields, phoff, shoff: 0, phnum: programs.length },
        programs,
      });
    }));
  };
  property(32);
  property(64);
});

Deno.test("parseElf refuses a truncated header at every byte", () => {
  for (const elfClass of [32, 64] as const) {
    const bytes = sample(elfClass);
    for (let length = 0; length < bytes.length; length++) {
      throws(() => parseElf(bytes.subarray(0, length)), FormatError, `${elfClass}: ${length}`);
    }
  }
});

Deno.test("parseElf needs no content after the headers, and ignores what there is", () => {
  const bytes = sample(32);
  const longer = new Uint8Array(bytes.length + 100).fill(0xee);
  longer.set(bytes);
  deepStrictEqual(parseElf(longer), parseElf(bytes));
});

Deno.test("parseElf says what is wrong and where", () => {
  const cases: readonly (readonly [number, number, RegExp])[] = [
    [0, 0x7e, /not an ELF file \(at byte 0\)/],
    [3, 0x47, /not an ELF file \(at byte 3\)/],
    [4, 3, /unknown class 3 \(at byte 4\)/],
    [4, 0, /unknown class 0/],
    [5, 2, /big endian, wanted little endian \(at byte 5\)/],
    [5, 7, /unknown byte order 7/],
    [6, 2, /version 2 in the identification/],
    [20, 2, /version 2, wanted 1 \(at byte 20\)/],
    [52, 63, /header size 63, not 64/],
    [54, 32, /program header size 32, not 56 \(at byte 54\)/],
    [56, 3, /program headers end at 232, past the end at 176/],
    [33, 1, /past the end/],
    [30, 0x20, /entry 0x20000000001234 is over 2\^53 \(at byte 24\)/],
  ];
  for (const [offset, value, message] of cases) {
    const bytes = sample(64);
    bytes[offset] = value;
    throws(() => parseElf(bytes), { name: "FormatError", message }, `${offset}=${value}`);
  }
  const extended = sample(64);
  extended.fill(0xff, 56, 58);
  throws(() => parseElf(extended), FormatError);
});

Deno.test("parseElf throws nothing but FormatError on any bytes", () => {
  const start = sample(64);
  const edit = fc.tuple(fc.nat(start.length - 1), fc.nat(255));
  fc.assert(fc.property(fc.array(edit, { maxLength: 8 }), (edits) => {
    const bytes = start.slice();
    for (const [offset, value] of edits) bytes[offset] = value;
    try {
      parseElf(bytes);
    } catch (error) {
      strictEqual(error instanceof FormatError, true, String(error));
    }
  }));
});

Deno.test("emitElf refuses numbers that do not fit the class", () => {
  const init = { class: 32, type: ET_CORE, machine: EM_386, entry: 0 } as const;
  const load = {
    type: PT_LOAD,
    flags: 0,
    offset: 0,
    vaddr: 0n,
    paddr: 0,
    filesz: 0,
    memsz: 0,
    align: 0,
  };
  throws(() => emitElf({ ...init, entry: 2 ** 32 }, []), RangeError);
  throws(() => emitElf({ ...init, machine: 65_536 }, []), RangeError);
  throws(() => emitElf(init, [{ ...load, paddr: 2 ** 32 }]), RangeError);
  throws(() => emitElf(init, [{ ...load, vaddr: -1n }]), RangeError);
  emitElf({ ...init, class: 64 }, [{ ...load, paddr: 2 ** 32 }]);
});
