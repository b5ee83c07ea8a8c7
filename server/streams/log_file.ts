/**
 * A trace's file as it is read by streams: in large pieces of whole lines, by positions that an
 * index of every 512th event gives. The index grows as lines are seen, so that each byte is
 * searched for line feeds once, and has at most one number for 512 events.
 *
 * The file is open while somebody holds it ({@linkcode LogFile.hold}), once for all who do.
 *
 * @module
 */
import type { TraceLog } from "../deps.ts";
import type { EventForm } from "./event_form.ts";
import { FRAMINGS } from "./frames.ts";
import { lineEnds } from "./line_ends.ts";

/** Events between two entries of the index. */
export const INDEX_STRIDE = 512;
/** Bytes of lines that are read at one time: the most that a stream is ahead of its client. */
export const PIECE_BYTES = 262_144;
/** Events at whose multiples pieces end, so that those who come in between meet the others. */
export const PIECE_EVENTS = 2 * INDEX_STRIDE;
/** By how much more is read than as many lines of usual length as are wanted. */
const LIKELY_MARGIN = 1.06;
const LIKELY_BYTES = 512;
const LINE_FEED = 10;

/** Whole lines that follow each other, in a form. */
export interface Piece {
  /** Number of the first event. */
  readonly first: number;
  readonly count: number;
  /** Offset in the file behind the last line. */
  readonly end: number;
  /** The lines in the form that was asked for. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What is read as one piece. */
export interface PieceRequest {
  readonly first: number;
  /** Where the first event's line begins. */
  readonly offset: number;
  /** Offset behind the last line that may be read. */
  readonly limit: number;
  /** Events there are or are wanted; those up to a whole number of pieces are read. */
  readonly most: number;
  readonly form: EventForm;
}

/** See the module's header. */
export class LogFile {
  readonly path: string;
  readonly #offsets: number[];
  /** Header's and footer's lines, which every whole stream has. */
  readonly #ends: Map<number, Uint8Array<ArrayBuffer>> = new Map();
  /** How long a line is of the piece that was read last. */
  #lineBytes: number = PIECE_BYTES;
  #holders = 0;
  #file: Promise<Deno.FsFile> | undefined;
  /** Reads come one behind the other: they share the file's position. */
  #queue: Promise<unknown> = Promise.resolve();
  #scanning: Promise<unknown> = Promise.resolve();

  constructor(log: TraceLog) {
    this.path = log.path;
    this.#offsets = [log.firstByte];
  }

  /** Whether nobody holds it. */
  get idle(): boolean {
    return this.#holders === 0;
  }

  /** Entries of the index. */
  get indexed(): number {
    return this.#offsets.length;
  }

  /** Whether a log is the one of which this is the file, as far as it was seen. */
  fits(log: TraceLog): boolean {
    return log.path === this.path && log.firstByte === this.#offsets[0] &&
      (this.#offsets.at(-1) ?? 0) <= log.bytes;
  }

  /** Keeps the file open until what is given back is called. */
  hold(): () => void {
    this.#holders++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders--;
      if (this.#holders === 0) this.#close();
    };
  }

  #close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    this.#queue = this.#queue.then(() => file).then((open) => open.close(), () => {});
  }

  /** Bytes from `start` to `end`; fewer if the file is shorter. */
  async read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(Math.max(0, end - start));
    return bytes.subarray(0, await this.#readInto(bytes, start));
  }

  /** Fills bytes from an offset on; gives how many there are. */
  #readInto(bytes: Uint8Array<ArrayBuffer>, start: number): Promise<number> {
    const result = this.#queue.then(() => this.#readNow(bytes, start));
    this.#queue = result.catch(() => {});
    return result;
  }

  /** {@linkcode read} of the header's or the footer's line, which is kept. */
  async readEnd(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const known = this.#ends.get(start);
    if (known !== undefined) return known;
    const bytes = await this.read(start, end);
    if (bytes.length > 0 && bytes.at(-1) === LINE_FEED) this.#ends.set(start, bytes);
    return bytes;
  }

  async #readNow(bytes: Uint8Array<ArrayBuffer>, start: number): Promise<number> {
    if (this.#holders === 0) return 0;
    this.#file ??= Deno.open(this.path);
    const file = await this.#file;
    let filled = 0;
    file.seekSync(start, Deno.SeekMode.Start);
    while (filled < bytes.length) {
      const count = await file.read(bytes.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    return filled;
  }

  /** Whole lines from an event on, about {@linkcode PIECE_BYTES} of them at most. */
  async piece(request: PieceRequest): Promise<Piece> {
    const { first, offset, limit } = request;
    const most = Math.min(request.most, PIECE_EVENTS - first % PIECE_EVENTS);
    const framing = FRAMINGS[request.form];
    const base = most * framing.aroundBytes;
    const room = Math.min(limit - offset, PIECE_BYTES);
    // Not much more is read than is needed, as far as the lines that were seen last tell.
    let length = Math.min(room, Math.ceil(most * this.#lineBytes * LIKELY_MARGIN) + LIKELY_BYTES);
    while (true) {
      const target = new Uint8Array(base + length);
      const filled = await this.#readInto(target.subarray(base), offset);
      const ends = this.#cut(target.subarray(base, base + filled), first, offset, most);
      if (ends.length < most && filled === length && length < room) {
        length = room;
        continue;
      }
      const count = ends.length;
      const linesLength = ends.at(-1) ?? 0;
      if (count > 0) this.#lineBytes = linesLength / count;
      const bytes = target.subarray(0, framing.inPlace(target, base, ends, first));
      return { first, count, end: offset + linesLength, bytes };
    }
  }

  /** Where the whole lines at the beginning of bytes end. */
  #cut(
    bytes: Uint8Array<ArrayBuffer>,
    first: number,
    offset: number,
    most: number,
  ): Uint32Array {
    const ends = lineEnds(bytes, most);
    const before = INDEX_STRIDE - 1 - first % INDEX_STRIDE;
    for (let line = before; line < ends.length; line += INDEX_STRIDE) {
      this.#mark(first + line + 1, offset + (ends[line] ?? 0));
    }
    return ends;
  }

  #mark(event: number, offset: number): void {
    if (event === this.#offsets.length * INDEX_STRIDE) this.#offsets.push(offset);
  }

  /**
   * Where an event's line begins; `undefined` if the signal fired or there is no such line before
   * `limit`.
   */
  async offsetOf(event: number, limit: number, signal: AbortSignal): Promise<number | undefined> {
    if (Math.floor(event / INDEX_STRIDE) < this.#offsets.length) {
      return await this.#walk(event, limit, signal);
    }
    // One at a time goes beyond the index; whoever waited finds it grown.
    const scan = this.#scanning.then(() => this.#walk(event, limit, signal));
    this.#scanning = scan.catch(() => {});
    return await scan;
  }

  /** Goes from the nearest entry of the index to an event, line by line, and extends the index. */
  async #walk(event: number, limit: number, signal: AbortSignal): Promise<number | undefined> {
    const entry = Math.min(Math.floor(event / INDEX_STRIDE), this.#offsets.length - 1);
    let at = entry * INDEX_STRIDE;
    let offset = this.#offsets[entry] ?? limit;
    while (at < event) {
      if (signal.aborted) return undefined;
      const bytes = await this.read(offset, Math.min(limit, offset + PIECE_BYTES));
      const ends = this.#cut(bytes, at, offset, event - at);
      const length = ends.at(-1);
      if (length === undefined) return undefined;
      at += ends.length;
      offset += length;
    }
    return signal.aborted ? undefined : offset;
  }
}
