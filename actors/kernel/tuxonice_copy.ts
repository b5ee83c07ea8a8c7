/**
 * The atomic copy of page set 1 (protocol.md B.6 step 5): drivers suspended, processor saved, set 1
 * copied into the frames of set 2, drivers resumed. It returns twice, as swsusp's copy does, and
 * is made by the same code.
 *
 * @module
 */
import { layoutOf } from "./boot.ts";
import { type Kernel, textOf } from "./kernel_context.ts";
import {
  type Answer,
  ask,
  call,
  fail,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
  type Step,
} from "./procedure.ts";
import type { Vars } from "./state.ts";
import { consoleStep, failUp, messageUp } from "./swsusp.ts";
import { inSuspendBytes } from "./swsusp_arch.ts";
import { CPUS_OFF, INTERRUPTS_OFF, SYSCORE } from "./swsusp_snapshot.ts";
import { inSuspendAddress, swsuspOf } from "./swsusp_state.ts";
import { saySet } from "./tuxonice_sets.ts";
import { fieldsOf, isError } from "./values.ts";

/** Goes up the ladder with the error that was kept, or with none. */
const UP: Step = {
  name: "up",
  run(_kernel, vars) {
    const { error } = vars;
    return fail(typeof error === "number" ? -error : 0);
  },
};

/** Says what was copied, where this is the return behind the copy. */
function afterCopy(kernel: Kernel, vars: Vars, answer: Answer): Next {
  const { inSuspend, saved } = swsuspOf(kernel);
  vars["error"] = isError(answer) ? answer : 0;
  if (vars["error"] === 0 && inSuspend === 1) saySet(kernel, "1", "copy", saved);
  return next;
}

/** A main phase of the devices, down with FREEZE and up with what the return calls for. */
const SUSPEND: readonly Step[] = [
  {
    name: "dpm_prepare",
    run: () => call("dpm_phase", { phase: "prepare", event: "FREEZE" }),
    then(_kernel, vars, answer) {
      if (!isError(answer)) return next;
      vars["error"] = answer;
      return goto("up");
    },
    undo: (kernel, vars) =>
      call("dpm_phase", { phase: "complete", event: messageUp(kernel, vars) }),
  },
  consoleStep("suspend", "resume"),
  {
    name: "dpm_suspend",
    run: () => call("dpm_phase", { phase: "freeze", event: "FREEZE" }),
    then(_kernel, vars, answer) {
      if (!isError(answer)) return next;
      vars["error"] = answer;
      return goto("up");
    },
    undo(kernel, vars) {
      const event = messageUp(kernel, vars);
      return call("dpm_phase", { phase: event === "RESTORE" ? "restore" : "thaw", event });
    },
  },
  {
    name: "dpm_suspend_end",
    run: () => call("dpm_suspend_end", { event: "FREEZE", recover: "RECOVER" }),
    then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
    undo: (kernel, vars) => call("dpm_resume_start", { event: messageUp(kernel, vars) }),
  },
];

function readClock(kernel: Kernel, vars: Vars, answer: Answer): void {
  if (vars["error"] !== 0) return;
  const { monotonic } = kernel.state.clock;
  kernel.state.clock = { at: kernel.out.now, monotonic };
  const real = fieldsOf(answer)["real_us"];
  if (typeof real === "number") kernel.state.realAtClock = real;
  kernel.fact("clock", { op: "enter", monotonic, real: kernel.state.realAtClock });
}

/** `tuxonice_copy {}`: 0 twice, or a negative errno; `in_suspend` tells the two apart. */
const COPY = procedure("tuxonice_copy", [
  ...SUSPEND,
  CPUS_OFF,
  INTERRUPTS_OFF,
  SYSCORE,
  {
    name: "in_suspend := 1",
    run(kernel) {
      swsuspOf(kernel).inSuspend = 1;
      const address = inSuspendAddress(kernel);
      return ask("memory", "memory.write", {
        by: kernel.name,
        address,
        bytes: inSuspendBytes(1),
      });
    },
  },
  {
    name: "save_processor_state",
    run: (kernel) => ask("cpu", "cpu.save_context", { address: layoutOf(kernel).context }),
    then(kernel, _vars, answer) {
      kernel.fact("save", { what: "cpu", digest: textOf(fieldsOf(answer)["digest"]) });
      return next;
    },
  },
  {
    name: "atomic copy",
    run: () => call("swsusp_arch_suspend"),
    then: afterCopy,
  },
  {
    name: "restore_processor_state",
    run: (kernel) =>
      ask("cpu", "cpu.restore_context", { address: layoutOf(kernel).context, reload_gdt: true }),
    then(kernel, _vars, answer) {
      kernel.fact("restore", { what: "cpu", digest: textOf(fieldsOf(answer)["digest"]) });
      return next;
    },
  },
  {
    name: "clock",
    run: () => ask("rtc", "rtc.read", {}),
    then(kernel, vars, answer) {
      readClock(kernel, vars, answer);
      return next;
    },
  },
  UP,
]);

/** Procedures of this file. */
export const TUXONICE_COPY_PROCEDURES: readonly Procedure[] = [COPY];
