/**
 * Where a disk's blocks are, in words that can be handed to another thread.
 *
 * @module
 */
import { BlockStore } from "../block_store.ts";
import { FlatStore, type FlatStoreParts } from "../flat_store.ts";
import { MemoryMedium } from "../medium.ts";
import { FileMedium } from "./file_medium.ts";

/** A description of a {@linkcode BlockStore}; the cache is shared memory in both cases. */
export type BlockSource =
  | { readonly kind: "memory"; readonly medium: FlatStoreParts; readonly cache: FlatStoreParts }
  | { readonly kind: "file"; readonly path: string; readonly cache: FlatStoreParts };

/** A disk in memory of so many bytes. */
export function memoryBlocks(byteLength: number, cacheBytes: number): BlockSource {
  return {
    kind: "memory",
    medium: FlatStore.make(byteLength).parts,
    cache: FlatStore.make(cacheBytes).parts,
  };
}

/** A disk in a file that exists. */
export function fileBlocks(path: string, cacheBytes: number): BlockSource {
  return { kind: "file", path, cache: FlatStore.make(cacheBytes).parts };
}

/**
 * The store that a description means. Of a file it opens it; {@linkcode closeBlocks} ends that.
 *
 * @throws {DiskFileError} if the file cannot be opened.
 */
export function openBlocks(source: BlockSource): BlockStore {
  const medium = source.kind === "file"
    ? new FileMedium(source.path)
    : new MemoryMedium(new FlatStore(source.medium));
  return new BlockStore(medium, new FlatStore(source.cache));
}

/** Closes what {@linkcode openBlocks} opened. */
export function closeBlocks(blocks: BlockStore): void {
  if (blocks.medium instanceof FileMedium) blocks.medium.close();
}
