/**
 * Digests over bytes: pure functions of their input, taken from the runtime's built-in libraries.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { crc32 as zlibCrc32 } from "node:zlib";

export { fromHex, toHex } from "./hex.ts";

/** Lower-case hexadecimal SHA-256 of the bytes (or of the text in UTF-8). */
export function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** SHA-256 as 32 bytes. */
export function sha256Bytes(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(data).digest());
}

/** A SHA-256 that is fed piece by piece. */
export class Sha256 {
  #hash: Hash;
  constructor(hash: Hash = createHash("sha256")) {
    this.#hash = hash;
  }
  update(data: Uint8Array | string): void {
    this.#hash.update(data);
  }
  /** The digest of what was fed so far; feeding may go on. */
  hex(): string {
    return this.#hash.copy().digest("hex");
  }
  /** An independent continuation from here. */
  fork(): Sha256 {
    return new Sha256(this.#hash.copy());
  }
}

/** CRC-32 (IEEE, reflected, as zlib's), unsigned; `seed` continues an earlier one. */
export function crc32(data: Uint8Array, seed = 0): number {
  return zlibCrc32(data, seed) >>> 0;
}

/** Eight lower-case hexadecimal digits of a CRC-32. */
export function crc32Hex(data: Uint8Array): string {
  return crc32(data).toString(16).padStart(8, "0");
}
