/**
 * The jump buffer of the RFC of August 2007: one page of the hibernated kernel through which it
 * is entered again, found by its page frame number alone (protocol.md B.1).
 *
 * No source says how the real page looked; this layout is the laboratory's own. The page is a
 * control page in its first part (code at 0, the jump-back entry at 0xc0, its data at 0x800, see
 * `control_page.ts`), so that the processor finds its way back by its own address; the record
 * that says so stands at {@linkcode JUMP_BUFFER_OFFSET}:
 *
 * | offset | size | field |
 * |---|---|---|
 * | 0 | 8 | "KJMPBUF1" |
 * | 8 | 4 | version of the kernel's text |
 * | 12 | 4 | 0 |
 * | 16 | 8 | physical address of this page |
 * | 24 | 8 | physical address of the jump-back entry |
 * | 32 | 8 | physical address of the kernel's state pages |
 * | 40 | 8 | physical address of the saved processor context |
 * | 48 | 12 | name of the kernel, zero-filled |
 * | 60 | 4 | CRC-32 of the 60 bytes before |
 * | 64 | 8 | 0: the word that a kernel which jumps back leaves on the stack |
 *
 * Promises: a page without the magic, with another checksum, or that lies at another address than
 * it says throws {@linkcode FormatError}; so a page frame number that is not that of a kernel's
 * jump buffer is noticed before anybody jumps there.
 *
 * @module
 */
import { crc32 } from "../digest.ts";
import { FormatError } from "../errors.ts";
import { REENTRY_OFFSET } from "./control_page.ts";
import { PAGE_BYTES } from "./page_runs.ts";

/** Where in its page the record stands. */
export const JUMP_BUFFER_OFFSET = 0xc00;
/** Bytes of the record, the zero word behind it among them. */
export const JUMP_BUFFER_BYTES = 72;
/** Offset in the page of the word that is to lie on the stack of who jumps back. */
export const JUMP_BUFFER_STACK_OFFSET: number = JUMP_BUFFER_OFFSET + 64;

const FORMAT = "jump buffer";
const MAGIC = "KJMPBUF1";
const NAME_BYTES = 12;
const CHECKSUM = 60;

/** See the module's header. Addresses are physical. */
export interface JumpBuffer {
  readonly version: number;
  readonly page: number;
  readonly entry: number;
  readonly state: number;
  readonly context: number;
  readonly name: string;
}

/** The record of a page at `page`, whose jump-back entry stands where control pages have it. */
export function jumpBufferAt(
  page: number,
  rest: Omit<JumpBuffer, "page" | "entry">,
): JumpBuffer {
  return { ...rest, page, entry: page + REENTRY_OFFSET };
}

/** The record's bytes. */
export function emitJumpBuffer(buffer: JumpBuffer): Uint8Array {
  const bytes = new Uint8Array(JUMP_BUFFER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint32(8, buffer.version, true);
  view.setBigUint64(16, BigInt(buffer.page), true);
  view.setBigUint64(24, BigInt(buffer.entry), true);
  view.setBigUint64(32, BigInt(buffer.state), true);
  view.setBigUint64(40, BigInt(buffer.context), true);
  bytes.set(new TextEncoder().encode(buffer.name.slice(0, NAME_BYTES)), 48);
  view.setUint32(CHECKSUM, crc32(bytes.subarray(0, CHECKSUM)), true);
  return bytes;
}

/**
 * Reads the record out of its page.
 *
 * @param page 4096 bytes, @param address where they lie, physical.
 * @throws {FormatError} see the module's header.
 */
export function parseJumpBuffer(page: Uint8Array, address: number): JumpBuffer {
  if (page.length < PAGE_BYTES) {
    throw new FormatError(FORMAT, page.length, `${page.length} bytes, wanted ${PAGE_BYTES}`);
  }
  const bytes = page.slice(JUMP_BUFFER_OFFSET, JUMP_BUFFER_OFFSET + JUMP_BUFFER_BYTES);
  const view = new DataView(bytes.buffer);
  const decoder = new TextDecoder("latin1");
  if (decoder.decode(bytes.subarray(0, 8)) !== MAGIC) {
    throw new FormatError(FORMAT, JUMP_BUFFER_OFFSET, `magic is not ${MAGIC}`);
  }
  const actual = crc32(bytes.subarray(0, CHECKSUM));
  const saved = view.getUint32(CHECKSUM, true);
  if (actual !== saved) {
    const message = `checksum 0x${actual.toString(16)}, saved 0x${saved.toString(16)}`;
    throw new FormatError(FORMAT, JUMP_BUFFER_OFFSET + CHECKSUM, message);
  }
  const wide = (offset: number): number => {
    const value = view.getBigUint64(offset, true);
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
    throw new FormatError(FORMAT, JUMP_BUFFER_OFFSET + offset, `0x${value.toString(16)}`);
  };
  const buffer: JumpBuffer = {
    version: view.getUint32(8, true),
    page: wide(16),
    entry: wide(24),
    state: wide(32),
    context: wide(40),
    name: decoder.decode(bytes.subarray(48, 48 + NAME_BYTES)).replace(/\0+$/, ""),
  };
  if (buffer.page !== address) {
    const message = `says it is at 0x${buffer.page.toString(16)}, is at 0x${address.toString(16)}`;
    throw new FormatError(FORMAT, JUMP_BUFFER_OFFSET + 16, message);
  }
  return buffer;
}
