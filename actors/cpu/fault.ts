/**
 * What happens when the processor cannot go on: an exception whose handler cannot be reached is a
 * triple fault, and that resets the machine.
 *
 * @module
 */
import type { Out } from "../../machine/actor.ts";
import type { CpuState } from "./state.ts";

/** Ends whatever ran and pulls the reset line. */
export function tripleFault(
  context: { readonly state: CpuState; readonly out: Out },
  reason: string,
): void {
  const { state, out } = context;
  state.job = null;
  out.fact("panic", { k: state.running === "" ? "cpu" : state.running, reason });
  // Nothing is executed until the firmware has the machine again.
  if (state.running !== "") out.dispose(state.running);
  state.running = "";
  state.kernel = false;
  state.interrupts = false;
  out.send("firmware", "firmware.reset", { reason: `triple fault: ${reason}` });
}
