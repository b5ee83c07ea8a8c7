/**
 * Rules of `kexec_load`: its errors, its segments, its placement (protocol.md C.1 to C.4).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import type { Fact } from "../facts.ts";
import {
  earlyExpectation,
  ERRNO,
  expectation,
  isOverHalf,
  overlaps,
  parseSegments,
  placeFault,
  SEGMENTS_MAX,
} from "./load_table.ts";
import { PerKernel } from "./per_kernel.ts";

/** Errors that no fact foretells: memory, the caller's pointers. */
const UNFORESEEN: readonly number[] = [ERRNO.ENOMEM, ERRNO.EFAULT];

const ERRNO_TABLE: Rule = {
  id: "F14",
  severity: "error",
  statement: "A load fails with the errno of its first failing check, in the order of the table",
  source: "protocol.md F.1 F14, C.2 (6.1)",
  systems: "VGM",
  kind: "matches",
  open(context) {
    // Whether a refusal of the lock was seen, and whether the trace tells of locks at all.
    const refused = new PerKernel(() => ({ told: false, now: false }));
    return {
      facts: {
        lock({ k, op }) {
          const state = refused.of(k);
          state.told = true;
          if (op === "refuse") state.now = true;
        },
        load(load, event) {
          const state = refused.of(load.k);
          const list = context.text(load.list, event) ?? (load.segments === 0 ? "" : undefined);
          const busyMay = state.now || !state.told;
          state.now = false;
          const wanted = expectation(load, list === undefined ? [] : parseSegments(list));
          if (list === undefined && wanted.result === 0) return;
          const unforeseen = UNFORESEEN.includes(load.result) ||
            (load.result === ERRNO.EBUSY && busyMay) ||
            (load.result === ERRNO.EADDRNOTAVAIL && load.slot === "crash");
          const allowed = load.result === wanted.result ||
            (unforeseen && (wanted.late || wanted.result === 0));
          if (allowed) context.held();
          else {
            context.violated(
              `kernel ${load.k}: kexec_load gave ${load.result} where the table gives ` +
                `${wanted.result} (${wanted.check})`,
            );
          }
        },
      },
    };
  },
};

const SEGMENT_COUNT: Rule = {
  id: "F15",
  severity: "error",
  statement: "No load of more than 16 segments succeeds",
  source: "protocol.md F.1 F15, B.4.7 (6.1)",
  systems: "VGM",
  kind: "never",
  open(context) {
    return {
      facts: {
        load({ k, segments, result }) {
          if (segments <= SEGMENTS_MAX) {
            if (result === 0) context.held();
          } else if (result === 0) {
            context.violated(`kernel ${k} accepted ${segments} segments`);
          } else context.held();
        },
      },
    };
  },
};

const SEGMENT_PLACES: Rule = {
  id: "F16",
  severity: "error",
  statement: "The segments of a loaded image are page-aligned, apart from each other, below the " +
    "limit and not longer in the buffer than in memory",
  source: "protocol.md F.1 F16, C.2 S8a-S8e (6.1)",
  systems: "VGM",
  kind: "never",
  open(context) {
    return {
      facts: {
        load(load, event) {
          if (load.result !== 0 || load.segments === 0) return;
          const list = context.text(load.list, event);
          if (list === undefined) return;
          const segments = parseSegments(list);
          const fault = placeFault(segments, load) ??
            (overlaps(segments) ? "segments overlap" : undefined) ??
            (segments.some(({ bufsz, memsz }) => bufsz > memsz)
              ? "a segment has more bytes than room"
              : undefined);
          if (fault === undefined) context.held();
          else context.violated(`kernel ${load.k} accepted ${list}: ${fault}`);
        },
      },
    };
  },
};

const HALF_RAM: Rule = {
  id: "F17",
  severity: "error",
  statement: "Where the kernel has the half-of-RAM rule, no load of more pages succeeds",
  source: "protocol.md F.1 F17, C.2 S8f-S8g (6.1)",
  systems: "VGM",
  kind: "never",
  open(context) {
    return {
      facts: {
        load(load, event) {
          if (!load.half_ram || load.result !== 0 || load.segments === 0) return;
          const list = context.text(load.list, event);
          if (list === undefined) return;
          if (!isOverHalf(parseSegments(list), load.ram_pages)) context.held();
          else {
            context.violated(
              `kernel ${load.k} accepted more than half of its ${load.ram_pages} pages`,
            );
          }
        },
      },
    };
  },
};

const FAILED_LOAD: Rule = {
  id: "F19",
  severity: "error",
  statement: "A failed default load leaves the image loaded before it ready to be executed; a " +
    "crash load that fails after its early checks leaves none",
  source: "protocol.md F.1 F19, C.1, J 19 (6.1)",
  systems: "RVM",
  kind: "eventually",
  open(context) {
    // What a load that failed must have left; `loaded` as the last one that did not fail.
    const kernels = new PerKernel(() => ({
      loaded: false,
      wanted: undefined as boolean | undefined,
      crash: undefined as boolean | undefined,
    }));
    const compare = (k: string, wanted: boolean, loaded: boolean) => {
      if (wanted === loaded) return context.held();
      context.violated(
        `kernel ${k} ${loaded ? "keeps a crash image" : "lost its image"} after a load that failed`,
      );
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        load(load) {
          const state = kernels.of(load.k);
          if (load.slot === "crash") {
            if (load.result === 0) state.crash = undefined;
            else if (earlyExpectation(load).result === 0 && load.result !== ERRNO.EBUSY) {
              state.crash = false;
            }
          } else if (load.result !== 0) state.wanted = state.loaded || undefined;
          else Object.assign(state, { loaded: load.segments > 0, wanted: undefined });
        },
        unload({ k, slot, result }) {
          if (result !== 0) return;
          if (slot === "crash") kernels.of(k).crash = undefined;
          else Object.assign(kernels.of(k), { loaded: false, wanted: undefined });
        },
        exec({ k, loaded, slot = "default" }) {
          const state = kernels.of(k);
          const wanted = slot === "crash" ? state.crash : state.wanted;
          if (wanted === undefined) return;
          if (slot === "crash") state.crash = undefined;
          else state.wanted = undefined;
          compare(k, wanted, loaded);
        },
        loaded_check({ k, file, found, value }) {
          const state = kernels.of(k);
          if (state.crash === undefined || !found || !file.endsWith("kexec_crash_loaded")) return;
          compare(k, state.crash, value !== 0);
          state.crash = undefined;
        },
      },
    };
  },
};

const EMPTY_UNLOAD: Rule = {
  id: "F20",
  severity: "error",
  statement: "A load of no segments unloads and succeeds, also when nothing is loaded",
  source: "protocol.md F.1 F20, C.1 (6.1)",
  systems: "RVM",
  kind: "matches",
  open(context) {
    const judge = ({ k, result }: Pick<Fact<"unload">, "k" | "result">) => {
      if (result === 0) context.held();
      else if (result !== ERRNO.EBUSY && result !== ERRNO.EPERM) {
        context.violated(`kernel ${k}: unloading gave ${result}`);
      }
    };
    return { facts: { unload: judge } };
  },
};

/** Rules F14 to F20. */
export const LOAD_RULES: readonly Rule[] = [
  ERRNO_TABLE,
  SEGMENT_COUNT,
  SEGMENT_PLACES,
  HALF_RAM,
  FAILED_LOAD,
  EMPTY_UNLOAD,
];
