/**
 * hibernate() (protocol.md B.5.2): the ladder that freezes a kernel, copies it, thaws it, has the
 * copy written and switches off. Its second half also runs in another life: the copy returns a
 * second time behind a restore, and the same rungs are undone with another message.
 *
 * What the device phases are told on the way up follows from `in_suspend`: 1 and no error THAW,
 * 1 and an error RECOVER, 0 RESTORE (B.5.3).
 *
 * @module
 */
import { canSleepDeep } from "./acpi_sleep.ts";
import type { PmMessage } from "./device_phases.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import { ask, call, fail, goto, type Next, next, type Procedure, procedure } from "./procedure.ts";
import type { Step } from "./procedure.ts";
import type { Vars } from "./state.ts";
import { hibernationAvailable, swsuspOf } from "./swsusp_state.ts";
import { isError } from "./values.ts";

/** Time after which it is looked again whether the transition mutex is free. */
const LOOK_NS = 10_000_000;

/** The error a ladder of this file goes up with; 0 for none. */
function errorOf(vars: Vars): number {
  return numberOf(vars["error"] ?? 0);
}

/** The message under which devices come back. */
export function messageUp(kernel: Kernel, vars: Vars): PmMessage {
  const failed = errorOf(vars) !== 0;
  if (swsuspOf(kernel).inSuspend === 1) return failed ? "RECOVER" : "THAW";
  return failed && !kernel.profile.trustsInSuspend ? "RECOVER" : "RESTORE";
}

/** Keeps an error for the message of the way up, and goes up. */
export function failUp(vars: Vars, value: number): Next {
  vars["error"] = value;
  return fail(-value);
}

/** A step that keeps the console, as `kernel_kexec` has it. */
export function consoleStep(down: "prepare" | "suspend", up: "restore" | "resume"): Step {
  return {
    name: down === "prepare" ? "pm_prepare_console" : "suspend_console",
    run: (kernel) => {
      kernel.fact("console", { op: down });
      return next;
    },
    undo: (kernel) => {
      kernel.fact("console", { op: up });
      return next;
    },
  };
}

/** The transition mutex: whoever comes second waits. */
export const LOCK_SYSTEM_SLEEP: Step = {
  name: "lock_system_sleep",
  run: (kernel) => {
    const swsusp = swsuspOf(kernel);
    if (swsusp.locked) return ask("rtc", "timer.arm", { delay_ns: LOOK_NS });
    swsusp.locked = true;
    return next;
  },
  then: () => goto("lock_system_sleep"),
  undo: (kernel) => {
    swsuspOf(kernel).locked = false;
    return next;
  },
};

/** hibernate_acquire(): one owner at a time. */
export function acquire(owner: string): Step {
  return {
    name: "hibernate_acquire",
    run: (kernel) => {
      const swsusp = swsuspOf(kernel);
      if (swsusp.owner !== "") return fail(ERRNO.EBUSY);
      swsusp.owner = owner;
      return next;
    },
    undo: (kernel) => {
      swsuspOf(kernel).owner = "";
      return next;
    },
  };
}

/** A robust call of the notifier chain, and the opposite event on the way up. */
export function notifiers(event: string, undo: string): Step {
  return {
    name: event,
    run: () => call("pm_notify", { event, undo }),
    then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
    undo: () => call("pm_notify", { event: undo }),
  };
}

/** Tasks stop; a wake-up event that came meanwhile ends the transition. */
export const FREEZE_PROCESSES: Step = {
  name: "freeze_processes",
  run: () => call("freeze_processes"),
  then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, -ERRNO.EBUSY) : next,
  undo: () => call("thaw_processes", { what: "all" }),
};

/** Looks for a wake-up event and says so. */
export function wakeupPending(kernel: Kernel, at: string): boolean {
  const pending = kernel.state.wakeupPending > 0;
  kernel.fact("wakeup", { at, pending });
  return pending;
}

/** A step that ends a transition in which a wake-up event came while tasks were frozen. */
export const WAKEUP_WHILE_FREEZING: Step = {
  name: "wake-up while freezing",
  run: (kernel, vars) => {
    if (!wakeupPending(kernel, "freeze_processes")) return next;
    kernel.note("Freezing of user space aborted: wake-up event");
    return failUp(vars, -ERRNO.EBUSY);
  },
};

/** The bitmaps of forbidden and free frames. */
export const MEMORY_BITMAPS: Step = {
  name: "create_basic_memory_bitmaps",
  run: () => call("create_basic_memory_bitmaps"),
  then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
  undo: () => call("free_basic_memory_bitmaps"),
};

/** Whether ACPI takes part: platform mode on a machine that has S4. */
export function isPlatform(kernel: Kernel): boolean {
  return swsuspOf(kernel).mode === "platform" && canSleepDeep(kernel);
}

/** The image is there: it is written, and the machine switched off. */
const writeImage: readonly Step[] = [
  {
    name: "which",
    run: (kernel) => {
      if (swsuspOf(kernel).inSuspend === 1) return next;
      kernel.print("PM: hibernation: Hibernation image restored successfully.");
      return goto("end");
    },
  },
  {
    name: "swsusp_write",
    run: () => call("swsusp_write_image"),
    then: (_kernel, vars, answer) => {
      vars["error"] = isError(answer) ? answer : 0;
      return next;
    },
  },
  {
    name: "swsusp_free",
    run: () => call("swsusp_free"),
  },
  {
    name: "power_down",
    run: (_kernel, vars) => errorOf(vars) === 0 ? call("power_down") : next,
    then: (_kernel, vars, answer) => {
      if (isError(answer)) vars["error"] = answer;
      return next;
    },
  },
  {
    name: "in_suspend := 0",
    run: (kernel) => {
      swsuspOf(kernel).inSuspend = 0;
      return next;
    },
  },
  {
    name: "end",
    run: (_kernel, vars) => fail(-errorOf(vars)),
  },
];

/** `hibernate {}`: 0, or a negative errno. A kernel that was restored gets 0, too. */
const hibernate = procedure("hibernate", [
  {
    name: "hibernation_available",
    run: (kernel) => {
      if (hibernationAvailable(kernel)) return next;
      kernel.note("PM: hibernation: not available");
      return fail(ERRNO.EPERM);
    },
  },
  LOCK_SYSTEM_SLEEP,
  acquire("hibernate"),
  {
    name: "begin",
    run: (kernel) => {
      kernel.print("PM: hibernation: hibernation entry");
      return next;
    },
    undo: (kernel) => {
      kernel.print("PM: hibernation: hibernation exit");
      return next;
    },
  },
  consoleStep("prepare", "restore"),
  notifiers("PM_HIBERNATION_PREPARE", "PM_POST_HIBERNATION"),
  { name: "sync", run: () => call("fs_sync") },
  FREEZE_PROCESSES,
  WAKEUP_WHILE_FREEZING,
  MEMORY_BITMAPS,
  {
    name: "hibernation_snapshot",
    run: (kernel) => call("hibernation_snapshot", { platform: isPlatform(kernel) }),
    then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
  },
  ...writeImage,
]);

/** Procedures of this file. */
export const SWSUSP_PROCEDURES: readonly Procedure[] = [hibernate];
