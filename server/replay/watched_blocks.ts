/**
 * A disk that says what it lost: the same store, with somebody told, whenever the power goes, of
 * each write of which not all sectors had reached the medium.
 *
 * @module
 */
import { BlockStore, type CacheState, EMPTY_CACHE } from "../../machine/block_store.ts";
import type { FlatStore } from "../../machine/flat_store.ts";
import type { Medium } from "../../machine/medium.ts";
import type { LostWrite } from "./journal.ts";

/** See the module's header. */
export class WatchedBlocks extends BlockStore {
  /** What waits in the drive's cache; put right by whoever goes back. */
  cached: CacheState = EMPTY_CACHE;
  /** Whether what becomes of the cache was asked already, this time. */
  #isCut = false;
  readonly #told: (lost: readonly LostWrite[]) => void;

  constructor(medium: Medium, cache: FlatStore, told: (lost: readonly LostWrite[]) => void) {
    super(medium, cache);
    this.#told = told;
  }

  override write(state: CacheState, sector: number, content: Uint8Array): CacheState {
    return this.cached = super.write(state, sector, content);
  }

  override flush(state: CacheState): CacheState {
    return this.cached = super.flush(state);
  }

  override powerCut(
    state: CacheState,
    survivors: "none" | "all" | readonly number[],
    torn?: { readonly index: number; readonly sectors: number },
  ): void {
    super.powerCut(state, survivors, torn);
    this.cached = EMPTY_CACHE;
    this.#isCut = true;
    this.#told(state.pending.flatMap(({ sector, count }, index) => {
      const whole = survivors === "all" || (survivors !== "none" && survivors.includes(index));
      if (whole) return [];
      const survived = torn?.index === index ? Math.min(torn.sectors, count) : 0;
      return survived === count ? [] : [{ sector, count, survived }];
    }));
  }

  /** The drive is without power: what waits is lost, unless a power cut has dealt with it. */
  powerOff(): void {
    const wasCut = this.#isCut;
    this.#isCut = false;
    if (wasCut) return;
    const lost = this.cached.pending.map(({ sector, count }) => ({ sector, count, survived: 0 }));
    this.cached = EMPTY_CACHE;
    this.#told(lost);
  }
}
