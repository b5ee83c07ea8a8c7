/** What the boot loader decides about an image before it touches anything. */
import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { emitLoaderConf, parseLoaderConf } from "../../actors/boot_loader/loader_conf.ts";
import { LoadRefusal } from "../../actors/boot_loader/load_plan.ts";
import { headLength, memoryOf, planResume } from "../../actors/boot_loader/resume_plan.ts";
import { freshResume, type ResumeState } from "../../actors/boot_loader/resume_state.ts";
import { emitManifest } from "../../actors/programs/image_manifest.ts";
import { sha256, toHex } from "../../machine/digest.ts";
import { virtualMachineE820 } from "../../machine/formats/e820_profiles.ts";
import { EM_386, emitElf, ET_CORE, PT_LOAD } from "../../machine/formats/elf.ts";

const MIB = 1024 ** 2;
const PAGE = 4096;
const E820 = virtualMachineE820(64 * MIB);
const ENTRY = 0x120_00c0;

interface Load {
  readonly paddr: number;
  readonly filesz: number;
  readonly memsz?: number;
  readonly offset?: number;
}

/** An image of such segments, its headers in the first page of the file. */
function image(loads: readonly Load[], changes: Partial<ResumeState> = {}): ResumeState {
  let offset = PAGE;
  const programs = loads.map((load) => {
    const { paddr, filesz, memsz = filesz } = load;
    const at = load.offset ?? offset;
    offset = at + filesz;
    return {
      ...{ type: PT_LOAD, flags: 7, offset: at, vaddr: 0n, paddr, filesz, memsz, align: 0 },
    };
  });
  const elf = emitElf({ class: 32, type: ET_CORE, machine: EM_386, entry: 0 }, programs);
  const sums = "0 sum\n";
  const entry = `0x${ENTRY.toString(16)}`;
  return {
    ...freshResume("/dump.elf"),
    manifest: emitManifest({
      ...{ version: 1, id: `A@${entry}`, of: "A", entry, level: 16, pages: 1, bytes: offset },
      ...{ runs: "", sums: sha256(sums) },
    }),
    entry: `${entry}\n`,
    bytes: offset,
    sumsBytes: sums.length,
    sumsExtents: [{ fileBlock: 0, block: 9, count: 1 }],
    head: toHex(elf),
    extents: [{ fileBlock: 0, block: 100, count: 3 }, { fileBlock: 3, block: 300, count: 9000 }],
    ...changes,
  };
}

const TWO: readonly Load[] = [
  { paddr: 0x100_0000, filesz: 4 * PAGE },
  { paddr: 0x110_0000, filesz: 2 * MIB, memsz: 2 * MIB + 8 * PAGE },
];

Deno.test("planResume sends each page to its own address, straight from its blocks", () => {
  const plan = planResume(image(TWO), E820, 2048);
  strictEqual(plan.entry, ENTRY);
  // The first segment begins in block 1 of the file and ends in block 4: two places on the disk.
  deepStrictEqual(plan.moves.slice(0, 2), [
    { sector: 2048 + 101 * 8, count: 16, address: 0x100_0000 },
    { sector: 2048 + 300 * 8, count: 16, address: 0x100_2000 },
  ]);
  const bytes = plan.moves.reduce((sum, { count }) => sum + count * 512, 0);
  strictEqual(bytes, 4 * PAGE + 2 * MIB + 512, "and a sector of sums");
  deepStrictEqual(plan.zero, [{ start: 0x130_0000, length: 8 * PAGE }]);
  deepStrictEqual(plan.sums.start, MIB);
  deepStrictEqual(memoryOf(plan, PAGE + 3 * PAGE, 2 * PAGE), [
    { start: 0x100_3000, length: PAGE },
    { start: 0x110_0000, length: PAGE },
  ]);
});

Deno.test("planResume finds room for the sums beside the pages", () => {
  const all = [{ paddr: MIB, filesz: 24 * MIB }];
  const extents = [{ fileBlock: 0, block: 100, count: 9000 }];
  strictEqual(planResume(image(all, { extents }), E820, 0).sums.start, 25 * MIB);
});

Deno.test("planResume refuses what does not go together, in a sentence", () => {
  const refuses = (state: ResumeState, message: RegExp) =>
    throws(
      () => planResume(state, E820, 0),
      (error) => error instanceof LoadRefusal && message.test(error.message),
    );
  refuses(image(TWO, { manifest: "{}" }), /the manifest of \/dump\.elf is damaged/);
  refuses(
    image(TWO, { entry: "0x5000\n" }),
    /entry 0x5000 is not the one that was saved, 0x12000c0/,
  );
  refuses(image([{ paddr: 0x1000, filesz: PAGE }, ...TWO]), /go where the boot loader runs/);
  refuses(image([{ paddr: 80 * MIB, filesz: PAGE }, ...TWO]), /there is no RAM at 0x5000000/);
  refuses(image([{ paddr: 0x100_0000, filesz: PAGE, memsz: PAGE + 5 }]), /are not whole/);
  refuses(image([...TWO.slice(0, 1), { ...TWO[1], offset: 9 * PAGE } as Load]), /gaps at 36864/);
  refuses(image(TWO, { bytes: PAGE + 4 * PAGE }), /truncated or has gaps at 20480/);
  refuses(image(TWO.slice(0, 1)), /entry 0x12000c0 is not inside the image/);
  refuses(image(TWO, { extents: [{ fileBlock: 0, block: 100, count: 3 }] }), /has a hole at byte/);
});

Deno.test("headLength is where the first page begins, or a refusal", () => {
  const state = image(TWO);
  strictEqual(
    headLength(Uint8Array.from(state.head.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16))),
    PAGE,
  );
  throws(() => headLength(new Uint8Array(64)), LoadRefusal);
  const empty = emitElf({ class: 32, type: ET_CORE, machine: EM_386, entry: 0 }, []);
  throws(() => headLength(empty), /the image has no pages/);
});

Deno.test("parseLoaderConf takes an image in the place of a kernel, and not both or neither", () => {
  const conf = {
    defaultEntry: "A",
    entries: [
      { name: "A", kernel: "/vmlinuz", initrd: "", append: "root=/dev/sda2" },
      { name: "R", kernel: "", initrd: "", append: "", resume: "/dump.elf" },
    ],
  };
  const text = emitLoaderConf(conf);
  deepStrictEqual(parseLoaderConf(text), conf);
  strictEqual(text.split("\n").at(-2), "  resume /dump.elf");
  const fails = (source: string, message: RegExp) =>
    throws(() => parseLoaderConf(source), { name: "FormatError", message });
  fails("entry R\nresume /dump.elf\nkernel /vmlinuz\n", /entry 'R' has both a kernel and an image/);
  fails("entry R\nappend x\n", /entry 'R' has no kernel/);
  fails("resume /dump.elf\n", /line 1: 'resume' before the first entry/);
});
