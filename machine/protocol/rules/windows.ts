/**
 * Which kernels are away by a preserving jump, and which pages their loaded image gave to those
 * who run meanwhile. Shared by the rules of memory.
 *
 * @module
 */
import type { FactHandlers, RuleContext } from "../../conformance/rule.ts";
import { type PageRun, type PairRun, rangesToRuns, union } from "../../formats/page_runs.ts";
import { crashRegion } from "./command_line.ts";
import { rangePages } from "./hex.ts";
import { destinationsOf, pairsOf } from "./page_text.ts";
import { PerKernel } from "./per_kernel.ts";

/** A loaded image's pages as a rule sees them. */
export interface Window {
  readonly pairs: readonly PairRun[];
  /** D(img). */
  readonly destinations: readonly PageRun[];
  /** RAM of the kernel that loaded it, where its boot was seen. */
  readonly ram: readonly PageRun[] | undefined;
}

/** Frames below 640 KiB. */
const LOW: readonly PageRun[] = [{ pfn: 0, count: 0xa0 }];

/** See the module's header. */
export class Windows {
  /** Kernels that are away and have given pages, with the window they gave. */
  readonly away: Map<string, Window> = new Map();
  readonly facts: FactHandlers;
  readonly #kernels: PerKernel<{
    pairs: readonly PairRun[] | undefined;
    ram: readonly PageRun[] | undefined;
    /** What a crash image may use: the reserved region, and low memory, which purgatory keeps. */
    region: readonly PageRun[] | undefined;
    crash: boolean;
  }> = new PerKernel(() => ({ pairs: undefined, ram: undefined, region: undefined, crash: false }));

  constructor(context: RuleContext) {
    this.facts = {
      boot: ({ k, ranges, cmdline }) => {
        this.away.delete(k);
        this.#kernels.forget(k);
        // A list that was cut short says nothing of what lies outside RAM.
        this.#kernels.of(k).ram = ranges.endsWith("…") ? undefined : rangePages(ranges);
        const region = crashRegion(cmdline);
        if (region !== undefined) {
          this.#kernels.of(k).region = union(rangesToRuns([region]), LOW);
        }
      },
      exec: ({ k, slot }) => void (this.#kernels.of(k).crash = slot === "crash"),
      kimage: ({ k, slot, pairs }, event) => {
        if (slot === "default") this.#kernels.of(k).pairs = pairsOf(context, pairs, event);
      },
      jump: ({ from, to, preserve }) => {
        this.away.delete(to);
        const window = this.of(from);
        if (preserve && window !== undefined && this.#kernels.known(from)?.crash) {
          this.away.set(from, window);
          return;
        }
        // An image without pages, as the jump-back helper is, gives nothing to anybody.
        if (preserve && window !== undefined && window.pairs.length > 0) {
          this.away.set(from, window);
        }
      },
    };
  }

  /** The window of the image a kernel has loaded; undefined if its pages are not known. */
  of(k: string): Window | undefined {
    const kernel = this.#kernels.known(k);
    if (kernel?.crash) {
      const { region, ram } = kernel;
      return region === undefined ? undefined : { pairs: [], destinations: region, ram };
    }
    if (kernel?.pairs === undefined) return undefined;
    const { pairs, ram } = kernel;
    return { pairs, destinations: destinationsOf(pairs), ram };
  }
}
