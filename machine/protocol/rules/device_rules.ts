/**
 * Rules of device phases around a jump: their order and what they leave (protocol.md B.4.1,
 * B.5.3).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import {
  CHILDREN_FIRST,
  DOWN_RANK,
  isDeviceDown,
  isDeviceUp,
  isQuieting,
  UP_RANK,
} from "./device_table.ts";
import { PerKernel } from "./per_kernel.ts";

const SYSCORE_RANK = 4;
const PHASES_DOWN = ["prepare", "freeze", "freeze_late", "freeze_noirq", "syscore", "jump"];
const PHASES_UP = ["syscore", "noirq", "early", "main", "complete"];

interface Descent {
  /** By an exec that preserves, or a transition without exec, which begins with its first phase. */
  way: "exec" | "own" | undefined;
  rank: number;
  /** The transition failed and is on its way up again. */
  undoing: boolean;
  readonly frozen: Set<string>;
  readonly quiet: Set<string>;
  /** A recording shows only the devices that have a callback in a phase. */
  partial: boolean;
}

/** Why a kernel may not jump yet. */
function descentFault({ rank, frozen, quiet, partial }: Descent): string | undefined {
  if (frozen.size === 0) return "before any device was frozen";
  if (quiet.size > 0 && !partial) {
    for (const device of frozen) {
      if (!quiet.has(device)) return `before device '${device}' went through freeze_noirq`;
    }
  }
  return rank < SYSCORE_RANK ? "before the system devices were suspended" : undefined;
}

const ORDER_DOWN: Rule = {
  id: "F34",
  severity: "error",
  statement:
    "On the way down come prepare, freeze, freeze_late, freeze_noirq, the system devices " +
    "and then the jump or the copy",
  source: "protocol.md F.1 F34, B.4.1 steps 7-12, B.5.2 step 7, B.5.3 (6.1)",
  systems: "MS",
  kind: "always-before",
  needs: ["phase", "syscore", "jump", "snapshot"],
  open(context) {
    const kernels = new PerKernel<Descent>(() => ({
      way: undefined,
      rank: 0,
      undoing: false,
      frozen: new Set(),
      quiet: new Set(),
      partial: false,
    }));
    const descend = (state: Descent, k: string, rank: number, what: string) => {
      if (state.way === undefined || state.undoing) return;
      if (rank < state.rank) {
        context.violated(`kernel ${k}: ${what} after ${PHASES_DOWN[state.rank]}`);
      } else state.rank = rank;
    };
    const arrive = (k: string, what: string) => {
      const fault = descentFault(kernels.of(k));
      if (fault === undefined) context.held();
      else context.violated(`kernel ${k} ${what} ${fault}`);
      kernels.forget(k);
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        exec({ k, preserve }) {
          kernels.forget(k);
          if (preserve) kernels.of(k).way = "exec";
        },
        exec_done: ({ k }) => kernels.forget(k),
        phase({ k, device, name, powered, result }) {
          const rank = DOWN_RANK[name];
          const known = kernels.known(k);
          // What was undone, or led to a copy, is over: here the next way down begins.
          if (rank !== undefined && known?.undoing && known.way !== "exec") kernels.forget(k);
          const state = kernels.of(k);
          state.partial ||= powered === undefined;
          if (isDeviceUp(name) || result !== 0) state.undoing = true;
          if (rank === undefined) return;
          state.way ??= "own";
          descend(state, k, rank, `${name} of '${device}'`);
          if (name === "freeze") state.frozen.add(device);
          if (name === "freeze_noirq") state.quiet.add(device);
        },
        syscore({ k, op }) {
          if (op === "suspend") descend(kernels.of(k), k, SYSCORE_RANK, "system devices");
        },
        jump({ from, preserve }) {
          const state = kernels.of(from);
          if (state.way !== undefined && preserve) arrive(from, "jumps");
        },
        snapshot: ({ k }) => arrive(k, "copies its memory"),
        final_copy: ({ k }) => arrive(k, "puts an image in place"),
      },
    };
  },
};

const ORDER_UP: Rule = {
  id: "F35",
  severity: "error",
  statement: "After a return or a copy come the system devices, then noirq, early, main and " +
    "complete",
  source: "protocol.md F.1 F35, B.4.1 steps 13-17, B.5.3 (6.1)",
  systems: "MS",
  kind: "always-before",
  needs: ["phase", "syscore", "jump", "snapshot"],
  open(context) {
    // Rank of what was done since the return; undefined while no return is being handled.
    const kernels = new PerKernel(() => ({
      away: false,
      rank: undefined as number | undefined,
      system: false,
      broken: false,
    }));
    const ascend = (k: string, rank: number, what: string) => {
      const state = kernels.of(k);
      if (state.rank === undefined) return;
      if (rank > 0 && !state.system) {
        if (!state.broken) context.violated(`kernel ${k}: ${what} before the system devices`);
        state.broken = true;
      } else if (rank < state.rank) {
        context.violated(`kernel ${k}: ${what} after ${PHASES_UP[state.rank]}`);
        state.broken = true;
      } else state.rank = rank;
    };
    const enter = (k: string) => {
      const state = kernels.of(k);
      if (state.away) Object.assign(state, { rank: 0, system: false, broken: false });
      state.away = false;
    };
    const end = (k: string) => {
      const state = kernels.of(k);
      if (state.rank === undefined) return;
      if (!state.broken) {
        if (state.rank >= 3) context.held();
        else context.violated(`kernel ${k} goes on without its devices restored`);
      }
      state.rank = undefined;
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        jump({ from, to, preserve }) {
          enter(to);
          kernels.of(from).away = preserve;
        },
        resumed: ({ k }) => enter(k),
        snapshot({ k, result }) {
          if (result !== 0) return;
          // It comes back twice: now, and after a restore.
          kernels.of(k).away = true;
          enter(k);
          kernels.of(k).away = true;
        },
        syscore({ k, op }) {
          if (op !== "resume") return;
          ascend(k, 0, "system devices");
          kernels.of(k).system = true;
        },
        phase({ k, device, name }) {
          const rank = UP_RANK[name];
          if (rank !== undefined) ascend(k, rank, `${name} of '${device}'`);
        },
        exec_done: ({ k }) => end(k),
        image({ k, op }) {
          if (op === "begin") end(k);
        },
        thaw({ k, what }) {
          // In an exec the console comes between the devices and the tasks; there is no copy.
          if (what !== "kthreads") end(k);
        },
      },
    };
  },
};

const FAMILY_ORDER: Rule = {
  id: "F36",
  severity: "error",
  statement:
    "Children freeze and complete before their parents; parents prepare, thaw and restore " +
    "before their children",
  source: "protocol.md F.1 F36, B.5.3 (6.1)",
  systems: "MS",
  kind: "always-before",
  needs: ["phase"],
  open(context) {
    // Of the phase at hand: who went through it, and who is the parent of one that did.
    const kernels = new PerKernel(() => ({
      name: "",
      done: new Set<string>(),
      parents: new Set<string>(),
    }));
    const restart = ({ k }: { readonly k: string }) => kernels.forget(k);
    return {
      facts: {
        boot: restart,
        exec: restart,
        exec_done: restart,
        resumed: restart,
        phase({ k, device, parent, name }) {
          if (kernels.known(k)?.name !== name) kernels.forget(k);
          const state = kernels.of(k);
          const { done, parents } = state;
          state.name = name;
          const childrenFirst = CHILDREN_FIRST.has(name);
          if (childrenFirst && parent !== undefined && done.has(parent)) {
            context.violated(`kernel ${k}: ${name} of '${parent}' before its child '${device}'`);
          } else if (!childrenFirst && parents.has(device)) {
            context.violated(`kernel ${k}: ${name} of a child before its parent '${device}'`);
          } else if (parent !== undefined) context.held();
          done.add(device);
          if (parent !== undefined) parents.add(parent);
        },
      },
    };
  },
};

const NO_LOW_POWER: Rule = {
  id: "F38",
  severity: "error",
  statement: "Freeze phases leave a device powered and not armed to wake the machine",
  source: "protocol.md F.1 F38, B.5.3, B.2.6 issue 1 (suspend callbacks count where an exec " +
    "uses them to stand still)",
  systems: "VMS",
  kind: "never",
  open(context) {
    const calling = new Set<string>();
    return {
      facts: {
        boot: ({ k }) => void calling.delete(k),
        exec: ({ k }) => void calling.add(k),
        exec_done: ({ k }) => void calling.delete(k),
        phase({ k, device, name, powered, wake_armed, result }) {
          if (!isQuieting(name) || result !== 0) return;
          if (name.startsWith("suspend") && !calling.has(k)) return;
          if (powered === false) {
            context.violated(`kernel ${k}: ${name} put '${device}' into low power`);
          } else if (wake_armed) {
            context.violated(`kernel ${k}: ${name} armed '${device}' for wake`);
          } else context.held();
        },
      },
    };
  },
};

type Message = "RESTORE" | "THAW" | "RECOVER";

const RESTORE_MESSAGE: Rule = {
  id: "F39",
  severity: "error",
  statement: "Devices come up with RESTORE after a return, with THAW after a copy, and with " +
    "RECOVER after a failure, where an exec may also use RESTORE",
  source: "protocol.md F.1 F39, B.4.1 steps 13-17, B.4.2, B.5.2 step 7.8, B.5.4 (mainline jump: " +
    "RESTORE; what a failing phase undoes by itself is RECOVER; a wakeup at the copy is no " +
    "failure)",
  systems: "MS",
  kind: "matches",
  needs: ["phase", "jump", "snapshot"],
  open(context) {
    const kernels = new PerKernel(() => ({
      calling: false,
      away: false,
      allowed: [] as readonly Message[],
      why: "",
    }));
    // Those in an image of their own making; whoever boots meanwhile may have the same name.
    const copied = new Set<string>();
    const expect = (k: string, why: string, ...allowed: readonly Message[]) =>
      void Object.assign(kernels.of(k), { allowed, why });
    const enter = (k: string) => {
      const entered = kernels.of(k);
      if (entered.away || copied.has(k)) expect(k, "after the return", "RESTORE");
      entered.away = false;
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        exec({ k, preserve }) {
          kernels.of(k).calling = preserve;
          if (preserve) expect(k, "after a failure", "RESTORE", "RECOVER");
          else expect(k, "");
        },
        exec_done: ({ k }) => kernels.forget(k),
        resumed: ({ k }) => enter(k),
        jump({ from, to, preserve }) {
          enter(to);
          kernels.of(from).away = preserve;
        },
        snapshot({ k, result }) {
          kernels.of(k).away = result === 0;
          if (result === 0) copied.add(k);
          if (result === 0) expect(k, "after the copy", "THAW");
        },
        wakeup({ k, pending }) {
          if (pending && !kernels.of(k).calling) {
            expect(k, "after a wakeup", "RESTORE", "RECOVER", "THAW");
          }
        },
        phase({ k, device, name, message }) {
          const { calling, allowed, why } = kernels.of(k);
          if (isDeviceDown(name) && !calling) {
            if (message === "HIBERNATE") expect(k, "after a failure", "RESTORE", "RECOVER");
            else if (message !== "SUSPEND") expect(k, "after a failure", "RECOVER");
            else expect(k, "");
          }
          if (!isDeviceUp(name) || allowed.length === 0) return;
          if (allowed.some((one) => one === message)) context.held();
          else context.violated(`kernel ${k}: ${name} of '${device}' with ${message} ${why}`);
        },
      },
    };
  },
};

/** Rules F34 to F36, F38 and F39. */
export const DEVICE_RULES: readonly Rule[] = [
  ORDER_DOWN,
  ORDER_UP,
  FAMILY_ORDER,
  NO_LOW_POWER,
  RESTORE_MESSAGE,
];
