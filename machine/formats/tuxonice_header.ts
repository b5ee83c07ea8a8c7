/**
 * The header of a TuxOnIce image (protocol.md B.6): at the very start of its storage, before page
 * set 2 and page set 1. What the real one looks like byte by byte is not known to us, so this
 * layout is ours: what must be in it is.
 *
 * | offset | bytes | field |
 * |---|---|---|
 * | 0 | 8 | `TUXONICE` |
 * | 8 | 4 | version, 1 |
 * | 12 | 4 | CRC-32 of the header's pages with this field zero |
 * | 16 | 8 | pages of RAM |
 * | 24 | 4, 4 | major and minor number of the storage |
 * | 32 | 4 | bytes of the arch record |
 * | 36 | 4 × 4 | runs of: set 2, its storage, set 1, its storage |
 * | 64 | 64 | arch record |
 * | 128 | | the runs, first page and count, u64 each |
 *
 * Promises: only {@linkcode FormatError} is thrown, also for a header that was torn.
 *
 * @module
 */
import { crc32 } from "../digest.ts";
import { FormatError } from "../errors.ts";
import { FieldReader, FieldWriter } from "./byte_fields.ts";
import { countPages, PAGE_BYTES, type PageRun } from "./page_runs.ts";

/** Pages of storage that a header takes. */
export const TUXONICE_HEADER_PAGES = 16;
/** Signature in the swap area's own header while an image is there. */
export const TUXONICE_SIGNATURE = "TUXONICE";

const FORMAT = "TuxOnIce header";
const BYTES = TUXONICE_HEADER_PAGES * PAGE_BYTES;
const RECORD_AT = 64;
const RECORD_BYTES = 64;
const RUNS_AT = 128;

/** A page set: its frames, and the pages of storage that hold them in the same order. */
export interface StoredSet {
  readonly frames: readonly PageRun[];
  readonly storage: readonly PageRun[];
}

/** See the module's header. */
export interface TuxOnIceHeader {
  readonly memoryPages: number;
  /** Major and minor number; equal at resume. */
  readonly device: readonly [number, number];
  readonly record: Uint8Array;
  readonly set2: StoredSet;
  readonly set1: StoredSet;
}

function lists({ set2, set1 }: TuxOnIceHeader): (readonly PageRun[])[] {
  return [set2.frames, set2.storage, set1.frames, set1.storage];
}

/** @throws {FormatError} if there are more runs than fit, or a set and its storage differ. */
export function emitTuxOnIceHeader(header: TuxOnIceHeader): Uint8Array {
  const fields = new FieldWriter(FORMAT, BYTES);
  fields.text(0, 8, TUXONICE_SIGNATURE);
  fields.u32(8, 1);
  fields.u64(16, header.memoryPages);
  header.device.forEach((number, index) => fields.u32(24 + index * 4, number));
  if (header.record.length > RECORD_BYTES) {
    throw new FormatError(FORMAT, RECORD_AT, `a record of ${header.record.length} bytes`);
  }
  fields.u32(32, header.record.length);
  fields.put(RECORD_AT, header.record);
  let at = RUNS_AT;
  lists(header).forEach((runs, index) => {
    fields.u32(36 + index * 4, runs.length);
    for (const { pfn, count } of runs) {
      fields.u64(at, pfn);
      fields.u64(at + 8, count);
      at += 16;
    }
  });
  fields.u32(12, crc32(fields.bytes));
  return fields.bytes;
}

function runsAt(fields: FieldReader, at: number, count: number): PageRun[] {
  if (count > BYTES / 16) fields.fail(at, `${count} runs`);
  return Array.from({ length: count }, (_, index) => ({
    pfn: fields.u64(at + index * 16),
    count: fields.u64(at + index * 16 + 8),
  }));
}

/** @throws {FormatError} if it is short, torn, of another version, or its sets do not fit. */
export function parseTuxOnIceHeader(bytes: Uint8Array): TuxOnIceHeader {
  const fields = new FieldReader(FORMAT, bytes.subarray(0, BYTES));
  if (fields.text(0, 8) !== TUXONICE_SIGNATURE) fields.fail(0, "the magic word is missing");
  if (fields.u32(8) !== 1) fields.fail(8, `version ${fields.u32(8)}`);
  const plain = fields.slice(0, BYTES);
  plain.fill(0, 12, 16);
  if (crc32(plain) !== fields.u32(12)) fields.fail(12, "the checksum is wrong");
  const length = fields.u32(32);
  if (length > RECORD_BYTES) fields.fail(32, `a record of ${length} bytes`);
  let at = RUNS_AT;
  const next = (index: number): PageRun[] => {
    const runs = runsAt(fields, at, fields.u32(36 + index * 4));
    at += runs.length * 16;
    return runs;
  };
  const set2 = { frames: next(0), storage: next(1) };
  const set1 = { frames: next(2), storage: next(3) };
  for (const { frames, storage } of [set2, set1]) {
    const [wanted, there] = [countPages(frames), countPages(storage)];
    if (wanted !== there) fields.fail(36, `${wanted} frames on ${there} pages`);
  }
  return {
    memoryPages: fields.u64(16),
    device: [fields.u32(24), fields.u32(28)],
    record: fields.slice(RECORD_AT, length),
    set2,
    set1,
  };
}
