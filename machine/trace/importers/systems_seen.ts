/**
 * Which of the systems of protocol.md F.0 a recording shows. Mainline's rules and swsusp's differ
 * in what must come before what, so a log of one must not be judged by those of the other.
 *
 * @module
 */
import type { TraceEvent } from "../event.ts";

const SWSUSP: ReadonlySet<string> = new Set([
  "linux.hibernation_entry",
  "linux.resume_begin",
  "linux.image_signature_found",
  "fact.image",
  "fact.snapshot",
]);

/** PM messages that a jump never uses. */
const ONLY_SWSUSP: ReadonlySet<unknown> = new Set(["THAW", "QUIESCE", "HIBERNATE", "RECOVER"]);

/** See the module's header. */
export class SystemsSeen {
  #swsusp = false;
  #jump = false;

  /** Takes the next event. */
  event({ type = "", summary = {} }: TraceEvent): void {
    if (SWSUSP.has(type)) this.#swsusp = true;
    // A kernel that is entered out of an image of its own is no kexec jump.
    if (type === "linux.kexec_starting_new_kernel") this.#jump = true;
    if (type === "fact.jump" && summary["preserve"] === true) this.#jump = true;
    if (type === "linux.function_call" && summary["fn"] === "kernel_kexec") this.#jump = true;
    if (summary["action"] === "machine_suspend" && summary["val"] === "4") this.#swsusp = true;
    if (type === "fact.phase" && ONLY_SWSUSP.has(summary["message"])) this.#swsusp = true;
  }

  /** Letters of the systems, M before S; empty where there is neither. */
  get letters(): string {
    return `${this.#jump ? "M" : ""}${this.#swsusp ? "S" : ""}`;
  }
}
