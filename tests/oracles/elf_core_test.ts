/**
 * Real tools read ELF images made here. Known and accepted: eu-elflint complains of exactly one
 * thing, the type 0 of the VMCOREINFO note, naming the offset behind it; it says the same, and
 * nothing else, of a vmcore recorded on Linux 6.1. Of offsets it says nothing, since a p_align of
 * 0 asks for no congruence.
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { toHex } from "../../machine/digest.ts";
import { type ElfClass, EM_386, EM_X86_64, parseElf } from "../../machine/formats/elf.ts";
import {
  CORE_NOTE_NAME,
  emitNotes,
  emitVmcoreinfo,
  NT_PRSTATUS,
  prstatusBytes,
  vmcoreinfoNote,
} from "../../machine/formats/elf_notes.ts";
import { vmcoreinfoOf } from "../../machine/formats/mem_map.ts";
import {
  buildCoreHeaders,
  type CoreLayout,
  dumpLayout,
  LINEAR_OFFSET,
  LOWMEM_LIMIT_I386,
  physicalToFile,
  vmcoreLayout,
} from "../../machine/formats/vmcore.ts";
import { hasTool, pythonWith, run } from "./tools.ts";

const MIB = 0x10_0000;
const PAGE = 4096;
const ENTRY = 0x45_10c0;

interface Sample {
  readonly name: string;
  readonly class: ElfClass;
  readonly machine: number;
  readonly layout: CoreLayout;
  readonly file: Uint8Array;
  readonly noteEnd: number;
}

/** Every word of a page holds its own physical address, so that no page looks like another. */
function fill(file: Uint8Array, layout: CoreLayout): void {
  const view = new DataView(file.buffer);
  for (const { fileOffset, physical, length } of layout.segments) {
    for (let at = 0; at < length; at += 4) {
      view.setUint32(fileOffset + at, (physical + at) ^ 0x5a5a_0000, true);
    }
  }
}

function sample(kind: "vmcore" | "dump", elfClass: ElfClass, machine: number): Sample {
  const wide = machine === EM_X86_64;
  const desc = new Uint8Array(prstatusBytes(wide ? 64 : 32));
  const core = { name: CORE_NOTE_NAME, type: NT_PRSTATUS, desc };
  const info = vmcoreinfoNote(emitVmcoreinfo(vmcoreinfoOf({
    osRelease: wide ? "6.1.192" : "2.6.27",
    kernelName: "A",
    memMapPhysical: 4 * MIB,
    frameCount: 5 * MIB / PAGE,
  })));
  const note = emitNotes([core, info]);
  const init = { class: elfClass, machine };
  const layout = kind === "vmcore"
    ? vmcoreLayout(
      buildCoreHeaders({
        ...init,
        ramRanges: [{ start: 0x1000, end: 0x9_fc00 }, { start: MIB, end: 5 * MIB }],
        excluded: [{ start: 2 * MIB, end: 4 * MIB }],
        notes: [{ paddr: 0x5000, size: note.length }],
        linearOffset: wide ? LINEAR_OFFSET.x86_64 : LINEAR_OFFSET.i386,
        lowmemLimit: wide ? Infinity : LOWMEM_LIMIT_I386,
      }),
      note,
    )
    : dumpLayout({
      ...init,
      entry: ENTRY,
      note,
      ranges: [
        { start: 0x1000, end: 0x9_f000 },
        { start: MIB, end: 2 * MIB },
        { start: 4 * MIB, end: 5 * MIB },
      ],
    });
  const file = new Uint8Array(layout.fileLength);
  file.set(layout.header);
  file.set(note, layout.noteOffset);
  fill(file, layout);
  const name = `${kind} of ELF${elfClass} for machine ${machine}`;
  const noteEnd = layout.noteOffset + note.length;
  return { name, class: elfClass, machine, layout, file, noteEnd };
}

const SAMPLES: readonly Sample[] = [
  sample("dump", 32, EM_386),
  sample("dump", 64, EM_X86_64),
  sample("vmcore", 32, EM_386),
  sample("vmcore", 64, EM_X86_64),
  // kexec --elf64-core-headers on i386, which krestore needs.
  sample("vmcore", 64, EM_386),
];

/** Prints architecture, release, and each page asked for in hexadecimal or the error's name. */
const KDUMPFILE_SCRIPT = `
import sys, kdumpfile
dump = kdumpfile.kdumpfile(sys.argv[1])
print(dump.attr["arch.name"])
print(dump.attr["linux.vmcoreinfo.lines.OSRELEASE"])
for address in sys.argv[2:]:
    try:
        print(dump.read(kdumpfile.KDUMP_MACHPHYSADDR, int(address), 4096).hex())
    except Exception as error:
        print(type(error).__name__)
`;

async function withFile(each: Sample, use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/image`;
    await Deno.writeFile(path, each.file);
    await use(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Rows of readelf's program header table: type, then its numbers. */
function programRows(text: string): [string, ...bigint[]][] {
  const rows = [...text.matchAll(/^ {2}(NOTE|LOAD) +((?:0x[0-9a-f]+ +){5})/gm)];
  return rows.map(([, type = "", numbers = ""]) => [
    type,
    ...numbers.trim().split(/ +/).map(BigInt),
  ]);
}

for (const each of SAMPLES) {
  Deno.test({
    name: `readelf sees the headers and notes of a ${each.name}`,
    ignore: !hasTool("readelf"),
    fn: () =>
      withFile(each, async (path) => {
        const { code, stdout, stderr } = await run("readelf", ["-hlnW", path]);
        deepStrictEqual([code, stderr], [0, ""]);
        match(stdout, /Type: +CORE \(Core file\)/);
        match(stdout, new RegExp(`Class: +ELF${each.class}\\n`));
        const { header, programs } = parseElf(each.file);
        match(stdout, new RegExp(`Entry point address: +0x${header.entry.toString(16)}\\n`));
        deepStrictEqual(
          programRows(stdout),
          programs.map((program) => [
            program.type === 4 ? "NOTE" : "LOAD",
            BigInt(program.offset),
            program.vaddr,
            BigInt(program.paddr),
            BigInt(program.filesz),
            BigInt(program.memsz),
          ]),
        );
        match(stdout, /CORE +0x00000(?:090|150)\tNT_PRSTATUS/);
        match(stdout, /VMCOREINFO +0x[0-9a-f]+\tUnknown note type: \(0x00000000\)/);
      }),
  });

  Deno.test({
    name: `file calls it a core file: ${each.name}`,
    ignore: !hasTool("file"),
    fn: () =>
      withFile(each, async (path) => {
        const { stdout } = await run("file", ["-b", path]);
        const machine = each.machine === EM_386 ? "Intel 80386" : "x86-64";
        match(stdout, new RegExp(`^ELF ${each.class}-bit LSB core file, ${machine}, version 1`));
      }),
  });

  Deno.test({
    name: `eu-elflint complains only of the VMCOREINFO note's type in a ${each.name}`,
    ignore: !hasTool("eu-elflint"),
    fn: () =>
      withFile(each, async (path) => {
        const { code, stdout, stderr } = await run("eu-elflint", [path]);
        const lines = (stdout + stderr).trim().split("\n");
        const expected = `phdr[0]: unknown core file note type 0 at offset ${each.noteEnd}`;
        deepStrictEqual([code, lines], [1, [expected]]);
      }),
  });

  const python = pythonWith("kdumpfile");
  Deno.test({
    name: `libkdumpfile reads pages by physical address from a ${each.name}`,
    ignore: python === undefined,
    fn: () =>
      withFile(each, async (path) => {
        const addresses = [0x1000, 0x9_e000, MIB, 2 * MIB - PAGE, 4 * MIB, 5 * MIB - PAGE];
        const { code, stdout, stderr } = await run(python ?? "", [
          "-c",
          KDUMPFILE_SCRIPT,
          path,
          ...[...addresses, 2 * MIB, 5 * MIB].map(String),
        ]);
        strictEqual(code, 0, stderr);
        const [arch, release, ...pages] = stdout.trim().split("\n");
        const wide = each.machine === EM_X86_64;
        deepStrictEqual([arch, release], wide ? ["x86_64", "6.1.192"] : ["ia32", "2.6.27"]);
        const expected = addresses.map((address) => {
          const offset = physicalToFile(each.layout, address) ?? 0;
          return toHex(each.file.subarray(offset, offset + PAGE));
        });
        deepStrictEqual(pages, [...expected, "NoDataException", "NoDataException"]);
      }),
  });
}
