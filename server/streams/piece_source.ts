/**
 * Where streams get pieces of traces from: the frame cache first, else the run's file; two who
 * want the same piece at the same time read it once.
 *
 * @module
 */
import type { TraceLog } from "../deps.ts";
import { FrameCache } from "./frame_cache.ts";
import { LogFile, type Piece, PIECE_BYTES, type PieceRequest } from "./log_file.ts";

/** Bytes of the blocks in which a file is read whose lines nobody looks at. */
export const BLOCK_BYTES = 196_608;
/** Runs whose index is kept while nobody reads them. */
const IDLE_FILES_MAX = 64;

/** See the module's header. */
export class PieceSource {
  readonly cache: FrameCache;
  readonly #files: Map<string, LogFile> = new Map();
  readonly #reading: Map<string, Promise<Piece>> = new Map();
  readonly #blocks: Map<string, Promise<Uint8Array<ArrayBuffer>>> = new Map();

  constructor(cacheBytes: number) {
    this.cache = new FrameCache(cacheBytes);
  }

  /** The file of a run's trace; what was kept of another trace of that run is forgotten. */
  file(log: TraceLog): LogFile {
    let file = this.#files.get(log.run);
    if (file !== undefined && !file.fits(log)) {
      this.forget(log.run);
      file = undefined;
    }
    file ??= new LogFile(log);
    // The one used last stands last.
    this.#files.delete(log.run);
    this.#files.set(log.run, file);
    this.#trim();
    return file;
  }

  /**
   * A piece from an event on, as far as the log goes. With `keep` it goes into the cache; without,
   * it is only looked for there, so that who filters a long trace does not drive out what others
   * share.
   */
  async piece(
    log: TraceLog,
    file: LogFile,
    wanted: Omit<PieceRequest, "limit" | "most">,
    keep: boolean,
  ): Promise<Piece> {
    // A piece at the end of a growing log is another one when there is more.
    const limit = log.bytes;
    const full = log.ended || limit - wanted.offset >= PIECE_BYTES;
    const key = `${log.run}/${wanted.form}/${wanted.first}/${full ? "" : limit}`;
    const known = this.cache.piece(key);
    if (known !== undefined) return known;
    const request: PieceRequest = { ...wanted, limit, most: log.events - wanted.first };
    if (!keep) return await file.piece(request);
    let reading = this.#reading.get(key);
    if (reading === undefined) {
      reading = file.piece(request).then((piece) => {
        if (piece.count > 0) this.cache.putPiece(key, log.run, piece);
        return piece;
      }).finally(() => this.#reading.delete(key));
      this.#reading.set(key, reading);
    }
    return await reading;
  }

  /**
   * The block of a number in the file of a run that has ended, up to the end of its events; kept
   * and shared. Nobody looks at its lines.
   */
  async block(log: TraceLog, file: LogFile, number: number): Promise<Uint8Array<ArrayBuffer>> {
    const key = `${log.run}/block/${number}`;
    const known = this.cache.block(key);
    if (known !== undefined) return known;
    let reading = this.#blocks.get(key);
    if (reading === undefined) {
      const start = number * BLOCK_BYTES;
      const end = Math.min(start + BLOCK_BYTES, log.bytes);
      reading = file.read(start, end).then((bytes) => {
        if (bytes.length === end - start) this.cache.putBlock(key, log.run, bytes);
        return bytes;
      }).finally(() => this.#blocks.delete(key));
      this.#blocks.set(key, reading);
    }
    return await reading;
  }

  /** Forgets what is kept of a run. */
  forget(run: string): void {
    this.#files.delete(run);
    this.cache.forget(run);
  }

  #trim(): void {
    for (const [run, file] of this.#files) {
      if (this.#files.size <= IDLE_FILES_MAX) return;
      if (file.idle) this.#files.delete(run);
    }
  }
}
