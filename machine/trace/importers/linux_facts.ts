/**
 * Lines of a log that are a fact of this house by themselves, as a table from what was observed
 * to the fact's name and fields (protocol.md F.0). A field that a log cannot know is left out.
 *
 * @module
 */
import type { Summary } from "../event.ts";
import type { Observation } from "./observation.ts";

/** A fact about the kernel at hand; `k` is put in by the caller. */
export interface PlainFact {
  readonly name: string;
  readonly summary: Summary;
}

type Detail = Observation["detail"];
type Make = (detail: Detail) => PlainFact;

function fact(name: string, summary: Summary = {}): PlainFact {
  return { name, summary };
}

const EBUSY = -16;
const ENODATA = -61;
const EPERM = -1;
const EINVAL = -22;

function sleepNumber(state: string | undefined): number {
  return Number((state ?? "S0").slice(1));
}

function check(what: string, result: number): PlainFact {
  return fact("header_check", { what, result });
}

/** Facts by the name of the observation. */
export const FACTS_OF: Readonly<Record<string, Make>> = {
  filesystems_sync: () => fact("sync"),
  freeze_user_processes_end: () => fact("freeze", { what: "user", result: 0 }),
  freeze_user_processes_failed: () => fact("freeze", { what: "user", result: EBUSY }),
  freeze_kernel_threads_end: () => fact("freeze", { what: "kthreads", result: 0 }),
  freeze_kernel_threads_failed: () => fact("freeze", { what: "kthreads", result: EBUSY }),
  thaw_kernel_threads: () => fact("thaw", { what: "kthreads" }),
  thaw_processes: () => fact("thaw", { what: "all" }),
  image_pages_available: (detail) =>
    fact("snapshot", {
      pages: Number(detail["needed"]),
      free: Number(detail["available"]),
      result: 0,
    }),
  acpi_prepare_sleep_state: ({ state }) =>
    fact("acpi", { method: "_PTS", argument: sleepNumber(state) }),
  acpi_wake_from_sleep_state: ({ state }) =>
    fact("acpi", { method: "_WAK", argument: sleepNumber(state) }),
  acpi_nvs_save: () => fact("save", { what: "nvs" }),
  acpi_nvs_restore: () => fact("restore", { what: "nvs" }),
  image_signature_found: () => check("signature", 0),
  image_not_found: ({ code }) => check("signature", Number(code ?? EINVAL)),
  image_crc32_bad: () => check("crc", ENODATA),
  image_e820_mismatch: () => check("e820", EPERM),
  image_header_unknown: () => check("magic", EPERM),
  panic: ({ text }) => fact("panic", { reason: text ?? "a crash" }),
};

/** Calls that the functions of a transition make themselves. */
const TRANSITIONS: ReadonlySet<string> = new Set([
  "kernel_kexec",
  "hibernate",
  "software_resume",
  "hibernation_snapshot",
  "create_image",
]);

const CALLS: Readonly<Record<string, () => PlainFact>> = {
  pm_prepare_console: () => fact("console", { op: "prepare" }),
  suspend_console: () => fact("console", { op: "suspend" }),
  resume_console: () => fact("console", { op: "resume" }),
  pm_restore_console: () => fact("console", { op: "restore" }),
  syscore_suspend: () => fact("syscore", { op: "suspend", result: 0 }),
  syscore_resume: () => fact("syscore", { op: "resume", result: 0 }),
  thaw_processes: () => fact("thaw", { what: "all" }),
};

/** What a call says; one that may fail says nothing, for its result is not in the trace. */
export function callFact({ event, detail }: Observation): PlainFact | undefined {
  if (event !== "function_call" || !TRANSITIONS.has(detail["caller"] ?? "")) return undefined;
  return CALLS[detail["fn"] ?? ""]?.();
}

/** Power of the machine by its monitor's events. */
export const POWER_OF: Readonly<Record<string, (detail: Detail) => Summary | undefined>> = {
  qmp_lab_qemu_start: () => ({ op: "on" }),
  qmp_suspend_disk: () => ({ op: "sleep", state: "S4" }),
  qmp_reset: () => ({ op: "reset" }),
  qmp_shutdown: ({ reason, guest }) =>
    reason === "guest-reset"
      ? { op: "reset" }
      : guest === "true"
      ? { op: "off", state: "S5" }
      : { op: "loss" },
  // A virtual machine that ends by a signal has lost its power.
  qmp_lab_qemu_exit: ({ rc }) => Number(rc) < 0 ? { op: "loss" } : undefined,
};

/** Facts that a log of this kind can show; a rule that needs others has nothing to judge. */
export const SPOKEN = {
  console: [
    "boot",
    "freeze",
    "thaw",
    "sync",
    "phase",
    "syscore",
    "cpus",
    "jump",
    "resumed",
    "snapshot",
    "acpi.method",
    "save.nvs",
    "restore.nvs",
    "header_check",
    "resume_attempt",
    "image.commit",
    "image.begin",
    "image.load",
    "panic",
  ],
  monitor: ["power"],
  trace: ["phase", "syscore", "console", "thaw"],
} as const;
