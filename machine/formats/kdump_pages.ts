/**
 * Pages of a kdump-compressed file (protocol.md E.4): descriptors of 24 bytes, one for each frame
 * that is in the file, and the data they point at, each page compressed by itself or as it is.
 *
 * A writer packs pages piece by piece, in the order of their frames, and keeps the cursor between
 * the pieces as plain data. Promises: only {@linkcode FormatError} is thrown.
 *
 * @module
 */
import { deflateSync, inflateSync } from "node:zlib";
import { FormatError } from "../errors.ts";
import { FieldReader, FieldWriter } from "./byte_fields.ts";
import { KDUMP_BLOCK_BYTES, KDUMP_DESCRIPTOR_BYTES, KDUMP_FLAG, type KdumpPlan } from "./kdump.ts";
import { lzo1xCompress, lzo1xDecompressInto } from "./lzo1x.ts";

const FORMAT = "kdump file";
const PAGE = KDUMP_BLOCK_BYTES;
/** Speed over size, as makedumpfile chooses. */
const ZLIB_LEVEL = 1;

/** Where a writer stands. Plain data. */
export interface KdumpCursor {
  /** Pages packed so far. */
  readonly pages: number;
  /** Offset in the file where the next data go. */
  readonly dataAt: number;
  /** Where the one zero page stands, or 0. */
  readonly zeroAt: number;
}

/** How pages are packed. */
export interface KdumpPacking {
  /** {@linkcode KDUMP_FLAG} zlib or lzo, or 0. */
  readonly compression: number;
  /** Whether zero pages share one copy (makedumpfile's -d 1). */
  readonly sharesZeros: boolean;
}

/** A piece of the file. */
export interface KdumpPiece {
  /** Descriptors, which go to `descriptorsAt`; data, which go to `dataAt`. */
  readonly descriptors: Uint8Array;
  readonly descriptorsAt: number;
  readonly data: Uint8Array;
  readonly dataAt: number;
  readonly cursor: KdumpCursor;
  /** How many of the pages were zero ones. */
  readonly zeroPages: number;
}

/** One descriptor. */
export interface KdumpPage {
  /** Offset of the data in the file; 0 is a page that was lost. */
  readonly offset: number;
  readonly size: number;
  readonly flags: number;
  readonly pageFlags: number;
}

/** The cursor of a file of which no page is written. */
export function firstKdumpCursor({ dataAt }: KdumpPlan): KdumpCursor {
  return { pages: 0, dataAt, zeroAt: 0 };
}

function compressed(page: Uint8Array, compression: number): Uint8Array | undefined {
  if (compression === KDUMP_FLAG.zlib) return deflateSync(page, { level: ZLIB_LEVEL });
  if (compression === KDUMP_FLAG.lzo) return lzo1xCompress(page);
  return undefined;
}

function emitDescriptor(fields: FieldWriter, at: number, page: KdumpPage): void {
  fields.u64(at, page.offset);
  fields.u32(at + 8, page.size);
  fields.u32(at + 12, page.flags);
  fields.u64(at + 16, page.pageFlags);
}

function isZero(page: Uint8Array): boolean {
  return page.every((byte) => byte === 0);
}

/** Packs the pages that come next; `bytes` is a whole number of them. */
export function packKdumpPages(
  plan: KdumpPlan,
  cursor: KdumpCursor,
  bytes: Uint8Array,
  { compression, sharesZeros }: KdumpPacking,
): KdumpPiece {
  const count = bytes.length / PAGE;
  if (!Number.isInteger(count) || cursor.pages + count > plan.pageCount) {
    const message = `${bytes.length} bytes behind page ${cursor.pages} of ${plan.pageCount}`;
    throw new FormatError(FORMAT, cursor.dataAt, message);
  }
  const fields = new FieldWriter(FORMAT, count * KDUMP_DESCRIPTOR_BYTES);
  const parts: Uint8Array[] = [];
  let { dataAt, zeroAt } = cursor;
  let zeroPages = 0;
  for (let index = 0; index < count; index++) {
    const page = bytes.subarray(index * PAGE, (index + 1) * PAGE);
    const shared = sharesZeros && isZero(page);
    if (shared) zeroPages++;
    // The shared page is never compressed.
    const packed = shared ? undefined : compressed(page, compression);
    const smaller = packed !== undefined && packed.length < PAGE;
    const data = smaller ? packed : page;
    const again = shared && zeroAt !== 0;
    const at = index * KDUMP_DESCRIPTOR_BYTES;
    const offset = again ? zeroAt : dataAt;
    const flags = smaller ? compression : 0;
    emitDescriptor(fields, at, { offset, size: data.length, flags, pageFlags: 0 });
    if (again) continue;
    if (shared) zeroAt = dataAt;
    parts.push(data);
    dataAt += data.length;
  }
  const data = new Uint8Array(dataAt - cursor.dataAt);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return {
    descriptors: fields.bytes,
    descriptorsAt: plan.descriptorsAt + cursor.pages * KDUMP_DESCRIPTOR_BYTES,
    data,
    dataAt: cursor.dataAt,
    cursor: { pages: cursor.pages + count, dataAt, zeroAt },
    zeroPages,
  };
}

/** Reads the descriptor that begins at `offset` of these bytes. @throws {FormatError} */
export function parseKdumpDescriptor(bytes: Uint8Array, offset = 0): KdumpPage {
  const fields = new FieldReader(FORMAT, bytes);
  const size = fields.u32(offset + 8);
  if (size > PAGE) fields.fail(offset + 8, `a page of ${size} bytes`);
  return {
    offset: fields.u64(offset),
    size,
    flags: fields.u32(offset + 12),
    pageFlags: fields.u64(offset + 16),
  };
}

function inflated(data: Uint8Array, { offset }: KdumpPage): Uint8Array {
  try {
    return new Uint8Array(inflateSync(data, { maxOutputLength: PAGE }));
  } catch (error) {
    const message = error instanceof Error ? error.message : "zlib failed";
    throw new FormatError(FORMAT, offset, message);
  }
}

function decompressed(data: Uint8Array, page: KdumpPage): Uint8Array {
  const known = page.flags & (KDUMP_FLAG.zlib | KDUMP_FLAG.lzo);
  if (page.flags === 0) return data;
  if (known === KDUMP_FLAG.zlib) return inflated(data, page);
  if (known !== KDUMP_FLAG.lzo) {
    throw new FormatError(FORMAT, page.offset, `compression 0x${page.flags.toString(16)}`);
  }
  const output = new Uint8Array(PAGE);
  const length = lzo1xDecompressInto(data, output);
  if (length < 0) throw new FormatError(FORMAT, page.offset, `LZO error ${length}`);
  return output.subarray(0, length);
}

/**
 * A page from the data its descriptor points at.
 *
 * @throws {FormatError} if they are not that many, are compressed in another way, or do not give
 * a page.
 */
export function unpackKdumpPage(page: KdumpPage, data: Uint8Array): Uint8Array {
  if (data.length < page.size) {
    throw new FormatError(FORMAT, page.offset, `${data.length} bytes, ${page.size} are needed`);
  }
  const bytes = decompressed(data.subarray(0, page.size), page);
  if (bytes.length !== PAGE) {
    throw new FormatError(FORMAT, page.offset, `a page of ${bytes.length} bytes`);
  }
  return bytes;
}
