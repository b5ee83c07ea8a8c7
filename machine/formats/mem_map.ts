/**
 * The page-frame table that a kernel of this laboratory keeps in its RAM, and what makedumpfile
 * makes of it (protocol.md D.6): which pages a dump of a given level leaves out.
 *
 * Promises: eight bytes for each frame from frame 0 on, `{flags u16, owner u16, count u32}`; flag
 * bits that are not known here are kept; a table of a broken length throws
 * {@linkcode FormatError}. {@linkcode vmcoreinfoOf} makes the VMCOREINFO text that tells a dump
 * tool where the table is. In a real kernel SYMBOL() holds virtual addresses; here SYMBOL(mem_map)
 * is the *physical* one, which no dump tool but this laboratory's can use.
 *
 * @module
 */
import { FormatError } from "../errors.ts";
import { PAGE_BYTES, type PageRun } from "./page_runs.ts";

/** Bytes of one frame's record. */
export const FRAME_BYTES = 8;

/** Flag bits of a frame. */
export const FRAME = {
  /** On the free list: its content is nobody's. */
  free: 1,
  /** Never given out: firmware, holes. */
  reserved: 2,
  /** Text, data and structures of the kernel. */
  kernel: 4,
  /** Memory of a process. */
  user: 8,
  /** Page cache. */
  cache: 16,
  /** Owned by a loaded kexec image: source, control, swap or indirection page. */
  kimage: 32,
  /** Not to be saved by swsusp. */
  nosave: 64,
  /** Page cache with private data of a file system. */
  cachePrivate: 128,
} as const;

/** One record. */
export interface Frame {
  /** Sum of {@linkcode FRAME} bits. */
  readonly flags: number;
  /** Who has it: a process or file number of the kernel; 0 for none. */
  readonly owner: number;
  /** References. */
  readonly count: number;
}

/** Bits of makedumpfile's dump level: what to leave out. */
export const DUMP_LEVEL = {
  zero: 1,
  cache: 2,
  cachePrivate: 4,
  user: 8,
  free: 16,
  max: 31,
} as const;

/** Pages left out, by the class each was counted in. */
export interface ExcludedCounts {
  readonly zero: number;
  readonly cache: number;
  readonly cachePrivate: number;
  readonly user: number;
  readonly free: number;
}

/** What a dump level makes of a table. */
export interface Classified {
  /** Pages that stay in the dump. */
  readonly kept: PageRun[];
  readonly excluded: ExcludedCounts;
}

/** What the VMCOREINFO text says: which kernel it is, and where its table is. */
export interface MemMapInfo {
  /** The kernel's release, as uname gives it. */
  readonly osRelease: string;
  /** Name of this kernel instance: A, B, C … */
  readonly kernelName: string;
  /** Physical address of the page-frame table. */
  readonly memMapPhysical: number;
  /** Frames in the table, from frame 0 on. */
  readonly frameCount: number;
  /** Digest of the kernel's text, in hexadecimal. */
  readonly buildId?: string;
  /** Seconds of the wall clock at the crash; a jump has none. */
  readonly crashTime?: number;
}

const FORMAT = "page-frame table";
const INFO_FORMAT = "VMCOREINFO text of a page-frame table";

/** Bytes of a table for so many frames. */
export function memMapBytes(frameCount: number): number {
  return frameCount * FRAME_BYTES;
}

/**
 * Sets the records of a run.
 *
 * @param table the records from `firstPfn` on; changed in place.
 * @throws {RangeError} if the run is not in the table or a number does not fit.
 */
export function setFrames(table: Uint8Array, run: PageRun, frame: Frame, firstPfn = 0): void {
  const view = viewOf(table);
  const from = run.pfn - firstPfn;
  if (from < 0 || (from + run.count) * FRAME_BYTES > table.length) {
    throw new RangeError(`Cannot set frames: 0x${run.pfn.toString(16)} is not in the table`);
  }
  if (frame.flags > 0xffff || frame.owner > 0xffff || frame.count > 0xffff_ffff) {
    throw new RangeError(`Cannot set frames: ${JSON.stringify(frame)} does not fit`);
  }
  for (let index = from; index < from + run.count; index++) {
    view.setUint16(index * FRAME_BYTES, frame.flags, true);
    view.setUint16(index * FRAME_BYTES + 2, frame.owner, true);
    view.setUint32(index * FRAME_BYTES + 4, frame.count, true);
  }
}

/**
 * All records of a table.
 *
 * @throws {FormatError} if the bytes are not whole records.
 */
export function parseFrames(table: Uint8Array): Frame[] {
  const view = checkedView(table);
  const frames: Frame[] = [];
  for (let at = 0; at < table.length; at += FRAME_BYTES) frames.push(frameAt(view, at));
  return frames;
}

/**
 * One record.
 *
 * @throws {FormatError} if the table does not have it.
 */
export function readFrame(table: Uint8Array, pfn: number, firstPfn = 0): Frame {
  const at = (pfn - firstPfn) * FRAME_BYTES;
  if (at < 0 || at + FRAME_BYTES > table.length) {
    throw new FormatError(FORMAT, Math.max(0, at), `no record of frame 0x${pfn.toString(16)}`);
  }
  return frameAt(viewOf(table), at);
}

/** The table of the given records. */
export function emitFrames(frames: readonly Frame[]): Uint8Array {
  const table = new Uint8Array(memMapBytes(frames.length));
  frames.forEach((frame, pfn) => setFrames(table, { pfn, count: 1 }, frame));
  return table;
}

/**
 * Frames that have at least one of the flags of `mask`.
 *
 * @throws {FormatError} if the bytes are not whole records.
 */
export function framesWith(table: Uint8Array, mask: number, firstPfn = 0): PageRun[] {
  const view = checkedView(table);
  return runsWhere(table.length / FRAME_BYTES, firstPfn, (index) => {
    return (view.getUint16(index * FRAME_BYTES, true) & mask) !== 0;
  });
}

/**
 * What makedumpfile leaves out at a dump level. Each page counts in one class: free, else cache,
 * else cache with private data, else user, else zero (a zero page that is also free counts as
 * free, as in recorded runs of makedumpfile). Levels other than 0 and 16 lose state that a
 * resumed kernel needs (D.6); that is for the caller to know.
 *
 * @param level 0 to 31, a sum of {@linkcode DUMP_LEVEL} bits.
 * @param isZero whether a page has only zero bytes; asked only for pages that would stay.
 * @throws {RangeError} if the level is not from 0 to 31.
 * @throws {FormatError} if the bytes are not whole records.
 */
export function classifyFrames(
  table: Uint8Array,
  level: number,
  isZero: (pfn: number) => boolean = () => false,
): Classified {
  if (!Number.isInteger(level) || level < 0 || level > DUMP_LEVEL.max) {
    throw new RangeError(`Cannot use dump level ${level}: wanted 0 to ${DUMP_LEVEL.max}`);
  }
  const view = checkedView(table);
  const excluded = { zero: 0, cache: 0, cachePrivate: 0, user: 0, free: 0 };
  const kept = runsWhere(table.length / FRAME_BYTES, 0, (pfn) => {
    const name = excludedAs(view.getUint16(pfn * FRAME_BYTES, true), level);
    const last = name === undefined && (level & DUMP_LEVEL.zero) !== 0 && isZero(pfn);
    if (last) excluded.zero++;
    else if (name !== undefined) excluded[name]++;
    return name === undefined && !last;
  });
  return { kept, excluded };
}

/** Lines of the text, for `emitVmcoreinfo` of elf_notes.ts. */
export function vmcoreinfoOf(info: MemMapInfo): [string, string][] {
  const pairs: [string, string][] = [["OSRELEASE", info.osRelease]];
  if (info.buildId !== undefined) pairs.push(["BUILD-ID", info.buildId]);
  pairs.push(
    ["PAGESIZE", String(PAGE_BYTES)],
    ["KERNELNAME", info.kernelName],
    ["SYMBOL(mem_map)", info.memMapPhysical.toString(16)],
    ["LENGTH(mem_map)", String(info.frameCount)],
    ["SIZE(page)", String(FRAME_BYTES)],
    ["OFFSET(page.flags)", "0"],
    ["OFFSET(page.owner)", "2"],
    ["OFFSET(page._refcount)", "4"],
    ["NUMBER(PG_free)", bitOf(FRAME.free)],
    ["NUMBER(PG_reserved)", bitOf(FRAME.reserved)],
    ["NUMBER(PG_kernel)", bitOf(FRAME.kernel)],
    ["NUMBER(PG_user)", bitOf(FRAME.user)],
    ["NUMBER(PG_cache)", bitOf(FRAME.cache)],
    ["NUMBER(PG_kimage)", bitOf(FRAME.kimage)],
    ["NUMBER(PG_nosave)", bitOf(FRAME.nosave)],
    ["NUMBER(PG_private)", bitOf(FRAME.cachePrivate)],
  );
  if (info.crashTime !== undefined) pairs.push(["CRASHTIME", String(info.crashTime)]);
  return pairs;
}

/**
 * Reads the pairs of a text made by {@linkcode vmcoreinfoOf}; further lines are passed over.
 *
 * @throws {FormatError} if a line that is needed is missing or wrong.
 */
export function readVmcoreinfo(pairs: ReadonlyMap<string, string>): MemMapInfo {
  wanted(pairs, "PAGESIZE", String(PAGE_BYTES));
  wanted(pairs, "SIZE(page)", String(FRAME_BYTES));
  wanted(pairs, "OFFSET(page.flags)", "0");
  const buildId = pairs.get("BUILD-ID");
  return {
    osRelease: valueOf(pairs, "OSRELEASE"),
    kernelName: valueOf(pairs, "KERNELNAME"),
    memMapPhysical: numberOf(pairs, "SYMBOL(mem_map)", 16),
    frameCount: numberOf(pairs, "LENGTH(mem_map)", 10),
    ...(buildId === undefined ? {} : { buildId }),
    ...(pairs.has("CRASHTIME") ? { crashTime: numberOf(pairs, "CRASHTIME", 10) } : {}),
  };
}

function excludedAs(flags: number, level: number): keyof ExcludedCounts | undefined {
  if ((flags & FRAME.free) !== 0 && (level & DUMP_LEVEL.free) !== 0) return "free";
  if ((flags & (FRAME.cache | FRAME.cachePrivate)) !== 0) {
    const isPrivate = (flags & FRAME.cachePrivate) !== 0;
    if (isPrivate && (level & DUMP_LEVEL.cachePrivate) !== 0) return "cachePrivate";
    // Level 4 means all cache pages, so it takes those without private data too.
    if (!isPrivate && (level & (DUMP_LEVEL.cache | DUMP_LEVEL.cachePrivate)) !== 0) return "cache";
  }
  if ((flags & FRAME.user) !== 0 && (level & DUMP_LEVEL.user) !== 0) return "user";
  return undefined;
}

function runsWhere(count: number, firstPfn: number, test: (index: number) => boolean): PageRun[] {
  const runs: PageRun[] = [];
  let start = -1;
  for (let index = 0; index <= count; index++) {
    const inside = index < count && test(index);
    if (inside && start < 0) start = index;
    if (!inside && start >= 0) {
      runs.push({ pfn: firstPfn + start, count: index - start });
      start = -1;
    }
  }
  return runs;
}

function frameAt(view: DataView, at: number): Frame {
  return {
    flags: view.getUint16(at, true),
    owner: view.getUint16(at + 2, true),
    count: view.getUint32(at + 4, true),
  };
}

function viewOf(table: Uint8Array): DataView {
  return new DataView(table.buffer, table.byteOffset, table.byteLength);
}

function checkedView(table: Uint8Array): DataView {
  if (table.length % FRAME_BYTES !== 0) {
    throw new FormatError(FORMAT, table.length, `${table.length} bytes are not whole records`);
  }
  return viewOf(table);
}

function bitOf(flag: number): string {
  return String(Math.log2(flag));
}

function valueOf(pairs: ReadonlyMap<string, string>, key: string): string {
  const value = pairs.get(key);
  if (value === undefined) throw new FormatError(INFO_FORMAT, 0, `no line '${key}='`);
  return value;
}

function wanted(pairs: ReadonlyMap<string, string>, key: string, value: string): void {
  const found = valueOf(pairs, key);
  if (found !== value) throw new FormatError(INFO_FORMAT, 0, `'${key}=${found}', wanted ${value}`);
}

function numberOf(pairs: ReadonlyMap<string, string>, key: string, base: 10 | 16): number {
  const text = valueOf(pairs, key);
  const digits = base === 16 ? /^[0-9a-f]{1,16}$/ : /^[0-9]{1,16}$/;
  const value = digits.test(text) ? Number.parseInt(text, base) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new FormatError(INFO_FORMAT, 0, `'${key}=${text}' is not a number below 2^53`);
  }
  return value;
}
