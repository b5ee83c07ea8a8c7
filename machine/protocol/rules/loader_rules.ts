/**
 * Rules of putting an image in place: where its pages wait, who copies them, which page tables
 * are in force, and how the two returns are told apart (protocol.md B.5.7 to B.5.9).
 *
 * @module
 */
import type { Rule, RuleContext } from "../../conformance/rule.ts";
import {
  intersect,
  type PageRun,
  parseRuns,
  rangesToRuns,
  union,
} from "../../formats/page_runs.ts";
import type { TraceEvent } from "../../trace/event.ts";
import type { Fact } from "../facts.ts";
import { plainHex, sameNumber, wideNumber } from "./hex.ts";
import { anyPagesOf, pagesOf, pageText } from "./page_text.ts";
import { PerKernel } from "./per_kernel.ts";

/**
 * The frames of a loader's fact: in place and safe ones, in the blob as two lines where they are
 * long; undefined if that is missing.
 */
function loadedPages(
  context: RuleContext,
  { image, safe }: Pick<Fact<"loader_pages">, "image" | "safe">,
  event: TraceEvent,
): { readonly image: readonly PageRun[]; readonly safe: readonly PageRun[] } | undefined {
  if (event.blob === undefined) {
    return { image: parseRuns(image ?? ""), safe: parseRuns(safe ?? "") };
  }
  const text = context.text(undefined, event);
  if (text === undefined) return undefined;
  const [first = "", second = ""] = text.split("\n");
  return { image: parseRuns(image ?? first), safe: parseRuns(safe ?? second) };
}

const SAFE_PAGES: Rule = {
  id: "F71",
  severity: "error",
  statement: "A loader keeps image pages in frames that are safe or its own, away from the code " +
    "that will copy them",
  source: "protocol.md F.1 F71, B.5.7 step 5, D.5 (safe pages are those not in the image)",
  systems: "S",
  kind: "never",
  open(context) {
    const images = new PerKernel(() => ({ pages: [] as readonly PageRun[], whole: true }));
    return {
      facts: {
        image({ op, id, runs }, event) {
          if (op === "begin" || op === "abort") images.forget(id);
          if (op !== "page" || (runs === undefined && event.blob === undefined)) return;
          const pages = pagesOf(context, runs, event);
          const state = images.of(id);
          if (pages === undefined) state.whole = false;
          else state.pages = union(state.pages, pages);
        },
        loader_pages(fact, event) {
          const { k, id, code } = fact;
          const loaded = loadedPages(context, fact, event);
          if (loaded === undefined) return;
          const { image: inPlace, safe: kept } = loaded;
          const own = parseRuns(code);
          const [onCode] = intersect(own, union(inPlace, kept));
          const saved = images.known(id);
          const [unsafe] = saved?.whole ? intersect(kept, saved.pages) : [];
          if (onCode !== undefined) {
            context.violated(`kernel ${k} loads a page over its own code, ${pageText(onCode.pfn)}`);
          } else if (unsafe !== undefined) {
            context.violated(
              `kernel ${k} keeps a page in ${pageText(unsafe.pfn)}, which the copy overwrites`,
            );
          } else context.held();
        },
      },
    };
  },
};

/** A frame as hexadecimal number or as a run of one. */
function frameOf(text: string): number {
  return Number(wideNumber(text.replace(/\+1$/, "")));
}

const BARE_COPY: Rule = {
  id: "F72",
  severity: "error",
  statement: "The final copy uses no stack, and the page its code runs from is copied last or " +
    "not at all",
  source: "protocol.md F.1 F72, B.5.8 (R9 and R10), B.5.9 (safe page)",
  systems: "S",
  kind: "never",
  open: (context) => ({
    facts: {
      final_copy({ k, code, last, stack, runs }, event) {
        if (stack) return context.violated(`kernel ${k} uses a stack in the final copy`);
        const copied = anyPagesOf(context, runs, event);
        if (sameNumber(code.replace(/\+1$/, ""), last.replace(/\+1$/, ""))) return context.held();
        if (copied === undefined) return;
        const pfn = frameOf(code);
        const [over] = intersect(copied, [{ pfn, count: 1 }]);
        if (over === undefined) context.held();
        else context.violated(`kernel ${k} copies over its own code, ${pageText(pfn)}, not last`);
      },
    },
  }),
};

const TABLES_IN_ORDER: Rule = {
  id: "F73",
  severity: "error",
  statement: "Page tables change from the boot kernel's to temporary ones and then to those of " +
    "the kernel in the image",
  source: "protocol.md F.1 F73, B.5.8, B.5.9",
  systems: "S",
  kind: "always-before",
  open(context) {
    let state: "boot" | "temporary" | undefined;
    let boot: string | undefined;
    let temporary: string | undefined;
    const restart = () => {
      state = boot = temporary = undefined;
    };
    return {
      facts: {
        power: restart,
        page_tables({ k, which, root }) {
          if (which === "boot") {
            restart();
            state = "boot";
            boot = root;
          } else if (which === "temporary") {
            if (state !== "boot") context.violated(`kernel ${k} has no tables of its own before`);
            else if (boot !== undefined && sameNumber(boot, root)) {
              context.violated(`kernel ${k} takes its own tables for temporary ones`);
            }
            state = "temporary";
            temporary = root;
          } else {
            if (state !== "temporary") {
              context.violated(`the tables of kernel ${k} follow no temporary ones`);
            } else if (temporary !== undefined && sameNumber(temporary, root)) {
              context.violated(`kernel ${k} stays with the temporary tables`);
            } else context.held();
            restart();
          }
        },
      },
    };
  },
};

const FLAG: Rule = {
  id: "F74",
  severity: "error",
  statement: "in_suspend is 1 at the copy and 0 when the copy returns after a restore",
  source: "protocol.md F.1 F74, B.5.2 step 7.7, B.5.8",
  systems: "S",
  kind: "matches",
  open(context) {
    return {
      facts: {
        in_suspend({ k, value, at }) {
          const wanted = at === "second return" ? 0 : 1;
          if (value !== wanted) {
            context.violated(`kernel ${k}: in_suspend is ${value} at the ${at}, not ${wanted}`);
          } else if (at === "second return") context.held();
        },
      },
    };
  },
};

const RETURNS_ZERO: Rule = {
  id: "F75",
  severity: "error",
  statement: "The restored kernel finds that its swsusp_arch_suspend returned 0",
  source: "protocol.md F.1 F75, B.5.8 (RAX := 0)",
  systems: "S",
  kind: "matches",
  open: (context) => ({
    facts: {
      in_suspend({ k, at, returned }) {
        if (at !== "second return" || returned === undefined) return;
        if (returned === 0) context.held();
        else context.violated(`kernel ${k}: the second return gave ${returned}`);
      },
    },
  }),
};

/** Types of memory that firmware keeps (protocol.md D.1): all but RAM. */
function firmwarePages(ranges: string): PageRun[] {
  const kept = ranges.split(",").flatMap((item) => {
    const match = /^([^-:]+)-([^:]+):([0-9]+)$/.exec(item.trim());
    const [, start, end, type] = match ?? [];
    if (start === undefined || end === undefined || type === undefined || type === "1") return [];
    return [{ start: Number(`0x${plainHex(start)}`), end: Number(`0x${plainHex(end)}`) }];
  });
  return rangesToRuns(kept);
}

const FIRMWARE_KEPT: Rule = {
  id: "F86",
  severity: "error",
  statement: "No restore writes memory that firmware keeps: NVS, reserved ranges, ACPI tables",
  source: "protocol.md F.1 F86, D.1, B.5.1 requirement 3 (pages wholly in such ranges)",
  systems: "SV",
  kind: "never",
  open(context) {
    let kept: readonly PageRun[] | undefined;
    const restorers = new Set<string>();
    const judge = (k: string, runs: readonly PageRun[] | undefined) => {
      if (kept === undefined || runs === undefined || runs.length === 0) return;
      const [first] = intersect(runs, kept);
      if (first === undefined) context.held();
      else context.violated(`kernel ${k} restores ${pageText(first.pfn)}, which is firmware's`);
    };
    return {
      facts: {
        power: () => restorers.clear(),
        boot: ({ k }) => void restorers.delete(k),
        firmware_map({ ranges }) {
          kept = ranges.endsWith("…") ? undefined : firmwarePages(ranges);
        },
        // krestore says what it is about to write; after that its writes are those of a restore.
        image_ranges: ({ k }) => void restorers.add(k),
        memory_write({ k, runs }, event) {
          if (restorers.has(k)) judge(k, pagesOf(context, runs, event));
        },
        loader_pages(fact, event) {
          const loaded = loadedPages(context, fact, event);
          if (loaded !== undefined) judge(fact.k, union(loaded.image, loaded.safe));
        },
        final_copy: ({ k, runs }, event) => judge(k, anyPagesOf(context, runs, event)),
      },
    };
  },
};

/** Rules F71 to F75 and F86. */
export const LOADER_RULES: readonly Rule[] = [
  SAFE_PAGES,
  BARE_COPY,
  TABLES_IN_ORDER,
  FLAG,
  RETURNS_ZERO,
  FIRMWARE_KEPT,
];
