/**
 * How kexec(8) speaks: on its standard output and standard error, and the last word on failing
 * kept for the record.
 *
 * @module
 */
import type { Kernel } from "../kernel/kernel_context.ts";
import { done, type Next } from "../kernel/procedure.ts";

/** Ends the tool with a status; the lines go to standard error, the first is the record of why. */
export function dies(kernel: Kernel, status: number, ...lines: readonly string[]): Next {
  for (const line of lines) kernel.complain(line);
  kernel.process.message = lines[0] ?? "";
  return done(status);
}
