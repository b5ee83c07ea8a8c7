/**
 * What v7's chains call (protocol.md B.2.1): the two commands' handlers on either side of the
 * jump, and the default actions of a jump without a command, by the flags of the load.
 *
 * @module
 */
import { canSleepDeep } from "./acpi_sleep.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import { NOTIFY_DONE, NOTIFY_STOP } from "./kjump_chains.ts";
import { KJUMP_COMMAND, resumeCommand } from "./kjump_chains_command.ts";
import { call, done, type Next, type Procedure, procedure } from "./procedure.ts";
import { ALL_STATE } from "./v7_states.ts";

/** A callback that handles one command; its errno, or NOTIFY_STOP, is the value. */
function handler(
  name: string,
  handled: (kernel: Kernel) => number,
  body: (kernel: Kernel) => Next,
): Procedure {
  return procedure(name, [
    {
      name: "handle",
      run: (kernel, vars) =>
        numberOf(vars["command"]) === handled(kernel) ? body(kernel) : done(NOTIFY_DONE),
      then: (_kernel, _vars, answer) =>
        done(typeof answer === "number" && answer < 0 ? answer : NOTIFY_STOP),
    },
  ]);
}

const snapshot = handler(
  "kexec_snapshot",
  () => KJUMP_COMMAND.writeImage,
  (kernel) =>
    call("v7_down", { mode: "snapshot", flags: ALL_STATE, platform: canSleepDeep(kernel) }),
);

const prepareResume = handler(
  "kexec_prepare_resume",
  resumeCommand,
  () => call("v7_down", { mode: "resume", flags: ALL_STATE, platform: false }),
);

const prepareWriteImage = handler(
  "kexec_prepare_write_image",
  () => KJUMP_COMMAND.writeImage,
  () => call("v7_up"),
);

const resume = handler("kexec_resume", resumeCommand, (kernel) => {
  kernel.print("kexec: hibernation image restored");
  return call("v7_up");
});

const defaultPre = procedure("kexec_vcall_pre", [
  {
    name: "down",
    run: (kernel) => {
      const flags = kernel.state.image?.flags ?? ALL_STATE;
      return call("v7_down", { mode: "default", flags: flags & ALL_STATE, platform: false });
    },
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

const defaultPost = procedure("kexec_vcall_post", [
  { name: "up", run: () => call("v7_up"), then: () => done() },
]);

/** Procedures of this file. */
export const V7_CALLBACK_PROCEDURES: readonly Procedure[] = [
  snapshot,
  prepareResume,
  prepareWriteImage,
  resume,
  defaultPre,
  defaultPost,
];
