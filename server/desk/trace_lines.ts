/**
 * Reads the events of a stored trace, as many as there were when somebody asked: bytes behind them
 * may be half a line that is being written.
 *
 * @module
 */
import type { TraceEvent } from "../../machine/trace/event.ts";
import { eventFault, isEvent } from "../../machine/trace/event_shape.ts";
import { ProblemError } from "../problem.ts";
import type { TraceRef } from "./job.ts";
import type { Watch } from "./watch.ts";

const PIECE_BYTES = 0x4_0000;
const LINE_FEED = 0x0a;

/** Where reading begins. */
export interface Place {
  readonly seq: number;
  /** Offset in bytes of that event's line. */
  readonly byte: number;
}

/** Some whole lines, each with its line feed. */
export interface LinePiece {
  /** Offset in bytes of the first. */
  readonly byte: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function changed(seq: number): ProblemError {
  const detail = "The run's trace has changed on the disk since it was recorded";
  return new ProblemError("not-readable", detail, { seq });
}

/** Whole lines in pieces, from a place to the end of what was asked for. */
export function* linePieces(
  { path, bytes: end }: TraceRef,
  from: Place,
  watch: Watch,
): Generator<LinePiece, void, void> {
  using file = Deno.openSync(path, { read: true });
  file.seekSync(from.byte, Deno.SeekMode.Start);
  let rest = new Uint8Array(0);
  let byte = from.byte;
  while (byte + rest.length < end) {
    watch.check();
    const wanted = Math.min(PIECE_BYTES, end - byte - rest.length);
    const piece = new Uint8Array(rest.length + wanted);
    piece.set(rest);
    const count = file.readSync(piece.subarray(rest.length));
    if (count === null) throw changed(from.seq);
    const filled = piece.subarray(0, rest.length + count);
    const last = filled.lastIndexOf(LINE_FEED) + 1;
    if (last > 0) yield { byte, bytes: filled.subarray(0, last) };
    byte += last;
    rest = filled.slice(last);
  }
  if (rest.length > 0) throw changed(from.seq);
}

/** The start of a trace. */
export function firstPlace({ firstByte }: TraceRef): Place {
  return { seq: 0, byte: firstByte };
}

/** The event that a line is. */
export function eventOf(line: string, seq: number): TraceEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw changed(seq);
  }
  if (!isEvent(value)) {
    throw new ProblemError("not-readable", `An event of the run: ${eventFault(value)}`, { seq });
  }
  if (value.seq !== seq) throw changed(seq);
  return value;
}

/** Lines of events with their numbers. */
export function* traceLines(
  trace: TraceRef,
  from: Place,
  watch: Watch,
): Generator<readonly [seq: number, line: string], void, void> {
  const decoder = new TextDecoder();
  let { seq } = from;
  for (const { bytes } of linePieces(trace, from, watch)) {
    const text = decoder.decode(bytes);
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      yield [seq++, text.slice(start, end)];
      start = end + 1;
    }
  }
  if (seq !== trace.events) throw changed(seq);
}

/** The events of a trace from a place on. */
export function* traceEvents(
  trace: TraceRef,
  watch: Watch,
  from: Place = firstPlace(trace),
): Generator<TraceEvent, void, void> {
  for (const [seq, line] of traceLines(trace, from, watch)) yield eventOf(line, seq);
}

/**
 * One event.
 *
 * @param from a place at or before it.
 */
export function eventAt(trace: TraceRef, from: Place, seq: number, watch: Watch): TraceEvent {
  for (const [number, line] of traceLines(trace, from, watch)) {
    if (number === seq) return eventOf(line, seq);
  }
  throw changed(seq);
}
