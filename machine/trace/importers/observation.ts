/**
 * What a recording of a real machine says happened, before it is put into this house's words: one
 * observation for each line that is understood, with the line it was read from.
 *
 * @module
 */
import type { Origin } from "../event.ts";

/** Who showed it: a kernel's log, a person or program at a terminal, the machine around them. */
export type Observer = "kernel" | "user" | "machine";

/** One understood line. */
export interface Observation {
  /** Name of the happening, as `freeze_user_processes_end`. */
  readonly event: string;
  readonly by: Observer;
  /** Parts of the line by name; all text, as they stood there. */
  readonly detail: { readonly [name: string]: string };
  /** Seconds of the kernel's own clock. */
  readonly kernelSeconds?: number;
  /** Seconds of the recorder's clock. */
  readonly hostSeconds?: number;
  readonly origin: Origin;
}
