/**
 * What happens when the processor cannot go on: an exception whose handler cannot be reached is a
 * triple fault, and that resets the machine.
 *
 * @module
 */
import type { StepContext } from "./steps.ts";

/** Ends whatever ran and pulls the reset line. */
export function tripleFault(context: Pick<StepContext, "state" | "out">, reason: string): void {
  const { state, out } = context;
  state.job = null;
  out.fact("panic", { k: state.running === "" ? "cpu" : state.running, reason });
  out.send("firmware", "firmware.reset", { reason: `triple fault: ${reason}` });
}
