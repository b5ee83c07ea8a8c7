/**
 * Rules of systems that copy a kernel's memory within itself: room for the copy, TuxOnIce's two
 * page sets, devices that nobody else drives (protocol.md B.5.5, B.6).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import { isDeviceDown } from "./device_table.ts";
import { ERRNO } from "./load_table.ts";
import { PerKernel } from "./per_kernel.ts";

/** Pages kept for input and output while an image is written (PAGES_FOR_IO, 4 MiB). */
const PAGES_FOR_IO = 1024;

const ROOM_FOR_COPY: Rule = {
  id: "F98",
  severity: "error",
  statement: "A copy in RAM has at most half of what is usable, less the reserve; more gives " +
    "ENOMEM before any device is touched",
  source: "protocol.md F.1 F98, B.5.5",
  systems: "S",
  kind: "matches",
  open(context) {
    const kernels = new PerKernel(() => ({
      limit: undefined as number | undefined,
      touched: false,
      refused: false,
    }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        preallocate({ k, pages, usable, metadata, reserved, result }) {
          const state = kernels.of(k);
          const limit = Math.floor((usable - metadata - PAGES_FOR_IO) / 2) - 2 * reserved;
          if (state.touched) {
            context.violated(`kernel ${k} looks for room after it has touched devices`);
          }
          state.limit = limit;
          state.refused = result !== 0;
          if (result === 0 && pages > limit) {
            context.violated(
              `kernel ${k} takes ${pages} pages for its copy, the limit is ${limit}`,
            );
          } else if (result !== 0 && result !== ERRNO.ENOMEM) {
            context.violated(`kernel ${k} finds no room: ${result}, not ENOMEM`);
          } else context.held();
        },
        phase({ k, name }) {
          const state = kernels.known(k);
          if (!isDeviceDown(name)) return;
          if (state?.refused) {
            state.refused = false;
            context.violated(`kernel ${k} goes on to its devices without room for a copy`);
          }
          kernels.of(k).touched = true;
        },
        snapshot({ k, pages, result }) {
          const limit = kernels.known(k)?.limit;
          if (result !== 0 || limit === undefined) return;
          if (pages > limit) {
            context.violated(`kernel ${k} copies ${pages} pages, the limit is ${limit}`);
          }
        },
        thaw({ k, what }) {
          if (what !== "kthreads") kernels.forget(k);
        },
      },
    };
  },
};

const SECOND_SET_FIRST: Rule = {
  id: "F99",
  severity: "error",
  statement: "Page set 2 is written before the atomic copy and loaded after the atomic restore, " +
    "before any task goes on; nothing is synced in between",
  source: "protocol.md F.1 F99, B.6 steps 4 to 6 and resume",
  systems: "T",
  kind: "always-before",
  open(context) {
    const kernels = new PerKernel(() => ({ written: false, copied: false, restored: false }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        pageset({ k, set, op }) {
          const state = kernels.of(k);
          if (set === "2" && op === "write") {
            if (state.copied) context.violated(`kernel ${k} writes page set 2 after the copy`);
            state.written = true;
          } else if (set === "1" && op === "copy") {
            if (state.written) context.held();
            else context.violated(`kernel ${k} copies over page set 2 before it is written`);
            Object.assign(state, { copied: true, restored: false });
          } else if (set === "1" && op === "restore") state.restored = true;
          else if (set === "2" && op === "read") {
            // Before a restore it is read again where the hibernation was called off.
            if (state.restored || state.copied) context.held();
            else context.violated(`kernel ${k} loads page set 2 before page set 1 is restored`);
            Object.assign(state, { written: false, copied: false, restored: false });
          }
        },
        sync({ k }) {
          if (kernels.known(k)?.copied) {
            context.violated(`kernel ${k} syncs while page set 2 is overwritten`);
          }
        },
        thaw({ k, what }) {
          if (what === "kthreads" || !kernels.known(k)?.copied) return;
          context.violated(`kernel ${k} lets its tasks go on without page set 2`);
          kernels.forget(k);
        },
      },
    };
  },
};

const DEVICES_RESET: Rule = {
  id: "F104",
  severity: "error",
  statement: "After a restore every device that was frozen for the copy is reset by a RESTORE " +
    "callback, and works",
  source: "protocol.md F.1 F104, B.5.3 (the state the boot kernel left is unknown); that it " +
    "works is judged where the kernel tests it",
  systems: "S",
  kind: "matches",
  needs: ["phase", "snapshot", "resumed"],
  open(context) {
    const kernels = new PerKernel(() => ({
      frozen: new Set<string>(),
      atCopy: undefined as Set<string> | undefined,
      restoring: false,
      returned: false,
      /** Devices that refused to be restored: they may be dead (protocol.md G.3). */
      refused: new Set<string>(),
    }));
    return {
      facts: {
        boot({ k }) {
          kernels.of(k).frozen.clear();
          kernels.of(k).refused.clear();
          kernels.of(k).returned = false;
        },
        phase({ k, device, name, message, result }) {
          const state = kernels.of(k);
          if (name === "restore" && result !== 0) state.refused.add(device);
          if (name === "freeze") state.frozen.add(device);
          else if (name === "thaw") state.frozen.delete(device);
          else if (name === "restore") {
            state.frozen.delete(device);
            if (state.restoring && message === "RESTORE") state.atCopy?.delete(device);
          }
        },
        snapshot({ k, result }) {
          const state = kernels.of(k);
          if (result === 0) state.atCopy = new Set(state.frozen);
        },
        resumed({ k }) {
          const state = kernels.known(k);
          if (state?.atCopy !== undefined) state.restoring = true;
        },
        thaw({ k, what }) {
          const state = kernels.known(k);
          if (what === "kthreads" || !state?.restoring) return;
          const [left] = state.atCopy ?? [];
          if (left === undefined) context.held();
          else context.violated(`kernel ${k} does not reset '${left}' after the restore`);
          Object.assign(state, { restoring: false, returned: true, atCopy: undefined });
        },
        selftest({ k, what, name, expected, actual }) {
          const state = kernels.known(k);
          if (what !== "device" || !state?.returned || state.refused.has(name)) return;
          if (expected === actual) context.held();
          else context.violated(`device '${name}' of kernel ${k} does not work after the restore`);
        },
      },
    };
  },
};

/** Rules F98, F99 and F104. */
export const COPY_RULES: readonly Rule[] = [ROOM_FOR_COPY, SECOND_SET_FIRST, DEVICES_RESET];
