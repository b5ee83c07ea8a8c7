/**
 * The header of a kernel's encoded state in its own pages: what the processor and the observer
 * find behind a jump-back entry (DESIGN.md law 2).
 *
 * Promises: 64 bytes, of which the last four are a CRC-32 of those before them, so that any flipped
 * bit is noticed; another CRC covers the JSON text behind the header. A header without the magic,
 * with another checksum or with an impossible address or name throws {@linkcode FormatError}.
 *
 * @module
 */
import { crc32 } from "../digest.ts";
import { FormatError } from "../errors.ts";

/** Bytes of the header. */
export const STATE_HEADER_BYTES = 64;

const FORMAT = "kernel state header";
const MAGIC = "KJSTATE1";
const NAME_BYTES = 16;
/** Where the header's own checksum stands. */
const CHECKSUM = STATE_HEADER_BYTES - 4;

/** See the module's header. */
export interface KernelStateHeader {
  /** Name of the kernel, at most 16 ASCII characters. */
  readonly name: string;
  /** Kernel profile's text version. */
  readonly version: number;
  /** Bytes of JSON behind the header. */
  readonly length: number;
  /** CRC-32 of these bytes. */
  readonly crc: number;
  /** Physical address of the `mem_map`. */
  readonly memMap: number;
  /** Frames in the `mem_map`. */
  readonly frames: number;
}

/** The 64 bytes of a header. */
export function emitKernelStateHeader(header: KernelStateHeader): Uint8Array {
  if (!/^[\x21-\x7e]{1,16}$/.test(header.name)) {
    throw new RangeError(`Cannot emit ${FORMAT}: name '${header.name}' is not 1 to 16 ASCII`);
  }
  const bytes = new Uint8Array(STATE_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC), 0);
  view.setUint32(8, header.version, true);
  view.setUint32(12, header.length, true);
  view.setUint32(16, header.crc, true);
  view.setUint32(20, header.frames, true);
  view.setBigUint64(24, BigInt(header.memMap), true);
  bytes.set(new TextEncoder().encode(header.name), 32);
  view.setUint32(CHECKSUM, crc32(bytes.subarray(0, CHECKSUM)), true);
  return bytes;
}

/**
 * Reads a header.
 *
 * @throws {FormatError} see the module's header.
 */
export function parseKernelStateHeader(bytes: Uint8Array): KernelStateHeader {
  if (bytes.length < STATE_HEADER_BYTES) {
    throw new FormatError(FORMAT, bytes.length, `${bytes.length} bytes, need 64`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder("latin1");
  const magic = decoder.decode(bytes.slice(0, 8));
  if (magic !== MAGIC) throw new FormatError(FORMAT, 0, `magic is not ${MAGIC}`);
  const actual = crc32(bytes.subarray(0, CHECKSUM));
  const saved = view.getUint32(CHECKSUM, true);
  if (actual !== saved) {
    const message = `checksum 0x${actual.toString(16)}, saved 0x${saved.toString(16)}`;
    throw new FormatError(FORMAT, CHECKSUM, message);
  }
  const memMap = view.getBigUint64(24, true);
  if (memMap > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new FormatError(FORMAT, 24, `address of the page table is 0x${memMap.toString(16)}`);
  }
  const name = decoder.decode(bytes.slice(32, 32 + NAME_BYTES)).replace(/\0+$/, "");
  if (!/^[\x21-\x7e]+$/.test(name)) throw new FormatError(FORMAT, 32, "name is not ASCII");
  return {
    name,
    version: view.getUint32(8, true),
    length: view.getUint32(12, true),
    crc: view.getUint32(16, true),
    frames: view.getUint32(20, true),
    memMap: Number(memMap),
  };
}
