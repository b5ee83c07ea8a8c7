/**
 * hibernate_power_down (protocol.md B.2.3 step 6, B.7.2 row 11): the reboot command by which the
 * saving kernel's user space asks for the sleep. `_PTS(4)` was run by the kernel that is in the
 * image, before the jump; here the devices go down and SLP_EN is written. Without S4, or where
 * the machine does not obey, it is switched off instead.
 *
 * @module
 */
import { canSleepDeep, transitionOf } from "./acpi_sleep.ts";
import type { Kernel } from "./kernel_context.ts";
import { ask, call, done, goto, next, type Procedure, procedure, type Step } from "./procedure.ts";

const EVENT = { event: "HIBERNATE", recover: "RESTORE" } as const;

/** A device that refuses makes it a power-off, as in 6.1 (protocol.md G.3). */
function phases(name: string): Step {
  return {
    name,
    run: () => call(name, { ...EVENT }),
    then: (kernel, _vars, answer) => {
      if (typeof answer !== "number" || answer >= 0) return next;
      kernel.print(`PM: devices refuse to sleep (${answer}), powering off`);
      return goto("up");
    },
  };
}

/** `sys_reboot_hibernate {}`: does not come back from a machine that obeys. */
const powerDown = procedure("sys_reboot_hibernate", [
  { name: "sync", run: () => call("fs_sync") },
  {
    name: "platform",
    run: (kernel) => {
      if (!canSleepDeep(kernel)) return goto("power off");
      const transition = transitionOf(kernel);
      transition.target = 4;
      transition.wakeDevices = true;
      return next;
    },
  },
  phases("dpm_suspend_start"),
  phases("dpm_suspend_end"),
  {
    name: "other processors",
    run: (kernel) => {
      kernel.state.online = 1;
      return ask("cpu", "cpu.set_online", { count: 1 });
    },
  },
  {
    name: "interrupts off",
    run: (kernel) => {
      kernel.state.interrupts = false;
      return ask("cpu", "cpu.set_interrupts", { enabled: false });
    },
  },
  { name: "sleep", run: () => call("acpi_enter"), then: () => goto("interrupts on") },
  {
    name: "interrupts on",
    run: (kernel) => {
      kernel.print("PM: the machine does not enter S4, powering off");
      kernel.state.interrupts = true;
      return ask("cpu", "cpu.set_interrupts", { enabled: true });
    },
  },
  { name: "up", run: () => call("dpm_resume_start", { event: "RESTORE" }) },
  { name: "up whole", run: () => call("dpm_resume_end", { event: "RESTORE" }) },
  {
    name: "power off",
    run: (kernel: Kernel) => {
      transitionOf(kernel).target = 0;
      return call("power_off");
    },
    then: () => done(),
  },
]);

/** The SMI command port of a PC, which only the tables of ACPI would name otherwise. */
const SMI_PORT = 0xb2;
const APM_OFF = 0x0f;

/** `apm_power_off {}`: the BIOS is asked; does not come back. */
const apmPowerOff = procedure("apm_power_off", [
  {
    name: "set power state",
    run: (kernel) => {
      kernel.print("Power down.");
      kernel.state.label = "halted";
      return ask("firmware", "acpi.write", { by: kernel.name, port: SMI_PORT, value: APM_OFF });
    },
  },
]);

/** Procedures of this file. */
export const V7_POWER_PROCEDURES: readonly Procedure[] = [powerDown, apmPowerOff];
