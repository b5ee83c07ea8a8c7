/**
 * Pieces of traces in the forms in which they are given out, and blocks of their files, shared by
 * all clients that read the same. Bounded by bytes; what was not asked for longest goes first.
 *
 * @module
 */
import type { Piece } from "./log_file.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What is kept under a key: a piece, or a block of the file. */
interface Entry {
  readonly run: string;
  readonly piece?: Piece;
  readonly block?: Bytes;
  readonly bytes: number;
}

/** See the module's header. */
export class FrameCache {
  readonly #max: number;
  readonly #entries: Map<string, Entry> = new Map();
  #bytes = 0;

  /** @param max bytes that are kept at most. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Pieces and blocks that are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** The piece of a key. */
  piece(key: string): Piece | undefined {
    return this.#use(key)?.piece;
  }

  /** The block of a key. */
  block(key: string): Bytes | undefined {
    return this.#use(key)?.block;
  }

  putPiece(key: string, run: string, piece: Piece): void {
    this.#keep(key, { run, piece, bytes: piece.bytes.buffer.byteLength });
  }

  putBlock(key: string, run: string, block: Bytes): void {
    this.#keep(key, { run, block, bytes: block.buffer.byteLength });
  }

  #use(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  #keep(key: string, entry: Entry): void {
    this.#drop(key);
    this.#entries.set(key, entry);
    // The whole buffers stay as long as what is seen of them.
    this.#bytes += entry.bytes;
    this.#shrink();
  }

  /** Forgets all pieces of a run. */
  forget(run: string): void {
    for (const [key, entry] of this.#entries) {
      if (entry.run === run) this.#drop(key);
    }
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }

  #shrink(): void {
    for (const key of this.#entries.keys()) {
      if (this.#bytes <= this.#max) return;
      this.#drop(key);
    }
  }
}
