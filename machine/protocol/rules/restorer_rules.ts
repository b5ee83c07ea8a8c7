/**
 * Rules of restoring an image by writing /dev/oldmem: where the restoring kernel may live, where
 * it may write, what it can read (protocol.md B.1.2, B.2.4).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import {
  countPages,
  intersect,
  type PageRun,
  rangesToRuns,
  subtract,
  union,
} from "../../formats/page_runs.ts";
import { parameter, sizeOf } from "./command_line.ts";
import { rangePages } from "./hex.ts";
import { pagesOf, pageText } from "./page_text.ts";
import { PerKernel } from "./per_kernel.ts";

const LOW_BYTES = 0xa_0000;

/** RAM of a kernel; undefined where the list was cut short. */
function ramOf(ranges: string): readonly PageRun[] | undefined {
  return ranges.endsWith("…") ? undefined : rangePages(ranges);
}

const INSIDE_SAVER: Rule = {
  id: "F76",
  severity: "error",
  statement: "The kernel that restores an image has no memory that the one that wrote it had not",
  source: "protocol.md F.1 F76, B.1.2 step 2, B.2.4 (by what each had at its boot)",
  systems: "RV",
  kind: "never",
  open(context) {
    const ram = new Map<string, readonly PageRun[] | undefined>();
    const savers = new Map<string, readonly PageRun[] | undefined>();
    // Restorers whose memory does not fit, and why.
    const unfit = new Map<string, string>();
    return {
      facts: {
        boot({ k, ranges }) {
          ram.set(k, ramOf(ranges));
          unfit.delete(k);
        },
        image({ k, op, id }) {
          if (op === "commit") {
            savers.clear();
            savers.set(id, ram.get(k));
            return;
          }
          const saver = savers.get(id);
          const own = ram.get(k);
          const why = unfit.get(k);
          if (why !== undefined && op === "load") context.violated(`kernel ${k} restores ${why}`);
          if (saver === undefined || own === undefined || why !== undefined) return;
          if (op !== "check" && op !== "load") return;
          const [outside] = subtract(own, saver);
          if (outside !== undefined) {
            const reason = `with ${pageText(outside.pfn)}, which image ${id} is of another kernel`;
            unfit.set(k, reason);
            if (op === "load") context.violated(`kernel ${k} restores ${reason}`);
          } else if (op === "load") context.held();
        },
        tool({ k, program, status }) {
          if (program === "krestore" && status !== 0 && unfit.delete(k)) context.held();
        },
      },
    };
  },
};

/** What a restorer may write: the image's ranges, and where low memory waits for the jump. */
interface Restorer {
  own: readonly PageRun[] | undefined;
  /** Where the copy of [0,640K) stands in its own memory (kexec_backup=). */
  backup: readonly PageRun[];
  image: readonly PageRun[] | undefined;
}

const INSIDE_IMAGE: Rule = {
  id: "F77",
  severity: "error",
  statement: "A restore writes only pages that are in the image's ranges, and none of the " +
    "memory its own kernel runs in",
  source: "protocol.md F.1 F77, B.1.2 step 3 (low memory goes to the backup area), B.2.4 step 2",
  systems: "RV",
  kind: "never",
  open(context) {
    const kernels = new PerKernel<Restorer>(() => ({
      own: undefined,
      backup: [],
      image: undefined,
    }));
    const judge = (k: string, runs: readonly PageRun[], allowed: readonly PageRun[]) => {
      const stray = subtract(runs, allowed);
      const [first] = stray;
      if (first === undefined) context.held();
      else {
        context.violated(
          `kernel ${k} restores ${countPages(stray)} pages that are not in the image, the first ` +
            pageText(first.pfn),
        );
      }
    };
    return {
      facts: {
        boot({ k, ranges, cmdline }) {
          kernels.forget(k);
          const at = sizeOf(parameter(cmdline, "kexec_backup") ?? "");
          const backup = at === undefined ? [] : [{ start: at, end: at + LOW_BYTES }];
          Object.assign(kernels.of(k), { own: ramOf(ranges), backup: rangesToRuns(backup) });
        },
        image_ranges({ k, ranges }) {
          kernels.of(k).image = ranges.endsWith("…") ? undefined : rangePages(ranges);
        },
        loader_pages({ k, image }, event) {
          const { own, backup, image: ranges } = kernels.of(k);
          if (ranges === undefined) return;
          const runs = pagesOf(context, image, event);
          if (runs === undefined || runs.length === 0) return;
          const [inside] = intersect(runs, subtract(own ?? [], backup));
          if (inside !== undefined) {
            context.violated(`kernel ${k} restores ${pageText(inside.pfn)}, where it runs itself`);
          } else judge(k, runs, union(ranges, backup));
        },
        memory_write({ k, runs }, event) {
          const { own, backup, image } = kernels.of(k);
          if (image === undefined || own === undefined) return;
          const pages = pagesOf(context, runs, event);
          // What a kernel writes into its own memory is its own business.
          const foreign = pages === undefined ? [] : subtract(pages, own);
          if (foreign.length > 0) judge(k, foreign, union(image, backup));
        },
      },
    };
  },
};

const WIDE_CLASS: Rule = {
  id: "F80",
  severity: "error",
  statement: "krestore reads ELF64 images only and refuses others",
  source: "protocol.md F.1 F80, A.2",
  systems: "RV",
  kind: "matches",
  open(context) {
    const narrow = new Map<string, string>();
    return {
      facts: {
        boot: ({ k }) => void narrow.delete(k),
        image_ranges({ k, id, class: width }) {
          if (width === "32") narrow.set(k, id);
          else if (width === "64") {
            narrow.delete(k);
            context.held();
          }
        },
        image({ k, op, id }) {
          if (op === "load" && narrow.get(k) === id) {
            context.violated(`kernel ${k} restores image ${id}, which is ELF32`);
          }
        },
        tool({ k, program, status }) {
          if (program === "krestore" && narrow.delete(k) && status !== 0) context.held();
        },
      },
    };
  },
};

/** Rules F76, F77 and F80. */
export const RESTORER_RULES: readonly Rule[] = [INSIDE_SAVER, INSIDE_IMAGE, WIDE_CLASS];
