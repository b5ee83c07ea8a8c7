/**
 * Rules of what surrounds the device phases of a hibernation: file systems written back, tasks
 * frozen, notifiers called in pairs (protocol.md B.5.2).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import { PerKernel } from "./per_kernel.ts";

const USER_FIRST: Rule = {
  id: "F42",
  severity: "error",
  statement: "User tasks are frozen before kernel threads, and no task of a user goes on while " +
    "kernel threads stand still",
  source: "protocol.md F.1 F42, B.5.2 steps 5, 7.3 and 9",
  systems: "S",
  kind: "always-before",
  open(context) {
    const kernels = new PerKernel(() => ({ user: false, threads: false, broken: false }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        freeze({ k, what, result }) {
          const state = kernels.of(k);
          if (what === "user") state.user = result === 0;
          else {
            if (!state.user) {
              state.broken = true;
              context.violated(`kernel ${k} freezes its threads before its users' tasks`);
            }
            state.threads = result === 0;
          }
        },
        thaw({ k, what }) {
          const state = kernels.known(k);
          if (state === undefined) return;
          if (what === "user" && state.threads) {
            state.broken = true;
            context.violated(`kernel ${k} thaws its users' tasks before its threads`);
          }
          if (what !== "user") state.threads = false;
          if (what === "kthreads") return;
          if (what === "all" && state.user && !state.broken) context.held();
          kernels.forget(k);
        },
      },
    };
  },
};

const SYNC_FIRST: Rule = {
  id: "F43",
  severity: "error",
  statement: "A kernel that hibernates writes its file systems back before it freezes its tasks",
  source: "protocol.md F.1 F43, B.5.2 step 4",
  systems: "S",
  kind: "always-before",
  open(context) {
    const kernels = new PerKernel(() => ({
      synced: false,
      frozen: undefined as "synced" | "not synced" | undefined,
    }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        sync: ({ k }) => void (kernels.of(k).synced = true),
        freeze({ k, what }) {
          const state = kernels.of(k);
          if (what === "user") state.frozen = state.synced ? "synced" : "not synced";
        },
        thaw: ({ k, what }) => {
          if (what !== "kthreads") kernels.forget(k);
        },
        snapshot({ k }) {
          const state = kernels.of(k);
          if (state.frozen === "synced") context.held();
          else if (state.frozen === "not synced") {
            context.violated(`kernel ${k} hibernates without having written its files back`);
          }
          state.frozen = undefined;
        },
      },
    };
  },
};

/** The event that ends what another one began; numbers as in protocol.md B.5.2 and B.5.7. */
const POST_OF: { readonly [event: string]: string } = {
  PM_HIBERNATION_PREPARE: "PM_POST_HIBERNATION",
  PM_SUSPEND_PREPARE: "PM_POST_SUSPEND",
  PM_RESTORE_PREPARE: "PM_POST_RESTORE",
};
const NUMBERED: { readonly [number: string]: string } = {
  1: "PM_HIBERNATION_PREPARE",
  2: "PM_POST_HIBERNATION",
  3: "PM_SUSPEND_PREPARE",
  4: "PM_POST_SUSPEND",
  5: "PM_RESTORE_PREPARE",
  6: "PM_POST_RESTORE",
};

function eventName(event: string): string {
  return /^(?:0x)?0*[1-6]$/.test(event) ? NUMBERED[event.slice(-1)] ?? event : event;
}

const NOTIFIERS_IN_PAIRS: Rule = {
  id: "F44",
  severity: "error",
  statement: "Every notifier that was told of a beginning is told of its end, once",
  source: "protocol.md F.1 F44, B.5.2 steps 3 and 9 (one that refused is not told)",
  systems: "VS",
  kind: "matches",
  open(context) {
    // Per kernel: what each callback waits for, and whether an exec is inside.
    const kernels = new PerKernel(() => ({ open: new Map<string, string>(), calling: false }));
    // As it was at a copy: the kernel that loads the image may have the same name.
    const copied = new Map<string, ReadonlyMap<string, string>>();
    const settle = (k: string) => {
      const { open } = kernels.of(k);
      for (const [callback, post] of open) {
        context.violated(`kernel ${k}: notifier '${callback}' never heard ${post}`);
      }
      open.clear();
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        exec: ({ k }) => void (kernels.of(k).calling = true),
        snapshot: ({ k }) => void copied.set(k, new Map(kernels.of(k).open)),
        resumed({ k }) {
          const open = copied.get(k);
          if (open !== undefined) Object.assign(kernels.of(k), { open: new Map(open) });
        },
        notifier({ k, chain, event, callback, returned, result }) {
          if (chain !== "pm") return;
          const { open } = kernels.of(k);
          const name = eventName(event);
          const post = POST_OF[name];
          if (post !== undefined) {
            if (open.has(callback)) {
              context.violated(`kernel ${k}: '${callback}' hears ${name} before ${post}`);
            }
            if (returned !== "error" && result >= 0) open.set(callback, post);
          } else if (open.get(callback) === name) {
            open.delete(callback);
            context.held();
          } else context.violated(`kernel ${k}: '${callback}' hears ${name} without a beginning`);
        },
        exec_done({ k }) {
          kernels.of(k).calling = false;
          settle(k);
        },
        console({ k, op }) {
          if (op === "restore" && !kernels.of(k).calling) settle(k);
        },
      },
    };
  },
};

/** Rules F42 to F44. */
export const FREEZER_RULES: readonly Rule[] = [USER_FIRST, SYNC_FIRST, NOTIFIERS_IN_PAIRS];
