/**
 * The one iterable from which all forms of streams are made: chunks of a trace's lines, each made
 * when it is asked for, so that nothing is read that nobody takes.
 *
 * @module
 */
import type { TraceLog } from "../deps.ts";
import type { EventForm } from "./event_form.ts";
import { type EventQuery, firstWanted, picks } from "./event_query.ts";
import { framed } from "./frames.ts";
import { type LineFilter, lineFilter, pickLines } from "./line_filter.ts";
import { type LogFile, type Piece, PIECE_EVENTS } from "./log_file.ts";
import type { PieceSource } from "./piece_source.ts";

/** Lines of a trace that follow each other, or those picked out of them, in a form. */
export interface EventChunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Number of the event behind the last one; absent where only a search can tell. */
  readonly next?: number;
}

/** What is read and how far. */
export interface ChunkOptions {
  readonly source: PieceSource;
  readonly log: TraceLog;
  /** Held by whoever asks, until the iteration ended. */
  readonly file: LogFile;
  readonly query: EventQuery;
  /** Events that are given at most: those there were when it was asked, or `Infinity`. */
  readonly known: number;
  readonly form: EventForm;
  readonly signal: AbortSignal;
}

/** Pieces that are searched before others have their turn. */
const TURN_PIECES = 16;

/** Gives the event loop its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** The chunk of a piece of lines, filtered; `undefined` if nothing of it is wanted. */
function picked(
  form: EventForm,
  { first, bytes }: Piece,
  filter: LineFilter,
): EventChunk | undefined {
  const { numbers, lines } = pickLines(bytes, first, filter);
  const [number] = numbers;
  return number === undefined ? undefined : { bytes: framed(form, lines, number, numbers) };
}

/** A piece from an event on, at most up to `bound`; filtered ones are lines. */
function readPiece(options: ChunkOptions, first: number, offset: number, bound: number) {
  const { source, log, file, query, form } = options;
  const searched = picks(query);
  const most = bound - first;
  // Others have no use for a piece that ends where only this client's query does.
  if (most < Math.min(PIECE_EVENTS - first % PIECE_EVENTS, log.events - first)) {
    const request = { first, offset, limit: log.bytes, most };
    return file.piece({ ...request, form: searched ? "ndjson" : form });
  }
  const wanted = { first, offset, form: searched ? "ndjson" as const : form };
  return source.piece(log, file, wanted, !searched);
}

/**
 * The events of a query in chunks, up to the end of the run, `to` or `known`, waiting for those
 * that are still to come. Ends when the signal fires.
 *
 * @throws {Error} if the file is shorter than the log says.
 */
export async function* eventChunks(
  options: ChunkOptions,
): AsyncGenerator<EventChunk, void, void> {
  const { log, file, query, known, form, signal } = options;
  const bound = Math.min((query.to ?? Infinity) + 1, known);
  const filter = picks(query) ? lineFilter(query) : undefined;
  let next = firstWanted(query);
  let offset: number | undefined;
  for (let pieces = 1; next < bound && !signal.aborted; pieces++) {
    if (next >= log.events) {
      if (log.ended) return;
      await log.more(next, signal);
      continue;
    }
    offset ??= await file.offsetOf(next, log.bytes, signal);
    if (signal.aborted) return;
    const piece = offset === undefined ? undefined : await readPiece(options, next, offset, bound);
    // A client that left closed the file under the last read.
    if (signal.aborted) return;
    if (piece === undefined || piece.count === 0) {
      throw new Error("The trace's file is shorter than its log says");
    }
    next += piece.count;
    offset = piece.end;
    const chunk = filter === undefined ? { bytes: piece.bytes, next } : picked(form, piece, filter);
    if (chunk !== undefined) yield chunk;
    if (filter !== undefined && pieces % TURN_PIECES === 0) await turn();
  }
}
