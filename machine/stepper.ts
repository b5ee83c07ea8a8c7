/**
 * Walks a run forward and back, from barrier to barrier: back by the nearest checkpoint and a
 * replay from there.
 *
 * It takes checkpoints as it goes. When there are too many, or the stores keep too many pages aside
 * for them, it forgets every second one and takes them half as often, so that a long run is walked
 * with bounded memory.
 *
 * @module
 */
import type { BlockStore } from "./block_store.ts";
import { type Checkpoint, keepOnly, rewindTo, takeCheckpoint } from "./checkpoint.ts";
import { PAGE_BYTES } from "./flat_store.ts";
import type { Scheduler } from "./scheduler.ts";

/** How often checkpoints are taken, and how many are kept. */
export interface StepperOptions {
  /** Barriers from one checkpoint to the next. */
  readonly every?: number;
  /** Checkpoints kept at most, at least 2. */
  readonly most?: number;
  /** Pages that all stores together keep aside at most for more than two checkpoints. */
  readonly pagesAside?: number;
}

/** A store has room for four times its pages; between two checkpoints at most once all of them. */
const ASIDE_TIMES = 2;

interface Stop {
  readonly position: number;
  readonly checkpoint: Checkpoint;
}

/** See the module's header. */
export class Stepper {
  readonly scheduler: Scheduler;
  readonly #blocks: BlockStore;
  readonly #most: number;
  readonly #pagesAside: number;
  #every: number;
  #stops: Stop[];
  #position = 0;
  #goesOn = true;

  constructor(scheduler: Scheduler, blocks: BlockStore, options: StepperOptions = {}) {
    this.scheduler = scheduler;
    this.#blocks = blocks;
    this.#every = Math.max(1, options.every ?? 64);
    this.#most = Math.max(2, options.most ?? 32);
    this.#pagesAside = options.pagesAside ?? Number.MAX_SAFE_INTEGER;
    this.#stops = [{ position: 0, checkpoint: takeCheckpoint(scheduler, blocks) }];
  }

  /** Barriers passed since the stepper was made. */
  get position(): number {
    return this.#position;
  }

  /** Number of the event that comes next. */
  get seq(): number {
    return this.scheduler.recorder.next;
  }

  /** Checkpoints kept. */
  get checkpoints(): number {
    return this.#stops.length;
  }

  /** Whether the run is at its end. */
  get ended(): boolean {
    return !this.#goesOn;
  }

  /** Goes on by at most `count` barriers; returns how many there were. */
  forward(count = 1): number {
    const from = this.#position;
    while (this.#goesOn && this.#position < from + count) {
      this.#goesOn = this.scheduler.advance(1);
      this.#position++;
      const last = this.#stops.at(-1)?.position ?? 0;
      if (this.#goesOn && this.#position >= last + this.#every) this.#stop();
    }
    return this.#position - from;
  }

  /**
   * Goes back by `count` barriers.
   *
   * @throws {RangeError} if that is before the stepper's first barrier.
   */
  back(count = 1): void {
    const target = this.#position - count;
    if (target < 0) {
      throw new RangeError(`Cannot go back ${count} steps: only ${this.#position} were made`);
    }
    this.#rewind((stop) => stop.position <= target);
    this.forward(target - this.#position);
  }

  /**
   * Goes to the first barrier at which event `seq` has happened, forward or back.
   *
   * @returns whether there is one; if not, the run is at its end.
   * @throws {RangeError} if the event was recorded before the stepper was made.
   */
  goTo(seq: number): boolean {
    this.rewindBefore(seq);
    while (this.seq <= seq && this.#goesOn) this.forward();
    return this.seq > seq;
  }

  /**
   * Goes back to the nearest checkpoint at which event `seq` had not happened, if it has happened;
   * the way forward is the caller's, who may take it in slices.
   *
   * @throws {RangeError} if the event was recorded before the stepper was made.
   */
  rewindBefore(seq: number): void {
    const first = this.#stops[0]?.checkpoint.seq ?? 0;
    if (seq < first) throw new RangeError(`Event ${seq} is before the first step, at ${first}`);
    if (seq < this.seq) this.#rewind((stop) => stop.checkpoint.seq <= seq);
  }

  #rewind(fits: (stop: Stop) => boolean): void {
    const stop = this.#stops.findLast(fits);
    if (stop === undefined) throw new RangeError("No checkpoint is that far back");
    rewindTo(stop.checkpoint, this.scheduler, this.#blocks);
    this.#stops = this.#stops.filter((other) => other.position <= stop.position);
    this.#position = stop.position;
    this.#goesOn = this.scheduler.outcome === undefined;
  }

  #stop(): void {
    const checkpoint = takeCheckpoint(this.scheduler, this.#blocks);
    this.#stops = [...this.#stops, { position: this.#position, checkpoint }];
    while (this.#stops.length > 2 && (this.#stops.length > this.#most || this.#isCrowded())) {
      this.#thin();
    }
  }

  /** Whether the stores keep too much aside for the checkpoints there are. */
  #isCrowded(): boolean {
    const marks = Object.values(this.#stops[0]?.checkpoint.marks ?? {});
    const stores = marks.map(({ store }) => store);
    const all = stores.reduce((sum, { pagesAside }) => sum + pagesAside, 0);
    return all > this.#pagesAside ||
      stores.some(({ pagesAside, byteLength }) =>
        pagesAside * PAGE_BYTES > byteLength * ASIDE_TIMES
      );
  }

  #thin(): void {
    const all = this.#stops;
    this.#stops = all.filter((_, index) => index % 2 === 0);
    this.#every *= 2;
    const kept = this.#stops.map((stop) => stop.checkpoint);
    keepOnly(kept, all.map((stop) => stop.checkpoint));
  }
}
