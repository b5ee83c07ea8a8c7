/**
 * Pieces of traces and their encoded forms, shared by all clients that read the same. Bounded by
 * bytes; who was not asked for longest goes first.
 *
 * @module
 */
import type { Piece } from "./log_file.ts";

/** A form that is made of a piece's lines. */
export type EncodedForm = "sse" | "json-seq";

/** A piece with what was made of it. */
export interface SharedPiece {
  /** Where it stands in the cache, if it stands there. */
  readonly key: string;
  readonly piece: Piece;
  readonly encoded: Map<EncodedForm, Uint8Array<ArrayBuffer>>;
}

interface Entry extends SharedPiece {
  readonly run: string;
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

  /** Pieces that are kept. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: string): SharedPiece | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  put(key: string, run: string, piece: Piece): SharedPiece {
    this.#drop(key);
    // The whole buffer stays as long as its lines do.
    const bytes = piece.lines.buffer.byteLength;
    const entry: Entry = { key, piece, encoded: new Map(), run, bytes };
    this.#entries.set(key, entry);
    this.#bytes += bytes;
    this.#shrink();
    return entry;
  }

  /** The encoded form of a piece, made when it is first asked for. */
  encoded(
    shared: SharedPiece,
    form: EncodedForm,
    encode: (piece: Piece) => Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer> {
    const known = shared.encoded.get(form);
    if (known !== undefined) return known;
    const made = encode(shared.piece);
    shared.encoded.set(form, made);
    const entry = this.#entries.get(shared.key);
    if (entry === shared) {
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
