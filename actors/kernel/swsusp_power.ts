/**
 * Behind the written image: power_down and hibernation_platform_enter (protocol.md B.5.4). A valid
 * image is on the disk, so going on is forbidden but for a rollback that takes the image away
 * first; 6.1 knows no rollback and ends a failed platform sleep in power-off.
 *
 * @module
 */
import { hardwareOf } from "./acpi_sleep.ts";
import { sleepOption } from "./acpi_sleep_hardware.ts";
import { ERRNO } from "./errno.ts";
import type { Kernel } from "./kernel_context.ts";
import { SWSUSP_FLAG } from "../../machine/formats/swap_header.ts";
import { countPages } from "../../machine/formats/page_runs.ts";
import { LAST_STEPS, PREPARE_FOR_OFF } from "./power.ts";
import {
  call,
  done,
  fail,
  goto,
  next,
  orFail,
  type Procedure,
  procedure,
  type Step,
} from "./procedure.ts";
import { consoleStep, failUp, isPlatform, wakeupPending } from "./swsusp.ts";
import { firstPages } from "./swsusp_arch.ts";
import { physicalPages } from "./swsusp_memory.ts";
import { CPUS_OFF, INTERRUPTS_OFF, SYSCORE } from "./swsusp_snapshot.ts";
import { isUncompressed, swsuspOf } from "./swsusp_state.ts";
import { isError, plainRuns } from "./values.ts";

/** The signature of this machine's hardware, where the command line has it obeyed (B.5.11). */
export function hardwareSignature(kernel: Kernel): number | undefined {
  if (!sleepOption(kernel.state.commandLine, "s4_hwsig")) return undefined;
  return kernel.state.acpi?.sleep === undefined ? undefined : hardwareOf(kernel).signature;
}

/** `swsusp_write_image {}`: the header's record, then the image into swap. */
const writeImage = procedure("swsusp_write_image", [
  {
    name: "header",
    run: () => call("arch_hibernation_header_save"),
    then: (_kernel, vars, answer) => {
      if (isError(answer)) return fail(-answer);
      vars["record"] = answer;
      return next;
    },
  },
  {
    name: "write",
    run: (kernel, vars) => {
      const { device, copies, saved } = swsuspOf(kernel);
      const signature = hardwareSignature(kernel);
      kernel.print("PM: hibernation: Writing hibernation image");
      return call("swsusp_write", {
        device,
        saved: plainRuns(saved),
        copies: plainRuns(firstPages(copies, countPages(saved))),
        flags: (isPlatform(kernel) ? SWSUSP_FLAG.platform : 0) |
          (isUncompressed(kernel) ? SWSUSP_FLAG.uncompressed : 0),
        record: vars["record"] ?? "",
        memoryPages: physicalPages(kernel),
        ...(signature === undefined ? {} : { hardwareSignature: signature }),
      });
    },
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : done(0),
  },
]);

const platformBegin: Step = {
  name: "begin",
  run: () => call("acpi_begin", { state: 4 }),
  then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
  undo: () => call("acpi_end"),
};

/** `hibernation_platform_enter {}`: comes back only where the machine does not go to sleep. */
const platformEnter = procedure("hibernation_platform_enter", [
  platformBegin,
  consoleStep("suspend", "resume"),
  {
    name: "dpm_suspend_start",
    run: () => call("dpm_suspend_start", { event: "HIBERNATE" }),
    then: (_kernel, vars, answer) => {
      if (!isError(answer)) return next;
      vars["error"] = answer;
      return goto("up");
    },
    undo: () => call("dpm_resume_end", { event: "RESTORE" }),
  },
  {
    name: "dpm_suspend_end",
    run: () => call("dpm_suspend_end", { event: "HIBERNATE", recover: "RESTORE" }),
    then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
    undo: () => call("dpm_resume_start", { event: "RESTORE" }),
  },
  {
    name: "prepare",
    run: () => call("acpi_prepare"),
    then: (_kernel, vars, answer) => {
      if (!isError(answer)) return next;
      vars["error"] = answer;
      return goto("up");
    },
    undo: () => call("acpi_finish"),
  },
  {
    // Once more behind the second _PTS(4), as recorded on a real 6.1 (exp3.platform).
    name: "acpi_nvs_save",
    run: () => call("acpi_nvs_save"),
  },
  CPUS_OFF,
  INTERRUPTS_OFF,
  SYSCORE,
  {
    name: "pm_wakeup_pending",
    run: (kernel, vars) =>
      wakeupPending(kernel, "platform_enter") ? failUp(vars, -ERRNO.EAGAIN) : next,
  },
  {
    name: "enter",
    run: () => call("acpi_enter"),
    then: (_kernel, vars, answer) => failUp(vars, isError(answer) ? answer : -ERRNO.EAGAIN),
  },
  {
    name: "up",
    run: (_kernel, vars) => {
      const error = vars["error"];
      return fail(typeof error === "number" ? -error : ERRNO.EAGAIN);
    },
  },
]);

/** kernel_power_off: no file system is touched any more. */
const powerOff = procedure("kernel_power_off", [
  {
    name: "device_shutdown",
    run: (kernel) => {
      kernel.print("reboot: Power down");
      return call("device_shutdown", { flush: true });
    },
  },
  PREPARE_FOR_OFF,
  ...LAST_STEPS,
]);

const restart = procedure("kernel_restart", [
  { name: "device_shutdown", run: () => call("device_shutdown", { flush: true }) },
  {
    name: "reset",
    run: (kernel) => {
      kernel.print("reboot: Restarting system");
      kernel.state.label = "halted";
      kernel.out.send("firmware", "firmware.reset", { reason: "restart" });
      return { do: "leave" };
    },
  },
]);

/** Behind a power-off that did not happen: nothing may run, for the image is valid. */
const MANUAL: Step = {
  name: "halt",
  run: (kernel) => {
    if (kernel.state.label === "halted") return { do: "leave" };
    kernel.print("PM: hibernation: Power down manually");
    kernel.state.label = "halted";
    kernel.out.send("cpu", "cpu.halt", { reason: "power down manually" });
    return { do: "leave" };
  },
};

/**
 * How the machine goes down. It has no S3, so that `suspend` fails at once; 6.1 then takes platform
 * mode although the copy was made without it, and the restored kernel never runs `_WAK`.
 */
function wayDown(kernel: Kernel): "platform" | "reboot" | "off" {
  const swsusp = swsuspOf(kernel);
  if (swsusp.mode === "suspend") {
    kernel.note("PM: suspend to RAM is not supported");
    swsusp.mode = kernel.profile.sleepFallsToOff ? "platform" : "shutdown";
  }
  if (swsusp.mode === "reboot") return "reboot";
  return isPlatform(kernel) ? "platform" : "off";
}

/** `power_down {}`: returns only where the image was taken away again, with the reason. */
const powerDown = procedure("power_down", [
  {
    name: "mode",
    run: (kernel) => {
      if (swsuspOf(kernel).mode === "test_resume") return call("swsusp_test_resume");
      const way = wayDown(kernel);
      if (way === "reboot") return call("kernel_restart");
      return way === "platform" ? next : goto("power off");
    },
    then: (_kernel, _vars, answer) => done(answer),
  },
  {
    name: "platform",
    run: () => call("hibernation_platform_enter"),
    then: (kernel, vars, answer) => {
      vars["error"] = answer;
      return kernel.profile.sleepFallsToOff ? goto("power off") : next;
    },
  },
  {
    name: "roll back",
    run: (kernel) => call("swsusp_unmark", { device: swsuspOf(kernel).device }),
    // With the image still valid there is no way back.
    then: (_kernel, vars, answer) => isError(answer) ? goto("power off") : done(vars["error"] ?? 0),
  },
  {
    name: "power off",
    run: () => call("kernel_power_off"),
    then: (_kernel, _vars, answer) => orFail(answer),
  },
  MANUAL,
]);

/**
 * test_resume: the image is looked at from where it was written. An area in use as swap cannot be
 * opened for itself, so that this fails, and leaves the image where it is (recorded fact 41).
 */
const testResume = procedure("swsusp_test_resume", [
  {
    name: "swsusp_check",
    run: (kernel) => call("swsusp_check", { device: swsuspOf(kernel).device }),
    then: (kernel, vars, answer) => {
      if (isError(answer)) {
        kernel.print(`PM: Image not found (code ${answer})`);
        return fail(-answer);
      }
      vars["image"] = answer;
      return next;
    },
  },
  {
    name: "load_image_and_restore",
    run: (_kernel, vars) => call("load_image_and_restore", { image: vars["image"] ?? 0 }),
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

/** Procedures of this file. */
export const SWSUSP_POWER_PROCEDURES: readonly Procedure[] = [
  writeImage,
  platformEnter,
  powerOff,
  restart,
  powerDown,
  testResume,
];
