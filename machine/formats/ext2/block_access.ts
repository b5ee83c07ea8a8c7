/**
 * What every ext2 operation works over: blocks that are at hand, or are not yet.
 *
 * One code serves an offline builder, where every block is in memory, and a simulated kernel whose
 * blocks arrive by disk messages in buffer-cache frames. An operation either succeeds, or throws
 * {@linkcode NeedBlock} or {@linkcode Ext2Error} *having changed nothing*; after a NeedBlock the
 * caller fetches the blocks and calls again with the same arguments. Blocks that were fetched must
 * stay at hand until the operation succeeds, or it could ask for them in turn for ever.
 *
 * @module
 */

/** Bytes of a block; no other block size is supported. */
export const BLOCK_BYTES = 4096;

/** Access to the blocks of one file system, numbered from its start. */
export interface BlockAccess {
  /**
   * The 4096 bytes of a block, writable in place and valid until the operation returns.
   *
   * @throws {NeedBlock} if it is not at hand.
   */
  block(number: number): Uint8Array;
  /** Says that the block's bytes were changed, so that it must be written back. */
  changed(number: number): void;
  /** The block as zeroed content; no read is needed first. Must not throw NeedBlock. */
  fresh(number: number): Uint8Array;
  /**
   * Says that `count` blocks from `number` on were freed: a cached copy must not be written back
   * any more, since the blocks may be given to another file whose data goes past this cache.
   */
  forget?(number: number, count: number): void;
}

/** A run of consecutive blocks. */
export interface Extent {
  readonly block: number;
  readonly count: number;
}

/** Not an error of the file system: these blocks must be fetched, then the operation repeated. */
export class NeedBlock extends Error {
  override readonly name = "NeedBlock";
  /** The first of them. */
  readonly block: number;
  /** All that are known to be needed, without duplicates, at least one. */
  readonly blocks: readonly number[];
  constructor(block: number, ...more: readonly number[]) {
    super(`Cannot go on before block ${block} is at hand (${more.length} more)`);
    this.block = block;
    this.blocks = [block, ...more];
  }
}

/** The errno names an operation can fail with. */
export type Ext2ErrorCode =
  | "EBUSY"
  | "EEXIST"
  | "EFBIG"
  | "EINVAL"
  | "EISDIR"
  | "EMLINK"
  | "ENAMETOOLONG"
  | "ENOENT"
  | "ENOSPC"
  | "ENOTDIR"
  | "ENOTEMPTY"
  | "EROFS";

/** A file-system operation that cannot be done, with the errno a kernel would return. */
export class Ext2Error extends Error {
  override readonly name = "Ext2Error";
  readonly code: Ext2ErrorCode;
  constructor(code: Ext2ErrorCode, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}
