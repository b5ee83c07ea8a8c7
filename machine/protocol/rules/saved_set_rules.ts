/**
 * Rules of what a hibernation image holds (protocol.md D.5, F46 to F50). The image is written by
 * the kernel that runs in the window, so a page of the window is looked for at its source page.
 *
 * @module
 */
import { mergeFacts } from "../../conformance/merge.ts";
import type { Rule, RuleContext, RuleRun } from "../../conformance/rule.ts";
import { FRAME } from "../../formats/mem_map.ts";
import { contains, type PageRun, subtract, toRuns, union } from "../../formats/page_runs.ts";
import { framesOf, LOOSE } from "./frames.ts";
import { pagesOf, pageText } from "./page_text.ts";
import { PerKernel } from "./per_kernel.ts";
import { type Window, Windows } from "./windows.ts";

/** An image that is committed: what is in it, and of what. */
interface Saved {
  readonly of: string;
  readonly pages: readonly PageRun[];
  readonly classes: Uint8Array;
  readonly window: Window;
}

const NO_WINDOW: Window = { pairs: [], destinations: [], ram: undefined };

/** Whether a frame of this class must be in the image: in use, and by nothing that is left out. */
function isNeeded(flags: number): boolean {
  return (flags & LOOSE) === 0 && (flags & ~FRAME.reserved) !== 0;
}

function* framesWith(classes: Uint8Array, test: (flags: number) => boolean): Iterable<number> {
  for (let pfn = 0; pfn < classes.length; pfn++) {
    if (test(classes[pfn] ?? 0)) yield pfn;
  }
}

/** A fold that judges each image at its commit. */
function atCommit(context: RuleContext, judge: (saved: Saved) => void): RuleRun {
  const windows = new Windows(context);
  const classes = new Map<string, Uint8Array>();
  // Kernels that copied their memory within itself, and write the image of it themselves.
  const copied = new Set<string>();
  const images = new PerKernel(() => ({
    of: undefined as string | undefined,
    pages: [] as readonly PageRun[],
    whole: true,
  }));
  return {
    facts: mergeFacts(windows.facts, {
      boot({ k }) {
        classes.delete(k);
        copied.delete(k);
      },
      snapshot({ k, result }) {
        if (result === 0) copied.add(k);
      },
      frame_classes(fact, event) {
        if (fact.when !== "jump") return;
        const bytes = framesOf(context, fact, event, 1);
        if (bytes === undefined) classes.delete(fact.k);
        else classes.set(fact.k, bytes);
      },
      image(image, event) {
        if (image.op === "begin") images.forget(image.id);
        if (image.op === "abort" || image.op === "invalidate") return images.forget(image.id);
        if (image.op === "load" || image.op === "check") return;
        const state = images.of(image.id);
        state.of = image.of ?? state.of;
        // A page of the image's own header has no page of memory in it.
        const isHeader = image.runs === undefined && event.blob === undefined;
        if (image.op === "page" && !isHeader) {
          const runs = pagesOf(context, image.runs, event);
          if (runs === undefined) state.whole = false;
          else state.pages = union(state.pages, runs);
        }
        if (image.op !== "commit") return;
        images.forget(image.id);
        const [last] = [...windows.away.keys()].slice(-1);
        const of = state.of ?? (copied.has(image.k) ? image.k : last);
        const flags = of === undefined ? undefined : classes.get(of);
        const window = of === undefined
          ? undefined
          : windows.away.get(of) ?? (copied.has(of) ? NO_WINDOW : undefined);
        if (of === undefined || flags === undefined || window === undefined || !state.whole) return;
        judge({ of, pages: state.pages, classes: flags, window });
      },
    }),
  };
}

/** Judges that frames outside the window with the tested classes are all in the image. */
function judgeSaved(context: RuleContext, saved: Saved, test: (flags: number) => boolean): void {
  const { of, pages, classes, window } = saved;
  const needed = subtract(toRuns(framesWith(classes, test)), window.destinations);
  if (needed.length === 0) return;
  const [first] = subtract(needed, pages);
  if (first === undefined) return context.held();
  const flags = (classes[first.pfn] ?? 0).toString(16);
  context.violated(`${pageText(first.pfn)} of kernel ${of}, class 0x${flags}, is not in the image`);
}

const ALL_SAVED: Rule = {
  id: "F46",
  severity: "error",
  statement: "An image has every page of its kernel but free ones, holes, the loaded image's own " +
    "and those not to be saved",
  source: "protocol.md F.1 F46, D.5; pages of the window are F50's",
  systems: "VMS",
  kind: "matches",
  open: (context) => atCommit(context, (saved) => judgeSaved(context, saved, isNeeded)),
};

const CONTENT = FRAME.kernel | FRAME.user | FRAME.cache | FRAME.cachePrivate;

const ONLY_FREE_LEFT_OUT: Rule = {
  id: "F47",
  severity: "error",
  statement: "An image that leaves pages out leaves out free ones only, none with content of a " +
    "process, a file or the kernel",
  source:
    "protocol.md F.1 F47, D.6, J 9; applied to mainline jump as well, whose dump.elf may be " +
    "filtered",
  systems: "VM",
  kind: "never",
  open(context) {
    return atCommit(context, (saved) => {
      const isFree = (flags: number) => (flags & FRAME.free) !== 0;
      const left = subtract(
        subtract(toRuns(framesWith(saved.classes, isFree)), saved.window.destinations),
        saved.pages,
      );
      if (left.length === 0) return;
      judgeSaved(context, saved, (flags) => isNeeded(flags) && (flags & CONTENT) !== 0);
    });
  },
};

const WINDOW_SAVED: Rule = {
  id: "F50",
  severity: "error",
  statement: "What a kernel had in the window is in the image, in the source pages it was moved to",
  source: "protocol.md F.1 F50, C.5, J 22",
  systems: "VGM",
  kind: "matches",
  open(context) {
    return atCommit(context, ({ of, pages, classes, window }) => {
      let needed = 0;
      for (const { destination, source, count } of window.pairs) {
        for (let index = 0; index < count; index++) {
          if (!isNeeded(classes[destination + index] ?? 0)) continue;
          needed++;
          if (contains(pages, source + index)) continue;
          context.violated(
            `${pageText(destination + index)} of kernel ${of} was moved to ` +
              `${pageText(source + index)}, which is not in the image`,
          );
          return;
        }
      }
      if (needed > 0) context.held();
    });
  },
};

/** Rules F46, F47 and F50. */
export const SAVED_SET_RULES: readonly Rule[] = [ALL_SAVED, ONLY_FREE_LEFT_OUT, WINDOW_SAVED];
