/**
 * /proc/kimgcore: the loaded kexec image as an ELF file (protocol.md B.3.2, E.3).
 *
 * Promises: {@linkcode emitKimgcore} makes header and program headers exactly as the kernel of
 * khibernation v7 does, class 64 on every architecture, the data at `64 + 56n` and so not on a
 * page's edge; {@linkcode parseKimgcore} takes only such a file and throws nothing but
 * {@linkcode FormatError}. The data themselves it does not look at. Where they stand in RAM is
 * said by the image's entry list, of which {@linkcode sourcesInPage} reads one page.
 *
 * @module
 */
import { FormatError } from "../errors.ts";
import {
  elfHeaderBytes,
  emitElf,
  ET_CORE,
  parseElf,
  PF_R,
  PF_W,
  PF_X,
  type ProgramHeader,
  programHeaderBytes,
  PT_LOAD,
} from "./elf.ts";
import {
  IND_DESTINATION,
  IND_DONE,
  IND_INDIRECTION,
  IND_SOURCE,
  type KimageArch,
  wordBytes,
} from "./kimage.ts";
import { PAGE_BYTES } from "./page_runs.ts";

/** A segment of the image: physical address and bytes, whole pages. */
export interface KimgcoreSegment {
  readonly mem: number;
  readonly memsz: number;
}

/** What the header says. */
export interface KimgcoreHeader {
  /** `EM_386` or `EM_X86_64`, though the class is always 64. */
  readonly machine: number;
  /** `image->start`. */
  readonly entry: number;
  readonly segments: readonly KimgcoreSegment[];
}

const FORMAT = "kimgcore";
const ALIGN = 4096;
const FLAGS = PF_R | PF_W | PF_X;
/** The length is kept in an unsigned 32-bit number. */
const SIZE_MODULUS = 2 ** 32;

/** Bytes of the header with `count` program headers: where the data begin. */
export function kimgcoreHeaderBytes(count: number): number {
  return elfHeaderBytes(64) + count * programHeaderBytes(64);
}

/** Bytes of header and data. */
export function kimgcoreBytes(segments: readonly KimgcoreSegment[]): number {
  const data = segments.reduce((sum, { memsz }) => sum + memsz, 0);
  return kimgcoreHeaderBytes(segments.length) + data;
}

/** The length the kernel goes by: from 4 GiB on it wraps (protocol.md B.3.1). */
export function kimgcoreSize(segments: readonly KimgcoreSegment[]): number {
  return kimgcoreBytes(segments) % SIZE_MODULUS;
}

/**
 * ELF header and program headers.
 *
 * @throws {RangeError} if a number does not fit its field.
 */
export function emitKimgcore({ machine, entry, segments }: KimgcoreHeader): Uint8Array {
  let offset = kimgcoreHeaderBytes(segments.length);
  const programs = segments.map(({ mem, memsz }): ProgramHeader => {
    const program = {
      ...{ type: PT_LOAD, flags: FLAGS, offset, vaddr: 0n, paddr: mem },
      ...{ filesz: memsz, memsz, align: ALIGN },
    };
    offset += memsz;
    return program;
  });
  return emitElf({ class: 64, type: ET_CORE, machine, entry }, programs);
}

/**
 * The header of a file; its data may be missing.
 *
 * @throws {FormatError} for anything but the header {@linkcode emitKimgcore} makes, the kind of
 * machine left open.
 */
export function parseKimgcore(bytes: Uint8Array): KimgcoreHeader {
  const { header, programs } = parseElf(bytes);
  const wrong = (offset: number, message: string): never => {
    throw new FormatError(FORMAT, offset, message);
  };
  if (header.class !== 64) wrong(4, `ELF class ${header.class}, wanted 64`);
  if (header.type !== ET_CORE) wrong(16, `ELF type ${header.type}, wanted a core file`);
  if (header.phoff !== elfHeaderBytes(64)) wrong(32, `program headers at ${header.phoff}`);
  if (header.shoff !== 0) wrong(40, "section headers");
  if (header.flags !== 0) wrong(48, `flags ${header.flags}`);
  let expected = kimgcoreHeaderBytes(programs.length);
  programs.forEach((program, index) => {
    const at = kimgcoreHeaderBytes(index);
    const { type, flags, offset, vaddr, filesz, memsz, align } = program;
    if (type !== PT_LOAD) wrong(at, `program header of type ${type}`);
    if (flags !== FLAGS) wrong(at + 4, `program flags ${flags}, wanted ${FLAGS}`);
    if (offset !== expected) wrong(at + 8, `data at ${offset}, wanted ${expected}`);
    if (vaddr !== 0n) wrong(at + 16, `virtual address 0x${vaddr.toString(16)}, wanted 0`);
    if (program.paddr % PAGE_BYTES !== 0) wrong(at + 24, "physical address inside a page");
    if (filesz !== memsz) wrong(at + 32, `${filesz} bytes in the file, ${memsz} in memory`);
    if (memsz % PAGE_BYTES !== 0) wrong(at + 40, `${memsz} bytes are no whole pages`);
    if (align !== ALIGN) wrong(at + 48, `alignment ${align}, wanted ${ALIGN}`);
    expected += memsz;
    if (!Number.isSafeInteger(expected)) wrong(at + 40, "the data end over 2^53");
  });
  return {
    machine: header.machine,
    entry: header.entry,
    segments: programs.map(({ paddr, memsz }) => ({ mem: paddr, memsz })),
  };
}

/** Whether the bytes begin a file like this one. */
export function isKimgcore(bytes: Uint8Array): boolean {
  try {
    parseKimgcore(bytes);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** What one page of an entry list says to who wants the content. */
export interface ListPage {
  /** Source page frames, in order. */
  readonly sources: readonly number[];
  /** Frame of the page the list goes on in; `undefined` where it ends. */
  readonly next: number | undefined;
}

/**
 * Reads one indirection page as it stands in RAM. Flags are tested in the kernel's order:
 * destination, indirection, done, source; a word with none of them is passed over.
 *
 * @throws {FormatError} if the page has neither a link nor an end, or a word is over 2^53.
 */
export function sourcesInPage(arch: KimageArch, page: Uint8Array): ListPage {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const size = wordBytes(arch);
  const sources: number[] = [];
  for (let at = 0; at + size <= PAGE_BYTES && at + size <= page.length; at += size) {
    const word = readWord(view, size, at);
    const flags = word % PAGE_BYTES;
    const pfn = (word - flags) / PAGE_BYTES;
    if ((flags & IND_DESTINATION) !== 0) continue;
    if ((flags & IND_INDIRECTION) !== 0) return { sources, next: pfn };
    if ((flags & IND_DONE) !== 0) return { sources, next: undefined };
    if ((flags & IND_SOURCE) !== 0) sources.push(pfn);
  }
  throw new FormatError(FORMAT, page.length, "a page of the list has neither a link nor an end");
}

/** The frame of the first page of a list, by the image's head word; `undefined` if it is empty. */
export function listStart(head: number): number | undefined {
  const flags = head % PAGE_BYTES;
  return (flags & IND_INDIRECTION) === 0 ? undefined : (head - flags) / PAGE_BYTES;
}

function readWord(view: DataView, size: 4 | 8, at: number): number {
  const low = view.getUint32(at, true);
  if (size === 4) return low;
  const high = view.getUint32(at + 4, true);
  if (high >= 0x20_0000) throw new FormatError(FORMAT, at, "a word over 2^53");
  return high * 2 ** 32 + low;
}
