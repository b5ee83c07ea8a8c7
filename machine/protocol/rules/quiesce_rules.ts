/**
 * Rules of standing still and of giving up: quiet devices, undone phases, thawed
 * tasks (protocol.md B.4.1, B.4.2).
 *
 * @module
 */
import type { Rule } from "../../conformance/rule.ts";
import { DOWN_RANK, isDeviceUp, isQuiet, isQuieting, LEVELS, undoneLevel } from "./device_table.ts";
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
      // Where the drive itself is named among the devices, its own freeze is what counts.
      if (state.closed || state.devices.has("disk")) breach(k, state, what);
      else state.suspect ??= { seq, what };
    };
    return {
      facts: {
        boot: ({ k }) => kernels.forget(k),
        power({ op }) {
          if (op !== "on") forgetLiving(kernels);
        },
        phase({ k, device: name, name: phase, result }) {
          if (isQuieting(phase) && result === 0) {
            const state = kernels.of(k);
            state.frozen = true;
            state.suspect = undefined;
            if (isQuiet(phase)) state.devices.add(name);
          } else if (isDeviceUp(phase)) {
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
  source: "protocol.md F.1 F40, B.4.2, B.5.3 (6.1 leaves devices frozen: F.2). A transition " +
    "without exec ends where tasks are thawed; what its caller gets shows in no fact",
  systems: "MS",
  kind: "matches",
  open(context) {
    const kernels = new PerKernel(() => ({
      calling: false,
      error: 0,
      broken: false,
      /** `device level` for each phase that was done and is not undone. */
      done: new Set<string>(),
    }));
    const breach = (k: string, reason: string) => {
      const state = kernels.of(k);
      if (state.error === 0 || state.broken) return;
      state.broken = true;
      context.violated(`kernel ${k}: ${reason}`);
    };
    const end = (k: string) => {
      const { done, error, broken } = kernels.of(k);
      const [left] = done;
      if (left !== undefined) breach(k, `'${phaseText(left)}' was not undone`);
      if (error !== 0 && !broken && left === undefined) context.held();
      kernels.forget(k);
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
          const down = DOWN_RANK[name];
          const undone = undoneLevel(name);
          if (undone !== undefined) {
            // Noirq is undone before early, early before main: what lies above must be gone.
            const above = [...state.done].find((entry) => levelOf(entry) > undone);
            if (above !== undefined) {
              breach(k, `${name} of '${device}' before '${phaseText(above)}' is undone`);
            }
            state.done.delete(`${device} ${undone}`);
          } else if (down !== undefined) {
            if (state.error !== 0 && !state.calling && state.done.size === 0) end(k);
            const current = kernels.of(k);
            if (current.error !== 0) breach(k, `${name} of '${device}' after the error`);
            if (result === 0) current.done.add(`${device} ${down}`);
            else current.error = result;
          }
        },
        point_of_no_return: ({ k }) => breach(k, "it leaves in spite of the error"),
        snapshot: ({ k }) => breach(k, "it copies its memory in spite of the error"),
        final_copy: ({ k }) => breach(k, "it restores in spite of the error"),
        jump: ({ from }) => kernels.forget(from),
        thaw({ k, what }) {
          const state = kernels.known(k);
          if (state !== undefined && !state.calling && what !== "kthreads") end(k);
        },
        exec_done({ k, result }) {
          const { error } = kernels.of(k);
          if (result !== error) breach(k, `error ${error} reached the caller as ${result}`);
          end(k);
        },
      },
    };
  },
};

/** Level of an entry `device level`. */
function levelOf(entry: string): number {
  return Number(entry.slice(entry.lastIndexOf(" ") + 1));
}

/** An entry as a report names it. */
function phaseText(entry: string): string {
  return `${entry.slice(0, entry.lastIndexOf(" "))} ${LEVELS[levelOf(entry)] ?? ""}`;
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

/** Rules F37, F40 and F41. */
export const QUIESCE_RULES: readonly Rule[] = [
  QUIESCENT,
  UNDONE,
  FREEZE_FAILED,
];
