/**
 * Rules of a hibernation image's life: written, committed, invalidated, entered (protocol.md
 * F51 to F61, G.1).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import { PerKernel } from "./per_kernel.ts";

/** Images that are remembered at most. */
const IMAGES_MAX = 1024;

const PAGES_THEN_COMMIT: Rule = {
  id: "F51",
  severity: "error",
  statement: "An image is begun, gets all its pages and is then committed; none comes later",
  source: "protocol.md F.1 F51; applied to mainline jump, which here commits by renaming " +
    "dump.elf.part to dump.elf (DESIGN.md 3)",
  systems: "VSM",
  kind: "always-before",
  open(context) {
    const images = new PerKernel(() => ({ begun: false, pages: 0, committed: false }));
    return {
      facts: {
        image({ id, op }) {
          const state = images.of(id);
          if (op === "begin") Object.assign(state, { begun: true, pages: 0, committed: false });
          else if (op === "page") {
            state.pages++;
            if (state.committed) context.violated(`a page of image ${id} after its commit`);
          } else if (op === "commit") {
            if (!state.begun) context.violated(`image ${id} is committed without a beginning`);
            else if (state.pages === 0) context.violated(`image ${id} is committed without a page`);
            else context.held();
            state.committed = true;
          } else if (op === "abort" || op === "invalidate") images.forget(id);
        },
      },
    };
  },
};

/** What a kernel that writes an image has given to the disk, and whether it is on the medium. */
interface Writer {
  committed: boolean;
  /** Something was written since the last flush began. */
  dirty: boolean;
  /** What a flush that is under way will have covered. */
  flushing: "all" | "part" | "none";
}

function newWriter(): Writer {
  return { committed: false, dirty: false, flushing: "none" };
}

/** Takes a flush: one that began before the last write does not cover it. */
function flushed(writer: Writer | undefined, op: "begin" | "done"): void {
  if (writer === undefined) return;
  if (op === "begin") writer.flushing = "all";
  else {
    if (writer.flushing !== "part") writer.dirty = false;
    writer.flushing = "none";
  }
}

function written(writer: Writer): void {
  writer.dirty = true;
  if (writer.flushing === "all") writer.flushing = "part";
}

const FLUSHED_TWICE: Rule = {
  id: "F52",
  severity: "error",
  statement: "The disk is flushed between the last page of an image and its commit, and between " +
    "the commit and power-off",
  source: "protocol.md F.1 F52, G.2; applied to mainline jump, whose rename stands between two " +
    "flushes (DESIGN.md 3)",
  systems: "VSM",
  kind: "always-before",
  open(context) {
    const writers = new PerKernel(newWriter);
    return {
      facts: {
        boot: ({ k }) => writers.forget(k),
        flush: ({ k, op }) => flushed(writers.known(k), op),
        image({ k, id, op }) {
          if (op === "begin" || op === "page") written(writers.of(k));
          else if (op === "abort") writers.forget(k);
          else if (op === "commit") {
            const writer = writers.of(k);
            if (writer.dirty) {
              context.violated(`image ${id} is committed before its pages are flushed`);
            } else context.held();
            writer.committed = true;
            written(writer);
          }
        },
        power({ op, k }) {
          const writer = k === undefined ? undefined : writers.known(k);
          if (k === undefined || writer === undefined || !writer.committed) return;
          if (op !== "off" && op !== "sleep") return;
          if (writer.dirty) context.violated(`kernel ${k} goes off before its commit is flushed`);
          else context.held();
          writers.forget(k);
        },
      },
    };
  },
};

const OFF_WITH_IMAGE: Rule = {
  id: "F53",
  severity: "error",
  statement:
    "A kernel that began an image turns the machine off only when the image is committed " +
    "and on the medium, and who asked for one is not told of success without",
  source: "protocol.md F.1 F53, B.7.4 step 4, F.2 (Q1, as the caller reads it)",
  systems: "VMS",
  kind: "always-before",
  open(context) {
    const writers = new PerKernel(newWriter);
    // Kernels that told their notifiers of a hibernation, and whether an image came of it.
    const asked = new Map<string, boolean>();
    return {
      facts: {
        boot({ k }) {
          writers.forget(k);
          asked.delete(k);
        },
        notifier({ k, event }) {
          if (event === "PM_HIBERNATION_PREPARE") asked.set(k, false);
        },
        tool({ k, program, arguments: words, status }) {
          if (program !== "pm-hibernate" && !words.includes("/sys/power/state")) return;
          if (status === 0 && asked.get(k) === false) {
            context.violated(`kernel ${k} says that it hibernated, and no image was written`);
          }
          asked.delete(k);
        },
        flush: ({ k, op }) => flushed(writers.known(k), op),
        image({ k, op, of }) {
          if (op === "begin") Object.assign(writers.of(k), newWriter());
          else if (op === "invalidate") {
            // A rollback: the kernel goes on, and what it does later is no hibernation.
            if (writers.known(k)?.committed) writers.forget(k);
          } else if (op === "abort") {
            const writer = writers.known(k);
            if (writer !== undefined) writer.committed = false;
          } else if (op === "commit") {
            const writer = writers.of(k);
            writer.committed = true;
            written(writer);
            asked.set(of ?? k, true);
          }
        },
        power({ op, k }) {
          if ((op !== "off" && op !== "sleep") || k === undefined) return;
          const writer = writers.known(k);
          if (writer === undefined) {
            // Nobody sleeps in S4 but to hibernate.
            if (op === "sleep") {
              context.violated(`kernel ${k} sleeps without having begun an image`);
            }
            return;
          }
          writers.forget(k);
          if (!writer.committed) context.violated(`kernel ${k} goes off without a committed image`);
          else if (writer.dirty) {
            context.violated(`kernel ${k} goes off with its commit in the disk's cache`);
          } else context.held();
        },
      },
    };
  },
};

/** F60; also part of F100. */
export const INVALIDATED_FIRST: Rule = {
  id: "F60",
  severity: "error",
  statement:
    "A resume invalidates the image, and flushes that, before control goes to the kernel " +
    "in it",
  source: "protocol.md F.1 F60, G.1 (derived for mainline jump; the posting's own text does not)",
  systems: "SVM",
  kind: "always-before",
  open(context) {
    // Of each kernel that resumes: the image it loaded, and how far the invalidation is.
    const kernels = new PerKernel(() => ({
      id: undefined as string | undefined,
      of: undefined as string | undefined,
      invalid: undefined as string | undefined,
      durable: undefined as string | undefined,
    }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        flush({ k, op }) {
          const state = kernels.known(k);
          if (state !== undefined && op === "done") state.durable = state.invalid;
        },
        image({ k, op, id, of }) {
          const state = kernels.of(k);
          if (op === "load") Object.assign(state, { id, of });
          else if (op === "invalidate") state.invalid = id;
          else if (op === "begin") kernels.forget(k);
        },
        jump({ from, to }) {
          const state = kernels.known(from);
          if (state?.id === undefined || (state.of !== undefined && state.of !== to)) return;
          if (state.durable === state.id) context.held();
          else {
            context.violated(
              `kernel ${from} enters image ${state.id}, which is ${
                state.invalid === state.id ? "invalidated only in the disk's cache" : "still valid"
              }`,
            );
          }
        },
      },
    };
  },
};

const ENTERED_ONCE: Rule = {
  id: "F61",
  severity: "error",
  statement: "No image is entered more than once",
  source: "protocol.md F.1 F61",
  systems: "*",
  kind: "never",
  needs: ["image.load", "jump"],
  open(context) {
    const loaded = new PerKernel(() => ({
      id: undefined as string | undefined,
      of: undefined as string | undefined,
    }));
    const entered = new Set<string>();
    return {
      facts: {
        boot: ({ k }) => loaded.forget(k),
        image({ k, op, id, of }) {
          if (op === "load") Object.assign(loaded.of(k), { id, of });
          // The name is free again for what is written under it.
          if (op === "begin") entered.delete(id);
        },
        jump({ from, to }) {
          const state = loaded.known(from);
          if (state?.id === undefined || (state.of !== undefined && state.of !== to)) return;
          if (entered.has(state.id)) context.violated(`image ${state.id} is entered again`);
          else context.held();
          entered.add(state.id);
          loaded.forget(from);
          // Whoever enters an image again does so soon; a trace may be endless.
          const [oldest] = entered;
          if (entered.size > IMAGES_MAX && oldest !== undefined) entered.delete(oldest);
        },
      },
    };
  },
};

/** Rules F51 to F53, F60 and F61. */
export const IMAGE_RULES: readonly Rule[] = [
  PAGES_THEN_COMMIT,
  FLUSHED_TWICE,
  OFF_WITH_IMAGE,
  INVALIDATED_FIRST,
  ENTERED_ONCE,
];
