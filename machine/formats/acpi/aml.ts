/**
 * A small emitter of AML, the byte code in a DSDT: as much of it as our own DSDT needs.
 *
 * Every function gives the bytes of one term. Sizes are checked where the encoding has a limit;
 * whether a program makes sense is not.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";

const FORMAT = "AML";

/** The bytes of a term. */
export type Aml = readonly number[];

/** Length prefix of a package of `contentBytes`, which counts itself in. */
function packageLength(contentBytes: number): Aml {
  if (contentBytes + 1 < 0x40) return [contentBytes + 1];
  for (const follow of [1, 2, 3]) {
    const total = contentBytes + 1 + follow;
    if (total < 2 ** (4 + 8 * follow)) {
      const rest = Array.from({ length: follow }, (_, index) => (total >> (4 + 8 * index)) & 0xff);
      return [(follow << 6) | (total & 0xf), ...rest];
    }
  }
  throw new FormatError(FORMAT, 0, `package of ${contentBytes} bytes`);
}

function sized(operation: Aml, content: Aml): Aml {
  return [...operation, ...packageLength(content.length), ...content];
}

function ascii(text: string): Aml {
  return [...text].map((character) => character.charCodeAt(0));
}

/** A name of one to four characters A-Z 0-9 _, with a leading `\` for one at the root. */
export function nameString(text: string): Aml {
  const root = text.startsWith("\\");
  const segment = root ? text.slice(1) : text;
  if (!/^[A-Z_][A-Z0-9_]{0,3}$/.test(segment)) throw new FormatError(FORMAT, 0, `name '${text}'`);
  return [...(root ? [0x5c] : []), ...ascii(segment.padEnd(4, "_"))];
}

/** A number of 0 to 2^32 - 1 in its shortest form. */
export function integer(value: number): Aml {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new FormatError(FORMAT, 0, `integer ${value}`);
  }
  const byte = (index: number) => (value >>> (8 * index)) & 0xff;
  if (value === 0) return [0x00];
  if (value === 1) return [0x01];
  if (value <= 0xff) return [0x0a, byte(0)];
  if (value <= 0xffff) return [0x0b, byte(0), byte(1)];
  return [0x0c, byte(0), byte(1), byte(2), byte(3)];
}

/** A compressed device identifier such as "PNP0A03". */
export function eisaId(text: string): Aml {
  const match = /^([A-Z]{3})([0-9A-F]{4})$/.exec(text);
  const [, letters = "", digits = ""] = match ?? [];
  if (match === null) throw new FormatError(FORMAT, 0, `identifier '${text}'`);
  const [a = 0, b = 0, c = 0] = ascii(letters).map((code) => code - 0x40);
  const number = Number.parseInt(digits, 16);
  return [0x0c, (a << 2) | (b >> 3), ((b & 7) << 5) | c, number >> 8, number & 0xff];
}

/** `Package () {…}` of at most 255 elements. */
export function packageOf(elements: readonly Aml[]): Aml {
  if (elements.length > 255) throw new FormatError(FORMAT, 0, `${elements.length} elements`);
  return sized([0x12], [elements.length, ...elements.flat()]);
}

/** `Name (name, value)`. */
export function name(text: string, value: Aml): Aml {
  return [0x08, ...nameString(text), ...value];
}

/** `Scope (name) {…}`. */
export function scope(text: string, terms: readonly Aml[]): Aml {
  return sized([0x10], [...nameString(text), ...terms.flat()]);
}

/** `Device (name) {…}`. */
export function device(text: string, terms: readonly Aml[]): Aml {
  return sized([0x5b, 0x82], [...nameString(text), ...terms.flat()]);
}

/** `Method (name, argumentCount, NotSerialized) {…}`. */
export function method(text: string, argumentCount: number, terms: readonly Aml[]): Aml {
  return sized([0x14], [...nameString(text), argumentCount & 7, ...terms.flat()]);
}

/** `OperationRegion (name, SystemIO, port, bytes)`. */
export function ioRegion(text: string, port: number, bytes: number): Aml {
  return [0x5b, 0x80, ...nameString(text), 0x01, ...integer(port), ...integer(bytes)];
}

/** `Field (region, ByteAcc, NoLock, Preserve) { name, 8 }`: one field of a byte. */
export function byteField(region: string, text: string): Aml {
  return sized([0x5b, 0x81], [...nameString(region), 0x01, ...nameString(text), 8]);
}

/** The first argument of a method. */
export const ARGUMENT_0: Aml = [0x68];

/** `Or (left, right, target)`. */
export function or(left: Aml, right: Aml, target: Aml): Aml {
  return [0x7d, ...left, ...right, ...target];
}

/** `Return (value)`. */
export function returns(value: Aml): Aml {
  return [0xa4, ...value];
}
