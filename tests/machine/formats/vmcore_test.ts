import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { toHex } from "../../../machine/digest.ts";
import { FormatError } from "../../../machine/errors.ts";
import {
  EM_386,
  EM_X86_64,
  emitElf,
  ET_CORE,
  parseElf,
  PT_LOAD,
  PT_NOTE,
} from "../../../machine/formats/elf.ts";
import {
  buildCoreHeaders,
  CORE_HEADERS,
  type CoreHeadersInit,
  coreNoteBuffers,
  dumpLayout,
  excludeRanges,
  fileToPhysical,
  LINEAR_OFFSET,
  LOWMEM_LIMIT_I386,
  physicalToFile,
  vmcoreLayout,
} from "../../../machine/formats/vmcore.ts";
import { REAL_VMCORE_HEADER } from "./real_vmcore.ts";

const MIB = 0x10_0000;

/** The guest whose kdump vmcore was recorded: 128 MiB, reservation 56M@32M, text at 16 MiB. */
const RECORDED: CoreHeadersInit = {
  class: 64,
  machine: EM_X86_64,
  ramRanges: [{ start: 0x1000, end: 0x9fc00 }, { start: MIB, end: 0x7fdd000 }],
  excluded: [{ start: 32 * MIB, end: 88 * MIB }],
  notes: [{ paddr: 0x7c1_4000, size: 0x168 }, { paddr: 0x1e_6000, size: 0x1018 }],
  linearOffset: LINEAR_OFFSET.x86_64,
  lowmemLimit: Infinity,
  backup: { start: 0, end: 0xa_0000, copy: 0x57e_0000 },
  kernelText: { start: 16 * MIB, end: 0x1e2_0000, vaddr: 0xffff_ffff_8100_0000n },
};

/** The 2008 layout: i386, window [1M,16M), 64 MiB, low 640K taken as part of the window. */
const WINDOWED: CoreHeadersInit = {
  class: 32,
  machine: EM_386,
  ramRanges: [{ start: 0, end: 0xa_0000 }, { start: MIB, end: 64 * MIB }],
  excluded: [{ start: MIB, end: 16 * MIB }, { start: 0, end: 0xa_0000 }],
  notes: [{ paddr: 0x123_4000, size: 400 }],
  linearOffset: LINEAR_OFFSET.i386,
  lowmemLimit: LOWMEM_LIMIT_I386,
};

Deno.test("vmcoreLayout rebuilds a recorded vmcore's headers byte for byte", () => {
  const layout = vmcoreLayout(buildCoreHeaders(RECORDED), new Uint8Array(0xdf4));
  strictEqual(toHex(layout.header), REAL_VMCORE_HEADER);
  strictEqual(layout.noteOffset, 0x1000);
  deepStrictEqual(layout.segments, [
    { fileOffset: 0x2000, physical: 0x100_0000, length: 0xe2_0000, source: 0x100_0000 },
    { fileOffset: 0xe2_2000, physical: 0x1000, length: 0x9_f000, source: 0x57e_1000 },
    { fileOffset: 0xec_1000, physical: MIB, length: 31 * MIB, source: MIB },
    { fileOffset: 0x2dc_1000, physical: 88 * MIB, length: 0x27d_d000, source: 88 * MIB },
  ]);
  // Fact of the recording: the core had this length to the byte.
  strictEqual(layout.fileLength, 0x2dc_1000 + 0x27d_d000);
});

Deno.test("buildCoreHeaders leaves the window out and is a multiple of 1024", () => {
  const bytes = buildCoreHeaders(WINDOWED);
  strictEqual(bytes.length, 1024);
  const { header, programs } = parseElf(bytes);
  deepStrictEqual([header.class, header.type, header.machine, header.entry], [32, ET_CORE, 3, 0]);
  const start = 16 * MIB;
  const size = 48 * MIB;
  deepStrictEqual(programs, [
    {
      type: PT_NOTE,
      flags: 0,
      offset: 0x123_4000,
      vaddr: 0n,
      paddr: 0x123_4000,
      filesz: 400,
      memsz: 400,
      align: 0,
    },
    {
      type: PT_LOAD,
      flags: 7,
      offset: start,
      vaddr: 0xc100_0000n,
      paddr: start,
      filesz: size,
      memsz: size,
      align: 0,
    },
  ]);
  deepStrictEqual(coreNoteBuffers(bytes), WINDOWED.notes);
});

Deno.test("buildCoreHeaders gives memory past the low limit the address of all ones", () => {
  const ramRanges = [{ start: 0x3000_0000, end: 0x3800_0000 }, {
    start: 0x3800_0000,
    end: 0x4000_0000,
  }];
  const of = (elfClass: 32 | 64) =>
    parseElf(buildCoreHeaders({ ...WINDOWED, class: elfClass, notes: [], ramRanges }))
      .programs.map((each) => each.vaddr);
  deepStrictEqual(of(32), [0xf000_0000n, 0xffff_ffffn]);
  deepStrictEqual(of(64), [0xf000_0000n, 0xffff_ffff_ffff_ffffn]);
});

Deno.test("buildCoreHeaders grows by 1024 when the program headers need it", () => {
  const ramRanges = Array.from({ length: 40 }, (_, i) => ({ start: i * MIB, end: i * MIB + 4096 }));
  const init = { ...WINDOWED, excluded: [], ramRanges };
  strictEqual(buildCoreHeaders(init).length, 2048);
  throws(() => buildCoreHeaders({ ...init, ramRanges: ramRanges.toReversed() }), RangeError);
});

Deno.test("excludeRanges agrees with sets of bytes", () => {
  const range = fc.tuple(fc.nat(60), fc.nat(12)).map(([start, n]) => ({ start, end: start + n }));
  const bytesOf = (ranges: readonly { start: number; end: number }[]) =>
    new Set(
      ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)),
    );
  fc.assert(fc.property(range, fc.array(range, { maxLength: 5 }), (from, away) => {
    const left = excludeRanges([from], away);
    deepStrictEqual(bytesOf(left), bytesOf([from]).difference(bytesOf(away)));
  }));
});

Deno.test("vmcoreLayout merges any number of notes and rounds ranges out to pages", () => {
  const headers = buildCoreHeaders({
    ...WINDOWED,
    ramRanges: [{ start: 0x1800, end: 0x2800 }, { start: MIB, end: MIB + 1 }],
    excluded: [],
    notes: Array.from({ length: 8 }, (_, cpu) => ({ paddr: 0x5000 + cpu * 400, size: 400 })),
  });
  const layout = vmcoreLayout(headers, new Uint8Array(5000));
  const { programs } = parseElf(layout.header);
  deepStrictEqual(programs.map((each) => [each.type, each.offset, each.filesz]), [
    [PT_NOTE, 0x1000, 5000],
    [PT_LOAD, 0x3800, 0x1000],
    [PT_LOAD, 0x5000, 1],
  ]);
  deepStrictEqual(layout.segments, [
    { fileOffset: 0x3000, physical: 0x1000, length: 0x2000, source: 0x1000 },
    { fileOffset: 0x5000, physical: MIB, length: 0x1000, source: MIB },
  ]);
  strictEqual(layout.fileLength, 0x6000);
});

Deno.test("vmcoreLayout refuses insane core headers at every truncation and bad value", () => {
  const good = buildCoreHeaders(WINDOWED);
  const headers = 52 + 2 * 32;
  for (let length = 0; length < headers; length++) {
    throws(() => vmcoreLayout(good.subarray(0, length), new Uint8Array()), {
      name: "FormatError",
      format: CORE_HEADERS,
    });
  }
  const bad = [[0, 0], [4, 9], [5, 2], [16, 2], [20, 0], [40, 1], [42, 9], [44, 0], [44, 200]];
  for (const [offset = 0, value = 0] of bad) {
    const bytes = good.slice();
    bytes[offset] = value;
    throws(() => vmcoreLayout(bytes, new Uint8Array()), { format: CORE_HEADERS }, `${offset}`);
  }
});

Deno.test("vmcoreLayout refuses the load over 2^53 that stock kexec-tools can make", () => {
  const load = {
    type: PT_LOAD,
    flags: 7,
    offset: MIB,
    vaddr: 0n,
    paddr: MIB,
    filesz: 0,
    memsz: 0,
    align: 0,
  };
  const init = { class: 64, type: ET_CORE, machine: EM_X86_64, entry: 0 } as const;
  const bytes = emitElf(init, [load]);
  new DataView(bytes.buffer).setBigUint64(64 + 40, 0xffff_ffff_ffff_0000n, true);
  throws(() => vmcoreLayout(bytes, new Uint8Array()), { format: CORE_HEADERS });
  const askew = emitElf(init, [{ ...load, offset: MIB + 8, memsz: 16, filesz: 16 }]);
  throws(() => vmcoreLayout(askew, new Uint8Array()), /another place within the page/);
  const sums = emitElf(init, [1, 2].map(() => ({ ...load, memsz: 2 ** 53 - 4096 })));
  throws(() => vmcoreLayout(sums, new Uint8Array()), { format: CORE_HEADERS });
});

Deno.test("vmcoreLayout refuses a file of ELF32 over 4 GiB", () => {
  const ramRanges = [{ start: 0, end: 0xffff_f000 }];
  const headers = buildCoreHeaders({ ...WINDOWED, ramRanges, excluded: [] });
  throws(() => vmcoreLayout(headers, new Uint8Array(8)), /needs ELF64/);
});

Deno.test("vmcoreLayout throws nothing but FormatError on any core headers", () => {
  const start = buildCoreHeaders(RECORDED);
  const edit = fc.tuple(fc.nat(400), fc.nat(255));
  fc.assert(fc.property(fc.array(edit, { maxLength: 6 }), (edits) => {
    const bytes = start.slice();
    for (const [offset, value] of edits) bytes[offset] = value;
    try {
      vmcoreLayout(bytes, new Uint8Array(16));
    } catch (error) {
      strictEqual(error instanceof FormatError, true, String(error));
    }
  }));
});

Deno.test("dumpLayout puts headers, note and page-aligned content one behind the other", () => {
  const note = new Uint8Array(100).fill(7);
  const layout = dumpLayout({
    class: 32,
    machine: EM_386,
    entry: 0xabc0c0,
    note,
    ranges: [{ start: 0x1000, end: 0x3000 }, { start: MIB, end: MIB + 0x10c00 }],
  });
  const { header, programs } = parseElf(layout.header);
  strictEqual(header.entry, 0xabc0c0);
  strictEqual(layout.noteOffset, 52 + 3 * 32);
  deepStrictEqual(programs.map((each) => [each.type, each.offset, each.vaddr, each.memsz]), [
    [PT_NOTE, layout.noteOffset, 0n, 100],
    [PT_LOAD, 0x1000, 0xc000_1000n, 0x2000],
    [PT_LOAD, 0x3000, 0xc010_0000n, 0x10c00],
  ]);
  strictEqual(layout.fileLength, 0x13c00);
  const wide = dumpLayout({ class: 64, machine: EM_X86_64, note, ranges: [{ start: 0, end: 1 }] });
  strictEqual(parseElf(wide.header).programs[1]?.vaddr, LINEAR_OFFSET.x86_64);
  const bad = [{ start: 0x800, end: 0x1000 }];
  throws(() => dumpLayout({ class: 32, machine: EM_386, note, ranges: bad }), RangeError);
});

Deno.test("physicalToFile and fileToPhysical are each other's inverse", () => {
  const layout = vmcoreLayout(buildCoreHeaders(WINDOWED), new Uint8Array(20));
  strictEqual(physicalToFile(layout, 16 * MIB), 0x2000);
  strictEqual(physicalToFile(layout, 16 * MIB - 1), undefined);
  strictEqual(physicalToFile(layout, 64 * MIB), undefined);
  strictEqual(fileToPhysical(layout, 0x1fff), undefined);
  strictEqual(fileToPhysical(layout, layout.fileLength), undefined);
  fc.assert(fc.property(fc.integer({ min: 16 * MIB, max: 64 * MIB - 1 }), (address) => {
    const offset = physicalToFile(layout, address);
    strictEqual(offset !== undefined && fileToPhysical(layout, offset), address);
  }));
});
