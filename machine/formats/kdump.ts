/**
 * The head of a kdump-compressed file, makedumpfile's own format (protocol.md E.4): disk dump
 * header, sub header with notes, and the two bitmaps. Page descriptors and data are in
 * kdump_pages.ts. Header version 6, for 64-bit and for i386 dumps, whose fields are narrower.
 *
 * Promises: only {@linkcode FormatError} is thrown; flags that are not known are kept. Split dumps
 * and the "flattened" form are not made.
 *
 * @module
 */
import { FormatError } from "../errors.ts";
import { FieldReader, FieldWriter } from "./byte_fields.ts";
import { PAGE_BYTES, type PageRun, toRuns } from "./page_runs.ts";

/** Bytes of a block, which are those of a page. */
export const KDUMP_BLOCK_BYTES = PAGE_BYTES;

/** Bits of `status` and of a page's flags. */
export const KDUMP_FLAG = {
  zlib: 0x1,
  lzo: 0x2,
  snappy: 0x4,
  incomplete: 0x8,
  excludedVmemmap: 0x10,
  zstd: 0x20,
} as const;

const SIGNATURE = "KDUMP   ";
const FORMAT = "kdump file";
const VERSION = 6;
const UTS_BYTES = 65;
const UTS_FIELDS = 6;

/** Bytes of a word of the kernel that was dumped. */
export type KdumpWord = 4 | 8;

/** Where the fields stand: [offset, bytes]; what is not a word has its own width. */
const LAYOUT = {
  8: {
    seconds: 408,
    status: 424,
    sub: {
      physicalBase: 0,
      level: 8,
      split: 12,
      startOld: 16,
      endOld: 24,
      vmcoreinfo: [32, 40],
      notes: [48, 56],
      erased: [64, 72],
      start: 80,
      end: 88,
      maxPfn: 96,
      bytes: 104,
    },
  },
  4: {
    seconds: 404,
    status: 412,
    sub: {
      physicalBase: 0,
      level: 4,
      split: 8,
      startOld: 12,
      endOld: 16,
      vmcoreinfo: [20, 28],
      notes: [32, 40],
      erased: [44, 52],
      start: 56,
      end: 64,
      maxPfn: 72,
      bytes: 80,
    },
  },
} as const;

/** Bytes of the file; 0 and 0 where there is nothing. */
export interface KdumpExtent {
  readonly offset: number;
  readonly length: number;
}

/** What the headers say. */
export interface KdumpHeader {
  readonly word: KdumpWord;
  readonly version: number;
  /** Of uname: system, node, release, version, machine, domain. */
  readonly utsname: readonly string[];
  readonly seconds: number;
  readonly microseconds: number;
  /** Sum of {@linkcode KDUMP_FLAG} bits. */
  readonly status: number;
  readonly blockBytes: number;
  readonly subHeaderBlocks: number;
  readonly bitmapBlocks: number;
  readonly cpuCount: number;
  readonly physicalBase: number;
  /** What was left out: bits of makedumpfile's -d. */
  readonly level: number;
  readonly vmcoreinfo: KdumpExtent;
  readonly notes: KdumpExtent;
  /** Frames the bitmaps are about. */
  readonly maxPfn: number;
}

/** What a file is to be made of. */
export interface KdumpContents {
  readonly word: KdumpWord;
  readonly utsname: readonly string[];
  readonly seconds: number;
  readonly microseconds: number;
  /** Compression that pages may have: {@linkcode KDUMP_FLAG} zlib, lzo, or 0. */
  readonly compression: number;
  readonly level: number;
  readonly cpuCount: number;
  readonly physicalBase: number;
  readonly maxPfn: number;
  /** Frames that are memory. */
  readonly present: readonly PageRun[];
  /** Frames that are in the file. */
  readonly dumped: readonly PageRun[];
  /** The notes as an ELF core has them. */
  readonly notes: Uint8Array;
  /** The VMCOREINFO text, as a part of `notes`. */
  readonly vmcoreinfo?: KdumpExtent;
}

/** A file's head, and where what follows stands. */
export interface KdumpPlan {
  readonly head: Uint8Array;
  /** Where page descriptors begin: directly behind the head. */
  readonly descriptorsAt: number;
  readonly pageCount: number;
  /** Where page data begin. */
  readonly dataAt: number;
}

/** Bytes of a page descriptor. */
export const KDUMP_DESCRIPTOR_BYTES = 24;

function blocks(bytes: number): number {
  return Math.ceil(bytes / KDUMP_BLOCK_BYTES);
}

/** A bitmap of `maxPfn` frames, one bit each, in whole blocks. */
function emitBitmap(runs: readonly PageRun[], maxPfn: number): Uint8Array {
  const bytes = new Uint8Array(blocks(Math.ceil(maxPfn / 8)) * KDUMP_BLOCK_BYTES);
  for (const { pfn, count } of runs) {
    if (pfn + count > maxPfn) {
      throw new FormatError(FORMAT, 0, `frame ${pfn + count - 1} is not below ${maxPfn}`);
    }
    for (let at = pfn; at < pfn + count; at++) {
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7));
    }
  }
  return bytes;
}

function emitMain(contents: KdumpContents, subHeaderBlocks: number, bitmapBlocks: number) {
  const { word, utsname, seconds, microseconds, compression, maxPfn, cpuCount } = contents;
  const fields = new FieldWriter(FORMAT, KDUMP_BLOCK_BYTES);
  const at = LAYOUT[word];
  const put = (offset: number, value: number) =>
    word === 8 ? fields.u64(offset, value) : fields.u32(offset, value);
  fields.text(0, 8, SIGNATURE);
  fields.u32(8, VERSION);
  utsname.slice(0, UTS_FIELDS).forEach((text, index) =>
    fields.text(12 + index * UTS_BYTES, UTS_BYTES, text)
  );
  put(at.seconds, seconds);
  put(at.seconds + word, microseconds);
  const status = [compression, KDUMP_BLOCK_BYTES, subHeaderBlocks, bitmapBlocks];
  status.forEach((value, index) => fields.u32(at.status + index * 4, value));
  fields.u32(at.status + 16, Math.min(maxPfn, 0xffff_ffff));
  fields.u32(at.status + 36, cpuCount);
  return fields.bytes;
}

function emitSub(contents: KdumpContents, subHeaderBlocks: number): Uint8Array {
  const { word, physicalBase, level, notes, vmcoreinfo, maxPfn } = contents;
  const { sub } = LAYOUT[word];
  const fields = new FieldWriter(FORMAT, subHeaderBlocks * KDUMP_BLOCK_BYTES);
  const put = (offset: number, value: number) =>
    word === 8 ? fields.u64(offset, value) : fields.u32(offset, value);
  put(sub.physicalBase, physicalBase);
  fields.u32(sub.level, level);
  const notesAt = KDUMP_BLOCK_BYTES + sub.bytes;
  const extent = (where: readonly [number, number], offset: number, length: number) => {
    fields.u64(where[0], offset);
    put(where[1], length);
  };
  if (notes.length > 0) extent(sub.notes, notesAt, notes.length);
  if (vmcoreinfo !== undefined) {
    extent(sub.vmcoreinfo, notesAt + vmcoreinfo.offset, vmcoreinfo.length);
  }
  fields.u64(sub.maxPfn, maxPfn);
  fields.put(sub.bytes, notes);
  return fields.bytes;
}

/**
 * Plans a file: its head, and where descriptors and data go.
 *
 * @throws {FormatError} if a text is too long, or a frame is not below `maxPfn`.
 */
export function planKdump(contents: KdumpContents): KdumpPlan {
  const subHeaderBlocks = blocks(LAYOUT[contents.word].sub.bytes + contents.notes.length);
  const present = emitBitmap(contents.present, contents.maxPfn);
  const dumped = emitBitmap(contents.dumped, contents.maxPfn);
  const bitmapBlocks = blocks(present.length + dumped.length);
  const parts = [
    emitMain(contents, subHeaderBlocks, bitmapBlocks),
    emitSub(contents, subHeaderBlocks),
    present,
    dumped,
  ];
  const head = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    head.set(part, at);
    at += part.length;
  }
  const pageCount = contents.dumped.reduce((sum, { count }) => sum + count, 0);
  const dataAt = head.length + pageCount * KDUMP_DESCRIPTOR_BYTES;
  return { head, descriptorsAt: head.length, pageCount, dataAt };
}

/** A block size stands where the layout of a word says, and nowhere else by chance. */
function wordOf(fields: FieldReader): KdumpWord {
  const fits = (word: KdumpWord): boolean => {
    const { status } = LAYOUT[word];
    const block = fields.u32(status + 4);
    return block === KDUMP_BLOCK_BYTES && fields.u32(status + 8) >= 1;
  };
  if (fits(8)) return 8;
  if (fits(4)) return 4;
  return fields.fail(428, "no block size of 4096");
}

function utsnameOf(fields: FieldReader): string[] {
  return Array.from({ length: UTS_FIELDS }, (_, index) => {
    const text = fields.text(12 + index * UTS_BYTES, UTS_BYTES);
    const end = text.indexOf("\0");
    return end < 0 ? text : text.slice(0, end);
  });
}

/**
 * Reads the headers; `bytes` is the file from its start, the first two blocks at least.
 *
 * @throws {FormatError} if it is none, is of another block size, or too old for 64-bit fields.
 */
export function parseKdumpHeader(bytes: Uint8Array): KdumpHeader {
  const fields = new FieldReader(FORMAT, bytes);
  if (fields.text(0, 8) !== SIGNATURE) fields.fail(0, "the signature is missing");
  const version = fields.u32(8);
  const word = wordOf(fields);
  const at = LAYOUT[word];
  if (version < VERSION) fields.fail(8, `header version ${version}, ${VERSION} is needed`);
  const get = (offset: number) => word === 8 ? fields.u64(offset) : fields.u32(offset);
  const base = KDUMP_BLOCK_BYTES;
  const extent = (where: readonly [number, number]): KdumpExtent => ({
    offset: fields.u64(base + where[0]),
    length: get(base + where[1]),
  });
  return {
    word,
    version,
    utsname: utsnameOf(fields),
    seconds: get(at.seconds),
    microseconds: get(at.seconds + word),
    status: fields.u32(at.status),
    blockBytes: fields.u32(at.status + 4),
    subHeaderBlocks: fields.u32(at.status + 8),
    bitmapBlocks: fields.u32(at.status + 12),
    cpuCount: fields.u32(at.status + 36),
    physicalBase: get(base + at.sub.physicalBase),
    level: fields.u32(base + at.sub.level),
    vmcoreinfo: extent(at.sub.vmcoreinfo),
    notes: extent(at.sub.notes),
    maxPfn: fields.u64(base + at.sub.maxPfn),
  };
}

/** Where the parts of a file stand. */
export interface KdumpLayout {
  /** Frames that are memory, frames that are in the file: bytes of the file. */
  readonly bitmaps: readonly [KdumpExtent, KdumpExtent];
  readonly descriptorsAt: number;
}

/** @throws {FormatError} if the bitmaps are too short for the frames. */
export function kdumpLayout(header: KdumpHeader): KdumpLayout {
  const at = (1 + header.subHeaderBlocks) * KDUMP_BLOCK_BYTES;
  const each = header.bitmapBlocks * KDUMP_BLOCK_BYTES / 2;
  const length = Math.ceil(header.maxPfn / 8);
  if (each < length) {
    const message = `bitmaps of ${each} bytes for ${header.maxPfn} frames`;
    throw new FormatError(FORMAT, at, message);
  }
  return {
    bitmaps: [{ offset: at, length }, { offset: at + each, length }],
    descriptorsAt: at + 2 * each,
  };
}

/** The frames a bitmap names, bounded by the header's count. */
export function parseKdumpBitmap(bytes: Uint8Array, maxPfn: number): PageRun[] {
  function* frames(): Generator<number, void> {
    for (let pfn = 0; pfn < Math.min(maxPfn, bytes.length * 8); pfn++) {
      if (((bytes[pfn >> 3] ?? 0) & (1 << (pfn & 7))) !== 0) yield pfn;
    }
  }
  return toRuns(frames());
}
