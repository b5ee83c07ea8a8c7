/**
 * The pages of a swsusp image (protocol.md E.5; 64-bit, 4 KiB pages): swap map pages, the header
 * page swsusp_info, pages of frame numbers, and the checksum over the stream. The header's arch
 * part is in swsusp_record.ts, the swap area's own header in swap_header.ts, the compression of
 * groups in lzo1x.ts.
 *
 * Promises: only {@linkcode FormatError} is thrown; what is parsed is emitted byte for byte.
 *
 * @module
 */
import { crc32 } from "../digest.ts";
import { FormatError } from "../errors.ts";
import { FieldReader, FieldWriter } from "./byte_fields.ts";
import { countPages, mergeRuns, PAGE_BYTES, type PageRun } from "./page_runs.ts";

/** Image pages one map page names. */
export const MAP_ENTRIES = 511;
/** Frame numbers in a page of them. */
export const PFNS_PER_PAGE = 512;
/** Pages compressed together. */
export const GROUP_PAGES = 32;
/** Bytes before a group's compressed data: its length, u64. */
export const GROUP_HEADER_BYTES = 8;
/** Bytes the header page has for the arch part. */
export const ARCH_RECORD_BYTES = 392;

const MAP = "swap map page";
const INFO = "swsusp header";
const PFNS = "swsusp frame numbers";
const END = 0xffff_ffff_ffff_ffffn;

/** A map page. */
export interface MapPage {
  /** Pages of the area that hold the image's next pages; 0 is a missing one. 511 of them. */
  readonly entries: readonly number[];
  /** Page of the area with the next map page; 0 on the last one. */
  readonly next: number;
}

/** @throws {FormatError} if it is shorter than a page or an entry is over 2^53. */
export function parseMapPage(page: Uint8Array): MapPage {
  const fields = new FieldReader(MAP, page);
  const entries = Array.from({ length: MAP_ENTRIES }, (_, index) => fields.u64(index * 8));
  return { entries, next: fields.u64(MAP_ENTRIES * 8) };
}

/** A map page; entries that are left out are 0. @throws {FormatError} with over 511 of them. */
export function emitMapPage({ entries, next }: MapPage): Uint8Array {
  if (entries.length > MAP_ENTRIES) throw new FormatError(MAP, 0, `${entries.length} entries`);
  const fields = new FieldWriter(MAP, PAGE_BYTES);
  entries.forEach((entry, index) => fields.u64(index * 8, entry));
  fields.u64(MAP_ENTRIES * 8, next);
  return fields.bytes;
}

/** The header page. */
export interface SwsuspInfo {
  /** The arch part: 392 bytes, where the kernel's name and version would be. */
  readonly record: Uint8Array;
  readonly versionCode: number;
  /** Pages of RAM the kernel had. */
  readonly memoryPages: number;
  readonly cpus: number;
  /** Pages of data. */
  readonly imagePages: number;
  /** Data, frame numbers and this page. */
  readonly pages: number;
  /** `pages` in bytes. */
  readonly size: number;
  /** The rest of the page: zero in Linux. */
  readonly rest: Uint8Array;
}

const REST_AT = 440;

/** @throws {FormatError} if it is shorter than a page or a number is over 2^53. */
export function parseSwsuspInfo(page: Uint8Array): SwsuspInfo {
  const fields = new FieldReader(INFO, page);
  const rest = fields.slice(REST_AT, PAGE_BYTES - REST_AT);
  return {
    record: fields.slice(0, ARCH_RECORD_BYTES),
    versionCode: fields.u32(392),
    memoryPages: fields.u64(400),
    cpus: fields.u32(408),
    imagePages: fields.u64(416),
    pages: fields.u64(424),
    size: fields.u64(432),
    rest,
  };
}

/** @throws {FormatError} if a field does not fit; the arch part may be shorter than its room. */
export function emitSwsuspInfo(info: SwsuspInfo): Uint8Array {
  const fields = new FieldWriter(INFO, PAGE_BYTES);
  if (info.record.length > ARCH_RECORD_BYTES || info.rest.length > PAGE_BYTES - REST_AT) {
    throw new FormatError(INFO, 0, `an arch part of ${info.record.length} bytes`);
  }
  fields.put(0, info.record);
  fields.u32(392, info.versionCode);
  fields.u64(400, info.memoryPages);
  fields.u32(408, info.cpus);
  fields.u64(416, info.imagePages);
  fields.u64(424, info.pages);
  fields.u64(432, info.size);
  fields.put(REST_AT, info.rest);
  return fields.bytes;
}

/** Pages of frame numbers for so many frames. */
export function metaPages(imagePages: number): number {
  return Math.ceil(imagePages / PFNS_PER_PAGE);
}

/** The header of an image of so many pages. */
export function newSwsuspInfo(
  { record, memoryPages, imagePages }: Pick<SwsuspInfo, "record" | "memoryPages" | "imagePages">,
): SwsuspInfo {
  const pages = imagePages + metaPages(imagePages) + 1;
  return {
    record,
    versionCode: 0,
    memoryPages,
    // Linux writes it before anybody counted: recorded as 0.
    cpus: 0,
    imagePages,
    pages,
    size: pages * PAGE_BYTES,
    rest: new Uint8Array(PAGE_BYTES - REST_AT),
  };
}

/** Pages of frame numbers, in the order of the runs; an all-ones word follows the last one. */
export function emitPfnPages(saved: readonly PageRun[]): Uint8Array {
  const bytes = new Uint8Array(metaPages(countPages(saved)) * PAGE_BYTES);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { pfn, count } of saved) {
    for (let index = 0; index < count; index++, at += 8) {
      view.setBigUint64(at, BigInt(pfn + index), true);
    }
  }
  if (at < bytes.length) view.setBigUint64(at, END, true);
  return bytes;
}

/**
 * The frames that pages of frame numbers name, in their order, as runs.
 *
 * @throws {FormatError} if there are not `count` of them, or one is over 2^52.
 */
export function parsePfnPages(bytes: Uint8Array, count: number): PageRun[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const runs: PageRun[] = [];
  for (let index = 0; index < count; index++) {
    const at = index * 8;
    const value = at + 8 <= bytes.length ? view.getBigUint64(at, true) : END;
    if (value === END) {
      throw new FormatError(PFNS, at, `${index} frame numbers, ${count} are wanted`);
    }
    if (value >= 1n << 52n) throw new FormatError(PFNS, at, `frame 0x${value.toString(16)}`);
    const pfn = Number(value);
    const last = runs.at(-1);
    if (last !== undefined && last.pfn + last.count === pfn) {
      runs[runs.length - 1] = { pfn: last.pfn, count: last.count + 1 };
    } else runs.push({ pfn, count: 1 });
  }
  return runs;
}

/** Whether every frame is named once. */
export function namesFramesOnce(saved: readonly PageRun[]): boolean {
  return countPages(mergeRuns(saved)) === countPages(saved);
}

/**
 * The kernel's crc32_le: initial 0, no final complement; `seed` continues an earlier one. Over
 * the uncompressed stream behind the header page it is the image's checksum.
 */
export function crc32Le(data: Uint8Array, seed = 0): number {
  return ~crc32(data, ~seed >>> 0) >>> 0;
}
