/**
 * Rules of the CPU around a jump: what is saved, when interrupts are off, who is online
 * (protocol.md B.4.1, C.7, C.8).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import { PerKernel } from "./per_kernel.ts";

/** F30; also part of F100. */
export const SAME_STATE: Rule = {
  id: "F30",
  severity: "error",
  statement: "The CPU state a kernel restores is the one it saved, and so are device registers",
  source: "protocol.md F.1 F30, C.8 (a kernel that stops before it has restored its CPU state " +
    "has not; devices where their state was saved)",
  systems: "*",
  kind: "matches",
  open(context) {
    const kernels = new PerKernel(() => ({
      /** Digests by `cpu` or the device's name. */
      saved: new Map<string, string>(),
      /** It is entered again and has not restored its CPU state yet. */
      returned: false,
      /** It has been entered again, and nothing was asked of its devices since by an exec. */
      back: false,
      /** Devices that refused to come back: they may be dead (protocol.md G.3). */
      refused: new Set<string>(),
    }));
    // What was saved by a copy; whoever boots meanwhile may have the same name.
    const copied = new Map<string, Map<string, string>>();
    const nameOf = (what: string, device: string | undefined) =>
      what === "device" ? `registers of '${device ?? ""}'` : `${what.toUpperCase()} state`;
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        power() {
          for (const [, state] of kernels) state.returned = false;
        },
        save({ k, what, device, digest }) {
          if (digest !== undefined) kernels.of(k).saved.set(nameOf(what, device), digest);
        },
        snapshot: ({ k }) => void copied.set(k, new Map(kernels.of(k).saved)),
        resumed({ k }) {
          const state = kernels.of(k);
          const atCopy = copied.get(k);
          copied.delete(k);
          if (atCopy !== undefined) state.saved = atCopy;
          state.returned = state.saved.has("CPU state");
          state.back = true;
        },
        exec: ({ k }) => void (kernels.of(k).back = false),
        phase({ k, device, name, result }) {
          if (!/^(?:thaw|resume|restore)/.test(name)) return;
          if (result !== 0) kernels.of(k).refused.add(device);
          else if (!name.includes("_")) kernels.known(k)?.refused.delete(device);
        },
        // Registers that were not put back show when the device is used.
        selftest({ k, what, name, expected, actual }) {
          if (what !== "device" || expected === actual || !kernels.known(k)?.back) return;
          if (kernels.known(k)?.refused.has(name)) return;
          context.violated(`device '${name}' of kernel ${k} is not as it was: ${actual}`);
        },
        panic({ k, reason }) {
          const state = kernels.known(k);
          if (!state?.returned) return;
          state.returned = false;
          context.violated(`kernel ${k} stops before its CPU state is restored: ${reason}`);
        },
        restore({ k, what, device, digest }) {
          const { saved } = kernels.of(k);
          if (what === "cpu") kernels.of(k).returned = false;
          const name = nameOf(what, device);
          const wanted = saved.get(name);
          if (wanted === undefined) return;
          if (digest !== wanted) {
            context.violated(`kernel ${k} restores ${name} ${digest}, it saved ${wanted}`);
          } else if (what === "cpu") context.held();
        },
      },
    };
  },
};

const SAVE_AND_RESTORE: Rule = {
  id: "F31",
  severity: "error",
  statement: "A kernel saves its CPU state before a preserving jump, and restores it after the " +
    "return and before it lets interrupts in",
  source: "protocol.md F.1 F31, C.7 steps 1 and 21",
  systems: "*",
  kind: "always-before",
  open(context) {
    const kernels = new PerKernel(() => ({
      calling: false,
      saved: false,
      away: false,
      restoring: false,
    }));
    // Copied and not restored yet; whoever boots meanwhile may have the same name.
    const copied = new Set<string>();
    const copies = (k: string) => {
      copied.add(k);
      const state = kernels.of(k);
      if (!state.saved) context.violated(`kernel ${k} copies its memory with no CPU state saved`);
      state.away = true;
    };
    const enter = (k: string) => {
      const entered = kernels.of(k);
      entered.restoring ||= entered.away || copied.has(k);
      entered.away = false;
      copied.delete(k);
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        exec({ k }) {
          const state = kernels.of(k);
          Object.assign(state, { calling: true, saved: false });
        },
        exec_done: ({ k }) => void Object.assign(kernels.of(k), { calling: false }),
        save({ k, what }) {
          if (what === "cpu") kernels.of(k).saved = true;
        },
        restore({ k, what }) {
          const state = kernels.of(k);
          if (what !== "cpu" || !state.restoring) return;
          state.restoring = false;
          context.held();
        },
        snapshot({ k, result }) {
          if (result === 0) copies(k);
        },
        pageset({ k, set, op }) {
          if (set === "1" && op === "copy") copies(k);
        },
        resumed: ({ k }) => enter(k),
        jump({ from, to, preserve }) {
          const leaving = kernels.of(from);
          if (leaving.calling && preserve) {
            if (!leaving.saved) context.violated(`kernel ${from} jumps with no CPU state saved`);
            leaving.away = true;
          }
          leaving.calling = false;
          enter(to);
        },
        interrupts({ k, enabled }) {
          const state = kernels.of(k);
          if (!enabled || !state.restoring) return;
          state.restoring = false;
          context.violated(`kernel ${k} lets interrupts in before it restored its CPU state`);
        },
      },
    };
  },
};

const INTERRUPTS_OFF: Rule = {
  id: "F32",
  severity: "error",
  statement:
    "Interrupts are off when a kernel jumps or copies its memory, and stay off after its " +
    "return until the CPU state is restored",
  source: "protocol.md F.1 F32, C.7 step 2, B.4.1 step 10",
  systems: "*",
  kind: "always-before",
  open(context) {
    const kernels = new PerKernel(() => ({
      calling: false,
      enabled: true,
      away: false,
      restoring: false,
    }));
    const alone = (k: string, what: string) => {
      if (kernels.of(k).enabled) context.violated(`kernel ${k} ${what} with interrupts on`);
      else context.held();
    };
    // Copied and not restored yet; whoever boots meanwhile may have the same name.
    const copied = new Set<string>();
    const copies = (k: string) => {
      copied.add(k);
      alone(k, "copies its memory");
      kernels.of(k).away = true;
    };
    const enter = (k: string) => {
      const entered = kernels.of(k);
      entered.restoring ||= entered.away || copied.has(k);
      entered.away = false;
      copied.delete(k);
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        exec: ({ k }) => void (kernels.of(k).calling = true),
        exec_done: ({ k }) => void (kernels.of(k).calling = false),
        snapshot: ({ k }) => copies(k),
        pageset({ k, set, op }) {
          if (set === "1" && op === "copy") copies(k);
        },
        resumed: ({ k }) => enter(k),
        final_copy: ({ k }) => alone(k, "puts an image in place"),
        interrupts({ k, enabled }) {
          const state = kernels.of(k);
          state.enabled = enabled;
          if (!enabled || !state.restoring) return;
          state.restoring = false;
          context.violated(`kernel ${k} lets interrupts in before its CPU state is restored`);
        },
        restore({ k, what }) {
          if (what === "cpu") kernels.of(k).restoring = false;
        },
        jump({ from, to, preserve }) {
          enter(to);
          const leaving = kernels.of(from);
          if (!leaving.calling) return;
          leaving.calling = false;
          leaving.away = preserve;
          if (leaving.enabled) context.violated(`kernel ${from} jumps with interrupts on`);
          else context.held();
        },
      },
    };
  },
};

const ONE_CPU: Rule = {
  id: "F33",
  severity: "error",
  statement: "Only the boot CPU is online when a kernel jumps, copies its memory or is replaced",
  source: "protocol.md F.1 F33, B.4.1 steps 8-9 (6.1)",
  systems: "VGMST",
  kind: "always-before",
  needs: ["cpus", "jump", "snapshot"],
  open(context) {
    const kernels = new PerKernel(() => ({
      calling: false,
      online: undefined as string | undefined,
    }));
    const alone = (k: string, what: string) => {
      const { online } = kernels.of(k);
      if (online === undefined) return;
      if (/^0(?:-0)?$/.test(online)) context.held();
      else context.violated(`kernel ${k} ${what} with CPUs ${online} online`);
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        exec: ({ k }) => void (kernels.of(k).calling = true),
        exec_done: ({ k }) => void (kernels.of(k).calling = false),
        cpus: ({ k, online }) => void (kernels.of(k).online = online),
        snapshot: ({ k }) => alone(k, "copies its memory"),
        pageset({ k, set, op }) {
          if (set === "1" && op === "copy") alone(k, "copies its memory");
        },
        final_copy: ({ k }) => alone(k, "puts an image in place"),
        jump({ from, preserve }) {
          const { calling } = kernels.of(from);
          kernels.of(from).calling = false;
          if (calling || preserve) alone(from, "jumps");
        },
      },
    };
  },
};

const LEGACY_INTERRUPTS: Rule = {
  id: "F96",
  severity: "error",
  statement: "The IO-APIC is put into legacy mode before a preserving jump",
  source: "protocol.md F.1 F96, C.7 step 3 (6.1)",
  systems: "M",
  kind: "always-before",
  open(context) {
    const kernels = new PerKernel(() => ({ calling: false, legacy: false }));
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        exec: ({ k }) => void (kernels.of(k).calling = true),
        exec_done: ({ k }) => void (kernels.of(k).calling = false),
        ioapic: ({ k, mode }) => void (kernels.of(k).legacy = mode === "legacy"),
        jump({ from, preserve }) {
          const state = kernels.of(from);
          if (state.calling && preserve) {
            if (state.legacy) context.held();
            else context.violated(`kernel ${from} jumps with its IO-APIC not in legacy mode`);
          }
          state.calling = false;
        },
      },
    };
  },
};

const NO_WAY_BACK: Rule = {
  id: "F97",
  severity: "error",
  statement: "From the point of no return to the jump nothing is allocated and nothing fails",
  source: "protocol.md F.1 F97, B.4.2 (6.1)",
  systems: "VM",
  kind: "never",
  open(context) {
    const beyond = new Set<string>();
    const broken = (k: string, what: string) => {
      if (beyond.delete(k)) context.violated(`kernel ${k} ${what} beyond the point of no return`);
    };
    return {
      facts: {
        boot: ({ k }) => void beyond.delete(k),
        power: () => beyond.clear(),
        point_of_no_return: ({ k }) => void beyond.add(k),
        allocate: ({ k }) => broken(k, "allocates"),
        exec_done: ({ k }) => broken(k, "comes back to its caller"),
        phase: ({ k }) => broken(k, "calls a device"),
        thaw: ({ k }) => broken(k, "thaws its tasks"),
        panic({ k, reason }) {
          broken(k, "panics");
          // The processor stops in a kernel's relocate code, which is the kernel's no more.
          for (const left of [...beyond]) broken(left, `is lost (${reason})`);
        },
        jump({ from }) {
          if (beyond.delete(from)) context.held();
        },
      },
    };
  },
};

/** Rules F30 to F33, F96 and F97. */
export const CPU_RULES: readonly Rule[] = [
  SAME_STATE,
  SAVE_AND_RESTORE,
  INTERRUPTS_OFF,
  ONE_CPU,
  LEGACY_INTERRUPTS,
  NO_WAY_BACK,
];
