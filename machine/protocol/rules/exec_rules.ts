/**
 * Rules of executing an image: what must be loaded, what a refusal must leave untouched, and the
 * lock around it (protocol.md B.4.1 steps 1 and 2).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import { isZero, sameNumber } from "./hex.ts";
import { ERRNO } from "./load_table.ts";
import { PerKernel } from "./per_kernel.ts";

const LOADED_FIRST: Rule = {
  id: "F01",
  severity: "error",
  statement: "A kernel jumps only by an image that was loaded and not unloaded since; a " +
    "preserving jump leaves it loaded, a plain one ends the kernel",
  source: "protocol.md F.1 F01, B.4.1 step 2",
  systems: "RVGM",
  kind: "always-before",
  open(context) {
    const kernels = new PerKernel(() => ({
      /** By slot; without an entry where the beginning was not seen: that is not judged. */
      loaded: new Map<string, boolean>(),
      pending: undefined as string | undefined,
      ended: false,
    }));
    const alive = (k: string, what: string) => {
      if (kernels.of(k).ended) {
        context.violated(`kernel ${k} ${what} after a plain jump had ended it`);
      }
    };
    return {
      facts: {
        boot({ k }) {
          kernels.forget(k);
          kernels.of(k).loaded.set("default", false).set("crash", false);
        },
        load({ k, slot, segments, result }) {
          alive(k, "loads");
          const { loaded } = kernels.of(k);
          if (result === 0) loaded.set(slot, segments > 0);
          // A crash load that fails may have freed the one before it (F19).
          else if (slot === "crash") loaded.delete(slot);
        },
        unload({ k, slot, result }) {
          if (result === 0) kernels.of(k).loaded.set(slot, false);
        },
        exec({ k, loaded, slot = "default" }) {
          alive(k, "executes");
          const state = kernels.of(k);
          state.pending = slot;
          const known = state.loaded.get(slot);
          if (known !== undefined && known !== loaded) {
            context.violated(
              `kernel ${k} ${loaded ? "finds an image that is not loaded" : "lost its image"}`,
            );
          }
        },
        exec_done({ k }) {
          kernels.of(k).pending = undefined;
        },
        // The RFC jumps back by the jump buffer; nothing is loaded for that.
        jump_buffer({ k, op }) {
          if (op === "use") kernels.of(k).pending = undefined;
        },
        jump({ from, to, preserve }) {
          alive(to, "is entered");
          const state = kernels.known(from);
          if (state?.pending === undefined) return;
          const loaded = state.loaded.get(state.pending);
          state.pending = undefined;
          state.ended = !preserve;
          if (loaded === false) context.violated(`kernel ${from} jumps with nothing loaded`);
          else if (loaded) context.held();
        },
      },
    };
  },
};

const NOTHING_LOADED: Rule = {
  id: "F03",
  severity: "error",
  statement: "Executing with nothing loaded gives EINVAL and changes nothing",
  source: "protocol.md F.1 F03, B.4.1 step 2 (6.1)",
  systems: "VM",
  kind: "matches",
  open(context) {
    const empty = new Set<string>();
    const untouched = (k: string, what: string) => {
      if (empty.delete(k)) context.violated(`kernel ${k} goes on to ${what} with nothing loaded`);
    };
    return {
      facts: {
        boot: ({ k }) => void empty.delete(k),
        exec({ k, loaded }) {
          if (!loaded) empty.add(k);
        },
        exec_done({ k, result }) {
          if (!empty.delete(k)) return;
          if (result === ERRNO.EINVAL) context.held();
          else context.violated(`kernel ${k}: executing nothing gave ${result}, not EINVAL`);
        },
        console: ({ k }) => untouched(k, "change the console"),
        freeze: ({ k }) => untouched(k, "freeze tasks"),
        phase: ({ k }) => untouched(k, "call devices"),
        cpus: ({ k }) => untouched(k, "change its CPUs"),
        syscore: ({ k }) => untouched(k, "call system devices"),
        point_of_no_return: ({ k }) => untouched(k, "leave"),
        jump: ({ from }) => untouched(from, "jump"),
      },
    };
  },
};

const ONE_HOLDER: Rule = {
  id: "F04",
  severity: "error",
  statement: "At most one of load, unload, exec, open of kimgcore and the crash path holds the " +
    "kexec lock, and who gives it back is who took it",
  source: "protocol.md F.1 F04, B.4.1 step 1",
  systems: "VGM",
  kind: "never",
  open(context) {
    const holders = new Map<string, string>();
    // Calls of exec that have not come back.
    const calls = new Map<string, number>();
    return {
      facts: {
        boot({ k }) {
          holders.delete(k);
          calls.delete(k);
        },
        lock({ k, holder, op }) {
          const current = holders.get(k);
          if (op === "take") {
            if (current === undefined) context.held();
            else context.violated(`kernel ${k}: ${holder} takes the lock that ${current} holds`);
            holders.set(k, holder);
          } else if (op === "release") {
            if (current !== undefined && current !== holder) {
              context.violated(`kernel ${k}: ${holder} gives back the lock that ${current} holds`);
            }
            holders.delete(k);
          }
        },
        exec: ({ k }) => void calls.set(k, (calls.get(k) ?? 0) + 1),
        exec_done: ({ k }) => void calls.set(k, (calls.get(k) ?? 1) - 1),
        // No call is left and a tool has ended: nobody will give it back any more.
        tool({ k }) {
          const holder = holders.get(k);
          if (holder === undefined || !holder.startsWith("exec") || calls.get(k) !== 0) return;
          context.violated(`kernel ${k}: ${holder} is over and has kept the lock`);
          holders.delete(k);
        },
      },
    };
  },
};

const REFUSED_LOCK: Rule = {
  id: "F05",
  severity: "error",
  statement: "A refused lock gives EBUSY at once, to a caller that changes nothing",
  source: "protocol.md F.1 F05, B.4.1 step 1, real recordings fact 9",
  systems: "VGM",
  kind: "matches",
  open(context) {
    const kernels = new PerKernel(() => ({
      holder: undefined as string | undefined,
      execRefused: false,
    }));
    const untouched = (k: string, what: string) => {
      const state = kernels.known(k);
      if (state === undefined || !state.execRefused || state.holder?.startsWith("exec")) return;
      state.execRefused = false;
      context.violated(`kernel ${k} ${what} for an exec that did not get the lock`);
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        lock({ k, holder, op, result }) {
          const state = kernels.of(k);
          if (op === "take") state.holder = holder;
          else if (op === "release") state.holder = undefined;
          else {
            if (result !== ERRNO.EBUSY) {
              context.violated(`kernel ${k}: the lock refused ${holder} with ${result}`);
            } else context.held();
            if (holder.startsWith("exec")) state.execRefused = true;
          }
        },
        exec_done({ k, result }) {
          const state = kernels.of(k);
          if (!state.execRefused) return;
          // With another exec inside, either of the two may come back first.
          if (state.holder?.startsWith("exec") && result !== ERRNO.EBUSY) return;
          state.execRefused = false;
          if (result === ERRNO.EBUSY) context.held();
          else context.violated(`kernel ${k}: exec gave ${result} after the lock refused it`);
        },
        freeze: ({ k }) => untouched(k, "freezes tasks"),
        phase: ({ k }) => untouched(k, "calls devices"),
        point_of_no_return: ({ k }) => untouched(k, "leaves"),
      },
    };
  },
};

const DEAD_START: Rule = {
  id: "F27",
  severity: "error",
  statement: "An image whose start address is 0 or no entry of anyone is not executed: the tool " +
    "refuses",
  source: "protocol.md F.1 F27, C.7 P1 and P3, B.4.3 after step 8",
  systems: "VM",
  kind: "never",
  open(context) {
    // Why the loaded image of a kernel may not be executed, and who has called exec meanwhile.
    const dead = new Map<string, string>();
    const callers = new Set<string>();
    // Where what runs was entered last: an entry that may be used again.
    const entered = new Map<string, string>();
    // When whose call came back: the status of the tool that made it is no refusal.
    const returned = new Map<string, number>();
    const revive = ({ k, result }: { readonly k: string; readonly result: number }) => {
      if (result === 0) dead.delete(k);
    };
    return {
      facts: {
        boot: ({ k }) => void dead.delete(k),
        load: revive,
        unload: revive,
        exec({ k, loaded, start }) {
          callers.add(k);
          if (!loaded) return;
          const reason = isZero(start) ? "its start address is 0" : dead.get(k);
          if (reason !== undefined) context.violated(`kernel ${k} executes although ${reason}`);
        },
        exec_done({ k }, { vt }) {
          callers.delete(k);
          returned.set(k, vt);
        },
        jump({ from, to, entry, word }) {
          // Whoever leaves without a call of exec returned plainly: nobody's entry is at its SP,
          // unless its own was pushed there before.
          if (word === undefined || entry === undefined) return;
          const own = entered.get(from);
          if (callers.delete(from) || (own !== undefined && sameNumber(own, word))) dead.delete(to);
          else dead.set(to, "what it jumped to has returned and left no entry");
          entered.set(to, entry);
        },
        image_start({ k, start }) {
          if (isZero(start)) dead.set(k, "its start address is 0");
        },
        tool({ k, program, arguments: words, status }, { vt }) {
          if (program !== "kexec" || returned.get(k) === vt || !dead.has(k)) return;
          if (!words.split(/\s+/).some((word) => word === "-e" || word === "--exec")) return;
          if (status !== 0) context.held();
        },
      },
    };
  },
};

/** Rules F01 to F05 and F27. */
export const EXEC_RULES: readonly Rule[] = [
  LOADED_FIRST,
  NOTHING_LOADED,
  ONE_HOLDER,
  REFUSED_LOCK,
  DEAD_START,
];
