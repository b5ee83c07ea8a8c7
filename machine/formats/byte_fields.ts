/**
 * Little-endian fields at byte offsets, checked: the floor under the firmware and boot formats.
 *
 * Promises: a field outside the input, a number that does not fit its field and a 64-bit value
 * above 2^53 - 1 are all a {@linkcode FormatError} with the offset, never a RangeError and never
 * a silent wrap. Promises nothing about meaning: the formats above check that.
 *
 * @module
 */
import { FormatError } from "../errors.ts";

const U64_SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads fields of one structure. Offsets are from the start of `bytes`; errors add `base`. */
export class FieldReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #format: string;
  readonly #base: number;

  /** @param base What to add to offsets in errors, when `bytes` is a part of a larger input. */
  constructor(format: string, bytes: Uint8Array, base = 0) {
    this.bytes = bytes;
    this.#view = viewOf(bytes);
    this.#format = format;
    this.#base = base;
  }

  /** @throws {FormatError} always; for the checks of the format itself. */
  fail(offset: number, message: string): never {
    throw new FormatError(this.#format, this.#base + offset, message);
  }

  #need(offset: number, length: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + length > this.bytes.length) {
      this.fail(
        Math.min(offset, this.bytes.length),
        `input ends: ${length} bytes wanted at ${offset}, ${this.bytes.length} available`,
      );
    }
  }

  u8(offset: number): number {
    this.#need(offset, 1);
    return this.#view.getUint8(offset);
  }

  u16(offset: number): number {
    this.#need(offset, 2);
    return this.#view.getUint16(offset, true);
  }

  u32(offset: number): number {
    this.#need(offset, 4);
    return this.#view.getUint32(offset, true);
  }

  /** A 64-bit value that must be a safe integer. */
  u64(offset: number): number {
    this.#need(offset, 8);
    const value = this.#view.getBigUint64(offset, true);
    if (value > U64_SAFE_MAX) this.fail(offset, `value 0x${value.toString(16)} is over 2^53 - 1`);
    return Number(value);
  }

  /** A copy of `length` bytes. */
  slice(offset: number, length: number): Uint8Array {
    this.#need(offset, length);
    return this.bytes.slice(offset, offset + length);
  }

  /** `length` bytes as Latin-1 text, as the magic numbers and identifiers of firmware are. */
  text(offset: number, length: number): string {
    return String.fromCharCode(...this.slice(offset, length));
  }
}

/** Writes fields of one structure into a zeroed buffer of fixed length. */
export class FieldWriter {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #format: string;

  constructor(format: string, lengthBytes: number) {
    this.bytes = new Uint8Array(lengthBytes);
    this.#view = viewOf(this.bytes);
    this.#format = format;
  }

  #check(offset: number, length: number, value: number, max: number): void {
    if (offset < 0 || offset + length > this.bytes.length) {
      throw new FormatError(this.#format, offset, `field passes the end, ${this.bytes.length}`);
    }
    if (!Number.isSafeInteger(value) || value < 0 || value > max) {
      throw new FormatError(this.#format, offset, `${value} does not fit ${length} bytes`);
    }
  }

  u8(offset: number, value: number): void {
    this.#check(offset, 1, value, 0xff);
    this.#view.setUint8(offset, value);
  }

  u16(offset: number, value: number): void {
    this.#check(offset, 2, value, 0xffff);
    this.#view.setUint16(offset, value, true);
  }

  u32(offset: number, value: number): void {
    this.#check(offset, 4, value, 0xffff_ffff);
    this.#view.setUint32(offset, value, true);
  }

  u64(offset: number, value: number): void {
    this.#check(offset, 8, value, Number.MAX_SAFE_INTEGER);
    this.#view.setBigUint64(offset, BigInt(value), true);
  }

  /** Copies bytes in. */
  put(offset: number, bytes: Uint8Array): void {
    this.#check(offset, bytes.length, 0, 0);
    this.bytes.set(bytes, offset);
  }

  /**
   * Latin-1 text in a field of `length` bytes, filled up with `fill` (zero unless told).
   *
   * @throws {FormatError} if the text is longer than its field or is not Latin-1.
   */
  text(offset: number, length: number, text: string, fill = 0): void {
    if (text.length > length) {
      throw new FormatError(this.#format, offset, `'${text}' is longer than ${length} bytes`);
    }
    for (let index = 0; index < length; index++) {
      this.u8(offset + index, index < text.length ? text.charCodeAt(index) : fill);
    }
  }
}
