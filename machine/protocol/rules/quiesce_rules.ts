/**
 * Rules of standing still and of giving up: quiet devices, undone phases, thawed tasks, the
 * console (protocol.md B.4.1, B.4.2).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import { isDown, isUp, UNDOES } from "./device_table.ts";
import { ERRNO } from "./load_table.ts";
import { PerKernel } from "./per_kernel.ts";

interface Quiet {
  /** Devices that are through freeze_noirq. */
  readonly devices: Set<string>;
  /** Some device went through a freeze phase, be it none of noirq (2.6.27 has its own). */
  frozen: boolean;
  /** All are: the system devices are suspended, or the kernel has left. */
  closed: boolean;
  broken: boolean;
  /** A disk operation that is wrong if no further device freezes after it. */
  suspect: { readonly seq: number; readonly what: string } | undefined;
}

const QUIESCENT: Rule = {
  id: "F37",
  severity: "error",
  statement:
    "From a kernel's last freeze_noirq to its next device phase up, nothing of its doing " +
    "moves memory, raises an interrupt or reaches the disk",
  source: "protocol.md F.1 F37, B.5.3 (quiescent; 6.1)",
  systems: "*",
  kind: "never",
  open(context) {
    const kernels = new PerKernel<Quiet>(() => ({
      devices: new Set(),
      frozen: false,
      closed: false,
      broken: false,
      suspect: undefined,
    }));
    const breach = (k: string, state: Quiet, what: string, seq?: number) => {
      state.broken = true;
      context.violated(`kernel ${k} is quiesced, and ${what}`, seq);
    };
    const close = (k: string) => {
      const state = kernels.known(k);
      if (state === undefined || !state.frozen) return;
      state.closed = true;
      if (state.suspect !== undefined) breach(k, state, state.suspect.what, state.suspect.seq);
      state.suspect = undefined;
    };
    const device = (k: string, name: string, what: string) => {
      const state = kernels.known(k);
      if (state === undefined) return;
      if (state.closed || state.devices.has(name)) breach(k, state, `'${name}' ${what}`);
    };
    const disk = (k: string, what: string, seq: number) => {
      const state = kernels.known(k);
      if (state === undefined || state.devices.size === 0) return;
      if (state.closed) breach(k, state, what);
      else state.suspect ??= { seq, what };
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        power({ op }) {
          if (op !== "on") forgetLiving(kernels);
        },
        phase({ k, device: name, name: phase, result }) {
          if (isDown(phase) && phase !== "prepare" && result === 0) {
            const state = kernels.of(k);
            state.frozen = true;
            state.suspect = undefined;
            if (phase === "freeze_noirq") state.devices.add(name);
          } else if (isUp(phase)) {
            const state = kernels.known(k);
            if (state?.closed && !state.broken) context.held();
            kernels.forget(k);
          }
        },
        syscore({ k, op }) {
          if (op === "suspend") close(k);
        },
        jump: ({ from }) => close(from),
        dma: ({ k, device: name }) => device(k, name, "writes or reads memory"),
        irq: ({ k, device: name }) => device(k, name, "raises its line"),
        disk_read: ({ k }, { seq }) => disk(k, "the disk is read", seq),
        disk_write: ({ k }, { seq }) => disk(k, "the disk is written", seq),
      },
    };
  },
};

/** Power takes the kernels that were on their way down; one that had left may come back. */
function forgetLiving(kernels: PerKernel<Quiet>): void {
  for (const [k, { closed }] of [...kernels]) {
    if (!closed) kernels.forget(k);
  }
}

const UNDONE: Rule = {
  id: "F40",
  severity: "error",
  statement:
    "An error in a device phase ends the transition, undoes the phases that were done in " +
    "reverse order and is what the caller gets",
  source: "protocol.md F.1 F40, B.4.2, B.5.3 (6.1 leaves devices frozen: F.2)",
  systems: "MS",
  kind: "matches",
  open(context) {
    const kernels = new PerKernel(() => ({
      calling: false,
      error: 0,
      broken: false,
      /** `device phase` for each phase that was done and is not undone. */
      done: new Set<string>(),
    }));
    const breach = (k: string, reason: string) => {
      const state = kernels.of(k);
      if (state.error === 0 || state.broken) return;
      state.broken = true;
      context.violated(`kernel ${k}: ${reason}`);
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        exec({ k }) {
          kernels.forget(k);
          kernels.of(k).calling = true;
        },
        phase({ k, device, name, result }) {
          const state = kernels.of(k);
          if (!state.calling) return;
          if (isUp(name)) {
            // Noirq is undone before early, early before main: what lies above must be gone.
            const undone = UNDOES[name] ?? "";
            const above = [...state.done].find((entry) => isAbove(entry, undone));
            if (above !== undefined) {
              breach(k, `${name} of '${device}' before '${above}' is undone`);
            }
            state.done.delete(`${device} ${undone}`);
          } else if (isDown(name)) {
            if (state.error !== 0) breach(k, `${name} of '${device}' after the error`);
            if (result === 0) state.done.add(`${device} ${name}`);
            else state.error = result;
          }
        },
        point_of_no_return: ({ k }) => breach(k, "it leaves in spite of the error"),
        jump: ({ from }) => kernels.forget(from),
        exec_done({ k, result }) {
          const state = kernels.of(k);
          const [left] = state.done;
          if (result !== state.error) {
            breach(k, `error ${state.error} reached the caller as ${result}`);
          }
          if (left !== undefined) breach(k, `'${left}' was not undone`);
          if (state.error !== 0 && !state.broken) context.held();
          kernels.forget(k);
        },
      },
    };
  },
};

const DOWN_ORDER = ["prepare", "freeze", "freeze_late", "freeze_noirq"];

/** Whether an entry `device phase` is of a phase that comes after `phase` on the way down. */
function isAbove(entry: string, phase: string): boolean {
  const own = entry.slice(entry.lastIndexOf(" ") + 1);
  return DOWN_ORDER.indexOf(own) > DOWN_ORDER.indexOf(phase);
}

const FREEZE_FAILED: Rule = {
  id: "F41",
  severity: "error",
  statement:
    "Where tasks cannot be frozen exec gives EBUSY, with the tasks thawed and the console " +
    "restored",
  source: "protocol.md F.1 F41, B.4.1 step 5, B.4.2",
  systems: "M",
  kind: "matches",
  open(context) {
    const failed = new PerKernel(() => ({ thawed: false, restored: false }));
    return {
      facts: {
        boot: ({ k }) => failed.forget(k),
        freeze({ k, what, result }) {
          if (what !== "user" || result === 0) return;
          failed.forget(k);
          failed.of(k);
        },
        thaw({ k, what }) {
          const state = failed.known(k);
          if (state !== undefined && what !== "kthreads") state.thawed = true;
        },
        console({ k, op }) {
          const state = failed.known(k);
          if (state !== undefined && op === "restore") state.restored = true;
        },
        point_of_no_return({ k }) {
          if (failed.known(k) === undefined) return;
          context.violated(`kernel ${k} leaves although a task would not freeze`);
          failed.forget(k);
        },
        exec_done({ k, result }) {
          const state = failed.known(k);
          if (state === undefined) return;
          failed.forget(k);
          if (result !== ERRNO.EBUSY) {
            context.violated(`kernel ${k}: exec gave ${result} where a task would not freeze`);
          } else if (!state.thawed) context.violated(`kernel ${k} left its tasks frozen`);
          else if (!state.restored) context.violated(`kernel ${k} left its console prepared`);
          else context.held();
        },
      },
    };
  },
};

const CONSOLE_OUTERMOST: Rule = {
  id: "F45",
  severity: "error",
  statement: "In a preserving exec the console is prepared before tasks and devices are touched " +
    "and restored after all of them",
  source: "protocol.md F.1 F45, B.4.1 steps 4 and 18",
  systems: "VMS",
  kind: "always-before",
  open(context) {
    const kernels = new PerKernel(() => ({
      calling: false,
      stage: "before" as "before" | "inside" | "after",
      broken: false,
    }));
    const inside = (k: string, what: string) => {
      const state = kernels.of(k);
      if (!state.calling || state.stage === "inside" || state.broken) return;
      state.broken = true;
      context.violated(
        `kernel ${k}: ${what} ${state.stage} the console was ${
          state.stage === "before" ? "prepared" : "restored"
        }`,
      );
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        exec({ k, preserve, loaded }) {
          kernels.forget(k);
          kernels.of(k).calling = preserve && loaded;
        },
        console({ k, op }) {
          const state = kernels.of(k);
          if (op === "prepare") state.stage = "inside";
          else if (op === "restore") state.stage = "after";
        },
        freeze: ({ k, what }) => inside(k, `${what} tasks are frozen`),
        thaw: ({ k, what }) => inside(k, `${what} tasks are thawed`),
        phase: ({ k, device, name }) => inside(k, `${name} of '${device}'`),
        syscore: ({ k, op }) => inside(k, `${op} of the system devices`),
        exec_done({ k }) {
          const { calling, stage, broken } = kernels.of(k);
          kernels.forget(k);
          if (!calling || broken || stage === "before") return;
          if (stage === "after") context.held();
          else context.violated(`kernel ${k} did not restore its console`);
        },
      },
    };
  },
};

/** Rules F37, F40, F41 and F45. */
export const QUIESCE_RULES: readonly Rule[] = [
  QUIESCENT,
  UNDONE,
  FREEZE_FAILED,
  CONSOLE_OUTERMOST,
];
