/**
 * Lines of a trace as frames of SSE and of json-seq (RFC 7464).
 *
 * @module
 */
import type { EventChunk } from "./event_chunks.ts";
import { lineEnds } from "./line_ends.ts";

const LINE_FEED = 10;
const RECORD_SEPARATOR = 0x1e;
const ZERO = 48;
const NINE = 57;
const UTF8 = new TextEncoder();
/** Digits of the largest number of an event. */
const DIGITS_MAX = 16;
const BEFORE = "id: ";
const BETWEEN = "\nevent: trace\ndata: ";
/** Bytes of a frame besides its line and its number's digits. */
const AROUND_BYTES = BEFORE.length + BETWEEN.length + 1;

/** Text as bytes. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return UTF8.encode(text);
}

/** A frame of SSE that is no event of the trace. The data has no line feed. */
export function sseFrame(event: string, data: unknown, id?: number): Uint8Array<ArrayBuffer> {
  const head = id === undefined ? "" : `id: ${id}\n`;
  return utf8(`${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** What is the same in all heads as words, which are stored faster than bytes one by one. */
const WORDS = new DataView(utf8(BEFORE + BETWEEN).buffer);
const BEFORE_WORD = WORDS.getUint32(0);
const BETWEEN_WORDS = [4, 8, 12, 16, 20].map((at) => WORDS.getUint32(at));
const [BETWEEN_0 = 0, BETWEEN_1 = 0, BETWEEN_2 = 0, BETWEEN_3 = 0, BETWEEN_4 = 0] = BETWEEN_WORDS;

/** The decimal digits of a number in ASCII, right-aligned. */
class Digits {
  readonly bytes: Uint8Array = new Uint8Array(DIGITS_MAX);
  /** Where the first digit stands. */
  start: number = DIGITS_MAX;

  set(number: number): void {
    const text = String(number);
    this.start = DIGITS_MAX - text.length;
    for (let at = 0; at < text.length; at++) this.bytes[this.start + at] = text.charCodeAt(at);
  }

  /** To the next number, in place. */
  increase(): void {
    const { bytes } = this;
    let at = DIGITS_MAX - 1;
    while (at >= this.start && bytes[at] === NINE) bytes[at--] = ZERO;
    if (at < this.start) bytes[this.start = at] = ZERO + 1;
    else bytes[at] = (bytes[at] ?? ZERO) + 1;
  }
}

/**
 * Events as SSE: `id` is the event's number, `event` is `trace`, `data` is the line.
 *
 * The lines are laid at the end of what is made and moved from there to their places: moving
 * within one array takes less than making a view of each line to copy it.
 *
 * @param ends offsets behind the lines, where they are known.
 */
export function sseFrames(
  { lines, numbers, first }: EventChunk,
  ends: Uint32Array = lineEnds(lines),
): Uint8Array<ArrayBuffer> {
  const count = ends.length;
  const most = String(numbers?.at(-1) ?? first + count).length;
  const target = new Uint8Array(lines.length + count * (AROUND_BYTES + most));
  const base = target.length - lines.length;
  target.set(lines, base);
  const words = new DataView(target.buffer);
  const digits = new Digits();
  digits.set(numbers?.[0] ?? first);
  let offset = 0;
  let start = base;
  for (let line = 0; line < count; line++) {
    words.setUint32(offset, BEFORE_WORD);
    offset += BEFORE.length;
    for (let at = digits.start; at < DIGITS_MAX; at++) target[offset++] = digits.bytes[at] ?? ZERO;
    words.setUint32(offset, BETWEEN_0);
    words.setUint32(offset + 4, BETWEEN_1);
    words.setUint32(offset + 8, BETWEEN_2);
    words.setUint32(offset + 12, BETWEEN_3);
    words.setUint32(offset + 16, BETWEEN_4);
    offset += BETWEEN.length;
    const end = base + (ends[line] ?? 0);
    target.copyWithin(offset, start, end);
    offset += end - start;
    target[offset++] = LINE_FEED;
    start = end;
    const next = numbers?.[line + 1];
    if (next === undefined) digits.increase();
    else digits.set(next);
  }
  return target.subarray(0, offset);
}

/**
 * Lines as json-seq: a record separator before each, its line feed behind it.
 *
 * @param ends offsets behind the lines, where they are known.
 */
export function jsonSeqFrames(
  lines: Uint8Array<ArrayBuffer>,
  ends: Uint32Array = lineEnds(lines),
): Uint8Array<ArrayBuffer> {
  const count = ends.length;
  const target = new Uint8Array(lines.length + count);
  target.set(lines, count);
  let offset = 0;
  let start = count;
  for (let line = 0; line < count; line++) {
    const end = count + (ends[line] ?? 0);
    target[offset++] = RECORD_SEPARATOR;
    target.copyWithin(offset, start, end);
    offset += end - start;
    start = end;
  }
  return target;
}
