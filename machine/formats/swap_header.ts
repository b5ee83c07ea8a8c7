/**
 * The first page of a swap area (protocol.md E.5): what mkswap writes, and what swsusp puts into
 * its last 40 bytes when an image stands behind it. 64-bit layout, 4 KiB pages.
 *
 * Promises: `parseSwapHeader` throws only {@linkcode FormatError}, and keeps a signature it does
 * not know as text; emitting what was parsed gives the same bytes. The page's first 1024 bytes are
 * the boot loader's and are kept.
 *
 * @module
 */
import { FormatError } from "../errors.ts";
import { FieldReader, FieldWriter } from "./byte_fields.ts";

/** Bytes of the header: a page. */
export const SWAP_HEADER_BYTES = 4096;

/** Least pages of an area that mkswap makes. */
export const SWAP_PAGES_MIN = 10;

/** Signatures at the end of the page. */
export const SWAP_SIGNATURE = {
  current: "SWAPSPACE2",
  old: "SWAP-SPACE",
  /** An image is there (its tenth byte is zero). */
  suspended: "S1SUSPEND",
} as const;

/** Bits of `imageFlags`, the SF_* of the kernel. */
export const SWSUSP_FLAG = {
  platform: 1,
  uncompressed: 2,
  crc32: 4,
  hardwareSignature: 8,
} as const;

/** See the module's header. */
export interface SwapHeader {
  /** The page's first 1024 bytes. */
  readonly bootBits: Uint8Array;
  readonly version: number;
  /** Number of the area's last page. */
  readonly lastPage: number;
  readonly badPages: number;
  /** 16 bytes. */
  readonly uuid: Uint8Array;
  /** At most 16 characters. */
  readonly label: string;
  /** Between label and the fields of swsusp: padding and bad pages, as they are. */
  readonly rest: Uint8Array;
  /** FACS hardware signature, where {@linkcode SWSUSP_FLAG} says there is one. */
  readonly hardwareSignature: number;
  readonly crc32: number;
  /** Page of the area with the first map page; 0 for none. */
  readonly image: number;
  readonly imageFlags: number;
  /** Signature the area had before an image was written; empty where none was. */
  readonly originalSignature: string;
  readonly signature: string;
}

const FORMAT = "swap header";
const REST_AT = 1068;
const SWSUSP_AT = 4056;
const SIGNATURE_LENGTH = 10;

function trimmed(text: string): string {
  return text.replace(/\0+$/, "");
}

/** @throws {FormatError} if it is shorter than a page, or the image's number is over 2^53. */
export function parseSwapHeader(page: Uint8Array): SwapHeader {
  if (page.length < SWAP_HEADER_BYTES) {
    throw new FormatError(FORMAT, page.length, `${page.length} bytes, 4096 are needed`);
  }
  const fields = new FieldReader(FORMAT, page.subarray(0, SWAP_HEADER_BYTES));
  return {
    bootBits: fields.slice(0, 1024),
    version: fields.u32(1024),
    lastPage: fields.u32(1028),
    badPages: fields.u32(1032),
    uuid: fields.slice(1036, 16),
    label: trimmed(fields.text(1052, 16)),
    rest: fields.slice(REST_AT, SWSUSP_AT - REST_AT),
    hardwareSignature: fields.u32(4056),
    crc32: fields.u32(4060),
    image: fields.u64(4064),
    imageFlags: fields.u32(4072),
    originalSignature: trimmed(fields.text(4076, SIGNATURE_LENGTH)),
    signature: trimmed(fields.text(4086, SIGNATURE_LENGTH)),
  };
}

/** @throws {FormatError} if a field does not fit. */
export function emitSwapHeader(header: SwapHeader): Uint8Array {
  const fields = new FieldWriter(FORMAT, SWAP_HEADER_BYTES);
  const lengths = [header.bootBits.length, header.uuid.length, header.rest.length];
  if (lengths.join() !== [1024, 16, SWSUSP_AT - REST_AT].join()) {
    throw new FormatError(FORMAT, 0, `parts of ${lengths.join(", ")} bytes`);
  }
  fields.put(0, header.bootBits);
  fields.u32(1024, header.version);
  fields.u32(1028, header.lastPage);
  fields.u32(1032, header.badPages);
  fields.put(1036, header.uuid);
  fields.text(1052, 16, header.label);
  fields.put(REST_AT, header.rest);
  fields.u32(4056, header.hardwareSignature);
  fields.u32(4060, header.crc32);
  fields.u64(4064, header.image);
  fields.u32(4072, header.imageFlags);
  fields.text(4076, SIGNATURE_LENGTH, header.originalSignature);
  fields.text(4086, SIGNATURE_LENGTH, header.signature);
  return fields.bytes;
}

/** What a new area is made from. */
export interface NewSwapArea {
  readonly pages: number;
  readonly uuid: Uint8Array;
  readonly label?: string;
}

/** The header of a new area, as mkswap writes it. @throws {FormatError} under 10 pages. */
export function newSwapHeader({ pages, uuid, label = "" }: NewSwapArea): SwapHeader {
  if (pages < SWAP_PAGES_MIN) throw new FormatError(FORMAT, 1028, `an area of ${pages} pages`);
  return {
    bootBits: new Uint8Array(1024),
    version: 1,
    lastPage: pages - 1,
    badPages: 0,
    uuid,
    label,
    rest: new Uint8Array(SWSUSP_AT - REST_AT),
    hardwareSignature: 0,
    crc32: 0,
    image: 0,
    imageFlags: 0,
    originalSignature: "",
    signature: SWAP_SIGNATURE.current,
  };
}

/** Whether a swap area can be taken into use by this header: signature and version. */
export function isSwapArea({ signature, version, badPages }: SwapHeader): boolean {
  const known = signature === SWAP_SIGNATURE.current || signature === SWAP_SIGNATURE.old;
  return known && version === 1 && badPages === 0;
}
