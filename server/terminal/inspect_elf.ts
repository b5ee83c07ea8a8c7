/**
 * Headers of an ELF file: program headers, notes, VMCOREINFO.
 *
 * @module
 */
import { UsageError } from "../../machine/errors.ts";
import {
  type ElfFile,
  EM_386,
  EM_X86_64,
  ET_CORE,
  parseElf,
  PF_R,
  PF_W,
  PF_X,
  type ProgramHeader,
  PT_LOAD,
  PT_NOTE,
} from "../../machine/formats/elf.ts";
import { type ElfNote, findVmcoreinfo, parseNotes } from "../../machine/formats/elf_notes.ts";
import type { DiskFile } from "./disk_file.ts";
import type { Inspection, Section } from "./inspection.ts";
import { hexText, plural, sizeText } from "./values.ts";

/** Room for the program headers of the largest image. */
const HEAD_BYTES = 0x40_0000;
/** Notes are small; more than that is not read. */
const NOTE_BYTES_MAX = 0x10_0000;

function machineText(machine: number): string {
  if (machine === EM_386) return "Intel 80386";
  return machine === EM_X86_64 ? "AMD x86-64" : `machine ${machine}`;
}

function typeText(type: number): string {
  if (type === PT_LOAD) return "LOAD";
  return type === PT_NOTE ? "NOTE" : hexText(type);
}

function flagsText(flags: number): string {
  const letters = [[PF_R, "R"], [PF_W, "W"], [PF_X, "E"]] as const;
  return letters.map(([flag, letter]) => (flags & flag) === 0 ? " " : letter).join("");
}

function programRow(program: ProgramHeader): readonly [string, string] {
  const { type, flags, offset, vaddr, paddr, filesz, memsz } = program;
  return [
    typeText(type),
    `${flagsText(flags)} offset ${hexText(offset)}, physical ${hexText(paddr)}, virtual ` +
    `${hexText(vaddr)}, ${hexText(filesz)} in the file, ${hexText(memsz)} in memory`,
  ];
}

function notesIn(file: DiskFile, { programs }: ElfFile): ElfNote[] {
  return programs
    .filter(({ type, filesz }) => type === PT_NOTE && filesz > 0 && filesz <= NOTE_BYTES_MAX)
    .flatMap(({ offset, filesz }) => parseNotes(file.read(offset, filesz)));
}

function noteSections(notes: readonly ElfNote[]): Section[] {
  if (notes.length === 0) return [];
  const rows = notes.map(({ name, type, desc }): readonly [string, string] => [
    name,
    `type ${type}, ${plural(desc.length, "byte")}`,
  ]);
  const pairs = findVmcoreinfo(notes);
  return [
    { title: "Notes", rows },
    ...(pairs === undefined ? [] : [{ title: "VMCOREINFO", rows: [...pairs] }]),
  ];
}

function checkWhole(file: DiskFile, { programs }: ElfFile): void {
  const end = Math.max(0, ...programs.map(({ offset, filesz }) => offset + filesz));
  if (end <= file.byteLength) return;
  throw new UsageError(
    `'${file.path}' is truncated: its segments end at byte ${end}, the file at ${file.byteLength}`,
  );
}

/** @throws {FormatError} if it is not a whole ELF header. */
export function inspectElf(file: DiskFile): Inspection {
  const elf = parseElf(file.read(0, HEAD_BYTES));
  checkWhole(file, elf);
  const { header, programs } = elf;
  const loads = programs.filter(({ type }) => type === PT_LOAD);
  const memory = loads.reduce((sum, { memsz }) => sum + memsz, 0);
  const core = header.type === ET_CORE;
  const machine = machineText(header.machine);
  return {
    kind: core ? "ELF memory image" : "ELF file",
    about: `${core ? "an ELF memory image" : `an ELF file of type ${header.type}`} of class ` +
      `${header.class} for ${machine}, ${sizeText(memory)} of memory in ` +
      plural(loads.length, "segment"),
    sections: [
      {
        title: "Header",
        rows: [
          ["class", `ELF${header.class}`],
          ["machine", machine],
          ["type", core ? "CORE" : String(header.type)],
          ["entry", hexText(header.entry)],
          ["flags", hexText(header.flags)],
          ["program headers", `${header.phnum} at byte ${header.phoff}`],
          ["file", plural(file.byteLength, "byte")],
        ],
      },
      { title: "Program headers", rows: programs.map(programRow) },
      ...noteSections(notesIn(file, elf)),
    ],
  };
}
