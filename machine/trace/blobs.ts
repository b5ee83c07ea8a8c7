/**
 * Where the bytes that stand beside a trace come from: a folder, an archive, memory.
 *
 * @module
 */
import { sha256 } from "../digest.ts";

/** Gives the bytes of a blob by its SHA-256 (64 hexadecimal digits, without `sha256:`). */
export interface BlobSource {
  get(digest: string): Uint8Array | undefined;
}

/** Blobs in memory. */
export class MemoryBlobs implements BlobSource {
  readonly #blobs: Map<string, Uint8Array> = new Map();

  /** Keeps a copy of the bytes and returns the name an event has for them (`sha256:…`). */
  put(bytes: Uint8Array): string {
    const digest = sha256(bytes);
    if (!this.#blobs.has(digest)) this.#blobs.set(digest, bytes.slice());
    return `sha256:${digest}`;
  }

  get(digest: string): Uint8Array | undefined {
    return this.#blobs.get(digest);
  }

  /** Every blob with its digest. */
  entries(): IterableIterator<[string, Uint8Array]> {
    return this.#blobs.entries();
  }
}

/** A source without any blob: rules that need one stay vacuous. */
export const NO_BLOBS: BlobSource = { get: () => undefined };

/** The digest that an event's `blob` field names. */
export function blobDigest(blob: string): string {
  return blob.startsWith("sha256:") ? blob.slice("sha256:".length) : blob;
}
