/**
 * The command-driven jump of khibernation v7 (protocol.md B.2.1, B.2.5): one lock over all of it,
 * the pre chain here, the post chain in the kernel that is entered, which on the way back is
 * this one again. What the chains take down they bring up themselves; the ladder here has only
 * the lock to give back.
 *
 * @module
 */
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import { releaseLock, takeLock } from "./kexec_load.ts";
import { KJUMP_CHAIN_PROCEDURES } from "./kjump_chains.ts";
import { KJUMP_COMMAND, KJUMP_COMMAND_PROCEDURES, resumeCommand } from "./kjump_chains_command.ts";
import { call, fail, next, orFail, type Procedure, procedure } from "./procedure.ts";
import { V7_CALLBACK_PROCEDURES } from "./v7_callbacks.ts";
import { V7_POWER_PROCEDURES } from "./v7_power_down.ts";
import { jumpOf, V7_STATE_PROCEDURES } from "./v7_states.ts";

/**
 * Behind a restore the source pages hold what is left of the kernel that restored: garbage, and
 * the way to it leads nowhere (protocol.md B.2.4 step 4). It is freed; B has to be loaded again.
 */
function dropImage(kernel: Kernel): void {
  const { image } = kernel.state;
  if (image === null) return;
  kernel.release(image.owned);
  kernel.state.image = null;
  kernel.fact("unload", { slot: "default", result: 0 });
}

/**
 * `kernel_kexec_v7 {command}`: 0 when the peer came back, or a negative errno: -EBUSY for a taken
 * lock, -EINVAL without an image, that of a callback, and -EIO where an image was to be written
 * and control came back from anything but a resume.
 */
const kernelKexec = procedure("kernel_kexec_v7", [
  {
    name: "lock",
    run: (kernel) => takeLock(kernel, "exec") ? next : fail(ERRNO.EBUSY),
    undo: (kernel) => {
      releaseLock(kernel);
      return next;
    },
  },
  {
    name: "image",
    run: ({ state: { image } }, vars) => {
      if (image === null || image.start === 0) return fail(ERRNO.EINVAL);
      vars["entered"] = image.returned === true;
      return next;
    },
  },
  {
    name: "pre chain",
    run: (_kernel, vars) => call("kjump_chain_pre", { command: numberOf(vars["command"]) }),
    then: (_kernel, _vars, answer) => orFail(answer),
  },
  {
    name: "command",
    run: (_kernel, vars) => call("kjump_write_command", { command: numberOf(vars["command"]) }),
  },
  { name: "machine_kexec", run: () => call("machine_kexec") },
  {
    name: "received",
    run: () => call("kjump_read_command"),
    then: (kernel, _vars, answer) => {
      jumpOf(kernel).received = numberOf(answer);
      return next;
    },
  },
  {
    name: "post chain",
    run: (kernel) => call("kjump_chain_post", { command: jumpOf(kernel).received }),
  },
  {
    name: "result",
    run: (kernel, vars) => {
      const asked = numberOf(vars["command"]) === KJUMP_COMMAND.writeImage;
      const restored = jumpOf(kernel).received === resumeCommand(kernel);
      if (restored) dropImage(kernel);
      if (asked && !restored && vars["entered"] === false) {
        kernel.print("kexec: no image was written; a kernel that boots takes no command: first");
        kernel.print("kexec: prepare it, by an exec without one (or load its /proc/kimgcore)");
      }
      // Unwinding with error 0 gives the lock back.
      return fail(asked && !restored ? ERRNO.EIO : 0);
    },
  },
]);

/** All procedures of v7's jump. */
export const V7_PROCEDURES: readonly Procedure[] = [
  kernelKexec,
  ...KJUMP_CHAIN_PROCEDURES,
  ...KJUMP_COMMAND_PROCEDURES,
  ...V7_CALLBACK_PROCEDURES,
  ...V7_POWER_PROCEDURES,
  ...V7_STATE_PROCEDURES,
];
