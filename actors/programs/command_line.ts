/**
 * What all programs do alike: look at their words, and say why they fail.
 *
 * @module
 */
import type { Plain } from "../../machine/messages/shape.ts";
import { errnoText } from "../kernel/errno.ts";
import type { Kernel } from "../kernel/kernel_context.ts";
import { done, type Next } from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { listOf } from "../kernel/values.ts";

/** The words of a command, the program's name first. */
export function wordsOf(vars: Vars): string[] {
  return listOf(vars["argv"]).map((word) => String(word));
}

/** Prints lines and ends with a status; the first line is the record of why. */
export function failWith(kernel: Kernel, status: number, ...lines: readonly string[]): Next {
  for (const line of lines) kernel.complain(line);
  kernel.process.message = lines[0] ?? "";
  return done(status);
}

/** What strerror says of a negative errno that a procedure gave. */
export function reasonOf(value: Plain): string {
  return typeof value === "number" ? errnoText(value) : "Unknown error";
}
