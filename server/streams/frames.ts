/**
 * Lines of a trace as frames of SSE and of json-seq (RFC 7464).
 *
 * @module
 */
import type { EventForm } from "./event_form.ts";
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

type Bytes = Uint8Array<ArrayBuffer>;

/** Text as bytes. */
export function utf8(text: string): Bytes {
  return UTF8.encode(text);
}

/** A frame of SSE that is no event of the trace. The data has no line feed. */
export function sseFrame(event: string, data: unknown, id?: number): Bytes {
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

/** How lines become frames of a form, in the array in which they stand. */
export interface Framing {
  /** Bytes of a frame besides its line, at most. */
  readonly aroundBytes: number;
  /**
   * Frames lines that stand in `target` from `base` on, where `base` leaves room for all that
   * stands around them; the frames begin at 0.
   *
   * Moving within one array takes less than making a view of each line to copy it, and a piece
   * that is read is framed without a second buffer.
   *
   * @param ends offsets behind the lines, from `base` on.
   * @param first number of the first line's event.
   * @param numbers numbers of the events where they have gaps.
   * @returns how long the frames are.
   */
  inPlace(
    target: Bytes,
    base: number,
    ends: Uint32Array,
    first: number,
    numbers?: readonly number[],
  ): number;
}

/** Events as SSE: `id` is the event's number, `event` is `trace`, `data` is the line. */
const SSE: Framing = {
  aroundBytes: BEFORE.length + DIGITS_MAX + BETWEEN.length + 1,
  inPlace(target, base, ends, first, numbers) {
    const words = new DataView(target.buffer, target.byteOffset);
    const digits = new Digits();
    digits.set(first);
    let offset = 0;
    let start = base;
    for (let line = 0; line < ends.length; line++) {
      words.setUint32(offset, BEFORE_WORD);
      offset += BEFORE.length;
      for (let at = digits.start; at < DIGITS_MAX; at++) {
        target[offset++] = digits.bytes[at] ?? ZERO;
      }
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
    return offset;
  },
};

/** Lines as json-seq: a record separator before each, its line feed behind it. */
const JSON_SEQ: Framing = {
  aroundBytes: 1,
  inPlace(target, base, ends) {
    let offset = 0;
    let start = base;
    for (const lineEnd of ends) {
      const end = base + lineEnd;
      target[offset++] = RECORD_SEPARATOR;
      target.copyWithin(offset, start, end);
      offset += end - start;
      start = end;
    }
    return offset;
  },
};

/** Lines as they are: no room is left before them. */
const NDJSON: Framing = { aroundBytes: 0, inPlace: (_target, _base, ends) => ends.at(-1) ?? 0 };

/** Framings by form. */
export const FRAMINGS: Readonly<Record<EventForm, Framing>> = {
  "sse": SSE,
  "ndjson": NDJSON,
  "json-seq": JSON_SEQ,
};

/** Lines in a form; the lines themselves stay as they are. */
export function framed(
  form: EventForm,
  lines: Bytes,
  first: number,
  numbers?: readonly number[],
): Bytes {
  if (form === "ndjson") return lines;
  const framing = FRAMINGS[form];
  const ends = lineEnds(lines);
  const base = ends.length * framing.aroundBytes;
  const target = new Uint8Array(base + lines.length);
  target.set(lines, base);
  return target.subarray(0, framing.inPlace(target, base, ends, first, numbers));
}
