/**
 * LZO1X: the compression of swsusp images and of `makedumpfile -l`. A compressor of the kind
 * called LZO1X-1 (one pass, one hash table) and a decompressor for any LZO1X stream.
 *
 * The stream is instructions: literal runs, and matches of a length and a distance backwards in
 * the output; the two low bits of a match say how many literals (0 to 3) follow it. What a byte
 * under 16 means depends on the literals before it. It ends with 11 00 00.
 *
 * Promises: decompressing never reads or writes outside its buffers and takes time proportional
 * to input and output, whatever the input; what was compressed comes back. The compressed bytes
 * are a function of the input alone, but not those of another compressor.
 *
 * @module
 */
import { FormatError } from "../errors.ts";

/** What a decompressor says of a bad stream; the numbers are those of the LZO library. */
export const LZO_ERROR = {
  /** The end marker has another length. */
  error: -1,
  inputOverrun: -4,
  outputOverrun: -5,
  /** A match reaches before the start of the output. */
  lookbehindOverrun: -6,
  /** Bytes behind the end marker. */
  inputNotConsumed: -8,
} as const;

/** Farthest match of each form. */
const NEAR_MAX = 2048;
const MIDDLE_MAX = 16_384;
const FAR_MAX = 49_151;
/** Longest match of the near form. */
const NEAR_LENGTH_MAX = 8;
const MATCH_MIN = 4;
const HASH_BITS = 14;
/** Literals in a row after which the compressor begins to skip. */
const SKIP_SHIFT = 5;

/** Most bytes that compressing so many can give. */
export function lzo1xBound(lengthBytes: number): number {
  return lengthBytes + Math.floor(lengthBytes / 16) + 64 + 3;
}

/** Output of the compressor: a buffer of the bound's length, and how far it is filled. */
class Output {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(lengthBytes: number) {
    this.bytes = new Uint8Array(lzo1xBound(lengthBytes));
  }

  put(byte: number): void {
    this.bytes[this.at++] = byte;
  }

  /** `base` in the instruction's own bits, or zero there and the rest in bytes of 255. */
  #length(instruction: number, length: number, inlineMax: number): void {
    if (length <= inlineMax) return this.put(instruction | length);
    this.put(instruction);
    let rest = length - inlineMax;
    for (; rest > 255; rest -= 255) this.put(0);
    this.put(rest);
  }

  literals(input: Uint8Array, from: number, to: number): void {
    const count = to - from;
    if (count === 0) return;
    if (this.at === 0 && count <= 238) this.put(17 + count);
    // The match before has room for a few in its first two-byte word.
    else if (count <= 3) this.bytes[this.at - 2] = (this.bytes[this.at - 2] ?? 0) | count;
    else this.#length(0, count - 3, 15);
    this.bytes.set(input.subarray(from, to), this.at);
    this.at += count;
  }

  match(distance: number, length: number): void {
    if (length <= NEAR_LENGTH_MAX && distance <= NEAR_MAX) {
      const back = distance - 1;
      this.put(((length - 1) << 5) | ((back & 7) << 2));
      this.put(back >> 3);
      return;
    }
    const far = distance > MIDDLE_MAX;
    const back = far ? distance - MIDDLE_MAX : distance - 1;
    if (far) this.#length(16 | ((back >> 14) << 3), length - 2, 7);
    else this.#length(32, length - 2, 31);
    this.put((back & 63) << 2);
    this.put((back >> 6) & 255);
  }
}

function word(input: Uint8Array, at: number): number {
  return (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8) | ((input[at + 2] ?? 0) << 16) |
    ((input[at + 3] ?? 0) << 24);
}

function matchLength(input: Uint8Array, early: number, late: number): number {
  let length = MATCH_MIN;
  while (late + length < input.length && input[early + length] === input[late + length]) length++;
  return length;
}

/** Compresses; the result is at most {@linkcode lzo1xBound} bytes long. */
export function lzo1xCompress(input: Uint8Array): Uint8Array {
  const output = new Output(input.length);
  const table = new Int32Array(1 << HASH_BITS).fill(-1);
  let literals = 0;
  for (let at = 0; at + MATCH_MIN <= input.length;) {
    const value = word(input, at);
    const slot = Math.imul(value, 0x9e37_79b1) >>> (32 - HASH_BITS);
    const early = table[slot] ?? -1;
    table[slot] = at;
    if (early < 0 || at - early > FAR_MAX || word(input, early) !== value) {
      at += 1 + ((at - literals) >> SKIP_SHIFT);
      continue;
    }
    const length = matchLength(input, early, at);
    output.literals(input, literals, at);
    output.match(at - early, length);
    at += length;
    literals = at;
  }
  output.literals(input, literals, input.length);
  for (const byte of [0x11, 0, 0]) output.put(byte);
  return output.bytes.subarray(0, output.at);
}

/** Signals a bad stream inside the decompressor. */
class StreamError extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`LZO error ${code}`);
    this.code = code;
  }
}

/** State of a decompression. */
class Stream {
  readonly #input: Uint8Array;
  readonly #output: Uint8Array;
  /** Next byte of each. */
  #in = 0;
  #out = 0;

  constructor(input: Uint8Array, output: Uint8Array) {
    this.#input = input;
    this.#output = output;
  }

  byte(): number {
    const value = this.#input[this.#in];
    if (value === undefined) throw new StreamError(LZO_ERROR.inputOverrun);
    this.#in++;
    return value;
  }

  /** The instruction's own bits, or where they are zero `base` and bytes of 255. */
  length(bits: number, base: number): number {
    if (bits !== 0) return bits;
    let length = base;
    for (;;) {
      const more = this.byte();
      if (more !== 0) return length + more;
      length += 255;
      // The output could not hold it, and the number must not grow without bound.
      if (length > this.#output.length + 255) throw new StreamError(LZO_ERROR.outputOverrun);
    }
  }

  literals(count: number): void {
    if (this.#in + count > this.#input.length) throw new StreamError(LZO_ERROR.inputOverrun);
    if (this.#out + count > this.#output.length) throw new StreamError(LZO_ERROR.outputOverrun);
    this.#output.set(this.#input.subarray(this.#in, this.#in + count), this.#out);
    this.#in += count;
    this.#out += count;
  }

  match(distance: number, length: number): void {
    if (distance > this.#out) throw new StreamError(LZO_ERROR.lookbehindOverrun);
    if (this.#out + length > this.#output.length) throw new StreamError(LZO_ERROR.outputOverrun);
    const end = this.#out + length;
    if (distance >= length) {
      this.#output.copyWithin(this.#out, this.#out - distance, end - distance);
    } else if (distance === 1) {
      this.#output.fill(this.#output[this.#out - 1] ?? 0, this.#out, end);
    } else {
      for (let at = this.#out; at < end; at++) this.#output[at] = this.#output[at - distance] ?? 0;
    }
    this.#out = end;
  }

  /** Two bytes: 14 bits of distance, two of literals. */
  distance(): { readonly distance: number; readonly literals: number } {
    const low = this.byte();
    return { distance: (this.byte() << 6) | (low >> 2), literals: low & 3 };
  }

  end(length: number): number {
    if (length !== 3) throw new StreamError(LZO_ERROR.error);
    if (this.#in < this.#input.length) throw new StreamError(LZO_ERROR.inputNotConsumed);
    return this.#out;
  }
}

/** Runs the instructions to the end marker; bytes of output. */
function decode(stream: Stream): number {
  /** Literals since the last match: 0 to 3, or 4 for a run. */
  let before = 0;
  let instruction = stream.byte();
  if (instruction > 17) {
    const count = instruction - 17;
    stream.literals(count);
    before = Math.min(count, 4);
    instruction = stream.byte();
  }
  for (;; instruction = stream.byte()) {
    let following = instruction & 3;
    if (instruction >= 64) {
      const length = (instruction >> 5) + 1;
      stream.match((stream.byte() << 3) + ((instruction >> 2) & 7) + 1, length);
    } else if (instruction >= 32) {
      const length = stream.length(instruction & 31, 31) + 2;
      const { distance, literals } = stream.distance();
      stream.match(distance + 1, length);
      following = literals;
    } else if (instruction >= 16) {
      const length = stream.length(instruction & 7, 7) + 2;
      const { distance, literals } = stream.distance();
      const back = ((instruction & 8) << 11) + distance;
      if (back === 0) return stream.end(length);
      stream.match(back + MIDDLE_MAX, length);
      following = literals;
    } else if (before === 0) {
      stream.literals(stream.length(instruction, 15) + 3);
      before = 4;
      continue;
    } else {
      const back = (stream.byte() << 2) + (instruction >> 2);
      if (before === 4) stream.match(back + NEAR_MAX + 1, 3);
      else stream.match(back + 1, 2);
    }
    stream.literals(following);
    before = following;
  }
}

/** Decompresses into `output`; bytes of it that were filled, or one of {@linkcode LZO_ERROR}. */
export function lzo1xDecompressInto(input: Uint8Array, output: Uint8Array): number {
  try {
    return decode(new Stream(input, output));
  } catch (error) {
    if (error instanceof StreamError) return error.code;
    throw error;
  }
}

/**
 * Decompresses what gives at most `lengthMax` bytes.
 *
 * @throws {FormatError} if the stream is bad or gives more.
 */
export function lzo1xDecompress(input: Uint8Array, lengthMax: number): Uint8Array {
  const output = new Uint8Array(lengthMax);
  const length = lzo1xDecompressInto(input, output);
  if (length < 0) throw new FormatError("lzo1x", input.length, `LZO error ${length}`);
  return output.subarray(0, length);
}
