/**
 * Rules of /proc/kimgcore as a file: who may open it, what its header says, how long it is
 * (protocol.md B.3.1, B.3.2, E.3).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import { sameNumber } from "./hex.ts";
import { ERRNO, parseSegments } from "./load_table.ts";
import { PerKernel } from "./per_kernel.ts";

const isFile = (holder: string | undefined): boolean => holder?.startsWith("kimgcore") ?? false;

const NOTHING_TO_OPEN: Rule = {
  id: "F06",
  severity: "error",
  statement: "Opening kimgcore with no image loaded gives ENOENT and leaves the lock free",
  source: "protocol.md F.1 F06, B.3.1",
  systems: "G",
  kind: "matches",
  open(context) {
    const kernels = new PerKernel(() => ({
      holder: undefined as string | undefined,
      owing: false,
    }));
    const settle = (k: string) => {
      const state = kernels.known(k);
      if (!state?.owing) return;
      state.owing = false;
      context.violated(`kernel ${k} keeps the lock of a kimgcore that it did not open`);
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        lock({ k, holder, op }) {
          const state = kernels.of(k);
          if (op === "release") {
            if (state.owing && isFile(holder)) {
              state.owing = false;
              context.held();
            }
            state.holder = undefined;
          } else {
            settle(k);
            if (op === "take") state.holder = holder;
          }
        },
        kimgcore({ k, op, result, loaded }) {
          settle(k);
          if (op !== "open" || loaded !== false || result === ERRNO.EBUSY) return;
          const state = kernels.of(k);
          if (result !== ERRNO.ENOENT) {
            context.violated(`kernel ${k} opens kimgcore with nothing loaded: ${result}`);
          } else if (isFile(state.holder)) state.owing = true;
          else context.held();
        },
        tool: ({ k }) => settle(k),
      },
    };
  },
};

const OPEN_HOLDS_LOCK: Rule = {
  id: "F07",
  severity: "error",
  statement: "An open kimgcore holds the kexec lock until it is closed, which frees it once",
  source: "protocol.md F.1 F07, B.3.1",
  systems: "G",
  kind: "always-before",
  open(context) {
    const kernels = new PerKernel(() => ({
      told: false,
      open: false,
      taken: false,
      closing: false,
    }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        lock({ k, holder, op }) {
          const state = kernels.of(k);
          state.told = true;
          if (op === "release" && isFile(holder)) {
            if (!state.taken) context.violated(`kernel ${k} frees the lock of kimgcore twice`);
            else if (state.closing) context.held();
            Object.assign(state, { taken: false, closing: false });
          } else if (op === "take") {
            if (state.open && !isFile(holder)) {
              context.violated(`kernel ${k}: ${holder} gets the lock while kimgcore is open`);
            } else if (state.closing) {
              context.violated(`kernel ${k} did not free the lock of kimgcore`);
            }
            Object.assign(state, { taken: isFile(holder), closing: false });
          }
        },
        kimgcore({ k, op, result }) {
          const state = kernels.of(k);
          if (!state.told) return;
          if (op === "open" && result === 0) {
            if (!state.taken) context.violated(`kernel ${k} opens kimgcore without the lock`);
            state.open = true;
          } else if (op === "read" && state.open && !state.taken) {
            context.violated(`kernel ${k} reads kimgcore, which has lost the lock`);
          } else if (op === "release" && state.open) {
            state.open = false;
            state.closing = state.taken;
            if (!state.taken) context.held();
          }
        },
        tool({ k }) {
          const state = kernels.known(k);
          if (!state?.closing) return;
          state.closing = false;
          context.violated(`kernel ${k} closed kimgcore and keeps its lock`);
        },
      },
    };
  },
};

const ORDER_OF_CHECKS: Rule = {
  id: "F08",
  severity: "error",
  statement: "Opening kimgcore looks for the lock, then for the image, then for memory",
  source: "protocol.md F.1 F08, B.3.1 (EBUSY before ENOENT before ENOMEM)",
  systems: "G",
  kind: "matches",
  open(context) {
    const kernels = new PerKernel(() => ({
      holder: undefined as string | undefined,
      refused: false,
      open: false,
    }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        lock({ k, holder, op }) {
          const state = kernels.of(k);
          if (op === "take") state.holder = holder;
          else if (op === "release") state.holder = undefined;
          else if (isFile(holder)) state.refused = true;
        },
        kimgcore({ k, op, result, loaded }) {
          const state = kernels.of(k);
          if (op === "release") state.open = false;
          if (op !== "open") return;
          const { holder, refused, open } = state;
          const busy = refused || open || (holder !== undefined && !isFile(holder));
          state.refused = false;
          const wanted = busy
            ? [ERRNO.EBUSY]
            : loaded === undefined
            ? undefined
            : loaded
            ? [0, ERRNO.ENOMEM]
            : [ERRNO.ENOENT];
          if (result === 0) state.open = true;
          if (wanted === undefined) return;
          if (wanted.includes(result)) context.held();
          else context.violated(`kernel ${k} opens kimgcore: ${result}, not ${wanted[0]}`);
        },
      },
    };
  },
};

const HEADER_BYTES = 64n;
const PROGRAM_BYTES = 56n;
/** The length is kept in 32 bits: an image of 4 GiB and more wraps (protocol.md B.3.1). */
const WRAP = 1n << 32n;

const LENGTH: Rule = {
  id: "F09",
  severity: "error",
  statement: "kimgcore is its header of 64 + 56n bytes and the n segments' bytes in order, and a " +
    "read gives what is left of them",
  source: "protocol.md F.1 F09, B.3.1, B.3.2, E.3 (the length is 32 bits wide and wraps)",
  systems: "G",
  kind: "matches",
  open(context) {
    const kernels = new PerKernel(() => ({
      length: undefined as bigint | undefined,
      size: undefined as number | undefined,
    }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        load(load, event) {
          if (load.slot !== "default" || load.result !== 0) return;
          const list = context.text(load.list, event);
          const segments = list === undefined ? undefined : parseSegments(list);
          kernels.of(load.k).length = segments?.reduce(
            (sum, { memsz }) => sum + PROGRAM_BYTES + memsz,
            HEADER_BYTES,
          );
        },
        kimgcore({ k, op, result, size, segments, offset, length }) {
          const state = kernels.of(k);
          if (op === "open" && result === 0 && size !== undefined) {
            state.size = size;
            if (state.length === undefined) return;
            const wanted = state.length % WRAP;
            if (BigInt(size) === wanted) context.held();
            else {
              context.violated(
                `kernel ${k}: kimgcore of ${segments ?? "some"} segments has ${size} bytes, ` +
                  `not ${wanted}`,
              );
            }
          }
          if (op !== "read" || result < 0) return;
          const given = length ?? result;
          if (state.size === undefined || offset === undefined || given === 0) return;
          if (offset + given <= state.size) context.held();
          else context.violated(`kernel ${k}: a read of kimgcore goes past its end`);
        },
      },
    };
  },
};

const FILE_ENTRY: Rule = {
  id: "F10",
  severity: "error",
  statement: "The entry in kimgcore's header is the image's start at the time it is opened",
  source: "protocol.md F.1 F10, B.3.2",
  systems: "G",
  kind: "matches",
  open(context) {
    const starts = new Map<string, string>();
    return {
      facts: {
        boot: ({ k }) => void starts.delete(k),
        load({ k, slot, entry, result }) {
          if (slot === "default" && result === 0) starts.set(k, entry);
        },
        image_start: ({ k, start }) => void starts.set(k, start),
        kimgcore({ k, op, result, entry, start }) {
          if (op !== "open" || result !== 0 || entry === undefined) return;
          const wanted = starts.get(k) ?? start;
          if (wanted === undefined) return;
          const told = start ?? wanted;
          if (sameNumber(entry, wanted) && sameNumber(told, wanted)) context.held();
          else context.violated(`kernel ${k}: kimgcore has entry ${entry}, its start is ${wanted}`);
        },
      },
    };
  },
};

/** Rules F06 to F10. */
export const KIMGCORE_RULES: readonly Rule[] = [
  NOTHING_TO_OPEN,
  OPEN_HOLDS_LOCK,
  ORDER_OF_CHECKS,
  LENGTH,
  FILE_ENTRY,
];
