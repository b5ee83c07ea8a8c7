/**
 * Rules of the prototype of August 2007: the reserved region, the jump buffer, the whole memory
 * in the image, no ACPI (protocol.md B.1).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import {
  countPages,
  type PageRun,
  rangesToRuns,
  subtract,
  union,
} from "../../formats/page_runs.ts";
import { crashRegion, hasOption, parameter, type Region, wordsOf } from "./command_line.ts";
import { rangePages, sameNumber, wideNumber } from "./hex.ts";
import { ERRNO, parseSegments } from "./load_table.ts";
import { pagesOf, pageText } from "./page_text.ts";
import { PerKernel } from "./per_kernel.ts";

const LOADED_CHECK: Rule = {
  id: "F02",
  severity: "error",
  statement: "kexec -j dies exactly when kexec_crash_loaded reads 0; a file that cannot be read " +
    "passes, and then the kernel answers EINVAL where nothing is loaded",
  source: "protocol.md F.1 F02, B.1.1 step 3, A.7",
  systems: "R",
  kind: "matches",
  open(context) {
    const kernels = new PerKernel(() => ({
      check: undefined as "dies" | "passes" | "unreadable" | undefined,
      called: false,
    }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        loaded_check({ k, file, found, value }) {
          if (!file.endsWith("kexec_crash_loaded")) return;
          const check = !found ? "unreadable" : value === 0 ? "dies" : "passes";
          Object.assign(kernels.of(k), { check, called: false });
        },
        exec({ k }) {
          const state = kernels.known(k);
          if (state?.check === undefined) return;
          state.called = true;
          if (state.check === "dies") {
            context.violated(`kernel ${k} is asked to jump although kexec_crash_loaded reads 0`);
          } else if (state.check === "passes") context.held();
        },
        exec_done({ k, result }) {
          const state = kernels.known(k);
          if (state?.check !== "unreadable" || !state.called) return;
          state.check = undefined;
          if (result === ERRNO.EINVAL || result === 0) context.held();
          else context.violated(`kernel ${k} answers ${result} to a jump with nothing loaded`);
        },
        tool({ k, program, arguments: line, status }) {
          if (program !== "kexec" || !hasOption(wordsOf(line), "-j", "--jump-to")) return;
          const state = kernels.known(k);
          kernels.forget(k);
          if (state?.check === undefined || state.called) return;
          if (state.check === "dies" && status !== 0) context.held();
          else if (state.check === "dies") {
            context.violated(`kernel ${k}: kexec -j succeeds with nothing loaded`);
          } else context.violated(`kernel ${k}: kexec -j gives up although the check passes`);
        },
      },
    };
  },
};

const INSIDE_REGION: Rule = {
  id: "F18",
  severity: "error",
  statement: "The segments and the entry of a crash image lie inside the crashkernel region",
  source: "protocol.md F.1 F18, C.2 S7a and S8h (6.1)",
  systems: "R",
  kind: "never",
  open(context) {
    const regions = new Map<string, Region | undefined>();
    return {
      facts: {
        boot: ({ k, cmdline }) => void regions.set(k, crashRegion(cmdline)),
        load(load, event) {
          if (load.slot !== "crash" || load.segments === 0 || !regions.has(load.k)) return;
          const list = context.text(load.list, event);
          if (list === undefined) return;
          const region = regions.get(load.k);
          const start = BigInt(region?.start ?? 0);
          const end = BigInt(region?.end ?? 0);
          const entry = wideNumber(load.entry);
          const fits = entry >= start && entry < end &&
            parseSegments(list).every(({ mem, memsz }) => mem >= start && mem + memsz <= end);
          if (fits) {
            if (load.result === 0) context.held();
          } else if (load.result === 0) {
            context.violated(
              `kernel ${load.k} accepted a crash image with entry ${load.entry} and ${list}, its ` +
                `region is [${start}, ${end})`,
            );
          } else if (load.result === ERRNO.EADDRNOTAVAIL) context.held();
        },
      },
    };
  },
};

const FREE_PAGES_TOO: Rule = {
  id: "F48",
  severity: "error",
  statement: "An image of the prototype has all RAM but the reserved region, free pages included",
  source: "protocol.md F.1 F48, B.1.1 step 7, B.1.5 limit 4",
  systems: "R",
  kind: "matches",
  open(context) {
    const wanted = new Map<string, readonly PageRun[]>();
    const images = new PerKernel(() => ({ pages: [] as readonly PageRun[], whole: true }));
    let away: string | undefined;
    return {
      facts: {
        boot({ k, ranges, cmdline }) {
          const region = crashRegion(cmdline);
          if (region === undefined || ranges.endsWith("…")) wanted.delete(k);
          else wanted.set(k, subtract(rangePages(ranges), rangesToRuns([region])));
        },
        jump({ from, preserve }) {
          if (preserve) away = from;
        },
        image({ op, id, of, runs }, event) {
          if (op === "begin" || op === "abort") images.forget(id);
          const state = images.of(id);
          if (op === "page" && (runs !== undefined || event.blob !== undefined)) {
            const pages = pagesOf(context, runs, event);
            if (pages === undefined) state.whole = false;
            else state.pages = union(state.pages, pages);
          }
          if (op !== "commit") return;
          images.forget(id);
          const owner = of ?? away;
          const all = owner === undefined ? undefined : wanted.get(owner);
          if (all === undefined || !state.whole || all.length === 0) return;
          const missing = subtract(all, state.pages);
          const [first] = missing;
          if (first === undefined) context.held();
          else {
            context.violated(
              `image ${id} lacks ${countPages(missing)} pages of kernel ${owner}, the first ` +
                pageText(first.pfn),
            );
          }
        },
      },
    };
  },
};

const JUMP_BUFFER: Rule = {
  id: "F79",
  severity: "error",
  statement: "Before kexec -b the restoring kernel is given the jump buffer's page number that " +
    "was saved with the image",
  source: "protocol.md F.1 F79, B.1.2 step 3, B.1.4",
  systems: "R",
  kind: "matches",
  open(context) {
    let exported: string | undefined;
    let saved: string | undefined;
    const kernels = new PerKernel(() => ({
      restores: false,
      written: undefined as string | undefined,
    }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        image({ k, op }) {
          if (op === "load") kernels.of(k).restores = true;
        },
        jump_buffer({ k, op, pfn }) {
          const state = kernels.of(k);
          if (op === "export") exported = pfn;
          else if (op === "save") saved = pfn;
          else if (op === "write") state.written = pfn;
          else {
            const wanted = state.written !== undefined || state.restores ? saved : exported;
            const { restores, written } = state;
            if (restores && written === undefined) {
              context.violated(`kernel ${k} jumps back by ${pfn}, which nobody wrote there`);
            } else if (wanted === undefined) return;
            else if (sameNumber(wanted, pfn)) context.held();
            else context.violated(`kernel ${k} jumps back by ${pfn}, the image's is ${wanted}`);
          }
        },
      },
    };
  },
};

const NO_ACPI: Rule = {
  id: "F88",
  severity: "error",
  statement: "Neither kernel of a pair uses ACPI",
  source: "protocol.md F.1 F88, B.1.5 limit 2 (a kernel booted with acpi=off stands for one " +
    "built without it)",
  systems: "R",
  kind: "never",
  open(context) {
    const kernels = new PerKernel(() => ({ off: undefined as boolean | undefined, used: false }));
    let entered: string | undefined;
    const judge = (k: string) => {
      const { off, used } = kernels.of(k);
      if (off === undefined) return;
      if (off && !used) context.held();
      else context.violated(`kernel ${k} of a pair ${used ? "uses" : "has"} ACPI`);
    };
    return {
      facts: {
        boot({ k, cmdline }) {
          kernels.forget(k);
          kernels.of(k).off = parameter(cmdline, "acpi") === "off";
          if (k === entered) judge(k);
        },
        acpi: ({ k }) => void (kernels.of(k).used = true),
        power: () => void (entered = undefined),
        jump({ from, to, preserve }) {
          if (!preserve) return;
          judge(from);
          entered = to;
        },
      },
    };
  },
};

/** Rules F02, F18, F48, F79 and F88. */
export const RFC_RULES: readonly Rule[] = [
  LOADED_CHECK,
  INSIDE_REGION,
  FREE_PAGES_TOO,
  JUMP_BUFFER,
  NO_ACPI,
];
