/**
 * The entry list of a loaded image: the words in RAM that say which page goes where (protocol.md
 * C.3), made when an image is loaded and walked when it is jumped to.
 *
 * Promises: words stand exactly where the kernel would put them; a walk of any memory content
 * ends, either with the pairs or with {@linkcode FormatError}. Page frames are numbers; the words
 * hold physical addresses with a flag in the low bits.
 *
 * @module
 */
import { FormatError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { PAGE_BYTES, type PairRun } from "./page_runs.ts";

/** Whose word width and control page are meant. */
export type KimageArch = "i386" | "x86_64";

/** The word sets the page that the next source page is for. */
export const IND_DESTINATION = 1;
/** The list goes on in the page the word names. */
export const IND_INDIRECTION = 2;
/** The list ends. */
export const IND_DONE = 4;
/** The word names one page of content; the destination moves on by a page. */
export const IND_SOURCE = 8;

/** One destination and the content of the pages from there on. */
export interface KimageSegment {
  /** First destination page frame. */
  readonly destination: number;
  /** Source page frames, one for each page of the segment. */
  readonly sources: readonly number[];
}

/** The list as it stands in RAM: `head` in the image's structure, the rest in its pages. */
export interface EntryList {
  readonly head: number;
  /** The indirection pages in use, in the order of the walk, whole pages. */
  readonly pages: readonly { readonly pfn: number; readonly bytes: Uint8Array }[];
}

/** One exchange: page frames. */
export interface PagePair {
  readonly destination: number;
  readonly source: number;
}

const FORMAT = "kimage entry list";
const FLAG_BITS = PAGE_BYTES - 1;
const PAIRS_MAX = LIMITS.memoryBytes / PAGE_BYTES;

/** Bytes of one word: 4 on i386, 8 on x86_64. */
export function wordBytes(arch: KimageArch): 4 | 8 {
  return arch === "i386" ? 4 : 8;
}

/** Words of an indirection page that hold entries: 1023 or 511; the last is for the link. */
export function entriesPerPage(arch: KimageArch): number {
  return PAGE_BYTES / wordBytes(arch) - 1;
}

/** Entries that segments make, the end not counted: a destination and the sources of each. */
export function entryCount(segments: readonly KimageSegment[]): number {
  return segments.reduce((sum, segment) => sum + 1 + segment.sources.length, 0);
}

/** Indirection pages for so many entries; the end needs no room of its own (it may be the link). */
export function indirectionPagesNeeded(arch: KimageArch, entries: number): number {
  return Math.ceil(entries / entriesPerPage(arch));
}

/**
 * The entry list of an image. `head` holds one word: the link to the first indirection page, or
 * the end if there are no segments (a crash image).
 *
 * @throws {RangeError} if there are too few indirection pages, or a page frame does not fit.
 */
export function emitEntryList(from: {
  readonly arch: KimageArch;
  readonly segments: readonly KimageSegment[];
  readonly indirectionPages: readonly number[];
}): EntryList {
  const { arch } = from;
  const words: number[] = [];
  for (const { destination, sources } of from.segments) {
    words.push(entryWord(arch, destination, IND_DESTINATION));
    for (const source of sources) words.push(entryWord(arch, source, IND_SOURCE));
  }
  const perPage = entriesPerPage(arch);
  const needed = indirectionPagesNeeded(arch, words.length);
  if (from.indirectionPages.length < needed) {
    throw new RangeError(
      `Cannot emit entry list: ${from.indirectionPages.length} indirection pages, ${needed} needed`,
    );
  }
  const used = from.indirectionPages.slice(0, needed);
  const links = used.map((pfn) => entryWord(arch, pfn, IND_INDIRECTION));
  const pages = used.map((pfn, index) => {
    const bytes = new Uint8Array(PAGE_BYTES);
    const view = new DataView(bytes.buffer);
    const part = words.slice(index * perPage, (index + 1) * perPage);
    // The end goes right behind the last entry, into the link's place if the page is full.
    part.push(links[index + 1] ?? IND_DONE);
    part.forEach((word, slot) => writeWord(view, arch, slot, word));
    return { pfn, bytes };
  });
  return { head: links[0] ?? IND_DONE, pages };
}

/**
 * The pairs in the order of the walk. Flags are tested in the kernel's order (destination,
 * indirection, done, source) and a word with none of them is passed over, as the kernel does.
 *
 * @throws {FormatError} with the physical address of the word as offset (0 for the head): a page
 * met twice, a page without end or link, a source before any destination, an address that no
 * machine has, or `readPage` giving less than a page.
 */
export function walkEntryList(
  arch: KimageArch,
  head: number,
  readPage: (pfn: number) => Uint8Array,
): PagePair[] {
  const pairs: PagePair[] = [];
  const visited = new Set<number>();
  const slots = PAGE_BYTES / wordBytes(arch);
  let destination: number | undefined;
  let page: { pfn: number; view: DataView } | undefined;
  let slot = 0;
  let word = head;
  let at = 0;
  for (;;) {
    const flags = word % PAGE_BYTES;
    const pfn = (word - flags) / PAGE_BYTES;
    if ((flags & IND_DESTINATION) !== 0) {
      destination = pfn;
    } else if ((flags & IND_INDIRECTION) !== 0) {
      if (visited.has(pfn)) {
        throw new FormatError(FORMAT, at, `page 0x${pfn.toString(16)} comes a second time`);
      }
      visited.add(pfn);
      page = { pfn, view: pageView(readPage(pfn), pfn, at) };
      slot = 0;
    } else if ((flags & IND_DONE) !== 0) {
      return pairs;
    } else if ((flags & IND_SOURCE) !== 0) {
      if (destination === undefined) {
        throw new FormatError(FORMAT, at, "a source page before any destination");
      }
      if (pairs.length === PAIRS_MAX) {
        throw new FormatError(FORMAT, at, `over ${PAIRS_MAX} page pairs`);
      }
      pairs.push({ destination, source: pfn });
      destination++;
    }
    if (page === undefined) {
      throw new FormatError(FORMAT, at, "the head neither links to a page nor ends the list");
    }
    at = page.pfn * PAGE_BYTES + slot * wordBytes(arch);
    if (slot === slots) throw new FormatError(FORMAT, at, "the page has neither a link nor an end");
    word = readWord(page.view, arch, slot, at);
    slot++;
  }
}

/** Pairs as runs in the same order; a run goes on while both sides ascend by one. */
export function pairRuns(pairs: Iterable<PagePair>): PairRun[] {
  const runs: { destination: number; source: number; count: number }[] = [];
  let last: { destination: number; source: number; count: number } | undefined;
  for (const { destination, source } of pairs) {
    if (
      last !== undefined && destination === last.destination + last.count &&
      source === last.source + last.count
    ) {
      last.count++;
    } else {
      runs.push(last = { destination, source, count: 1 });
    }
  }
  return runs;
}

function entryWord(arch: KimageArch, pfn: number, flag: number): number {
  const word = pfn * PAGE_BYTES + flag;
  const max = arch === "i386" ? 0xffff_ffff : Number.MAX_SAFE_INTEGER - FLAG_BITS;
  if (!Number.isInteger(pfn) || pfn < 0 || word > max) {
    throw new RangeError(`Cannot emit entry list: page frame ${pfn} does not fit a word`);
  }
  return word;
}

function writeWord(view: DataView, arch: KimageArch, slot: number, word: number): void {
  if (arch === "i386") view.setUint32(slot * 4, word, true);
  else view.setBigUint64(slot * 8, BigInt(word), true);
}

function readWord(view: DataView, arch: KimageArch, slot: number, at: number): number {
  if (arch === "i386") return view.getUint32(slot * 4, true);
  const low = view.getUint32(slot * 8, true);
  const high = view.getUint32(slot * 8 + 4, true);
  if (high >= 0x20_0000) throw new FormatError(FORMAT, at, "a word over 2^53");
  return high * 0x1_0000_0000 + low;
}

function pageView(bytes: Uint8Array, pfn: number, at: number): DataView {
  if (bytes.length < PAGE_BYTES) {
    const message = `page 0x${pfn.toString(16)} gave ${bytes.length} of ${PAGE_BYTES} bytes`;
    throw new FormatError(FORMAT, at, message);
  }
  return new DataView(bytes.buffer, bytes.byteOffset, PAGE_BYTES);
}
