import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  imageShape,
  parseRestoreCommand,
  planRestore,
  type RestoreInput,
} from "../../actors/programs/krestore_plan.ts";
import {
  type ElfClass,
  EM_386,
  EM_X86_64,
  emitElf,
  ET_CORE,
  PT_LOAD,
  PT_NOTE,
} from "../../machine/formats/elf.ts";

const PAGE = 4096;
const MIB = 1024 ** 2;
const LOW = 640 * 1024;

interface Range {
  readonly paddr: number;
  readonly length: number;
  readonly offset?: number;
  readonly filesz?: number;
}

function header(
  ranges: readonly Range[],
  { machine = EM_386, width = 64 as ElfClass, type = ET_CORE } = {},
): Uint8Array {
  let at = PAGE;
  const programs = ranges.map(({ paddr, length, offset = at, filesz = length }) => {
    at = offset + length;
    const rest = { flags: 7, vaddr: 0n, align: 0 };
    return { type: PT_LOAD, offset, paddr, filesz, memsz: length, ...rest };
  });
  const note = { type: PT_NOTE, flags: 0, offset: 0, vaddr: 0n, paddr: 0, filesz: 0, memsz: 0 };
  return emitElf({ class: width, machine, type, entry: 0 }, [{ ...note, align: 0 }, ...programs]);
}

/** A's memory in [0,640K), [1M,32M) and [48M,64M); D has low memory and [32M,47M). */
const IMAGE = [
  { paddr: 0, length: LOW - PAGE },
  { paddr: MIB, length: 31 * MIB },
  { paddr: 48 * MIB, length: 16 * MIB },
];
const OWN = [{ start: 0, length: LOW }, { start: 32 * MIB, length: 15 * MIB }];
const BACKUP = 47 * MIB;

function input(fields: Partial<RestoreInput> = {}): RestoreInput {
  return {
    command: { file: "vmcore", backup: BACKUP },
    header: header(IMAGE),
    fileBytes: 64 * MIB,
    arch: "i386",
    ownRam: OWN,
    ...fields,
  };
}

function refusal(fields: Partial<RestoreInput>): string {
  const plan = planRestore(input(fields));
  return plan.kind === "refused" ? plan.message : "planned";
}

Deno.test("parseRestoreCommand takes the backup's address as kexec_backup= has it", () => {
  const of = (line: string) => parseRestoreCommand(line.split(" "));
  deepStrictEqual(of("krestore -b 48512K vmcore"), { file: "vmcore", backup: 48512 * 1024 });
  deepStrictEqual(of("krestore vmcore -b 0x2f60000"), { file: "vmcore", backup: 0x2f6_0000 });
  deepStrictEqual(of("krestore vmcore"), { file: "vmcore", backup: undefined });
  for (const bad of ["krestore", "krestore a b", "krestore -b vmcore", "krestore -x a"]) {
    strictEqual(of(bad), undefined, bad);
  }
  strictEqual(of("krestore -b 1000 vmcore"), undefined);
});

Deno.test("planRestore writes every PT_LOAD to its place and low memory to the backup (B.1.2)", () => {
  const plan = planRestore(input());
  deepStrictEqual(plan, {
    kind: "planned",
    pieces: [
      { offset: PAGE, target: BACKUP, length: LOW - PAGE },
      { offset: LOW, target: MIB, length: 31 * MIB },
      { offset: LOW + 31 * MIB, target: 48 * MIB, length: 16 * MIB },
    ],
  });
});

Deno.test("planRestore cuts a range that crosses 640K", () => {
  const ranges = [{ paddr: LOW - PAGE, length: 3 * PAGE }];
  const plan = planRestore(input({ header: header(ranges) }));
  deepStrictEqual(plan.kind === "planned" ? plan.pieces : plan, [
    { offset: PAGE, target: BACKUP + LOW - PAGE, length: PAGE },
    { offset: 2 * PAGE, target: LOW, length: 2 * PAGE },
  ]);
});

Deno.test("planRestore refuses to write over the kernel it runs on (F76, F77)", () => {
  const larger = [OWN[0] ?? { start: 0, length: 0 }, { start: 31 * MIB, length: 16 * MIB }];
  match(refusal({ ownRam: larger }), /over this kernel, which has \[0x1f00000-0x2f00000\)/);
  const touching = [OWN[0] ?? { start: 0, length: 0 }, { start: 32 * MIB, length: 16 * MIB }];
  strictEqual(
    refusal({ ownRam: touching, command: { file: "vmcore", backup: undefined } }),
    "krestore: [0x0-0x9f000) is used by this kernel: say with -b where its copy is",
  );
  match(refusal({ command: { file: "vmcore", backup: 2 * MIB } }), /two contents for 0x/);
  match(refusal({ command: { file: "vmcore", backup: 33 * MIB } }), /over this kernel/);
});

Deno.test("planRestore reads ELF64 cores of this machine only (F80)", () => {
  match(refusal({ header: header(IMAGE, { width: 32 }) }), /ELF class 32, krestore reads ELF64/);
  match(refusal({ header: header(IMAGE, { machine: EM_X86_64 }) }), /ELF machine 62/);
  match(refusal({ header: header(IMAGE, { type: 2 }) }), /ELF type 2 is no core/);
  match(refusal({ header: new Uint8Array(PAGE) }), /^krestore: vmcore: /);
  match(refusal({ header: header([]) }), /no memory in it/);
});

Deno.test("planRestore refuses ranges that are no pages, not whole in the file, or cut off", () => {
  match(refusal({ header: header([{ paddr: MIB + 1, length: PAGE }]) }), /not made of pages/);
  match(refusal({ header: header([{ paddr: MIB, length: PAGE + 1 }]) }), /not made of pages/);
  match(
    refusal({ header: header([{ paddr: MIB, length: PAGE, offset: 5 }]) }),
    /not made of pages/,
  );
  const half = header([{ paddr: MIB, length: 2 * PAGE, filesz: PAGE }]);
  match(refusal({ header: half }), /has 4096 of 8192 bytes in the file/);
  match(refusal({ fileBytes: 40 * MIB }), /truncated: segment at 0x3000000 ends at file offset/);
});

Deno.test("imageShape gives class and ranges as facts have them", () => {
  deepStrictEqual(imageShape(header(IMAGE.slice(1))), {
    class: "64",
    ranges: "0x100000-0x2000000,0x3000000-0x4000000",
  });
});

Deno.test("planRestore says of a kdump-compressed file that it is no ELF, and who writes one (F80)", () => {
  const kdump = new Uint8Array(PAGE);
  kdump.set(new TextEncoder().encode("KDUMP   "));
  strictEqual(
    refusal({ header: kdump }),
    "krestore: vmcore: kdump-compressed, not ELF (makedumpfile -E)",
  );
});
