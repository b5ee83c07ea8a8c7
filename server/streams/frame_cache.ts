/**
 * Pieces of traces and their encoded forms, shared by all clients that read the same. Bounded by
 * bytes; who was not asked for longest goes first.
 *
 * @module
 */
import type { Piece } from "./log_file.ts";

/** A form that is made of a piece's lines. */
export type EncodedForm = "sse" | "json-seq";

type Bytes = Uint8Array<ArrayBuffer>;

/** A piece with what was made of it. */
export interface SharedPiece {
  /** Where it stands in the cache, if it stands there. */
  readonly key: string;
  readonly piece: Piece;
  readonly encoded: Map<EncodedForm, Bytes>;
}

/** What is kept under a key: a piece, or a block of the file. */
interface Entry {
  readonly run: string;
  readonly shared?: SharedPiece;
  readonly block?: Bytes;
  bytes: number;
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
  get(key: string): SharedPiece | undefined {
    return this.#use(key)?.shared;
  }

  /** The block of a key. */
  block(key: string): Bytes | undefined {
    return this.#use(key)?.block;
  }

  put(key: string, run: string, piece: Piece): SharedPiece {
    const shared: SharedPiece = { key, piece, encoded: new Map() };
    // The whole buffers stay as long as what is seen of them.
    const bytes = piece.lines.buffer.byteLength + piece.ends.buffer.byteLength;
    this.#keep(key, { run, shared, bytes });
    return shared;
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
    this.#bytes += entry.bytes;
    this.#shrink();
  }

  /** The encoded form of a piece, made when it is first asked for. */
  encoded(
    shared: SharedPiece,
    form: EncodedForm,
    encode: (piece: Piece) => Bytes,
  ): Bytes {
    const known = shared.encoded.get(form);
    if (known !== undefined) return known;
    const made = encode(shared.piece);
    shared.encoded.set(form, made);
    const entry = this.#entries.get(shared.key);
    if (entry?.shared === shared) {
      entry.bytes += made.buffer.byteLength;
      this.#bytes += made.buffer.byteLength;
      this.#shrink();
    }
    return made;
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
