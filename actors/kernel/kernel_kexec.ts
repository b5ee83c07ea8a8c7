/**
 * kernel_kexec (protocol.md B.4.1): the ladder that quiesces a kernel, jumps, and on the way back
 * climbs down the same rungs. A return from the jump and an error at any rung are the same thing
 * here: the rungs that are done are undone in reverse.
 *
 * @module
 */
import { ERRNO } from "./errno.ts";
import type { Kernel } from "./kernel_context.ts";
import { releaseLock, takeLock } from "./kexec_load.ts";
import {
  ask,
  call,
  done,
  fail,
  goto,
  next,
  orFail,
  type Procedure,
  procedure,
  type Step,
} from "./procedure.ts";
import {
  beginUnfrozen,
  endUnfrozen,
  isFreezerLeftOut,
  othersAreBusy,
  standAlone,
  standTogether,
} from "./unfrozen.ts";

const lock: Step = {
  name: "lock",
  run: (kernel) => takeLock(kernel, "exec") ? next : fail(ERRNO.EBUSY),
  undo: (kernel) => {
    releaseLock(kernel);
    return next;
  },
};

const imageLoaded: Step = {
  name: "image",
  run: (kernel) => {
    const { image } = kernel.state;
    if (image === null || image.start === 0) return fail(ERRNO.EINVAL);
    return image.preserve ? next : goto("reboot notifiers");
  },
};

const console_: Step = {
  name: "pm_prepare_console",
  run: (kernel) => {
    kernel.fact("console", { op: "prepare" });
    return next;
  },
  undo: (kernel) => {
    kernel.fact("console", { op: "restore" });
    return next;
  },
};

const freeze: Step = {
  name: "freeze_processes",
  run: (kernel) => {
    if (!isFreezerLeftOut(kernel.state)) return call("freeze_processes");
    beginUnfrozen(kernel.state, kernel.process.pid);
    return next;
  },
  then: (_kernel, _vars, answer) =>
    typeof answer === "number" && answer < 0 ? fail(ERRNO.EBUSY) : next,
  undo: (kernel) => {
    if (kernel.state.unfrozen === undefined) return call("thaw_processes");
    endUnfrozen(kernel);
    return next;
  },
};

const statePages: Step = {
  name: "state pages",
  run: () => call("reserve_state_pages"),
  then: (_kernel, _vars, answer) => orFail(answer),
};

const suspendConsole: Step = {
  name: "suspend_console",
  run: (kernel) => {
    kernel.fact("console", { op: "suspend" });
    return next;
  },
  undo: (kernel) => {
    kernel.fact("console", { op: "resume" });
    return next;
  },
};

/** The phases prepare and freeze; a failure takes back what was frozen, save by the quirk. */
const suspendStart: Step = {
  name: "dpm_suspend_start",
  run: () => call("dpm_suspend_start_guarded"),
  then: (_kernel, _vars, answer) => orFail(answer),
  undo: () => call("dpm_resume_end"),
};

const suspendStartGuarded = procedure("dpm_suspend_start_guarded", [
  {
    name: "down",
    run: () => call("dpm_suspend_start"),
    then: (kernel, vars, answer) => {
      if (typeof answer !== "number" || answer >= 0) return done();
      vars["result"] = answer;
      return kernel.profile.skipsResume ? done(answer) : next;
    },
  },
  {
    name: "up",
    run: () => call("dpm_resume_end"),
    then: (_kernel, vars) => done(vars["result"] ?? 0),
  },
]);

const suspendEnd: Step = {
  name: "dpm_suspend_end",
  run: () => call("dpm_suspend_end"),
  then: (_kernel, _vars, answer) => orFail(answer),
  undo: () => call("dpm_resume_start"),
};

const cpusOff: Step = {
  name: "suspend_disable_secondary_cpus",
  run: () => ask("cpu", "cpu.set_online", { count: 1 }),
  then: (kernel) => {
    kernel.state.online = 1;
    return next;
  },
  undo: (kernel) => {
    kernel.state.online = kernel.state.cpus;
    return ask("cpu", "cpu.set_online", { count: kernel.state.cpus });
  },
};

const interruptsOff: Step = {
  name: "local_irq_disable",
  run: (kernel) => {
    kernel.state.interrupts = false;
    return ask("cpu", "cpu.set_interrupts", { enabled: false });
  },
  undo: (kernel) => {
    kernel.state.interrupts = true;
    return ask("cpu", "cpu.set_interrupts", { enabled: true });
  },
};

/** Time after which it is looked again whether other tasks have come to rest. */
const LOOK_NS = 10_000;

/** Without the freezer: with interrupts off only this task runs, once others are between steps. */
const othersRest: Step = {
  name: "others rest",
  run: (kernel) => {
    if (kernel.state.unfrozen === undefined) return next;
    if (othersAreBusy(kernel.state)) return ask("rtc", "timer.arm", { delay_ns: LOOK_NS });
    standAlone(kernel.state);
    return next;
  },
  then: () => goto("others rest"),
  undo: (kernel) => {
    standTogether(kernel.state);
    return next;
  },
};

const syscore: Step = {
  name: "syscore_suspend",
  run: (kernel) => {
    kernel.fact("syscore", { op: "suspend", result: 0 });
    return next;
  },
  undo: (kernel) => {
    kernel.fact("syscore", { op: "resume", result: 0 });
    return next;
  },
};

/** The jump. Its return unwinds the ladder with error 0, as the kernel's labels do. */
const jump: Step = {
  name: "machine_kexec",
  run: () => call("machine_kexec"),
  then: () => fail(0),
};

/** The way of no return: devices shut down, the old kernel ends (B.4.1, last paragraph). */
const shutDown: readonly Step[] = [
  {
    name: "reboot notifiers",
    run: () => call("device_shutdown"),
  },
  {
    name: "machine_shutdown",
    run: () => ask("cpu", "cpu.set_online", { count: 1 }),
  },
  {
    name: "irqs off for good",
    run: () => ask("cpu", "cpu.set_interrupts", { enabled: false }),
  },
  {
    name: "one way",
    run: (kernel: Kernel) => {
      kernel.note("kexec_core: Starting new kernel");
      return call("machine_kexec");
    },
  },
];

const start = [
  lock,
  imageLoaded,
  console_,
  freeze,
  statePages,
  suspendConsole,
  suspendStart,
];

/** The rungs that quiesce a kernel before any jump, in the order of 2.6.27. */
export const QUIESCE_RUNGS: readonly Step[] = [
  console_,
  freeze,
  statePages,
  suspendConsole,
  suspendStart,
  cpusOff,
  interruptsOff,
  othersRest,
  suspendEnd,
  syscore,
];
/** The first rung: the kexec lock. */
export const LOCK_RUNG: Step = lock;

/** 2.6.27: the other processors go off before the late device phase (B.4.1 rows 8 to 10). */
const early = procedure("kernel_kexec_2.6.27", [
  ...start,
  cpusOff,
  interruptsOff,
  othersRest,
  suspendEnd,
  syscore,
  jump,
  ...shutDown,
]);

/** 6.1: the late phase first, then the other processors (recorded fact 14). */
const late = procedure("kernel_kexec_6.1", [
  ...start,
  suspendEnd,
  cpusOff,
  interruptsOff,
  othersRest,
  syscore,
  jump,
  ...shutDown,
]);

/** reboot(LINUX_REBOOT_CMD_KEXEC). */
const reboot = procedure("sys_reboot_kexec", [
  {
    name: "kernel_kexec",
    run: (kernel, vars) => {
      const { image } = kernel.state;
      const command = typeof vars["command"] === "number" ? vars["command"] : 0;
      kernel.fact("exec", {
        loaded: image !== null,
        preserve: image?.preserve ?? false,
        start: `0x${(image?.start ?? 0).toString(16)}`,
        ...(command === 0 ? {} : { command: `0x${command.toString(16)}` }),
      });
      if (kernel.profile.commandJump && image?.preserve !== false) {
        return call("kernel_kexec_v7", { command });
      }
      return call(
        kernel.profile.cpusBeforeLatePhase ? "kernel_kexec_2.6.27" : "kernel_kexec_6.1",
      );
    },
    then: (kernel, _vars, answer) => {
      const result = typeof answer === "number" ? answer : 0;
      kernel.fact("exec_done", { result });
      return done(result);
    },
  },
]);

/** Procedures of the jump. */
export const KERNEL_KEXEC_PROCEDURES: readonly Procedure[] = [
  early,
  late,
  reboot,
  suspendStartGuarded,
];
