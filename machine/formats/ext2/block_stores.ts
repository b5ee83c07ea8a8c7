/**
 * Two kinds of access where every block is at hand: over a whole image in memory, and over a
 * sparse set of blocks with a reader behind it. Neither ever throws NeedBlock.
 *
 * @module
 */
import { FormatError } from "../../errors.ts";
import { BLOCK_BYTES, type BlockAccess } from "./block_access.ts";

/** A block and its 4096 bytes. */
export interface InitialisedBlock {
  readonly block: number;
  readonly bytes: Uint8Array;
}

/** The blocks of a file system that begins at `offsetBytes` of an image; changes go into it. */
export class ImageBlocks implements BlockAccess {
  #image: Uint8Array;
  #offsetBytes: number;
  constructor(image: Uint8Array, offsetBytes = 0) {
    this.#image = image;
    this.#offsetBytes = offsetBytes;
  }
  /** @throws {FormatError} if the image ends before the end of the block. */
  block(number: number): Uint8Array {
    const at = this.#offsetBytes + number * BLOCK_BYTES;
    if (at + BLOCK_BYTES > this.#image.length) {
      const message = `the image ends before the end of block ${number}`;
      throw new FormatError("ext2", this.#image.length, message);
    }
    return this.#image.subarray(at, at + BLOCK_BYTES);
  }
  changed(_number: number): void {}
  fresh(number: number): Uint8Array {
    return this.block(number).fill(0);
  }
}

/**
 * Blocks that are kept one by one. A block that was never touched comes from `read`, or is zeros
 * where that gives nothing.
 */
export class SparseBlocks implements BlockAccess {
  #blocks = new Map<number, Uint8Array>();
  #changed = new Set<number>();
  #read: (block: number) => Uint8Array | undefined;
  constructor(read: (block: number) => Uint8Array | undefined = () => undefined) {
    this.#read = read;
  }
  block(number: number): Uint8Array {
    const known = this.#blocks.get(number);
    if (known !== undefined) return known;
    const bytes = new Uint8Array(BLOCK_BYTES);
    bytes.set(this.#read(number)?.subarray(0, BLOCK_BYTES) ?? []);
    this.#blocks.set(number, bytes);
    return bytes;
  }
  changed(number: number): void {
    this.#changed.add(number);
  }
  fresh(number: number): Uint8Array {
    const bytes = new Uint8Array(BLOCK_BYTES);
    this.#blocks.set(number, bytes);
    return bytes;
  }
  /** What was changed since the start or the last call, in the order of block numbers. */
  takeChanged(): InitialisedBlock[] {
    const numbers = [...this.#changed].sort((a, b) => a - b);
    this.#changed.clear();
    return numbers.map((block) => ({ block, bytes: this.block(block).slice() }));
  }
}
