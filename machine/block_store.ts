/**
 * A disk's sectors: a medium that lasts, and in front of it a volatile write cache that a flush
 * empties and a power cut loses, wholly or in part (protocol.md G.1, G.2).
 *
 * Which writes wait in the cache, and in which order, is the disk actor's plain state; here are
 * only their bytes. The cache is a ring: a write that does not fit pushes the oldest ones to the
 * medium, in order, as a real drive does when its buffer is full.
 *
 * @module
 */
import type { FlatStore } from "./flat_store.ts";
import type { Medium } from "./medium.ts";

/** Bytes of a sector. */
export const SECTOR_BYTES = 512;

/** A write that waits in the cache. */
export interface PendingWrite {
  readonly sector: number;
  readonly count: number;
  /** Where its bytes stand in the cache. */
  readonly offset: number;
}

/** What waits, oldest first, and where the ring's next free byte is. Plain data. */
export interface CacheState {
  readonly pending: readonly PendingWrite[];
  readonly next: number;
}

/** An empty cache. */
export const EMPTY_CACHE: CacheState = { pending: [], next: 0 };

/** See the module's header. */
export class BlockStore {
  readonly medium: Medium;
  readonly cache: FlatStore;

  constructor(medium: Medium, cache: FlatStore) {
    this.medium = medium;
    this.cache = cache;
  }

  /** Sectors the disk has. */
  get sectors(): number {
    return Math.floor(this.medium.byteLength / SECTOR_BYTES);
  }

  /** Reads sectors, newest cached content first. */
  read(state: CacheState, sector: number, target: Uint8Array): void {
    this.medium.read(sector * SECTOR_BYTES, target);
    const end = sector + target.length / SECTOR_BYTES;
    for (const write of state.pending) {
      const from = Math.max(sector, write.sector);
      const to = Math.min(end, write.sector + write.count);
      if (from >= to) continue;
      const at = write.offset + (from - write.sector) * SECTOR_BYTES;
      target.set(
        this.cache.view(at, (to - from) * SECTOR_BYTES),
        (from - sector) * SECTOR_BYTES,
      );
    }
  }

  /** Takes a write into the cache, pushing the oldest out where room is wanted. */
  write(state: CacheState, sector: number, content: Uint8Array): CacheState {
    const size = this.cache.byteLength;
    let offset = state.next;
    if (offset + content.length > size) offset = 0;
    const pending = [...state.pending];
    const crosses = (write: PendingWrite): boolean =>
      write.offset < offset + content.length &&
      offset < write.offset + write.count * SECTOR_BYTES;
    while (pending.some(crosses)) {
      const oldest = pending.shift();
      if (oldest !== undefined) this.#settle(oldest, oldest.count);
    }
    this.cache.write(offset, content);
    pending.push({ sector, count: content.length / SECTOR_BYTES, offset });
    return { pending, next: offset + content.length };
  }

  /** Puts all that waits on the medium, in order. */
  flush(state: CacheState): CacheState {
    for (const write of state.pending) this.#settle(write, write.count);
    this.medium.sync();
    return EMPTY_CACHE;
  }

  /**
   * What the medium holds after the power went: the named survivors, in order, and of a torn
   * write its first sectors.
   */
  powerCut(
    state: CacheState,
    survivors: "none" | "all" | readonly number[],
    torn?: { readonly index: number; readonly sectors: number },
  ): void {
    state.pending.forEach((write, index) => {
      const whole = survivors === "all" || (survivors !== "none" && survivors.includes(index));
      if (whole) this.#settle(write, write.count);
      else if (torn?.index === index) this.#settle(write, Math.min(torn.sectors, write.count));
    });
    this.medium.sync();
  }

  #settle(write: PendingWrite, sectors: number): void {
    if (sectors <= 0) return;
    this.medium.write(
      write.sector * SECTOR_BYTES,
      this.cache.view(write.offset, sectors * SECTOR_BYTES),
    );
  }
}
