/**
 * Who owns each page frame and what it is: one entry a frame, painted layer over layer, and told
 * as runs without gaps.
 *
 * @module
 */
import { FRAME_CLASSES } from "../api/shapes/frame_classes.ts";
import type { FrameClass } from "../api/shapes/machine.ts";

/** Frames next to each other with one owner and one class. */
export interface OwnedFrames {
  readonly pfn: number;
  readonly count: number;
  /** Empty for nobody. */
  readonly owner: string;
  readonly class: FrameClass;
}

/** Classes by the number under which a frame keeps its own. */
const CLASSES: readonly FrameClass[] = FRAME_CLASSES;

const NUMBERS: ReadonlyMap<FrameClass, number> = new Map(
  CLASSES.map((name, number) => [name, number]),
);

/** See the module's header. At first every frame is nobody's and reserved: a hole. */
export class FrameMap {
  readonly frames: number;
  readonly #owners: Uint8Array;
  readonly #classes: Uint8Array;
  readonly #names: string[] = [""];

  constructor(frames: number) {
    this.frames = frames;
    this.#owners = new Uint8Array(frames);
    this.#classes = new Uint8Array(frames).fill(NUMBERS.get("reserved") ?? 0);
  }

  /** Paints `count` frames from `pfn` on; those past the end are left out. */
  set(pfn: number, count: number, owner: string, name: FrameClass): void {
    const end = Math.min(this.frames, pfn + count);
    if (pfn >= end) return;
    this.#owners.fill(this.#numberOf(owner), pfn, end);
    this.#classes.fill(NUMBERS.get(name) ?? 0, pfn, end);
  }

  ownerOf(pfn: number): string {
    return this.#names[this.#owners[pfn] ?? 0] ?? "";
  }

  classOf(pfn: number): FrameClass {
    return CLASSES[this.#classes[pfn] ?? 0] ?? "unknown";
  }

  /** Frames of an owner that are not free. */
  countOf(owner: string): number {
    const number = this.#names.indexOf(owner);
    let count = 0;
    for (let pfn = 0; pfn < this.frames; pfn++) {
      if (this.#owners[pfn] === number && this.#classes[pfn] !== 0) count++;
    }
    return count;
  }

  /** All frames in order, as few runs as there can be. */
  runs(): OwnedFrames[] {
    const runs: OwnedFrames[] = [];
    let start = 0;
    for (let pfn = 1; pfn <= this.frames; pfn++) {
      const same = pfn < this.frames && this.#owners[pfn] === this.#owners[start] &&
        this.#classes[pfn] === this.#classes[start];
      if (same) continue;
      const owner = this.ownerOf(start);
      runs.push({ pfn: start, count: pfn - start, owner, class: this.classOf(start) });
      start = pfn;
    }
    return runs;
  }

  #numberOf(owner: string): number {
    const known = this.#names.indexOf(owner);
    if (known >= 0) return known;
    return this.#names.push(owner) - 1;
  }
}
