/**
 * software_resume (protocol.md B.5.7): a booting kernel looks for an image before anything is
 * mounted, or a person has it look by writing to /sys/power/resume. Every image gets one attempt:
 * its signature is gone before any page is read.
 *
 * @module
 */
import { partitionOf } from "./block_devices.ts";
import { ERRNO } from "./errno.ts";
import type { Kernel } from "./kernel_context.ts";
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
} from "./procedure.ts";
import type { Vars } from "./state.ts";
import { acquire, consoleStep, FREEZE_PROCESSES, LOCK_SYSTEM_SLEEP, notifiers } from "./swsusp.ts";
import { hardwareSignature } from "./swsusp_power.ts";
import { hasHibernation, hibernationAvailable, resumeForbidden, swsuspOf } from "./swsusp_state.ts";
import { isError } from "./values.ts";

/** How long `resumewait` looks for the device, and how often: 6.1 looks for ever. */
const WAIT_NS = 10_000_000;
const WAITS_MAX = 500;

function attempt(kernel: Kernel, fields: { noresume: boolean; read: boolean; result: number }) {
  const { device } = swsuspOf(kernel);
  kernel.fact("resume_attempt", { device: device === "" ? "none" : device, ...fields });
}

/** Whether the device's name means one at all; `resumewait` gives it time. */
function lookForDevice(kernel: Kernel, vars: Vars): Next {
  const { device } = swsuspOf(kernel);
  if (device === "") {
    attempt(kernel, { noresume: false, read: false, result: -ERRNO.ENOENT });
    kernel.note("PM: hibernation: Hibernation image not present or could not be loaded.");
    return done(-ERRNO.ENOENT);
  }
  kernel.note(`PM: hibernation: Checking hibernation image partition ${device}`);
  if (partitionOf(device) !== undefined) return next;
  const waits = typeof vars["waits"] === "number" ? vars["waits"] : 0;
  if (kernel.state.commandLine.split(/\s+/).includes("resumewait") && waits < WAITS_MAX) {
    vars["waits"] = waits + 1;
    return ask("rtc", "timer.arm", { delay_ns: WAIT_NS });
  }
  attempt(kernel, { noresume: false, read: false, result: -ERRNO.ENODEV });
  kernel.print("PM: hibernation: Hibernation image not present or could not be loaded.");
  return done(-ERRNO.ENODEV);
}

/** `resume_image {image}`: from the signature that was found to the jump; an error otherwise. */
const resumeImage = procedure("resume_image", [
  acquire("resume"),
  consoleStep("prepare", "restore"),
  notifiers("PM_RESTORE_PREPARE", "PM_POST_RESTORE"),
  FREEZE_PROCESSES,
  {
    name: "freeze_kernel_threads",
    run: () => call("freeze_kernel_threads"),
    // Not undone by itself: thaw_processes lets all go in one call (exp4.badcrc).
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
  },
  {
    name: "load_image_and_restore",
    run: (_kernel, vars) => call("load_image_and_restore", { image: vars["image"] ?? 0 }),
    then: (_kernel, _vars, answer) => fail(isError(answer) ? -answer : ERRNO.EIO),
  },
]);

/**
 * `software_resume {manual?}`: 0 where it was not to look, else a negative errno; where an image
 * is put in place it never returns. `manual` is a write to /sys/power/resume.
 */
const softwareResume = procedure("software_resume", [
  {
    name: "wanted",
    run: (kernel, vars) => {
      if (!hasHibernation(kernel)) return done();
      const forbidden = resumeForbidden(kernel) && vars["manual"] !== true;
      if (!forbidden && hibernationAvailable(kernel)) return next;
      attempt(kernel, { noresume: forbidden, read: false, result: 0 });
      return done();
    },
  },
  LOCK_SYSTEM_SLEEP,
  {
    name: "device",
    run: (kernel, vars) => {
      const wanted = lookForDevice(kernel, vars);
      // A value ends the procedure; the mutex goes back first.
      if (wanted.do !== "return") return wanted;
      swsuspOf(kernel).locked = false;
      return wanted;
    },
    then: () => goto("device"),
  },
  {
    name: "swsusp_check",
    run: (kernel) => {
      kernel.note("PM: hibernation: Looking for hibernation image.");
      const signature = hardwareSignature(kernel);
      return call("swsusp_check", {
        device: swsuspOf(kernel).device,
        ...(signature === undefined ? {} : { hardwareSignature: signature }),
      });
    },
    then: (kernel, vars, answer) => {
      if (!isError(answer)) {
        kernel.print("PM: hibernation: resume from hibernation");
        vars["image"] = answer;
        return next;
      }
      attempt(kernel, { noresume: false, read: true, result: answer });
      kernel.print(`PM: Image not found (code ${answer})`);
      kernel.note("PM: hibernation: Hibernation image not present or could not be loaded.");
      return fail(-answer);
    },
  },
  {
    name: "resume_image",
    run: (kernel, vars) => {
      attempt(kernel, { noresume: false, read: true, result: 0 });
      return call("resume_image", { image: vars["image"] ?? 0 });
    },
    then: (kernel, _vars, answer) => {
      const error = isError(answer) ? answer : -ERRNO.EIO;
      attempt(kernel, { noresume: false, read: true, result: error });
      kernel.print(`PM: hibernation: resume failed (${error})`);
      return fail(-error);
    },
  },
]);

/** Procedures of this file. */
export const SWSUSP_RESUME_PROCEDURES: readonly Procedure[] = [resumeImage, softwareResume];
