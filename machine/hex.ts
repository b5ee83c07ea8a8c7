/**
 * Bytes as hexadecimal text. Apart from the digests, whose libraries take a worker some 20 ms to
 * load.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const HEX = /^(?:[0-9a-f]{2})*$/;

/** Bytes as lower-case hexadecimal text. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/**
 * Bytes of lower-case hexadecimal text.
 *
 * @throws {SyntaxError} if the text has an odd length or another character.
 */
export function fromHex(text: string): Uint8Array {
  if (!HEX.test(text)) throw new SyntaxError("Cannot read hexadecimal text: not pairs of 0-9a-f");
  return new Uint8Array(Buffer.from(text, "hex"));
}
