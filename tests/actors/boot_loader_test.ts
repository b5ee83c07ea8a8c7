import assert from "node:assert/strict";
import { emitLoaderConf, parseLoaderConf } from "../../actors/boot_loader/loader_conf.ts";
import { LoadRefusal, planLoad } from "../../actors/boot_loader/load_plan.ts";
import { buildDisk } from "../../actors/disk_image/build_disk.ts";
import { syntheticKernel } from "../../actors/disk_image/synthetic_kernel.ts";
import type { HardwareSetup } from "../../actors/hardware.ts";
import { parseBootParams } from "../../machine/formats/boot_params.ts";
import { bzImageLoadBytes, ENTRY_64_OFFSET } from "../../machine/formats/bzimage.ts";
import { virtualMachineE820 } from "../../machine/formats/e820_profiles.ts";
import { parseStamp, STAMP_KIND, verifyStamp } from "../../machine/formats/stamp.ts";
import { type BenchPlan, type BenchRun, runBench } from "./bench.ts";
import {
  COMMAND_LINE,
  INITRAMFS,
  KERNEL,
  machine,
  mediumOf,
  MEMORY_BYTES,
  plainCpu,
  SOURCE,
  type Told,
} from "./fresh_disk.ts";

const MIB = 1024 ** 2;

function boot(
  plan: Partial<BenchPlan> = {},
  setup: Partial<HardwareSetup> = {},
): { bench: BenchRun; told: Told } {
  const told: Told = { entries: [], halts: [] };
  const bench = runBench({
    hardware: machine(setup),
    behaviours: [plainCpu(told)],
    medium: plan.medium ?? mediumOf(),
    ramBytes: MEMORY_BYTES,
    ...plan,
  });
  return { bench, told };
}

function textAt(bench: BenchRun, address: number): string {
  const bytes = bench.scheduler.ram.view(address, 4096).slice();
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/** The highest page start below the top of the small machine's RAM that the ramdisk fits at. */
function initrdPlace(top: number): number {
  return Math.floor((top - INITRAMFS.length) / 4096) * 4096;
}

Deno.test("bootLoader brings kernel and ramdisk from the disk into their places and enters", () => {
  const { bench, told } = boot();
  assert.deepEqual(told.entries[1], {
    source: "loader",
    entry: MIB,
    sp: 0x98000,
    word: 0,
    argument: 0x90000,
    preserve: false,
  });
  const { ram } = bench.scheduler;
  const body = bzImageLoadBytes(KERNEL);
  assert.deepEqual(ram.view(MIB, body.length).slice(), body);
  const params = parseBootParams(ram.view(0x90000, 4096).slice());
  assert.equal(params.ramdiskAddress, initrdPlace(MEMORY_BYTES - 0x23000));
  assert.equal(params.ramdiskBytes, INITRAMFS.length);
  assert.deepEqual(ram.view(params.ramdiskAddress, INITRAMFS.length).slice(), INITRAMFS);
  assert.deepEqual(params.e820, virtualMachineE820(MEMORY_BYTES));
  assert.equal(params.acpiRsdpAddress, 0xf5a60);
  assert.equal(params.loaderType, 0xff);
  assert.equal(textAt(bench, params.commandLineAddress), COMMAND_LINE);
  assert.deepEqual(bench.shown, ["Loading /vmlinuz and /rootfs.img"]);
});

Deno.test("bootLoader leaves at the entry a stamp whose digest covers what it loaded", () => {
  const { bench } = boot();
  const stamp = parseStamp(bench.scheduler.ram.view(MIB, 64).slice());
  assert.equal(stamp?.kind, STAMP_KIND.kernel);
  assert.equal(stamp?.version, 2627);
  assert.ok(stamp !== undefined);
  assert.ok(verifyStamp(stamp, bench.scheduler.ram.view(MIB + 64, stamp.length).slice()));
});

Deno.test("bootLoader enters an x86_64 kernel at 0x200 of where it prefers to be", () => {
  const bzImage = syntheticKernel({ arch: "x86_64", version: 6100, profile: "6.1" });
  const source = { ...SOURCE, kernelBytes: { bzImage, initramfs: INITRAMFS } };
  const { bench, told } = boot({ medium: mediumOf(buildDisk(source)) });
  const entry = 16 * MIB + ENTRY_64_OFFSET;
  assert.equal(told.entries[1]?.["entry"], entry);
  assert.equal(parseStamp(bench.scheduler.ram.view(entry, 64).slice())?.version, 6100);
});

Deno.test("bootLoader takes the entry a person picks and adds the person's words", () => {
  const { bench, told } = boot({ choose: { entry: "bare", append: "mem=32M single" } });
  assert.equal(told.entries.length, 2);
  const params = parseBootParams(bench.scheduler.ram.view(0x90000, 4096).slice());
  assert.equal(params.ramdiskAddress, 0);
  assert.equal(params.ramdiskBytes, 0);
  assert.equal(textAt(bench, 0x99000), "mem=32M single");
});

Deno.test("bootLoader keeps the ramdisk inside what mem= and memmap= leave", () => {
  const placeFor = (append: string) => {
    const { bench } = boot({ choose: { entry: "linux", append } });
    return parseBootParams(bench.scheduler.ram.view(0x90000, 4096).slice()).ramdiskAddress;
  };
  assert.equal(placeFor("mem=32M"), initrdPlace(32 * MIB));
  const exact = "memmap=exactmap memmap=640K@0K memmap=15M@1M";
  assert.equal(placeFor(exact), initrdPlace(16 * MIB));
  // A reserved range at the top pushes it below.
  assert.equal(placeFor("memmap=16M$40M mem=56M"), initrdPlace(40 * MIB));
});

Deno.test("bootLoader says in one sentence what it cannot do, and stops", () => {
  const reason = (plan: Partial<BenchPlan>, setup: Partial<HardwareSetup> = {}) => {
    const { bench, told } = boot(plan, setup);
    assert.equal(told.entries.length, 1);
    assert.equal(told.halts.length, 1);
    return bench.shown.at(-1);
  };
  const choose = (entry: string, append = "") => ({ choose: { entry, append } });
  assert.match(reason(choose("gone")) ?? "", /^Cannot boot: ENOENT: '\/boot\/none' does not/);
  assert.match(reason(choose("broken")) ?? "", /^Cannot boot: Not a valid bzImage/);
  const line = "x".repeat(3000);
  assert.match(reason(choose("linux", line)) ?? "", /a command line of 3028 characters, at most/);
  assert.match(reason(choose("linux", "mem=1200K")) ?? "", /there is no RAM for 528384 bytes of/);
  assert.match(reason(choose("linux", "mem=1600K")) ?? "", /there is no RAM for \/rootfs.img/);
  const bad = [{ sector: 2048, count: 8, on: "read" as const }];
  assert.match(reason({}, { badSectors: bad }) ?? "", /the disk reports error -5 on the boot part/);
});

Deno.test("bootLoader says when a kernel's sectors cannot be read", () => {
  const { bench: good } = boot();
  const reads = good.facts("disk_read").filter(({ k }) => k === "loader");
  // Well inside the kernel, whose first block is read before as well.
  const sector = Number(reads.at(-1)?.["block"]) + 100;
  const { bench, told } = boot({}, { badSectors: [{ sector, count: 1, on: "read" }] });
  assert.match(bench.shown.at(-1) ?? "", /^Cannot boot: the disk reports error -5 reading/);
  assert.equal(told.halts.length, 1);
});

Deno.test("bootLoader shows the menu again for an entry that is not there", () => {
  const menus: string[] = [];
  const { bench } = boot({
    choose: { entry: "linux", append: "" },
    onMenu: (preselected, times) => {
      menus.push(preselected);
      return times === 1 ? { entry: "nonsense", append: "" } : { entry: "", append: "" };
    },
  });
  assert.deepEqual(menus, ["linux", "linux"]);
  assert.deepEqual(bench.shown, [
    "There is no entry 'nonsense'.",
    "Loading /vmlinuz and /rootfs.img",
  ]);
});

Deno.test("bootLoader reads another kernel than was written as another stamp", () => {
  const bzImage = KERNEL.slice();
  bzImage[bzImage.length - 100] = (bzImage[bzImage.length - 100] ?? 0) ^ 1;
  const source = { ...SOURCE, kernelBytes: { bzImage, initramfs: INITRAMFS } };
  const { bench } = boot({ medium: mediumOf(buildDisk(source)) });
  const stamp = parseStamp(bench.scheduler.ram.view(MIB, 64).slice());
  assert.ok(stamp !== undefined);
  assert.ok(!verifyStamp(stamp, bench.scheduler.ram.view(MIB + 64, stamp.length).slice()));
});

Deno.test("planLoad refuses a file with a hole", () => {
  const initrd = { path: "/r", bytes: 8192, extents: [{ fileBlock: 1, block: 9, count: 1 }] };
  const blocks = Math.ceil(KERNEL.length / 4096);
  const kernel = {
    path: "/k",
    bytes: KERNEL.length,
    extents: [{ fileBlock: 0, block: 100, count: blocks }],
  };
  const input = {
    prefix: KERNEL.slice(0, 4096),
    kernel,
    e820: virtualMachineE820(MEMORY_BYTES),
    commandLine: "",
    firstSector: 2048,
  };
  assert.throws(() => planLoad({ ...input, initrd }), new LoadRefusal("/r has a hole at byte 0"));
  const { moves } = planLoad({ ...input, initrd: undefined });
  // Two set-up sectors come before the protected-mode part.
  const sectors = Math.ceil(KERNEL.length / 512) - 2;
  assert.deepEqual(moves, [{ sector: 2048 + 800 + 2, count: sectors, address: MIB }]);
});

Deno.test("parseLoaderConf gives back what emitLoaderConf wrote", () => {
  const conf = { defaultEntry: "bare", entries: SOURCE.loaderEntries };
  assert.deepEqual(parseLoaderConf(emitLoaderConf(conf)), conf);
  assert.equal(parseLoaderConf("# menu\n\nentry a b\n kernel /k\n").defaultEntry, "a b");
});

Deno.test("parseLoaderConf names the line that makes no sense", () => {
  const fails = (text: string, message: RegExp) =>
    assert.throws(() => parseLoaderConf(text), { name: "FormatError", message });
  fails("", /no entry/);
  fails("kernel /k\n", /line 1: 'kernel' before the first entry/);
  fails("entry a\nkernel /k\nroot /dev\n", /line 3: 'root' means nothing here/);
  fails("entry a\nkernel /k\nentry a\n", /line 3: a second entry 'a'/);
  fails("entry a\n", /entry 'a' has no kernel/);
  fails("default b\nentry a\nkernel /k\n", /the default 'b' is no entry/);
});
