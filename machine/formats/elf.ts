/**
 * ELF headers and program headers of both widths, as memory images use them (protocol.md E.1).
 *
 * Promises: {@linkcode parseElf} reads little-endian ELF of class 32 and 64 and throws only
 * {@linkcode FormatError}; what {@linkcode emitElf} writes is read back equal; type, machine,
 * segment types and flags that are not known here are kept as numbers. It reads headers only: it
 * neither needs nor looks at the content of a segment, and section headers are not read at all.
 *
 * @module
 */
import { FormatError } from "../errors.ts";

/** Width of the file's address fields, in bits. */
export type ElfClass = 32 | 64;

/** The fields of the ELF header that say something in a memory image. */
export interface ElfHeader {
  readonly class: ElfClass;
  /** `e_type`; a memory image has {@linkcode ET_CORE}. */
  readonly type: number;
  /** `e_machine`. */
  readonly machine: number;
  /** `e_entry`, a physical address: 0 in a vmcore, the entry to jump to in a loadable image. */
  readonly entry: number;
  /** File offset of the program headers, bytes. */
  readonly phoff: number;
  /** File offset of the section headers, 0 if there are none. */
  readonly shoff: number;
  /** `e_flags`; makedumpfile sets 1 in an incomplete dump. */
  readonly flags: number;
  readonly phnum: number;
}

/** One program header. All but `vaddr` must be below 2^53. */
export interface ProgramHeader {
  readonly type: number;
  /** Sum of {@linkcode PF_R}, {@linkcode PF_W}, {@linkcode PF_X}. */
  readonly flags: number;
  /** File offset in bytes; in a core header segment a physical address (protocol.md E.2). */
  readonly offset: number;
  /** Virtual address; all ones where the memory has none. */
  readonly vaddr: bigint;
  /** Physical address. */
  readonly paddr: number;
  /** Bytes in the file. */
  readonly filesz: number;
  /** Bytes in memory. */
  readonly memsz: number;
  readonly align: number;
}

/** Headers of one file. */
export interface ElfFile {
  readonly header: ElfHeader;
  readonly programs: readonly ProgramHeader[];
}

/** What {@linkcode emitElf} needs; offsets and counts follow from the program headers. */
export interface ElfHeaderInit {
  readonly class: ElfClass;
  readonly type: number;
  readonly machine: number;
  readonly entry: number;
  readonly flags?: number;
}

export const ET_CORE = 4;
export const PT_LOAD = 1;
export const PT_NOTE = 4;
export const EM_386 = 3;
export const EM_X86_64 = 62;
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

/** Most program headers a file can have here; 65535 in the field means "counted elsewhere". */
export const PHNUM_MAX = 65_534;

const FORMAT = "ELF file";
const IDENT_BYTES = 16;
const MAGIC = [0x7f, 0x45, 0x4c, 0x46] as const;
const EV_CURRENT = 1;

/** Offsets of the fields that differ between the classes; `word` is the width of an address. */
const LAYOUT = {
  32: {
    word: 4,
    header: { bytes: 52, entry: 24, phoff: 28, shoff: 32, flags: 36, sizes: 40 },
    program: { bytes: 32, flags: 24, offset: 4, vaddr: 8, paddr: 12, filesz: 16, memsz: 20 },
    align: 28,
  },
  64: {
    word: 8,
    header: { bytes: 64, entry: 24, phoff: 32, shoff: 40, flags: 48, sizes: 52 },
    program: { bytes: 56, flags: 4, offset: 8, vaddr: 16, paddr: 24, filesz: 32, memsz: 40 },
    align: 48,
  },
} as const;

/** Bytes of the ELF header: 52 or 64. */
export function elfHeaderBytes(elfClass: ElfClass): number {
  return LAYOUT[elfClass].header.bytes;
}

/** Bytes of one program header: 32 or 56. */
export function programHeaderBytes(elfClass: ElfClass): number {
  return LAYOUT[elfClass].program.bytes;
}

/**
 * Reads header and program headers; the content of the segments may be missing.
 *
 * @throws {FormatError} for anything but a whole, little-endian ELF header of version 1 whose
 * program headers lie within `bytes`, and for an offset, size or physical address over 2^53.
 */
export function parseElf(bytes: Uint8Array): ElfFile {
  const elfClass = parseIdent(bytes);
  const layout = LAYOUT[elfClass];
  if (bytes.length < layout.header.bytes) {
    throw new FormatError(
      FORMAT,
      bytes.length,
      `truncated header: ${bytes.length} of ${layout.header.bytes} bytes`,
    );
  }
  const view = viewOf(bytes);
  const version = view.getUint32(20, true);
  if (version !== EV_CURRENT) throw new FormatError(FORMAT, 20, `version ${version}, wanted 1`);
  const sizes = layout.header.sizes;
  const headerBytes = view.getUint16(sizes, true);
  if (headerBytes !== layout.header.bytes) {
    throw new FormatError(FORMAT, sizes, `header size ${headerBytes}, not ${layout.header.bytes}`);
  }
  const phnum = view.getUint16(sizes + 4, true);
  if (phnum > PHNUM_MAX) {
    throw new FormatError(FORMAT, sizes + 4, "program headers counted elsewhere (extended)");
  }
  const entryBytes = view.getUint16(sizes + 2, true);
  if (phnum > 0 && entryBytes !== layout.program.bytes) {
    const message = `program header size ${entryBytes}, not ${layout.program.bytes}`;
    throw new FormatError(FORMAT, sizes + 2, message);
  }
  const header: ElfHeader = {
    class: elfClass,
    type: view.getUint16(16, true),
    machine: view.getUint16(18, true),
    entry: readWord(view, elfClass, layout.header.entry, "entry"),
    phoff: readWord(view, elfClass, layout.header.phoff, "program header offset"),
    shoff: readWord(view, elfClass, layout.header.shoff, "section header offset"),
    flags: view.getUint32(layout.header.flags, true),
    phnum,
  };
  const end = header.phoff + phnum * layout.program.bytes;
  if (phnum > 0 && end > bytes.length) {
    const message = `program headers end at ${end}, past the end at ${bytes.length}`;
    throw new FormatError(FORMAT, layout.header.phoff, message);
  }
  const programs: ProgramHeader[] = [];
  for (let index = 0; index < phnum; index++) {
    programs.push(readProgram(view, elfClass, header.phoff + index * layout.program.bytes));
  }
  return { header, programs };
}

/**
 * An ELF header followed at once by its program headers.
 *
 * @throws {RangeError} if a number does not fit its field.
 */
export function emitElf(header: ElfHeaderInit, programs: readonly ProgramHeader[]): Uint8Array {
  const layout = LAYOUT[header.class];
  if (programs.length > PHNUM_MAX) {
    throw new RangeError(`Cannot emit ELF: ${programs.length} program headers, max ${PHNUM_MAX}`);
  }
  const bytes = new Uint8Array(layout.header.bytes + programs.length * layout.program.bytes);
  bytes.set(MAGIC);
  bytes[4] = header.class === 64 ? 2 : 1;
  bytes[5] = 1;
  bytes[6] = EV_CURRENT;
  const view = viewOf(bytes);
  view.setUint16(16, checked(header.type, 16, "type"), true);
  view.setUint16(18, checked(header.machine, 16, "machine"), true);
  view.setUint32(20, EV_CURRENT, true);
  writeWord(view, header.class, layout.header.entry, BigInt(header.entry), "entry");
  writeWord(view, header.class, layout.header.phoff, BigInt(layout.header.bytes), "phoff");
  view.setUint32(layout.header.flags, checked(header.flags ?? 0, 32, "flags"), true);
  view.setUint16(layout.header.sizes, layout.header.bytes, true);
  view.setUint16(layout.header.sizes + 2, layout.program.bytes, true);
  view.setUint16(layout.header.sizes + 4, programs.length, true);
  programs.forEach((program, index) => {
    writeProgram(view, header.class, layout.header.bytes + index * layout.program.bytes, program);
  });
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function parseIdent(bytes: Uint8Array): ElfClass {
  for (let index = 0; index < MAGIC.length; index++) {
    if (index >= bytes.length) break;
    if (bytes[index] !== MAGIC[index]) throw new FormatError(FORMAT, index, "not an ELF file");
  }
  if (bytes.length < IDENT_BYTES) {
    const message = `truncated header: ${bytes.length} of at least ${IDENT_BYTES} bytes`;
    throw new FormatError(FORMAT, bytes.length, message);
  }
  if (bytes[5] === 2) throw new FormatError(FORMAT, 5, "big endian, wanted little endian");
  if (bytes[5] !== 1) throw new FormatError(FORMAT, 5, `unknown byte order ${bytes[5]}`);
  if (bytes[6] !== EV_CURRENT) {
    throw new FormatError(FORMAT, 6, `version ${bytes[6]} in the identification, wanted 1`);
  }
  if (bytes[4] === 1) return 32;
  if (bytes[4] === 2) return 64;
  throw new FormatError(FORMAT, 4, `unknown class ${bytes[4]}`);
}

function readProgram(view: DataView, elfClass: ElfClass, base: number): ProgramHeader {
  const { program, align } = LAYOUT[elfClass];
  const vaddr = base + program.vaddr;
  return {
    type: view.getUint32(base, true),
    flags: view.getUint32(base + program.flags, true),
    offset: readWord(view, elfClass, base + program.offset, "p_offset"),
    vaddr: elfClass === 64 ? view.getBigUint64(vaddr, true) : BigInt(view.getUint32(vaddr, true)),
    paddr: readWord(view, elfClass, base + program.paddr, "p_paddr"),
    filesz: readWord(view, elfClass, base + program.filesz, "p_filesz"),
    memsz: readWord(view, elfClass, base + program.memsz, "p_memsz"),
    align: readWord(view, elfClass, base + align, "p_align"),
  };
}

function writeProgram(view: DataView, elfClass: ElfClass, base: number, from: ProgramHeader): void {
  const { program, align } = LAYOUT[elfClass];
  view.setUint32(base, checked(from.type, 32, "p_type"), true);
  view.setUint32(base + program.flags, checked(from.flags, 32, "p_flags"), true);
  writeWord(view, elfClass, base + program.offset, BigInt(from.offset), "p_offset");
  writeWord(view, elfClass, base + program.vaddr, from.vaddr, "p_vaddr");
  writeWord(view, elfClass, base + program.paddr, BigInt(from.paddr), "p_paddr");
  writeWord(view, elfClass, base + program.filesz, BigInt(from.filesz), "p_filesz");
  writeWord(view, elfClass, base + program.memsz, BigInt(from.memsz), "p_memsz");
  writeWord(view, elfClass, base + align, BigInt(from.align), "p_align");
}

function readWord(view: DataView, elfClass: ElfClass, offset: number, field: string): number {
  if (elfClass === 32) return view.getUint32(offset, true);
  const value = view.getBigUint64(offset, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new FormatError(FORMAT, offset, `${field} 0x${value.toString(16)} is over 2^53`);
  }
  return Number(value);
}

function writeWord(view: DataView, elfClass: ElfClass, at: number, value: bigint, field: string) {
  if (value < 0n || value >= 1n << BigInt(elfClass)) {
    throw new RangeError(
      `Cannot emit ELF: ${field} 0x${value.toString(16)} does not fit ${elfClass} bits`,
    );
  }
  if (elfClass === 64) view.setBigUint64(at, value, true);
  else view.setUint32(at, Number(value), true);
}

function checked(value: number, bits: 16 | 32, field: string): number {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) {
    throw new RangeError(`Cannot emit ELF: ${field} ${value} does not fit ${bits} bits`);
  }
  return value;
}
