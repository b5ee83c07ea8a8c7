/**
 * Looks through a trace file that nobody writes any more: how many whole lines there are and what
 * the last of them say. What a crash left of a last line is cut off.
 *
 * @module
 */
import type { TraceFooter, TraceHeader } from "../../machine/trace/event.ts";
import { isEvent, isFooter, isHeader } from "../../machine/trace/event_shape.ts";

const PIECE_BYTES = 0x4_0000;
const LINE_FEED = 10;
/** A line longer than that is none of a trace. */
const LINE_BYTES_MAX = 0x10_0000;

/** What there is of a trace. */
export interface TraceExtent {
  readonly header: TraceHeader;
  readonly firstByte: number;
  readonly events: number;
  /** Offset behind the last event. */
  readonly bytes: number;
  /** Virtual time in ns of the last event. */
  readonly vt: number;
  readonly footer?: TraceFooter;
}

function jsonAt(file: Deno.FsFile, from: number, to: number): unknown {
  if (to - from > LINE_BYTES_MAX) return undefined;
  const bytes = new Uint8Array(to - from);
  file.seekSync(from, Deno.SeekMode.Start);
  for (let done = 0; done < bytes.length;) {
    const count = file.readSync(bytes.subarray(done));
    if (count === null) return undefined;
    done += count;
  }
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** Where the first line and the last two begin and end, and how many there are. */
interface Lines {
  count: number;
  first: number;
  /** Ends of the last three lines, the last one first; 0 where there are fewer. */
  ends: [number, number, number];
}

function linesOf(file: Deno.FsFile): Lines {
  const piece = new Uint8Array(PIECE_BYTES);
  const lines: Lines = { count: 0, first: 0, ends: [0, 0, 0] };
  let offset = 0;
  for (let count = file.readSync(piece); count !== null; count = file.readSync(piece)) {
    const part = piece.subarray(0, count);
    for (let at = part.indexOf(LINE_FEED); at >= 0; at = part.indexOf(LINE_FEED, at + 1)) {
      const [last, before] = lines.ends;
      lines.ends = [offset + at + 1, last, before];
      if (lines.count++ === 0) lines.first = offset + at + 1;
    }
    offset += count;
  }
  return lines;
}

/** Reads the first line of a trace; `undefined` where it is no header. */
export function headerIn(path: string): { header: TraceHeader; firstByte: number } | undefined {
  using file = Deno.openSync(path, { read: true });
  const bytes = new Uint8Array(PIECE_BYTES);
  const count = file.readSync(bytes) ?? 0;
  const end = bytes.subarray(0, count).indexOf(LINE_FEED) + 1;
  const header = end === 0 ? undefined : jsonAt(file, 0, end);
  return isHeader(header) ? { header, firstByte: end } : undefined;
}

/**
 * Looks through it and cuts off a torn last line.
 *
 * @returns nothing where the file is no trace.
 */
export function repairTrace(path: string): TraceExtent | undefined {
  using file = Deno.openSync(path, { read: true, write: true });
  const { count, first, ends: [last, before, earlier] } = linesOf(file);
  const header = count === 0 ? undefined : jsonAt(file, 0, first);
  if (!isHeader(header)) return undefined;
  if (file.statSync().size > last) file.truncateSync(last);
  const lastLine = count > 1 ? jsonAt(file, before, last) : undefined;
  const isWhole = isFooter(lastLine);
  const event = !isWhole ? lastLine : count > 2 ? jsonAt(file, earlier, before) : undefined;
  return {
    header,
    firstByte: first,
    events: count - 1 - (isWhole ? 1 : 0),
    bytes: isWhole ? before : last,
    vt: isEvent(event) ? event.vt : 0,
    ...(isWhole ? { footer: lastLine } : {}),
  };
}
