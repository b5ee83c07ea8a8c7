/**
 * What a run did around its jumps, in the names and the order a real kernel was recorded with.
 */
import type { TraceEvent } from "../../machine/trace/event.ts";
import type { Run } from "./run_kit.ts";

/** Something a kernel did. */
export interface Deed {
  readonly k: string;
  readonly name: string;
}

/** PM event codes of Linux. */
const EVENT_CODE: Readonly<Record<string, number>> = { FREEZE: 1, THAW: 32, RESTORE: 64 };

const PHASE: Readonly<Record<string, string>> = {
  prepare: "dpm_prepare",
  freeze: "dpm_suspend",
  freeze_late: "dpm_suspend_late",
  freeze_noirq: "dpm_suspend_noirq",
  restore_noirq: "dpm_resume_noirq",
  restore_early: "dpm_resume_early",
  restore: "dpm_resume",
  complete: "dpm_complete",
};

const CONSOLE: Readonly<Record<string, string>> = {
  prepare: "pm_prepare_console",
  suspend: "suspend_console",
  resume: "resume_console",
  restore: "pm_restore_console",
};

/** The recorded name of what an event of a transition says, if there is one. */
function nameOf(event: TraceEvent, isDown: boolean): string | undefined {
  const summary = event.summary ?? {};
  const value = (field: string): string => String(summary[field]);
  switch (event.type) {
    case "fact.console":
      return CONSOLE[value("op")];
    case "fact.freeze":
      return "freeze_processes";
    case "fact.thaw":
      return "thaw_processes";
    case "fact.phase":
      return `${PHASE[value("name")]}[${EVENT_CODE[value("message")]}]`;
    case "fact.cpus":
      return isDown ? "freeze_secondary_cpus" : "thaw_secondary_cpus";
    case "fact.syscore":
      return `syscore_${value("op")}`;
    case "fact.point_of_no_return":
      return "machine_kexec";
    case "fact.save":
      return value("what") === "cpu" ? "save_processor_state" : undefined;
    case "fact.ioapic":
      return value("mode") === "legacy" ? "clear_IO_APIC" : undefined;
    case "fact.jump":
      return `jump to ${value("to")}`;
    default:
      return undefined;
  }
}

/** What kernels did from the beginning of each `kexec -e` to its end. */
export function deedsOf(run: Run): Deed[] {
  const deeds: Deed[] = [];
  const calling = new Map<string, "down" | "up">();
  for (const event of run.events) {
    if (event.kind !== "note" || event.type === undefined) continue;
    const summary = event.summary ?? {};
    const k = String(event.type === "fact.jump" ? summary["from"] : summary["k"]);
    if (event.type === "fact.exec") calling.set(k, "down");
    if (event.type === "fact.exec_done") calling.delete(k);
    const stage = calling.get(k);
    const name = stage === undefined ? undefined : nameOf(event, stage === "down");
    if (event.type === "fact.jump") calling.set(k, "up");
    const last = deeds.at(-1);
    // A phase is one call over all devices.
    if (name === undefined || (last?.k === k && last.name === name)) continue;
    deeds.push({ k, name });
  }
  return deeds;
}

const FOLDER = new URL("../../fixtures/recordings/", import.meta.url);

/** Lines of a recorded order, comments left out, as words. */
export function recordedLines(name: string): string[][] {
  return Deno.readTextFileSync(new URL(name, FOLDER)).split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" "));
}
