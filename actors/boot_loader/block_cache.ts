/**
 * The boot loader's buffer in low memory: blocks of a partition, one frame each.
 *
 * Which block stands in which frame is the loader's state; the bytes are in RAM alone and are
 * read through a grant over the buffer. An operation that misses a block is tried again when the
 * block is there (ext2/block_access.ts).
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { BLOCK_BYTES, type BlockAccess, NeedBlock } from "../../machine/formats/ext2/mod.ts";

/** First byte of the buffer. */
export const BUFFER_START = 0x1_0000;

/** First byte after it. */
export const BUFFER_END = 0x8_0000;

/** Frames of the buffer. */
export const BUFFER_FRAMES: number = (BUFFER_END - BUFFER_START) / BLOCK_BYTES;

/** Address of a frame. */
export function frameAddress(index: number): number {
  return BUFFER_START + index * BLOCK_BYTES;
}

/** Read-only access to the blocks in the buffer. */
export class BufferedBlocks implements BlockAccess {
  readonly #blocks: readonly number[];
  readonly #access: Access;

  /** @param blocks Block numbers in the order of their frames. */
  constructor(blocks: readonly number[], access: Access) {
    this.#blocks = blocks;
    this.#access = access;
  }

  block(number: number): Uint8Array {
    const index = this.#blocks.indexOf(number);
    if (index < 0) throw new NeedBlock(number);
    // A copy, because a view of RAM must not outlive the step and text decoders refuse it.
    return this.#access.read(frameAddress(index), BLOCK_BYTES).slice();
  }

  changed(_number: number): void {
    throw new TypeError("The boot loader writes nothing");
  }

  fresh(_number: number): Uint8Array {
    throw new TypeError("The boot loader writes nothing");
  }
}

/** Access to the blocks in the buffer that changes them there; the caller writes them back. */
export class WritableBlocks implements BlockAccess {
  /** Blocks that were changed. */
  readonly dirty: Set<number> = new Set();
  readonly #blocks: readonly number[];
  readonly #access: Access;

  /** @param blocks Block numbers in the order of their frames. */
  constructor(blocks: readonly number[], access: Access) {
    this.#blocks = blocks;
    this.#access = access;
  }

  block(number: number): Uint8Array {
    const index = this.#blocks.indexOf(number);
    if (index < 0) throw new NeedBlock(number);
    return this.#access.writable(frameAddress(index), BLOCK_BYTES);
  }

  changed(number: number): void {
    this.dirty.add(number);
  }

  /** A change of names in one directory that has room takes no new block. */
  fresh(_number: number): Uint8Array {
    throw new TypeError("The boot loader makes no directory longer");
  }
}
