/**
 * /sys/power of a kernel with hibernation (protocol.md A.3, recorded fact 41): what its files say
 * and what writing them does. Numbers are bytes.
 *
 * @module
 */
import { canSleepDeep } from "./acpi_sleep.ts";
import { partitionOf } from "./block_devices.ts";
import { ERRNO } from "./errno.ts";
import type { Kernel } from "./kernel_context.ts";
import { call, done, fail, type Next, type Procedure, procedure } from "./procedure.ts";
import { hasHibernation, hibernationAvailable, swsuspOf } from "./swsusp_state.ts";
import { HIBERNATION_MODES, type HibernationMode } from "./swsusp_types.ts";

/** Major number under which the one disk's partitions are shown. */
const MAJOR = 8;

/** A file's text, for kernels that have the file. */
function shown(text: (kernel: Kernel) => string): (kernel: Kernel) => string | undefined {
  return (kernel) => hasHibernation(kernel) ? `${text(kernel)}\n` : undefined;
}

function written(
  write: (kernel: Kernel, text: string) => Next,
): (kernel: Kernel, text: string) => Next {
  return (kernel, text) => hasHibernation(kernel) ? write(kernel, text) : fail(ERRNO.ENOENT);
}

/** Modes this machine offers. */
function modes(kernel: Kernel): HibernationMode[] {
  const newer = kernel.profile.restoreRecord === "current";
  return HIBERNATION_MODES.filter((mode) => {
    if (mode === "platform") return canSleepDeep(kernel);
    return newer || (mode !== "suspend" && mode !== "test_resume");
  });
}

function diskText(kernel: Kernel): string {
  if (!hibernationAvailable(kernel)) return "[disabled]";
  const { mode } = swsuspOf(kernel);
  return modes(kernel).map((one) => one === mode ? `[${one}]` : one).join(" ");
}

function resumeText(kernel: Kernel): string {
  const partition = partitionOf(swsuspOf(kernel).device);
  return partition === undefined ? "0:0" : `${MAJOR}:${partition}`;
}

/** Texts of /sys/power's files. */
export const SWSUSP_FILES: Readonly<Record<string, (kernel: Kernel) => string | undefined>> = {
  "/sys/power/state": shown((kernel) => hibernationAvailable(kernel) ? "disk" : ""),
  "/sys/power/disk": shown(diskText),
  "/sys/power/resume": shown(resumeText),
  "/sys/power/resume_offset": shown((kernel) => `${swsuspOf(kernel).resumeOffset}`),
  "/sys/power/image_size": shown((kernel) => `${swsuspOf(kernel).imageSize}`),
  "/sys/power/reserved_size": shown((kernel) => `${swsuspOf(kernel).reservedSize}`),
};

/** A number as sysfs takes it; `undefined` for anything else. */
function numberIn(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function numberFile(set: (kernel: Kernel, value: number) => void) {
  return written((kernel, text) => {
    const value = numberIn(text);
    if (value === undefined) return fail(ERRNO.EINVAL);
    set(kernel, value);
    return done();
  });
}

/** Writing the files of /sys/power. */
export const SWSUSP_WRITES: Readonly<Record<string, (kernel: Kernel, text: string) => Next>> = {
  "/sys/power/state": written((_kernel, text) =>
    text === "disk" ? call("hibernate") : fail(ERRNO.EINVAL)
  ),
  "/sys/power/disk": written((kernel, text) => {
    if (!hibernationAvailable(kernel)) return fail(ERRNO.EPERM);
    const mode = modes(kernel).find((one) => one === text);
    if (mode === undefined) return fail(ERRNO.EINVAL);
    swsuspOf(kernel).mode = mode;
    return done();
  }),
  "/sys/power/resume": written((kernel, text) => {
    if (partitionOf(text) === undefined) return fail(ERRNO.EINVAL);
    swsuspOf(kernel).device = text;
    return call("software_resume_manual");
  }),
  "/sys/power/resume_offset": numberFile((kernel, value) => {
    swsuspOf(kernel).resumeOffset = value;
  }),
  "/sys/power/image_size": numberFile((kernel, value) => {
    swsuspOf(kernel).imageSize = value;
  }),
  "/sys/power/reserved_size": numberFile((kernel, value) => {
    swsuspOf(kernel).reservedSize = value;
  }),
};

/** A write to /sys/power/resume succeeds whatever the attempt gives (6.1's resume_store). */
const manual = procedure("software_resume_manual", [{
  name: "attempt",
  run: () => call("software_resume", { manual: true }),
  then: () => done(0),
}]);

/** reboot(LINUX_REBOOT_CMD_SW_SUSPEND). */
const reboot = procedure("sys_reboot_sw_suspend", [{
  name: "hibernate",
  run: () => call("hibernate"),
  then: (_kernel, _vars, answer) => done(answer),
}]);

/** Procedures of this file. */
export const SWSUSP_FILE_PROCEDURES: readonly Procedure[] = [manual, reboot];
