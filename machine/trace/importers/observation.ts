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

/** The fields of a record that a recorder wrote, as text; none for anything else. */
export function textFields(value: unknown): Record<string, string> {
  const fields: Record<string, string> = {};
  if (typeof value !== "object" || value === null) return fields;
  for (const [name, field] of Object.entries(value)) fields[name] = String(field);
  return fields;
}

/** A line of JSON; `undefined` where it is none, as where a recorder was stopped in the middle. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
