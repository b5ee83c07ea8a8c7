import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  type KernelSegment,
  leastWindow,
  placeKernel,
  type WindowInput,
  type WindowKernel,
} from "../../../machine/formats/kernel_window.ts";

const MIB = 1024 * 1024;

/** Kernel and command line of the recorded loads. */
const KERNEL: WindowKernel = {
  setupBytes: 0x4000,
  loadBytes: 0x20_0400,
  initSize: 0xe9_8000,
  kernelAlignment: 0x20_0000,
  relocatable: true,
  initrdAddressMax: 0x7fff_ffff,
  commandLineSize: 2047,
};
const CMDLINE = "console=ttyS0,115200 no_console_suspend initcall_debug pm_debug_messages " +
  "ignore_loglevel nokaslr printk.time=1 log_buf_len=4M memmap=exactmap memmap=0x6f000@0x1000 " +
  "memmap=0x3ffc000@0x4000000 memmap=0x3f00000#0x100000 memmap=0x4000000#0x8000000 lab_role=B " +
  "acpi_rsdp=0xf59d0 elfcorehdr=131056K";
const RECORDED: WindowInput = {
  arch: "x86_64",
  kernel: KERNEL,
  initrdBytes: 0x3a_91d1,
  cmdlineBytes: CMDLINE.length + 1,
  coreHeaderBytes: 0x400,
  purgatoryBytes: 0x70e0,
  purgatoryMemoryBytes: 0x9000,
  memMin: 0x400_0000,
  memMax: 0x7ff_ffff,
  ramRanges: [{ start: 0x1000, length: 0x9_ec00 }, { start: MIB, length: 0xbf0_0000 }],
};
/** A small kernel of 2008 in the posting's own window. */
const POSTING: WindowInput = {
  ...RECORDED,
  arch: "i386",
  kernel: {
    ...KERNEL,
    setupBytes: 0x3000,
    loadBytes: 2 * MIB,
    initSize: 0,
    kernelAlignment: MIB,
    initrdAddressMax: 0x37ff_ffff,
  },
  initrdBytes: 3 * MIB,
  memMin: MIB,
  memMax: 0xff_ffff,
  ramRanges: [{ start: 0, length: 0x9_f000 }, { start: MIB, length: 63 * MIB }],
};

function placed(input: WindowInput): readonly KernelSegment[] {
  const result = placeKernel(input);
  ok(result.kind === "placed", result.kind === "refused" ? result.message : "");
  return result.segments;
}

function rows(segments: readonly KernelSegment[]): (readonly [string, number, number, number])[] {
  return segments.map(({ name, mem, memsz, bufsz }) => [name, mem, memsz, bufsz]);
}

Deno.test("placeKernel gives the recorded layout of kexec-tools 2.0.25 to the byte", () => {
  deepStrictEqual(rows(placed(RECORDED)), [
    ["setupData", 0x4000000, 0x1000, 0x30],
    ["backup", 0x4001000, 0x2c55000, 0],
    ["initrd", 0x6c56000, 0x3aa000, 0x3a91d1],
    ["kernel", 0x7000000, 0xe98000, 0x200400],
    ["backup", 0x7e98000, 0x156000, 0],
    ["bootParams", 0x7fee000, 0x5000, 0x4164],
    ["purgatory", 0x7ff3000, 0x9000, 0x70e0],
    ["elfcorehdr", 0x7ffc000, 0x4000, 0x400],
  ]);
});

Deno.test("placeKernel gives the recorded layout of the larger SMP kernel", () => {
  const kernel = { ...KERNEL, loadBytes: 0x24_4400, initSize: 0x10f_4000 };
  const segments = placed({ ...RECORDED, kernel, initrdBytes: 0x35_05a3 });
  deepStrictEqual(rows(segments).slice(1, 5), [
    ["backup", 0x4001000, 0x2aae000, 0],
    ["initrd", 0x6aaf000, 0x351000, 0x3505a3],
    ["kernel", 0x6e00000, 0x10f4000, 0x244400],
    ["backup", 0x7ef4000, 0xfa000, 0],
  ]);
});

Deno.test("placeKernel refuses the posting's window for that kernel as recorded", () => {
  const kernel = { ...KERNEL, loadBytes: 0x24_4400, initSize: 0x10f_4000 };
  deepStrictEqual(placeKernel({ ...RECORDED, kernel, memMin: MIB, memMax: 0xff_ffff }), {
    kind: "refused",
    part: "kernel",
    message: "Could not find a free area of memory of 0x10f4000 bytes",
  });
});

Deno.test("placeKernel puts no x86_64 ramdisk below 16 MiB", () => {
  const kernel = { ...KERNEL, loadBytes: MIB, initSize: MIB };
  const result = placeKernel({ ...RECORDED, kernel, memMin: MIB, memMax: 0xff_ffff });
  ok(result.kind === "refused");
  strictEqual(result.part, "initrd");
});

Deno.test("placeKernel puts an i386 kernel low and the rest at the window's top", () => {
  const segments = placed(POSTING);
  deepStrictEqual(segments.map(({ name }) => name), [
    "kernel",
    "backup",
    "initrd",
    "bootParams",
    "purgatory",
    "elfcorehdr",
  ]);
  strictEqual(segments[0]?.mem, MIB);
  strictEqual(segments[0]?.memsz, 2 * MIB);
});

Deno.test("placeKernel puts a kernel that is not relocatable at 1 MiB or nowhere", () => {
  const kernel = { ...POSTING.kernel, relocatable: false };
  const low = { ...POSTING, kernel, memMin: 0x1000 };
  strictEqual(placed(low).find(({ name }) => name === "kernel")?.mem, MIB);
  strictEqual(placeKernel({ ...low, memMin: 2 * MIB }).kind, "refused");
});

Deno.test("placeKernel refuses a window below the RAM from 1 MiB on and a long command line", () => {
  const result = placeKernel({ ...POSTING, memMin: 0x1000, memMax: 0x9_efff });
  ok(result.kind === "refused");
  strictEqual(result.message, "Too small mem_max: 0x9efff.");
  strictEqual(placeKernel({ ...POSTING, cmdlineBytes: 2048 }).kind, "refused");
});

Deno.test("placeKernel leaves holes open when told, and parts of no bytes out", () => {
  const segments = placed({ ...POSTING, fillHoles: false, initrdBytes: 0, coreHeaderBytes: 0 });
  deepStrictEqual(segments.map(({ name }) => name), ["kernel", "bootParams", "purgatory"]);
});

Deno.test("placeKernel puts the core header where the command line's length does not matter", () => {
  const at = (cmdlineBytes: number) =>
    placed({ ...RECORDED, cmdlineBytes }).find(({ name }) => name === "elfcorehdr")?.mem;
  strictEqual(at(1), at(2000));
});

Deno.test("placeKernel tiles the window's RAM without overlap, in whole pages", () => {
  const sizes = fc.record({
    initrdBytes: fc.integer({ min: 0, max: 4 * MIB }),
    coreHeaderBytes: fc.integer({ min: 0, max: 0x8000 }),
    purgatoryBytes: fc.integer({ min: 1, max: 0x9000 }),
    cmdlineBytes: fc.integer({ min: 1, max: 2047 }),
    hole: fc.integer({ min: 0x4_1000, max: 0x7_f000 }),
    holePages: fc.integer({ min: 1, max: 50 }),
    is64: fc.boolean(),
  });
  fc.assert(fc.property(sizes, ({ hole, holePages, is64, ...rest }) => {
    const base = is64 ? RECORDED : { ...POSTING, memMin: 0x400_0000, memMax: 0x7ff_ffff };
    const start = Math.floor((hole * 256) / 4096) * 4096;
    const ramRanges = [
      { start: MIB, length: start - MIB },
      { start: start + holePages * 4096, length: 256 * MIB },
    ];
    const result = placeKernel({ ...base, ...rest, ramRanges });
    if (result.kind === "refused") return;
    const inWindow = 0x400_0000 -
      (start >= 0x400_0000 && start < 0x800_0000
        ? Math.min(holePages * 4096, 0x800_0000 - start)
        : 0);
    let covered = 0;
    let end = 0x400_0000;
    for (const { mem, memsz, bufsz } of result.segments) {
      ok(mem >= end && mem % 4096 === 0 && memsz % 4096 === 0 && bufsz <= memsz);
      end = mem + memsz;
      covered += memsz;
    }
    ok(end <= 0x800_0000);
    if (start >= 0x400_0000) strictEqual(covered, inWindow);
  }));
});

Deno.test("leastWindow is enough and one MiB less is not", () => {
  for (const input of [RECORDED, POSTING]) {
    const least = leastWindow(input);
    ok(least !== undefined);
    const ramRanges = [{ start: MIB, length: 512 * MIB }];
    const kernel = {
      ...input.kernel,
      loadBytes: Math.max(input.kernel.loadBytes, input.kernel.initSize),
    };
    const kind = (memMax: number) => placeKernel({ ...input, kernel, memMax, ramRanges }).kind;
    strictEqual(kind(least.memMax), "placed");
    strictEqual(kind(least.memMax - MIB), "refused");
    strictEqual(least.windowBytes, least.memMax + 1 - input.memMin);
    ok(least.memoryBytes >= 2 * least.windowBytes);
    ok(least.memoryBytes > least.memMax);
  }
});

Deno.test("leastWindow of a kernel that nothing can place is undefined", () => {
  strictEqual(leastWindow({ ...RECORDED, cmdlineBytes: 5000 }), undefined);
  const kernel = { ...POSTING.kernel, relocatable: false };
  strictEqual(leastWindow({ ...POSTING, kernel, memMin: 2 * MIB }), undefined);
});
