/**
 * The one iterable from which all forms of streams are made: chunks of a trace's lines, each made
 * when it is asked for, so that nothing is read that nobody takes.
 *
 * @module
 */
import type { TraceLog } from "../deps.ts";
import { type EventQuery, firstWanted, picks } from "./event_query.ts";
import type { SharedPiece } from "./frame_cache.ts";
import { lineFilter, pickLines } from "./line_filter.ts";
import type { LogFile } from "./log_file.ts";
import type { PieceSource } from "./piece_source.ts";

/** Lines of a trace that follow each other, or those picked out of them. */
export interface EventChunk {
  /** Number of the first line's event. */
  readonly first: number;
  /** Numbers of the events where they have gaps. */
  readonly numbers?: readonly number[];
  /** The lines, each with its line feed. */
  readonly lines: Uint8Array<ArrayBuffer>;
  /** The whole piece, where the chunk is one: its encoded forms are shared. */
  readonly shared?: SharedPiece;
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
  readonly signal: AbortSignal;
}

/** Pieces that are searched before others have their turn. */
const TURN_PIECES = 16;

/** Gives the event loop its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** The chunk of a piece up to an event, filtered; `undefined` if nothing of it is wanted. */
function chunkOf(
  shared: SharedPiece,
  bound: number,
  pick: ((piece: SharedPiece["piece"]) => EventChunk | undefined) | undefined,
): EventChunk | undefined {
  const { piece } = shared;
  const { first, count } = piece;
  if (pick === undefined && first + count <= bound) return { first, lines: piece.lines, shared };
  const wanted = Math.min(count, bound - first);
  const ends = piece.ends.subarray(0, wanted);
  const lines = piece.lines.subarray(0, ends.at(-1));
  return pick === undefined ? { first, lines } : pick({ ...piece, count: wanted, lines, ends });
}

function picker(
  query: EventQuery,
): ((piece: SharedPiece["piece"]) => EventChunk | undefined) | undefined {
  if (!picks(query)) return undefined;
  const filter = lineFilter(query);
  return ({ first, lines }) => {
    const picked = pickLines(lines, first, filter);
    const [number] = picked.numbers;
    if (number === undefined) return undefined;
    return { first: number, numbers: picked.numbers, lines: picked.lines };
  };
}

/**
 * The events of a query in chunks, up to the end of the run, `to` or `known`, waiting for those
 * that are still to come. Ends when the signal fires.
 *
 * @throws {Error} if the file is shorter than the log says.
 */
export async function* eventChunks(
  { source, log, file, query, known, signal }: ChunkOptions,
): AsyncGenerator<EventChunk, void, void> {
  const bound = Math.min((query.to ?? Infinity) + 1, known);
  const pick = picker(query);
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
    const shared = offset === undefined
      ? undefined
      : await source.piece(log, file, next, offset, pick === undefined);
    // A client that left closed the file under the last read.
    if (signal.aborted) return;
    if (shared === undefined || shared.piece.count === 0) {
      throw new Error("The trace's file is shorter than its log says");
    }
    const chunk = chunkOf(shared, bound, pick);
    if (chunk !== undefined) yield chunk;
    if (pick !== undefined && pieces % TURN_PIECES === 0) await turn();
    next += shared.piece.count;
    offset = shared.piece.end;
  }
}
