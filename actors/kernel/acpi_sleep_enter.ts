/**
 * Going to sleep for good, in whichever kernel puts the machine into S4 (protocol.md E.6.5 steps
 * 3 to 8), and what a boot kernel does around a restore (B.5.11): it runs no sleep method.
 *
 * @module
 */
import {
  ACPI_SLEEP_OPERATIONS,
  BEFORE_SLEEP,
  canSleepDeep,
  EVENTS_OFF,
  hardwareOf,
  RUNTIME_EVENTS,
  transitionOf,
  writePort,
} from "./acpi_sleep.ts";
import { PM1, sleepOption } from "./acpi_sleep_hardware.ts";
import { ACPI_NVS_PROCEDURES } from "./acpi_sleep_nvs.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import {
  ask,
  done,
  fail,
  type Next,
  next,
  type Procedure,
  procedure,
  type Step,
} from "./procedure.ts";
import { fieldsOf, resultOf } from "./values.ts";

/** A chipset that did not obey is asked again after that long (protocol.md E.6.5 step 8). */
const RETRY_NS = 10_000_000_000;

function sleepValue(kernel: Kernel): number {
  return PM1.sciEnable | (hardwareOf(kernel).s4 << PM1.sleepTypeShift);
}

function controlPort(kernel: Kernel): number {
  return kernel.state.acpi?.pm1aControl ?? 0;
}

function sleepEnable(name: string): Step {
  return {
    name,
    run: (kernel) => writePort(kernel, controlPort(kernel), sleepValue(kernel) | PM1.sleepEnable),
  };
}

/**
 * `acpi_prepare {}`: behind the devices' power-off callbacks and before other processors go off.
 * Its `_PTS(4)` is the one of the real sleep.
 */
const prepare = procedure("acpi_prepare", [
  {
    name: "_PTS",
    run: (kernel) => {
      if (!canSleepDeep(kernel)) return fail(ERRNO.ENOSYS);
      const transition = transitionOf(kernel);
      transition.wakeDevices = true;
      transition.target = 4;
      if (sleepOption(kernel.state.commandLine, "old_ordering")) return next;
      kernel.print("ACPI: PM: Preparing to enter system sleep state S4");
      return ask("firmware", "acpi.evaluate", { by: kernel.name, method: "_PTS", argument: 4 });
    },
    then: (kernel, _vars, answer) => {
      const result = resultOf(answer);
      const strict = sleepOption(kernel.state.commandLine, "strict_pts");
      return result < 0 && strict ? fail(-result) : next;
    },
  },
  EVENTS_OFF,
]);

function awake(kernel: Kernel, value: number): Next {
  if ((value & PM1.wakeStatus) !== 0) return done();
  kernel.print("ACPI: the machine does not go to sleep");
  return fail(ERRNO.EIO);
}

/**
 * `acpi_enter {}`: interrupts are off. Where the chipset obeys there is nothing behind it in this
 * life. Else 0 for a machine that slept and woke, -EIO for one that never did.
 */
const enter = procedure("acpi_enter", [
  ...BEFORE_SLEEP,
  {
    name: "SLP_TYP",
    run: (kernel) => writePort(kernel, controlPort(kernel), sleepValue(kernel)),
  },
  sleepEnable("SLP_EN"),
  { name: "wait", run: () => ask("rtc", "timer.arm", { delay_ns: RETRY_NS }) },
  sleepEnable("SLP_EN again"),
  {
    name: "WAK_STS",
    run: (kernel) =>
      ask("firmware", "acpi.read", {
        by: kernel.name,
        port: kernel.state.acpi?.pm1aStatus ?? 0,
      }),
    then: (kernel, _vars, answer) => awake(kernel, numberOf(fieldsOf(answer)["value"])),
  },
]);

/** A step for kernels with sleep hardware only. */
function withHardware(step: Step): Step {
  return { ...step, run: (kernel, vars) => canSleepDeep(kernel) ? step.run(kernel, vars) : next };
}

/** `acpi_pre_restore {}`: in a boot kernel before the image is put in place. */
const preRestore = procedure("acpi_pre_restore", [withHardware(EVENTS_OFF)]);

/** `acpi_restore_cleanup {}`: the image could not be put in place. */
const restoreCleanup = procedure("acpi_restore_cleanup", [withHardware(RUNTIME_EVENTS)]);

/** All procedures of platform sleep. */
export const ACPI_SLEEP_PROCEDURES: readonly Procedure[] = [
  ...ACPI_SLEEP_OPERATIONS,
  ...ACPI_NVS_PROCEDURES,
  prepare,
  enter,
  preRestore,
  restoreCleanup,
];
