/**
 * A swap area, with the image in it: that of swsusp (protocol.md E.5) or of TuxOnIce (B.6).
 *
 * @module
 */
import { FormatError } from "../../machine/errors.ts";
import { countPages, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import {
  isSwapArea,
  parseSwapHeader,
  SWAP_HEADER_BYTES,
  type SwapHeader,
  SWSUSP_FLAG,
} from "../../machine/formats/swap_header.ts";
import { parseMapPage, parseSwsuspInfo } from "../../machine/formats/swsusp_image.ts";
import {
  parseTuxOnIceHeader,
  TUXONICE_HEADER_PAGES,
  TUXONICE_SIGNATURE,
} from "../../machine/formats/tuxonice_header.ts";
import type { DiskFile } from "./disk_file.ts";
import type { Inspection, Section } from "./inspection.ts";
import { countText, hexText, plural, sizeText } from "./values.ts";

type Row = readonly [string, string];

/** The bytes of an area: a file, or a partition of one. */
export interface AreaBytes {
  readonly byteLength: number;
  read(offset: number, length: number): Uint8Array;
}

/** A part of a file as an area. */
export function areaOf(file: DiskFile, start: number, byteLength: number): AreaBytes {
  return {
    byteLength,
    read: (offset, length) =>
      file.read(start + offset, Math.max(0, Math.min(length, byteLength - offset))),
  };
}

function pagesAt(area: AreaBytes, page: number, count: number): Uint8Array {
  const bytes = area.read(page * PAGE_BYTES, count * PAGE_BYTES);
  if (bytes.length === count * PAGE_BYTES) return bytes;
  const message = `page ${page + count - 1} is behind the end at byte ${area.byteLength}`;
  throw new FormatError("swap area", page * PAGE_BYTES, message);
}

function flagsText(flags: number): string {
  const names = Object.entries(SWSUSP_FLAG).filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name);
  return `${hexText(flags)}${names.length === 0 ? "" : ` (${names.join(", ")})`}`;
}

function swsuspRows(area: AreaBytes, header: SwapHeader): Row[] {
  const rows: Row[] = [
    ["first map page", countText(header.image)],
    ["flags", flagsText(header.imageFlags)],
    ["CRC-32", hexText(header.crc32)],
    ["hardware signature", hexText(header.hardwareSignature)],
    ["signature before", header.originalSignature],
  ];
  const [first = 0] = parseMapPage(pagesAt(area, header.image, 1)).entries;
  if (first === 0) throw new FormatError("swap area", header.image * PAGE_BYTES, "an empty map");
  const info = parseSwsuspInfo(pagesAt(area, first, 1));
  return [
    ...rows,
    ["memory", plural(info.memoryPages, "page")],
    ["image", `${plural(info.imagePages, "page")} of data, ${countText(info.pages)} in all`],
    ["size", sizeText(info.size)],
  ];
}

function tuxOnIceRows(area: AreaBytes, header: SwapHeader): Row[] {
  const bytes = pagesAt(area, header.image, TUXONICE_HEADER_PAGES);
  const { memoryPages, device, set1, set2 } = parseTuxOnIceHeader(bytes);
  return [
    ["header page", countText(header.image)],
    ["memory", plural(memoryPages, "page")],
    ["device", device.join(":")],
    ["page set 2", plural(countPages(set2.frames), "page")],
    ["page set 1", plural(countPages(set1.frames), "page")],
  ];
}

/** The image's rows, or why they cannot be read. */
function imageRows(area: AreaBytes, header: SwapHeader): Row[] {
  try {
    return header.signature === TUXONICE_SIGNATURE
      ? tuxOnIceRows(area, header)
      : swsuspRows(area, header);
  } catch (error) {
    if (error instanceof FormatError) return [["unreadable", error.message]];
    throw error;
  }
}

/** What stands in an area that holds an image. */
function imageKind({ signature }: SwapHeader): string {
  return signature === TUXONICE_SIGNATURE ? "TuxOnIce" : "swsusp";
}

/**
 * Sections about an area, the first one with this title.
 *
 * @throws {FormatError} if it has no whole header.
 */
export function swapSections(area: AreaBytes, title: string): Section[] {
  const header = parseSwapHeader(area.read(0, SWAP_HEADER_BYTES));
  const rows: Row[] = [
    ["signature", header.signature],
    ["label", header.label],
    ["pages", countText(header.lastPage + 1)],
  ];
  if (isSwapArea(header)) return [{ title, rows }];
  const image = { title: `Image of ${imageKind(header)}`, rows: imageRows(area, header) };
  return [{ title, rows }, image];
}

/** @throws {FormatError} if it is not whole. */
export function inspectSwap(file: DiskFile): Inspection {
  const header = parseSwapHeader(file.read(0, SWAP_HEADER_BYTES));
  const bytes = (header.lastPage + 1) * PAGE_BYTES;
  if (bytes > file.byteLength) {
    const message = `truncated: ${bytes} bytes in its header, ${file.byteLength} in the file`;
    throw new FormatError("swap area", file.byteLength, message);
  }
  const image = isSwapArea(header) ? "without an image" : `with an image of ${imageKind(header)}`;
  return {
    kind: "swap area",
    about: `a swap area of ${sizeText(bytes)} ${image}`,
    sections: swapSections(file, "Header"),
  };
}
