/**
 * hibernation_snapshot and create_image (protocol.md B.5.2 step 7). Both go up the ladder they came
 * down whatever happened: behind the copy, behind a restore and behind an error alike.
 *
 * @module
 */
import { ERRNO } from "./errno.ts";
import { type Kernel, textOf } from "./kernel_context.ts";
import {
  ask,
  call,
  done,
  fail,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
  type Step,
} from "./procedure.ts";
import type { Vars } from "./state.ts";
import { consoleStep, failUp, messageUp, wakeupPending } from "./swsusp.ts";
import { inSuspendBytes } from "./swsusp_arch.ts";
import { inSuspendAddress, swsuspOf } from "./swsusp_state.ts";
import { layoutOf } from "./boot.ts";
import { phaseName, type Place, type PmMessage } from "./device_phases.ts";
import { fieldsOf, isError } from "./values.ts";

/** Calls an operation of the platform, where it takes part. */
function platform(vars: Vars, operation: string, more: Vars = {}): Next {
  return vars["platform"] === true ? call(operation, more) : next;
}

function onePhase(event: PmMessage, place: Place): Next {
  return call("dpm_phase", { phase: phaseName(event, place), event });
}

/** Frames of the image go back unless there is one to be written. */
function freeWithoutImage(kernel: Kernel, vars: Vars): Next {
  const failed = vars["error"] !== undefined && vars["error"] !== 0;
  return failed || swsuspOf(kernel).inSuspend !== 1 ? call("swsusp_free") : next;
}

/** `hibernation_snapshot {platform}`. */
const snapshot = procedure("hibernation_snapshot", [
  {
    name: "platform_begin",
    run: (kernel, vars) => {
      swsuspOf(kernel).inSuspend = 0;
      return platform(vars, "acpi_begin", { state: 4 });
    },
    then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
    undo: (_kernel, vars) => platform(vars, "acpi_end"),
  },
  {
    name: "hibernate_preallocate_memory",
    run: () => call("hibernate_preallocate_memory"),
    then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
    undo: freeWithoutImage,
  },
  {
    name: "freeze_kernel_threads",
    run: () => call("freeze_kernel_threads"),
    then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
    // Once devices were asked, kernel threads stay frozen until all are thawed (quirk Q2).
    undo: (_kernel, vars) => vars["asked"] === true ? next : call("thaw_kernel_threads"),
  },
  {
    name: "state pages",
    run: () => call("reserve_state_pages"),
    then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
  },
  {
    name: "dpm_prepare",
    run: () => onePhase("FREEZE", "prepare"),
    then: (_kernel, vars, answer) => {
      if (!isError(answer)) return next;
      vars["error"] = answer;
      return goto("undo of dpm_prepare");
    },
    undo: (kernel, vars) =>
      onePhase(vars["asked"] === true ? messageUp(kernel, vars) : "RECOVER", "complete"),
  },
  consoleStep("suspend", "resume"),
  {
    name: "dpm_suspend",
    run: (_kernel, vars) => {
      vars["asked"] = true;
      return onePhase("FREEZE", "main");
    },
    then: (_kernel, vars, answer) => {
      vars["error"] = isError(answer) ? answer : 0;
      return next;
    },
    undo: (kernel, vars) => onePhase(messageUp(kernel, vars), "main"),
  },
  {
    name: "create_image",
    run: (_kernel, vars) => {
      // platform_recover has nothing to do with ACPI.
      if (vars["error"] !== 0) return next;
      return call("create_image", { platform: vars["platform"] === true });
    },
    then: (_kernel, vars, answer) => {
      vars["error"] = isError(answer) ? answer : 0;
      return next;
    },
  },
  {
    name: "undo of dpm_prepare",
    run: (_kernel, vars) => {
      const error = vars["error"];
      return fail(typeof error === "number" ? -error : 0);
    },
  },
]);

const suspendEnd: Step = {
  name: "dpm_suspend_end",
  run: () => call("dpm_suspend_end", { event: "FREEZE", recover: "RECOVER" }),
  then: (kernel, vars, answer) => {
    if (!isError(answer)) return next;
    kernel.note("PM: hibernation: Some devices failed to power down, aborting");
    return failUp(vars, answer);
  },
  undo: (kernel, vars) => call("dpm_resume_start", { event: messageUp(kernel, vars) }),
};

const preSnapshot: Step = {
  name: "platform_pre_snapshot",
  run: (_kernel, vars) => platform(vars, "acpi_pre_snapshot"),
  then: (_kernel, vars, answer) => {
    if (!isError(answer)) return next;
    vars["error"] = answer;
    return goto("up");
  },
  undo: (_kernel, vars) => platform(vars, "acpi_finish"),
};

/** Processors but the first go off; they come back on the way up, those that are there. */
export const CPUS_OFF: Step = {
  name: "pm_sleep_disable_secondary_cpus",
  run: () => ask("cpu", "cpu.set_online", { count: 1 }),
  then: (kernel) => {
    kernel.state.online = 1;
    return next;
  },
  undo: () => call("pm_sleep_enable_secondary_cpus"),
};

/** Interrupts off, and on again on the way up. */
export const INTERRUPTS_OFF: Step = {
  name: "local_irq_disable",
  run: (kernel) => {
    kernel.state.interrupts = false;
    return ask("cpu", "cpu.set_interrupts", { enabled: false });
  },
  undo: (kernel) => {
    kernel.state.interrupts = true;
    return ask("cpu", "cpu.set_interrupts", { enabled: true });
  },
};

/** System devices; the clock is read again on the way up. */
export const SYSCORE: Step = {
  name: "syscore_suspend",
  run: (kernel) => {
    kernel.fact("syscore", { op: "suspend", result: 0 });
    return next;
  },
  undo: (kernel) => {
    kernel.fact("syscore", { op: "resume", result: 0 });
    return next;
  },
};

/** A restored machine may have fewer processors than the image knew (recorded fact 40). */
const enableCpus = procedure("pm_sleep_enable_secondary_cpus", [{
  name: "up",
  run: (kernel) => ask("cpu", "cpu.set_online", { count: kernel.state.cpus }),
  then: (kernel, _vars, answer) => {
    const online = fieldsOf(answer)["online"];
    kernel.state.online = typeof online === "number" ? online : 1;
    for (let cpu = kernel.state.online; cpu < kernel.state.cpus; cpu++) {
      kernel.note(`smpboot: do_boot_cpu failed(-1) to wakeup CPU#${cpu}`);
      kernel.print(`Error taking CPU${cpu} up: -5`);
    }
    return done();
  },
}]);

/** From the last look for a wake-up event to the first steps behind the copy. */
const copy: readonly Step[] = [
  {
    name: "pm_wakeup_pending",
    run: (kernel, vars) => {
      if (!wakeupPending(kernel, "create_image")) return next;
      // Quirk Q1: nothing but in_suspend says that there is no image.
      if (kernel.profile.trustsInSuspend) return goto("up");
      return failUp(vars, -ERRNO.EBUSY);
    },
  },
  {
    name: "in_suspend := 1",
    run: (kernel) => {
      swsuspOf(kernel).inSuspend = 1;
      return ask("memory", "memory.write", {
        by: kernel.name,
        address: inSuspendAddress(kernel),
        bytes: inSuspendBytes(1),
      });
    },
  },
  {
    name: "save_processor_state",
    run: (kernel) => ask("cpu", "cpu.save_context", { address: layoutOf(kernel).context }),
    then: (kernel, _vars, answer) => {
      kernel.fact("save", { what: "cpu", digest: textOf(fieldsOf(answer)["digest"]) });
      return next;
    },
  },
  {
    name: "swsusp_arch_suspend",
    run: () => call("swsusp_arch_suspend"),
    then: (kernel, vars, answer) => {
      vars["error"] = isError(answer) ? answer : 0;
      if (isError(answer)) kernel.note(`PM: hibernation: Error ${answer} creating image`);
      return next;
    },
  },
  {
    name: "restore_processor_state",
    run: (kernel) =>
      ask("cpu", "cpu.restore_context", {
        address: layoutOf(kernel).context,
        reload_gdt: true,
      }),
    then: (kernel, _vars, answer) => {
      kernel.fact("restore", { what: "cpu", digest: textOf(fieldsOf(answer)["digest"]) });
      return next;
    },
  },
  {
    name: "clock",
    run: () => ask("rtc", "rtc.read", {}),
    then: (kernel, vars, answer) => {
      const { monotonic } = kernel.state.clock;
      if (vars["error"] !== 0) return next;
      kernel.state.clock = { at: kernel.out.now, monotonic };
      const real = fieldsOf(answer)["real_us"];
      kernel.state.realAtClock = typeof real === "number" ? real : kernel.state.realAtClock;
      kernel.fact("clock", { op: "enter", monotonic, real: kernel.state.realAtClock });
      return next;
    },
  },
  {
    name: "platform_leave",
    run: (_kernel, vars) => platform(vars, "acpi_leave"),
  },
  {
    name: "up",
    run: (_kernel, vars) => {
      const error = vars["error"];
      return fail(typeof error === "number" ? -error : 0);
    },
  },
];

/** `create_image {platform}`: 0, or a negative errno; devices are up to early when it returns. */
const createImage = procedure("create_image", [
  suspendEnd,
  preSnapshot,
  CPUS_OFF,
  INTERRUPTS_OFF,
  SYSCORE,
  ...copy,
]);

/** Procedures of this file. */
export const SWSUSP_SNAPSHOT_PROCEDURES: readonly Procedure[] = [
  snapshot,
  createImage,
  enableCpus,
];
