import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { parseCrashkernel, reserveCrashRegion } from "../../actors/kernel/crash_slot.ts";
import { ERRNO } from "../../actors/kernel/errno.ts";
import { KERNEL_KEXEC_PROCEDURES } from "../../actors/kernel/kernel_kexec.ts";
import { KEXEC_LOAD_PROCEDURES } from "../../actors/kernel/kexec_load.ts";
import { PSEUDO_FILE_PROCEDURES } from "../../actors/kernel/pseudo_files.ts";
import type { KernelState, Vars } from "../../actors/kernel/state.ts";
import { pseudoFile } from "../../actors/kernel/pseudo_files.ts";
import { E820_TYPE } from "../../machine/formats/e820.ts";
import { type Call, diskWith, runKernel } from "./kernel_kit.ts";
import { kernelOf, stateWith } from "./kernel_pure.ts";

const MIB = 1024 ** 2;
const PAGE = 4096;
const GIB = 1024 * MIB;

Deno.test("parseCrashkernel reads SIZE@BASE and ranges by the machine's RAM (D.4)", () => {
  const of = (text: string, ram = 64 * MIB) => parseCrashkernel(text, ram);
  deepStrictEqual(of("16M@32M"), { size: 16 * MIB, base: 32 * MIB });
  deepStrictEqual(of("0x1000000@0x2000000"), { size: 16 * MIB, base: 32 * MIB });
  deepStrictEqual(of("16M"), { size: 16 * MIB, base: undefined });
  deepStrictEqual(of("-512M:0M,512M-2G:64M,2G-:128M@16M"), undefined);
  deepStrictEqual(of("512M-2G:64M,2G-:128M@16M", GIB), { size: 64 * MIB, base: 16 * MIB });
  deepStrictEqual(of("512M-2G:64M,2G-:128M", 2 * GIB), { size: 128 * MIB, base: undefined });
  for (const bad of ["", "0", "@32M", "16M@", "16M@32M@64M", "lots", "1G-2G", "1G-2G:x"]) {
    strictEqual(of(bad, GIB), undefined, bad);
  }
});

const MAP: KernelState["map"] = [
  { start: 0, length: 0x9_fc00, type: E820_TYPE.ram },
  { start: MIB, length: 31 * MIB, type: E820_TYPE.ram },
];
const REGION = { start: 16 * MIB, end: 18 * MIB };
const FREE = [{ pfn: 256, count: 15 * 256 }, { pfn: 18 * 256, count: 14 * 256 }];

function segment(mem: number, memsz: number, buffer: Vars["buffer"] = []): Vars {
  return { mem, memsz, bufsz: 0, buffer };
}

const load = (segments: Vars[], entry = REGION.start, flags = 1): Call => [
  "sys_kexec_load",
  { segments, entry, flags },
];

function kernel(calls: readonly Call[], state: Partial<KernelState> = {}) {
  return runKernel({
    medium: diskWith([{ mib: 1, files: [] }]),
    calls,
    procedures: [
      ...KEXEC_LOAD_PROCEDURES,
      ...KERNEL_KEXEC_PROCEDURES,
      ...PSEUDO_FILE_PROCEDURES,
    ],
    free: FREE,
    state: {
      profile: "2.6.23-rfc",
      map: MAP,
      firmwareMap: MAP,
      crash: { ...REGION, image: null },
      ...state,
    },
    fillRam: (ram) => ram.view(2 * MIB, PAGE).fill(0xab),
  });
}

const GOOD = load([segment(REGION.start, 4 * PAGE), segment(REGION.start + 8 * PAGE, PAGE)]);

Deno.test("sys_kexec_load copies a crash image straight to the region, with an empty list (C.3)", () => {
  const buffer = [{ pfn: 2 * 256, count: 1 }];
  const run = kernel([load([{ mem: REGION.start, memsz: 2 * PAGE, bufsz: PAGE, buffer }])]);
  deepStrictEqual(run.results, [0]);
  const image = run.state.crash?.image;
  deepStrictEqual([image?.head, image?.start, image?.preserve], [4, REGION.start, false]);
  strictEqual(run.ram.view(REGION.start, PAGE).every((byte) => byte === 0xab), true);
  strictEqual(run.ram.view(REGION.start + PAGE, PAGE).every((byte) => byte === 0), true);
  strictEqual(run.state.image, null);
  deepStrictEqual(run.state.free, FREE);
  // The control page is the first hole of the region (C.4 I4).
  strictEqual(image?.controlPfn, REGION.start / PAGE + 2);
});

Deno.test("sys_kexec_load fills the slot of the region and says so", () => {
  const run = kernel([GOOD]);
  const [said] = run.facts("load");
  deepStrictEqual([said?.["slot"], said?.["region"], said?.["result"]], [
    "crash",
    "0x1000000-0x1200000",
    0,
  ]);
  const [pages] = run.facts("kimage");
  deepStrictEqual([pages?.["slot"], pages?.["pairs"], pages?.["swap"]], ["crash", "", ""]);
});

const FAILING: readonly (readonly [string, Call, number])[] = [
  ["S7a: an entry outside the region", load([segment(REGION.start, PAGE)], 0), 99],
  ["S7a: an entry at the region's end", load([segment(REGION.start, PAGE)], REGION.end), 99],
  ["S8h: a segment below the region", load([segment(REGION.start - PAGE, PAGE)]), 99],
  ["S8h: a segment over its end", load([segment(REGION.end - PAGE, 2 * PAGE)]), 99],
  ["S8b: no page", load([segment(REGION.start + 1, PAGE)]), 99],
  ["S8d: segments that overlap", load([1, 1].map(() => segment(REGION.start, PAGE))), 22],
  ["S9: no hole for a control page", load([segment(REGION.start, 2 * MIB)]), 12],
];

for (const [what, call, errno] of FAILING) {
  Deno.test(`a crash load that fails by ${what} leaves no crash image (F19, J 19)`, () => {
    const run = kernel([GOOD, call]);
    deepStrictEqual(run.results, [0, -errno]);
    strictEqual(run.state.crash?.image, null);
    strictEqual(run.state.lock, "");
  });
}

Deno.test("a crash load that fails before the lock leaves the crash image (C.2 S1 to S7)", () => {
  const many = Array.from({ length: 17 }, (_, page) => segment(REGION.start + page * PAGE, PAGE));
  const early: readonly Call[] = [
    ["sys_kexec_load", { segments: [], entry: 0, flags: 1, capable: false }],
    load([segment(REGION.start, PAGE)], REGION.start, 1 | 8),
    // Before kexec jump there was no flag to preserve a context.
    load([segment(REGION.start, PAGE)], REGION.start, 1 | 2),
    load(many),
  ];
  for (const call of early) {
    const run = kernel([GOOD, call]);
    ok(Number(run.results[1]) < 0);
    ok(run.state.crash?.image, JSON.stringify(call));
  }
});

Deno.test("sys_kexec_load refuses a crash image without a region: EADDRNOTAVAIL (fact 7)", () => {
  const run = runKernel({
    medium: diskWith([{ mib: 1, files: [] }]),
    calls: [GOOD],
    procedures: KEXEC_LOAD_PROCEDURES,
    state: { profile: "2.6.23-rfc", map: MAP, firmwareMap: MAP },
  });
  deepStrictEqual(run.results, [-ERRNO.EADDRNOTAVAIL]);
});

Deno.test("sys_kexec_load with no segments empties either slot, also an empty one (F20)", () => {
  const run = kernel([GOOD, load([]), load([]), load([], 0, 0)]);
  deepStrictEqual(run.results, [0, 0, 0, 0]);
  strictEqual(run.state.crash?.image, null);
  deepStrictEqual(run.facts("unload").map(({ slot }) => slot), ["crash", "crash", "default"]);
});

const shrink = (text: string): Call => [
  "pseudo_write",
  { path: "/sys/kernel/kexec_crash_size", text },
];

Deno.test("kexec_crash_size shrinks an empty region and gives the pages back (A.3)", () => {
  const run = kernel([shrink("1048576"), shrink("1048576"), shrink("2097152"), shrink("much")]);
  deepStrictEqual(run.results, [0, 0, -ERRNO.EINVAL, -ERRNO.EINVAL]);
  deepStrictEqual([run.state.crash?.start, run.state.crash?.end], [16 * MIB, 17 * MIB]);
  deepStrictEqual(run.state.free, [{ pfn: 256, count: 15 * 256 }, { pfn: 17 * 256, count: 3840 }]);
});

Deno.test("kexec_crash_size is ENOENT with an image loaded and EBUSY under the lock (A.3)", () => {
  const loaded = kernel([GOOD, shrink("0")]);
  deepStrictEqual(loaded.results, [0, -ERRNO.ENOENT]);
  const held = kernel([shrink("0")], { lock: "exec" });
  deepStrictEqual(held.results, [-ERRNO.EBUSY]);
});

Deno.test("pseudoFile shows the region in /proc/iomem inside the RAM it is taken from", () => {
  const crash = { ...REGION, image: null };
  const text = pseudoFile(kernelOf(stateWith({ map: MAP, crash })), "/proc/iomem");
  strictEqual(
    text,
    "00000000-0009fbff : System RAM\n00100000-01ffffff : System RAM\n" +
      "  01000000-011fffff : Crash kernel\n",
  );
});

Deno.test("reserveCrashRegion takes the region from the allocator, or says why not (B.1.1 step 1)", () => {
  const of = (text: string | undefined) => {
    const kernel = kernelOf(stateWith({ map: MAP, free: [{ pfn: 256, count: 31 * 256 }] }));
    reserveCrashRegion(kernel, text);
    const { crash, free, log } = kernel.state;
    return { crash, free, said: log.join("").replace(/^.*\] /, "") };
  };
  deepStrictEqual(of("2M@16M"), {
    crash: { ...REGION, image: null },
    free: FREE,
    said: "Reserving 2MB of memory at 16MB for crashkernel",
  });
  // Without a base the highest place on a boundary of 16 MiB.
  deepStrictEqual(of("8M").crash, { start: 16 * MIB, end: 24 * MIB, image: null });
  const whole = [{ pfn: 256, count: 31 * 256 }];
  for (
    const [text, said] of [
      ["8M@28M", "crashkernel reservation failed - memory is in use"],
      ["1M@0", "crashkernel reservation failed - memory is in use"],
      ["1M@0x1000800", "crashkernel reservation failed - memory is in use"],
      ["31M", "crashkernel reservation failed - no place for it"],
      ["some", "crashkernel: nothing to reserve for 'some'"],
    ]
  ) {
    deepStrictEqual(of(text), { crash: undefined, free: whole, said }, text ?? "");
  }
  deepStrictEqual(of(undefined), { crash: undefined, free: whole, said: "" });
});
