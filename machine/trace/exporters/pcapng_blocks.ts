/**
 * Blocks of the pcapng format (draft-ietf-opsawg-pcapng), little-endian, with their options.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const NAME_RESOLUTION = 4;
const INTERFACE_STATISTICS = 5;
const ENHANCED_PACKET = 6;

/** Bytes that an option holds at most; texts are cut there. */
const OPTION_BYTES_MAX = 65_532;

/** An option: code and content. */
export type Option = readonly [code: number, content: string | Uint8Array];

/** Codes of options. */
export const OPTION = {
  comment: 1,
  hardware: 2,
  operatingSystem: 3,
  application: 4,
  interfaceName: 2,
  interfaceDescription: 3,
  timeResolution: 9,
  received: 4,
} as const;

function padded(bytes: Uint8Array): Uint8Array[] {
  const missing = (4 - bytes.length % 4) % 4;
  return missing === 0 ? [bytes] : [bytes, new Uint8Array(missing)];
}

function twoShorts(first: number, second: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(first, 0);
  bytes.writeUInt16LE(second, 2);
  return bytes;
}

/** UTF-8 of a text, cut between two characters. */
function utf8(text: string, most: number): Uint8Array {
  const bytes = Buffer.from(text.toWellFormed(), "utf8");
  if (bytes.length <= most) return bytes;
  let end = most;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

function optionBytes(options: readonly Option[]): Uint8Array[] {
  if (options.length === 0) return [];
  const parts: Uint8Array[] = [];
  for (const [code, content] of options) {
    const bytes = typeof content === "string" ? utf8(content, OPTION_BYTES_MAX) : content;
    parts.push(twoShorts(code, bytes.length), ...padded(bytes));
  }
  parts.push(twoShorts(0, 0));
  return parts;
}

function block(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = 12 + parts.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(length, 4);
  return Buffer.concat([head, ...parts, head.subarray(4)]);
}

/** A count of ns as two words, the higher one first. */
function timestamp(nanoseconds: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(Math.floor(nanoseconds / 0x1_0000_0000), 0);
  bytes.writeUInt32LE(nanoseconds % 0x1_0000_0000, 4);
  return bytes;
}

/** The block that a section begins with; its length is not said, so it can be streamed. */
export function sectionHeader(options: readonly Option[]): Uint8Array {
  const bytes = Buffer.alloc(16, 0xff);
  bytes.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  bytes.writeUInt16LE(1, 4);
  bytes.writeUInt16LE(0, 6);
  return block(SECTION_HEADER, [bytes, ...optionBytes(options)]);
}

/** An interface whose packets have times in ns. */
export function interfaceDescription(linkType: number, options: readonly Option[]): Uint8Array {
  const resolution: Option = [OPTION.timeResolution, Uint8Array.of(9)];
  return block(INTERFACE_DESCRIPTION, [
    twoShorts(linkType, 0),
    new Uint8Array(4),
    ...optionBytes([...options, resolution]),
  ]);
}

/** The name of an IPv4 address. */
export function nameResolution(address: Uint8Array, name: string): Uint8Array {
  const text = Buffer.concat([utf8(name.replaceAll("\0", " "), 1_024), new Uint8Array(1)]);
  return block(NAME_RESOLUTION, [
    twoShorts(1, 4 + text.length),
    ...padded(Buffer.concat([address, text])),
    twoShorts(0, 0),
  ]);
}

/** A packet of the first interface. */
export function enhancedPacket(
  nanoseconds: number,
  packet: Uint8Array,
  options: readonly Option[],
): Uint8Array {
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(packet.length, 0);
  lengths.writeUInt32LE(packet.length, 4);
  return block(ENHANCED_PACKET, [
    new Uint8Array(4),
    timestamp(nanoseconds),
    lengths,
    ...padded(packet),
    ...optionBytes(options),
  ]);
}

/** How many packets the first interface had. */
export function interfaceStatistics(
  nanoseconds: number,
  packets: number,
  options: readonly Option[],
): Uint8Array {
  const count = Buffer.alloc(8);
  count.writeBigUInt64LE(BigInt(packets), 0);
  return block(INTERFACE_STATISTICS, [
    new Uint8Array(4),
    timestamp(nanoseconds),
    ...optionBytes([...options, [OPTION.received, count]]),
  ]);
}
