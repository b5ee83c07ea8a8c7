/**
 * Rules of memory: what a kernel finds again, and what others may write meanwhile (protocol.md
 * C.5, D.3).
 *
 * @module
 */
import { mergeFacts } from "../../conformance/merge.ts";
import type { Rule, RuleContext, RuleRun } from "../../conformance/rule.ts";
import { FRAME } from "../../formats/mem_map.ts";
import { countPages, intersect, PAGE_BYTES, subtract } from "../../formats/page_runs.ts";
import { crashRegion, type Region } from "./command_line.ts";
import { compareFrames, framesOf } from "./frames.ts";
import { rangePages } from "./hex.ts";
import { pagesOf, pageText } from "./page_text.ts";
import { PerKernel } from "./per_kernel.ts";
import { Windows } from "./windows.ts";

/** Frames below 640 KiB. */
const LOW_FRAMES = 0xa0;

/** The classes with the frames of a region being nobody's. */
function withoutRegion(
  classes: Uint8Array | undefined,
  region: Region | undefined,
): Uint8Array | undefined {
  if (region === undefined) return classes;
  return classes?.slice().fill(FRAME.free, region.start / PAGE_BYTES, region.end / PAGE_BYTES);
}

/** A fold that compares the frames below `limit` at a kernel's jump and at its return. */
function sameFrames(context: RuleContext, limit: number): RuleRun {
  const kernels = new PerKernel(() => ({
    sums: undefined as Uint8Array | undefined,
    classes: undefined as Uint8Array | undefined,
    /** What it reserved for a crash image: others run there while it is away (B.1.3). */
    region: undefined as Region | undefined,
    /** Both halves of the jump are known to have been recorded. */
    watched: false,
  }));
  return {
    facts: {
      boot({ k, cmdline }) {
        kernels.forget(k);
        kernels.of(k).region = crashRegion(cmdline);
      },
      frame_classes(fact, event) {
        if (fact.when !== "jump") return;
        const state = kernels.of(fact.k);
        state.classes = withoutRegion(framesOf(context, fact, event, 1), state.region);
      },
      frames(fact, event) {
        const state = kernels.of(fact.k);
        if (fact.when === "jump") {
          state.sums = framesOf(context, fact, event, 4);
          state.watched = true;
          return;
        }
        if (!state.watched) return;
        state.watched = false;
        const { sums, classes } = state;
        const after = framesOf(context, fact, event, 4);
        if (sums === undefined || classes === undefined || after === undefined) return;
        if (sums.length !== after.length) {
          context.violated(
            `kernel ${fact.k} left ${sums.length / 4} frames and finds ${after.length / 4}`,
          );
          return;
        }
        const end = Math.min(limit, fact.count);
        const { compared, different, first } = compareFrames(sums, after, classes, 0, end);
        if (first !== undefined) {
          context.violated(
            `kernel ${fact.k} finds ${different} of ${compared} pages changed, the first ` +
              pageText(first),
          );
        } else if (compared > 0) context.held();
      },
    },
  };
}

/** F23; also part of F100. */
export const SAME_MEMORY: Rule = {
  id: "F23",
  severity: "error",
  statement: "A kernel finds every page of its own as it left it, whatever ran meanwhile",
  source:
    "protocol.md F.1 F23, B.4.3 step 8; pages that are free, of an image or not to be saved " +
    "are not its own; a kernel that finds its own content wrong after a return has it changed",
  systems: "VGM",
  kind: "matches",
  open(context) {
    const frames = sameFrames(context, Number.POSITIVE_INFINITY);
    const back = new Set<string>();
    return {
      facts: mergeFacts(frames.facts, {
        boot: ({ k }) => void back.delete(k),
        resumed: ({ k }) => void back.add(k),
        // The kernel's own look at its processes, files and state after a return.
        selftest({ k, what, name, expected, actual }) {
          if (what === "device" || expected === actual || !back.has(k)) return;
          context.violated(`${what} '${name}' of kernel ${k} has ${actual}, not ${expected}`);
        },
      }),
    };
  },
};

const LOW_MEMORY: Rule = {
  id: "F78",
  severity: "error",
  statement: "The low 640 KiB are back in their place when a kernel is entered again",
  source: "protocol.md F.1 F78, D.3",
  systems: "RVM",
  kind: "matches",
  open: (context) => sameFrames(context, LOW_FRAMES),
};

const INSIDE_WINDOW: Rule = {
  id: "F24",
  severity: "error",
  statement: "While a kernel is away, others write only pages that its loaded image gave them",
  source: "protocol.md F.1 F24, C.4-C.5 (D(img)); ends when power goes, and speaks only of RAM",
  systems: "RVGM",
  kind: "never",
  open(context) {
    const windows = new Windows(context);
    return {
      facts: mergeFacts(windows.facts, {
        power({ op }) {
          if (op !== "on" && op !== "wake") windows.away.clear();
        },
        // Who restores an image gives up the kernel that it was loaded by.
        image({ op, of }) {
          if (op !== "load" || of === undefined) return;
          for (const owner of [...windows.away.keys()]) {
            if (owner !== of) windows.away.delete(owner);
          }
        },
        memory_write(fact, event) {
          for (const [owner, window] of windows.away) {
            if (owner === fact.k) continue;
            const runs = pagesOf(context, fact.runs, event);
            if (runs === undefined) return;
            const ram = window.ram === undefined ? runs : intersect(runs, window.ram);
            const outside = subtract(ram, window.destinations);
            const [first] = outside;
            if (first === undefined) context.held();
            else {
              context.violated(
                `kernel ${fact.k} (by '${fact.by}') writes ${countPages(outside)} pages of ` +
                  `kernel ${owner}, the first ${pageText(first.pfn)}`,
              );
            }
          }
        },
      }),
    };
  },
};

const WINDOW_NOT_SHOWN: Rule = {
  id: "F49",
  severity: "error",
  statement: "The memory a saver is shown as the previous kernel's has no page of its own window",
  source: "protocol.md F.1 F49, B.4.3 step 3(a)",
  systems: "VM",
  kind: "never",
  open(context) {
    const windows = new Windows(context);
    return {
      facts: mergeFacts(windows.facts, {
        vmcore({ k, ranges }) {
          const shown = rangePages(ranges);
          for (const [owner, window] of windows.away) {
            if (owner === k) continue;
            const [common] = intersect(shown, window.destinations);
            if (common === undefined) context.held();
            else {
              context.violated(
                `kernel ${k} is shown ${pageText(common.pfn)} of its own window as kernel ` +
                  `${owner}'s`,
              );
            }
          }
        },
      }),
    };
  },
};

/** Rules F23, F24, F49 and F78. */
export const MEMORY_RULES: readonly Rule[] = [
  SAME_MEMORY,
  INSIDE_WINDOW,
  WINDOW_NOT_SHOWN,
  LOW_MEMORY,
];
