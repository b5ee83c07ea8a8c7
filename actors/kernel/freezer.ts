/**
 * The freezer: user tasks stop where they are and go on later (protocol.md B.4.1 step 5). A task
 * that waits for a device is not stopped before the device has answered.
 *
 * @module
 */
import { ERRNO } from "./errno.ts";
import { numberOf } from "./kernel_context.ts";
import type { Kernel } from "./kernel_context.ts";
import { ask, done, fail, goto, next, type Procedure, procedure } from "./procedure.ts";
import type { Process } from "./state.ts";

/** How long tasks are given, and how often it is looked again: 20 s (protocol.md H). */
const TIMEOUT_NS = 20_000_000_000;
const LOOK_NS = 10_000_000;

function mustFreeze(kernel: Kernel, process: Process): boolean {
  return process.kind === "user" && process !== kernel.process &&
    process.wait.kind !== "exited" && !isAncestor(kernel, process);
}

/** The task that asked for the jump, and those that wait for it, are not stopped by it. */
function isAncestor(kernel: Kernel, process: Process): boolean {
  let current: Process | undefined = kernel.process;
  while (current !== undefined) {
    if (current === process) return true;
    const parent: number = current.parent;
    current = parent === current.pid ? undefined : kernel.task(parent);
  }
  return false;
}

function canFreeze(process: Process): boolean {
  return process.wait.kind !== "reply" || process.sleeping;
}

const freezeProcesses = procedure("freeze_processes", [
  {
    name: "begin",
    run: (kernel) => {
      // A new transition: wake-up events of before do not concern it.
      kernel.state.wakeupPending = 0;
      return next;
    },
  },
  {
    name: "freeze",
    run: (kernel, vars) => {
      const left = kernel.state.processes.filter((process) =>
        mustFreeze(kernel, process) && !process.frozen
      );
      for (const process of left) if (canFreeze(process)) process.frozen = true;
      if (left.every((process) => process.frozen)) {
        kernel.fact("freeze", { what: "user", result: 0 });
        return done();
      }
      const since = vars["since"] === undefined ? kernel.out.now : numberOf(vars["since"]);
      vars["since"] = since;
      if (kernel.out.now - since < TIMEOUT_NS) return next;
      kernel.fact("freeze", { what: "user", result: -ERRNO.EBUSY });
      for (const process of kernel.state.processes) process.frozen = false;
      kernel.fact("thaw", { what: "user" });
      kernel.print("Freezing of tasks failed after 20 seconds");
      return fail(ERRNO.EBUSY);
    },
  },
  {
    name: "wait",
    run: () => ask("rtc", "timer.arm", { delay_ns: LOOK_NS }),
    then: () => goto("freeze"),
  },
]);

/** `thaw_processes {what?}`: all that was frozen; "all" where kernel threads were, too. */
const thawProcesses = procedure("thaw_processes", [
  {
    name: "thaw",
    run: (kernel, vars) => {
      for (const process of kernel.state.processes) {
        if (!process.frozen) continue;
        process.frozen = false;
        if (!process.sleeping) continue;
        // The timer it slept on was reset with the machine, or has gone on without it: the sleep
        // ends now.
        process.sleeping = false;
        process.wait = { kind: "ready" };
        process.held = {};
      }
      kernel.fact("thaw", { what: vars["what"] === "all" ? "all" : "user" });
      return done();
    },
  },
]);

/** Procedures of the freezer. */
export const FREEZER_PROCEDURES: readonly Procedure[] = [freezeProcesses, thawProcesses];
