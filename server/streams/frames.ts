/**
 * Lines of a trace as frames of SSE and of json-seq (RFC 7464).
 *
 * @module
 */
import type { EventChunk } from "./event_chunks.ts";

const LINE_FEED = 10;
const RECORD_SEPARATOR = 0x1e;
const SPACE = 32;
const ZERO = 48;
const NINE = 57;
const UTF8 = new TextEncoder();
/** Digits of the largest number of an event. */
const DIGITS_MAX = 16;
const BEFORE = "id: ";
const BETWEEN = "\nevent: trace\ndata: ";

/** Text as bytes. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return UTF8.encode(text);
}

/** A frame of SSE that is no event of the trace. The data has no line feed. */
export function sseFrame(event: string, data: unknown, id?: number): Uint8Array<ArrayBuffer> {
  const head = id === undefined ? "" : `id: ${id}\n`;
  return utf8(`${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

function linesIn(lines: Uint8Array): number {
  let count = 0;
  for (let at = lines.indexOf(LINE_FEED); at >= 0; at = lines.indexOf(LINE_FEED, at + 1)) count++;
  return count;
}

/** What stands before the data of an event. */
function headOf(number: number): Uint8Array {
  return utf8(BEFORE + number + BETWEEN);
}

/** Makes the next event's head of a head, in place; false if it has a digit more. */
function increase(head: Uint8Array): boolean {
  let at = head.length - BETWEEN.length - 1;
  while (head[at] === NINE) head[at--] = ZERO;
  const digit = head[at] ?? SPACE;
  if (digit === SPACE) return false;
  head[at] = digit + 1;
  return true;
}

/** Events as SSE: `id` is the event's number, `event` is `trace`, `data` is the line. */
export function sseFrames(chunk: EventChunk): Uint8Array<ArrayBuffer> {
  const { lines, numbers, first } = chunk;
  const count = numbers?.length ?? linesIn(lines);
  const overhead = BEFORE.length + DIGITS_MAX + BETWEEN.length + 1;
  const target = new Uint8Array(lines.length + count * overhead);
  let head = headOf(numbers?.[0] ?? first);
  let offset = 0;
  let start = 0;
  for (let line = 0; line < count; line++) {
    const end = lines.indexOf(LINE_FEED, start) + 1;
    target.set(head, offset);
    offset += head.length;
    target.set(lines.subarray(start, end), offset);
    offset += end - start;
    target[offset++] = LINE_FEED;
    start = end;
    const next = numbers?.[line + 1];
    if (next !== undefined) head = headOf(next);
    else if (!increase(head)) head = headOf(first + line + 1);
  }
  return target.subarray(0, offset);
}

/** Lines as json-seq: a record separator before each, its line feed behind it. */
export function jsonSeqFrames(lines: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const target = new Uint8Array(lines.length + linesIn(lines));
  let offset = 0;
  let start = 0;
  while (start < lines.length) {
    const feed = lines.indexOf(LINE_FEED, start);
    const end = feed < 0 ? lines.length : feed + 1;
    target[offset++] = RECORD_SEPARATOR;
    target.set(lines.subarray(start, end), offset);
    offset += end - start;
    start = end;
  }
  return target.subarray(0, offset);
}
