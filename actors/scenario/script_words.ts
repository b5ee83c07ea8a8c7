/**
 * What a person does, in few words: the lines of an operator's script that every scenario has.
 *
 * @module
 */
import type { OperatorStep } from "../operator.ts";

/** Types a line at a kernel's prompt. */
export function type(at: string, line: string): OperatorStep {
  return { do: "type", at, line };
}

/** Presses the power button and takes a line of the boot menu. */
export function boot(entry: string): OperatorStep[] {
  return [{ do: "power_on" }, { do: "choose", entry, append: "" }];
}

/** Ends the run with an outcome once a kernel's prompt waits. */
export function until(at: string, outcome: string): OperatorStep[] {
  return [{ do: "prompt", at }, { do: "finish", outcome }];
}
