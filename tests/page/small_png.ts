/**
 * Makes a browser's PNG small: at most 256 colours, one byte a pixel. A page has few colours of its
 * own; the others are the edges of letters, which become the nearest of those that are kept.
 *
 * @module
 */
import { crc32, deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const COLOURS_MAX = 256;
/** Colours of which these bits are the same are alike. */
const ALIKE_BITS = 0xe0e0e0;
const RGB = 2;
const RGBA = 6;
const INDEXED = 3;

/** The pixels of a picture, as 0xrrggbb. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly colours: Uint32Array;
}

/** Chunks of a PNG by type; those of one type are joined. */
function chunksOf(png: Uint8Array): Map<string, Uint8Array<ArrayBuffer>> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const chunks = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = view.getUint32(at);
    const type = new TextDecoder().decode(png.subarray(at + 4, at + 8));
    const before = chunks.get(type) ?? new Uint8Array();
    const joined = new Uint8Array(before.length + length);
    joined.set(before);
    joined.set(png.subarray(at + 8, at + 8 + length), before.length);
    chunks.set(type, joined);
    at += 12 + length;
  }
  return chunks;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const sum = left + up - corner;
      const [a, b, c] = [Math.abs(sum - left), Math.abs(sum - up), Math.abs(sum - corner)];
      return a <= b && a <= c ? left : b <= c ? up : corner;
    }
    default:
      return 0;
  }
}

function pixelsOf(png: Uint8Array): Pixels {
  const chunks = chunksOf(png);
  const head = chunks.get("IHDR") ?? new Uint8Array(13);
  const view = new DataView(head.buffer);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, kind, interlace] = [head[8], head[9], head[12]];
  if (depth !== 8 || (kind !== RGB && kind !== RGBA) || interlace !== 0) {
    throw new RangeError("no PNG as Chromium writes it");
  }
  const pixelBytes = kind === RGB ? 3 : 4;
  const lineBytes = width * pixelBytes;
  const raw = inflateSync(chunks.get("IDAT") ?? new Uint8Array());
  const colours = new Uint32Array(width * height);
  let above = new Uint8Array(lineBytes);
  for (let y = 0; y < height; y++) {
    const begin = y * (lineBytes + 1);
    const filter = raw[begin] ?? 0;
    const line = new Uint8Array(lineBytes);
    for (let x = 0; x < lineBytes; x++) {
      const left = line[x - pixelBytes] ?? 0;
      const corner = above[x - pixelBytes] ?? 0;
      line[x] = (raw[begin + 1 + x] ?? 0) + predicted(filter, left, above[x] ?? 0, corner);
    }
    for (let x = 0, at = 0; x < width; x++, at += pixelBytes) {
      colours[y * width + x] = ((line[at] ?? 0) << 16) | ((line[at + 1] ?? 0) << 8) |
        (line[at + 2] ?? 0);
    }
    above = line;
  }
  return { width, height, colours };
}

/**
 * The colours that occur most, and of the others those that are like none of them, so that a small
 * mark keeps its colour.
 */
function paletteOf({ colours }: Pixels): readonly number[] {
  const counts = new Map<number, number>();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1]).map(([colour]) => colour);
  const palette = new Set(sorted.slice(0, COLOURS_MAX / 2));
  const alike = new Set([...palette].map((colour) => colour & ALIKE_BITS));
  for (const colour of sorted) {
    if (palette.size === COLOURS_MAX) break;
    if (alike.has(colour & ALIKE_BITS)) continue;
    alike.add(colour & ALIKE_BITS);
    palette.add(colour);
  }
  return [...palette];
}

function distance(a: number, b: number): number {
  const [red, green, blue] = [16, 8, 0].map((by) => ((a >> by) & 255) - ((b >> by) & 255));
  return (red ?? 0) ** 2 + (green ?? 0) ** 2 + (blue ?? 0) ** 2;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/**
 * The same picture in at most 256 colours.
 *
 * @throws {RangeError} where it is no PNG of 8 bits RGB or RGBA without interlace.
 */
export function smallPng(png: Uint8Array): Uint8Array<ArrayBuffer> {
  const pixels = pixelsOf(png);
  const { width, height, colours } = pixels;
  const palette = paletteOf(pixels);
  const known = new Map(palette.map((colour, index) => [colour, index]));
  const indexOf = (colour: number): number => {
    const index = known.get(colour);
    if (index !== undefined) return index;
    let nearest = 0;
    palette.forEach((other, at) => {
      if (distance(colour, other) < distance(colour, palette[nearest] ?? 0)) nearest = at;
    });
    known.set(colour, nearest);
    return nearest;
  };
  const lines = new Uint8Array(height * (width + 1));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      lines[y * (width + 1) + 1 + x] = indexOf(colours[y * width + x] ?? 0);
    }
  }
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, INDEXED, 0, 0, 0], 8);
  const table = palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]);
  const parts = [
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", head),
    chunk("PLTE", Uint8Array.from(table)),
    chunk("IDAT", deflateSync(lines, { level: 9, memLevel: 9 })),
    chunk("IEND", new Uint8Array()),
  ];
  return new Uint8Array(parts.flatMap((part) => [...part]));
}
