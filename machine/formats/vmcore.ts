/**
 * The three shapes an ELF memory image takes (protocol.md E.2): the core header segment that kexec
 * puts beside the second kernel, /proc/vmcore as that kernel rebuilds it, and the ELF file that
 * makedumpfile writes.
 *
 * Promises: addresses are physical bytes; a layout says where every byte of the file comes from,
 * so that content can be copied in extents without ever holding the file; malformed core headers
 * throw only {@linkcode FormatError} with format {@linkcode CORE_HEADERS}. It moves no content.
 *
 * @module
 */
import { FormatError } from "../errors.ts";
import {
  type ElfClass,
  type ElfFile,
  elfHeaderBytes,
  EM_X86_64,
  emitElf,
  ET_CORE,
  parseElf,
  PF_R,
  PF_W,
  PF_X,
  PHNUM_MAX,
  type ProgramHeader,
  programHeaderBytes,
  PT_LOAD,
  PT_NOTE,
} from "./elf.ts";
import { type ByteRange, PAGE_BYTES } from "./page_runs.ts";

/** The format named by errors about a core header segment: a kernel answers them with EINVAL. */
export const CORE_HEADERS = "core headers segment";

/** The core header segment is a multiple of this long (protocol.md E.2). */
export const CORE_HEADERS_ALIGN = 1024;

/** Where the linear map of a kernel begins, for want of a better knowledge of it. */
export const LINEAR_OFFSET = { i386: 0xc000_0000n, x86_64: 0xffff_8880_0000_0000n } as const;

/** End of the memory that an i386 kernel maps linearly: 896 MiB. */
export const LOWMEM_LIMIT_I386 = 0x3800_0000;

/** A buffer with notes, in physical memory. */
export interface NoteBuffer {
  readonly paddr: number;
  /** Bytes. */
  readonly size: number;
}

/** What {@linkcode buildCoreHeaders} describes. */
export interface CoreHeadersInit {
  readonly class: ElfClass;
  readonly machine: number;
  /** RAM of the kernel to be saved, ascending. */
  readonly ramRanges: readonly ByteRange[];
  /** What is not to be saved: the window, and whatever else is not that kernel's. */
  readonly excluded: readonly ByteRange[];
  /** One for each CPU, then that of VMCOREINFO if there is one. */
  readonly notes: readonly NoteBuffer[];
  /** Virtual address of physical 0 in the linear map. */
  readonly linearOffset: bigint;
  /** A range that ends above this has no virtual address; Infinity where all memory is mapped. */
  readonly lowmemLimit: number;
  /** Low memory whose content was copied to `copy` before the second kernel ran (D.3). */
  readonly backup?: ByteRange & { readonly copy: number };
  /** Kernel text under its second address, as stock kexec adds on x86_64 (it is saved twice). */
  readonly kernelText?: ByteRange & { readonly vaddr: bigint };
}

/** One stretch of a file that is a copy of physical memory. */
export interface LayoutSegment {
  readonly fileOffset: number;
  /** The physical address that the file says this is. */
  readonly physical: number;
  readonly length: number;
  /** Where the bytes are now; differs from `physical` only for backed-up low memory. */
  readonly source: number;
}

/** Where the parts of an ELF image file are. */
export interface CoreLayout {
  /** ELF header and program headers; zeros follow up to `noteOffset`. */
  readonly header: Uint8Array;
  readonly noteOffset: number;
  /** Ascending in the file, not overlapping there; bytes between them are zero. */
  readonly segments: readonly LayoutSegment[];
  readonly fileLength: number;
}

/** What {@linkcode dumpLayout} describes. */
export interface DumpInit {
  readonly class: ElfClass;
  readonly machine: number;
  /** `e_entry`; 0 by default. */
  readonly entry?: number;
  /** Bytes of the note segment. */
  readonly note: Uint8Array;
  /** Memory in the file, ascending, each beginning at a page. */
  readonly ranges: readonly ByteRange[];
  /** By default that of the machine's kernel of this laboratory. */
  readonly linearOffset?: bigint;
  /** By default 896 MiB for EM_386, none for EM_X86_64. */
  readonly lowmemLimit?: number;
}

const RWX = PF_R | PF_W | PF_X;

/**
 * The core header segment: PT_NOTE per buffer, then the kernel text if asked for, then one
 * PT_LOAD for each part of RAM that is not excluded, offset and physical address the same.
 *
 * @throws {RangeError} if a number does not fit the class, or ranges are not ascending.
 */
export function buildCoreHeaders(init: CoreHeadersInit): Uint8Array {
  checkAscending(init.ramRanges);
  const programs: ProgramHeader[] = init.notes.map(({ paddr, size }) => ({
    type: PT_NOTE,
    flags: 0,
    offset: paddr,
    vaddr: 0n,
    paddr,
    filesz: size,
    memsz: size,
    align: 0,
  }));
  const text = init.kernelText;
  if (text !== undefined) programs.push(loadOf(text, text.start, text.vaddr));
  let ranges = excludeRanges(init.ramRanges, init.excluded);
  const backup = init.backup;
  if (backup !== undefined) {
    // Splitting at the backup's edges, because only what is inside moves.
    const outside = excludeRanges(ranges, [backup]);
    ranges = [...outside, ...excludeRanges(ranges, outside)].sort((a, b) => a.start - b.start);
  }
  for (const range of ranges) {
    const moved = backup !== undefined && range.start >= backup.start && range.end <= backup.end
      ? backup.copy - backup.start
      : 0;
    programs.push(loadOf(range, range.start + moved, virtualOf(range, init)));
  }
  const elf = emitElf({ ...init, type: ET_CORE, entry: 0 }, programs);
  const bytes = new Uint8Array(roundUp(elf.length, CORE_HEADERS_ALIGN));
  bytes.set(elf);
  return bytes;
}

/**
 * The note buffers that core headers name, for the kernel to read before it can rebuild a vmcore.
 *
 * @throws {FormatError} as {@linkcode vmcoreLayout}.
 */
export function coreNoteBuffers(coreHeaders: Uint8Array): NoteBuffer[] {
  return parseCoreHeaders(coreHeaders).programs
    .filter((program) => program.type === PT_NOTE)
    .map((program) => ({ paddr: program.offset, size: program.memsz }));
}

/**
 * /proc/vmcore: all notes merged into one PT_NOTE at the first page after the headers, then the
 * memory ranges one behind the other, each rounded out to pages. `noteBytes` are the notes that
 * the buffers hold, without their ends (`notesLength` of elf_notes.ts).
 *
 * @throws {FormatError} for core headers that are not sane: not an ELF core of this layout, no
 * program header, or offset and address of a range not alike within the page.
 */
export function vmcoreLayout(coreHeaders: Uint8Array, noteBytes: Uint8Array): CoreLayout {
  const { header, programs } = parseCoreHeaders(coreHeaders);
  const loads = programs.filter((program) => program.type === PT_LOAD);
  if (loads.length >= PHNUM_MAX) {
    throw new FormatError(CORE_HEADERS, header.phoff, `${loads.length} ranges and the notes`);
  }
  const headerLength = elfHeaderBytes(header.class) +
    (1 + loads.length) * programHeaderBytes(header.class);
  const noteOffset = roundUp(headerLength, PAGE_BYTES);
  let fileOffset = noteOffset + roundUp(noteBytes.length, PAGE_BYTES);
  const segments: LayoutSegment[] = [];
  const placed: ProgramHeader[] = [noteProgram(noteOffset, noteBytes.length)];
  for (const load of loads) {
    const source = Math.floor(load.offset / PAGE_BYTES) * PAGE_BYTES;
    const inPage = load.offset - source;
    if (load.paddr % PAGE_BYTES !== inPage) {
      const message = `range at 0x${load.paddr.toString(16)} has its content at ` +
        `0x${load.offset.toString(16)}, another place within the page`;
      throw new FormatError(CORE_HEADERS, header.phoff, message);
    }
    const length = roundUp(inPage + load.memsz, PAGE_BYTES);
    placed.push({ ...load, offset: fileOffset + inPage });
    segments.push({ fileOffset, physical: load.paddr - inPage, length, source });
    fileOffset += length;
  }
  if (!Number.isSafeInteger(fileOffset)) {
    throw new FormatError(CORE_HEADERS, header.phoff, "the ranges together are over 2^53 bytes");
  }
  if (header.class === 32 && fileOffset > 0xffff_ffff) {
    const message = `the file would have ${fileOffset} bytes, which needs ELF64 headers`;
    throw new FormatError(CORE_HEADERS, header.phoff, message);
  }
  return { header: emitElf(header, placed), noteOffset, segments, fileLength: fileOffset };
}

/**
 * The ELF file that makedumpfile writes: headers, note, then each range's content beginning at a
 * page of the file. A last range may end within a page; its content then ends there too.
 *
 * @throws {RangeError} if ranges are not ascending or do not begin at a page, or if the file
 * needs ELF64.
 */
export function dumpLayout(init: DumpInit): CoreLayout {
  checkAscending(init.ranges);
  const headerLength = elfHeaderBytes(init.class) +
    (1 + init.ranges.length) * programHeaderBytes(init.class);
  const wide = init.machine === EM_X86_64;
  const map = {
    class: init.class,
    linearOffset: init.linearOffset ?? (wide ? LINEAR_OFFSET.x86_64 : LINEAR_OFFSET.i386),
    lowmemLimit: init.lowmemLimit ?? (wide ? Infinity : LOWMEM_LIMIT_I386),
  };
  let end = headerLength + init.note.length;
  const segments: LayoutSegment[] = [];
  const programs: ProgramHeader[] = [noteProgram(headerLength, init.note.length)];
  for (const range of init.ranges) {
    if (range.start % PAGE_BYTES !== 0) {
      throw new RangeError(`Cannot lay out dump: 0x${range.start.toString(16)} is not a page`);
    }
    const fileOffset = roundUp(end, PAGE_BYTES);
    const length = range.end - range.start;
    programs.push(loadOf(range, fileOffset, virtualOf(range, map)));
    segments.push({ fileOffset, physical: range.start, length, source: range.start });
    end = fileOffset + length;
  }
  const header = emitElf({ ...init, type: ET_CORE, entry: init.entry ?? 0 }, programs);
  return { header, noteOffset: headerLength, segments, fileLength: end };
}

/** File offset of a physical byte, or undefined if the file does not have it. */
export function physicalToFile(layout: CoreLayout, address: number): number | undefined {
  const segment = layout.segments.find((each) => within(address, each.physical, each.length));
  return segment === undefined ? undefined : segment.fileOffset + (address - segment.physical);
}

/** Physical address of a byte of the file, or undefined in headers, notes and gaps. */
export function fileToPhysical(layout: CoreLayout, fileOffset: number): number | undefined {
  const segment = layout.segments.find((each) => within(fileOffset, each.fileOffset, each.length));
  return segment === undefined ? undefined : segment.physical + (fileOffset - segment.fileOffset);
}

/** What is left of `ranges`, which ascend, without `excluded`; exact to the byte. */
export function excludeRanges(
  ranges: readonly ByteRange[],
  excluded: readonly ByteRange[],
): ByteRange[] {
  let left = ranges.map(({ start, end }): ByteRange => ({ start, end }));
  for (const hole of excluded) {
    if (hole.end <= hole.start) continue;
    left = left.flatMap(({ start, end }) => [
      { start, end: Math.min(end, hole.start) },
      { start: Math.max(start, hole.end), end },
    ]).filter((range) => range.start < range.end);
  }
  return left;
}

function parseCoreHeaders(bytes: Uint8Array): ElfFile {
  let elf: ElfFile;
  try {
    elf = parseElf(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new FormatError(CORE_HEADERS, error.offset, error.message);
  }
  if (elf.header.type !== ET_CORE) {
    throw new FormatError(CORE_HEADERS, 16, `type ${elf.header.type}, wanted 4 (core)`);
  }
  if (elf.header.phnum === 0) {
    const offset = elf.header.class === 64 ? 56 : 44;
    throw new FormatError(CORE_HEADERS, offset, "no program headers");
  }
  return elf;
}

function noteProgram(offset: number, size: number): ProgramHeader {
  return {
    type: PT_NOTE,
    flags: 0,
    offset,
    vaddr: 0n,
    paddr: 0,
    filesz: size,
    memsz: size,
    align: 0,
  };
}

function loadOf(range: ByteRange, offset: number, vaddr: bigint): ProgramHeader {
  const size = range.end - range.start;
  const paddr = range.start;
  return { type: PT_LOAD, flags: RWX, offset, vaddr, paddr, filesz: size, memsz: size, align: 0 };
}

/** As kexec does it: a range that only begins in low memory has no address either. */
function virtualOf(
  range: ByteRange,
  map: {
    readonly class: ElfClass;
    readonly linearOffset: bigint;
    readonly lowmemLimit: number;
  },
): bigint {
  if (range.end > map.lowmemLimit) return BigInt.asUintN(map.class, -1n);
  return BigInt.asUintN(map.class, map.linearOffset + BigInt(range.start));
}

function checkAscending(ranges: readonly ByteRange[]): void {
  let previous = 0;
  for (const { start, end } of ranges) {
    if (start < previous || end <= start) {
      const text = `[0x${start.toString(16)}, 0x${end.toString(16)})`;
      throw new RangeError(`Cannot describe memory: range ${text} is empty or not ascending`);
    }
    previous = end;
  }
}

function within(value: number, start: number, length: number): boolean {
  return value >= start && value < start + length;
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
