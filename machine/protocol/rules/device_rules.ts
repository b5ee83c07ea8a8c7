/**
 * Rules of device phases around a jump: their order and what they leave (protocol.md B.4.1,
 * B.5.3).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import { CHILDREN_FIRST, DOWN_RANK, isDown, isUp, UP_RANK } from "./device_table.ts";
import { PerKernel } from "./per_kernel.ts";

const SYSCORE_RANK = 4;
const PHASES_DOWN = ["prepare", "freeze", "freeze_late", "freeze_noirq", "syscore", "jump"];
const PHASES_UP = ["syscore", "noirq", "early", "main", "complete"];

interface Descent {
  calling: boolean;
  rank: number;
  /** The transition failed and is on its way up again. */
  undoing: boolean;
  readonly frozen: Set<string>;
  readonly quiet: Set<string>;
}

/** Why a kernel may not jump yet. */
function descentFault({ rank, frozen, quiet }: Descent): string | undefined {
  if (frozen.size === 0) return "before any device was frozen";
  if (quiet.size > 0) {
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
    "and then the jump",
  source: "protocol.md F.1 F34, B.4.1 steps 7-12, B.5.3 (6.1)",
  systems: "MS",
  kind: "always-before",
  open(context) {
    const kernels = new PerKernel<Descent>(() => ({
      calling: false,
      rank: 0,
      undoing: false,
      frozen: new Set(),
      quiet: new Set(),
    }));
    const descend = (state: Descent, k: string, rank: number, what: string) => {
      if (!state.calling || state.undoing) return;
      if (rank < state.rank) {
        context.violated(`kernel ${k}: ${what} after ${PHASES_DOWN[state.rank]}`);
      } else state.rank = rank;
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        exec({ k, preserve }) {
          kernels.forget(k);
          kernels.of(k).calling = preserve;
        },
        exec_done: ({ k }) => kernels.forget(k),
        phase({ k, device, name, result }) {
          const state = kernels.of(k);
          if (isUp(name) || result !== 0) state.undoing = true;
          const rank = DOWN_RANK[name];
          if (rank === undefined) return;
          descend(state, k, rank, `${name} of '${device}'`);
          if (name === "freeze") state.frozen.add(device);
          if (name === "freeze_noirq") state.quiet.add(device);
        },
        syscore({ k, op }) {
          if (op === "suspend") descend(kernels.of(k), k, SYSCORE_RANK, "system devices");
        },
        jump({ from, preserve }) {
          const state = kernels.of(from);
          if (!state.calling || !preserve) return;
          const fault = descentFault(state);
          if (fault === undefined) context.held();
          else context.violated(`kernel ${from} jumps ${fault}`);
          kernels.forget(from);
        },
      },
    };
  },
};

const ORDER_UP: Rule = {
  id: "F35",
  severity: "error",
  statement: "After a return come the system devices, then noirq, early, main and complete",
  source: "protocol.md F.1 F35, B.4.1 steps 13-17, B.5.3 (6.1)",
  systems: "MS",
  kind: "always-before",
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
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        jump({ from, to, preserve }) {
          const entered = kernels.of(to);
          if (entered.away) Object.assign(entered, { rank: 0, system: false, broken: false });
          entered.away = false;
          kernels.of(from).away = preserve;
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
        exec_done({ k }) {
          const state = kernels.of(k);
          if (state.rank === undefined) return;
          if (!state.broken) {
            if (state.rank >= 3) context.held();
            else context.violated(`kernel ${k} goes on without its devices restored`);
          }
          state.rank = undefined;
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
  open(context) {
    // Of each phase: who went through it, and who is the parent of one that did.
    const kernels = new PerKernel(() => ({
      done: new Map<string, Set<string>>(),
      parents: new Map<string, Set<string>>(),
    }));
    const setOf = (sets: Map<string, Set<string>>, name: string) => {
      let set = sets.get(name);
      if (set === undefined) sets.set(name, set = new Set());
      return set;
    };
    const restart = ({ k }: { readonly k: string }) => kernels.forget(k);
    return {
      facts: {
        boot: restart,
        exec: restart,
        exec_done: restart,
        resumed: restart,
        phase({ k, device, parent, name }) {
          const state = kernels.of(k);
          const done = setOf(state.done, name);
          const parents = setOf(state.parents, name);
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
  source: "protocol.md F.1 F38, B.5.3 (6.1)",
  systems: "VMS",
  kind: "never",
  open(context) {
    return {
      facts: {
        phase({ k, device, name, powered, wake_armed, result }) {
          if (!isDown(name) || name === "prepare" || result !== 0) return;
          if (!powered) context.violated(`kernel ${k}: ${name} put '${device}' into low power`);
          else if (wake_armed) context.violated(`kernel ${k}: ${name} armed '${device}' for wake`);
          else context.held();
        },
      },
    };
  },
};

const RESTORE_MESSAGE: Rule = {
  id: "F39",
  severity: "error",
  statement: "After a return devices come up with RESTORE; before one, a failure brings them up " +
    "with RESTORE or RECOVER",
  source: "protocol.md F.1 F39, B.4.1 steps 13-17, B.4.2 (mainline jump: RESTORE; what a failing " +
    "phase undoes by itself is RECOVER)",
  systems: "MS",
  kind: "matches",
  open(context) {
    const kernels = new PerKernel(() => ({ calling: false, away: false, returned: false }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        exec: ({ k, preserve }) =>
          void Object.assign(kernels.of(k), { calling: preserve, returned: false }),
        exec_done: ({ k }) => kernels.forget(k),
        jump({ from, to, preserve }) {
          const entered = kernels.of(to);
          if (entered.away) entered.returned = true;
          entered.away = false;
          kernels.of(from).away = preserve;
        },
        phase({ k, device, name, message }) {
          const { calling, returned } = kernels.of(k);
          if (!calling || !isUp(name)) return;
          if (message === "RESTORE" || (!returned && message === "RECOVER")) context.held();
          else {
            context.violated(
              `kernel ${k}: ${name} of '${device}' with ${message} ${
                returned ? "after the return" : "after a failure"
              }`,
            );
          }
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
