/**
 * Taking a kernel down for a v7 jump and bringing it up again (protocol.md B.2.1, B.5.2 steps 3
 * to 7.9 with a jump in place of the copy). Which of it happens is decided by how the jump came
 * about: by the load flags, for a hibernation, for a resume.
 *
 * `v7_down {mode, flags, platform}` undoes itself in reverse where a step fails; where it ends,
 * what is down stands in the kernel's state, and `v7_up {}` brings exactly that up again.
 *
 * v7 misuses the suspend callbacks to quiesce (B.2.6 issue 1); `kexec_quiesce=apart` on the
 * kernel's command line has the callbacks apart that its author planned.
 *
 * @module
 */
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import type { PmEvent } from "./notifiers.ts";
import {
  ask,
  call,
  done,
  fail,
  type Next,
  next,
  orFail,
  type Procedure,
  procedure,
  type Step,
} from "./procedure.ts";
import type { CommandJumpState, Vars } from "./state.ts";
import { fieldsOf } from "./values.ts";

/** v7's load flags: which state is kept around the jump (protocol.md A.6, names believed). */
export const STATE_FLAG = {
  cpu: 0x2,
  cpuExtended: 0x4,
  singleCpu: 0x8,
  device: 0x10,
  console: 0x20,
} as const;

/** All of them. */
export const ALL_STATE = 0x3e;

type Mode = CommandJumpState["mode"];

const NOTIFIED: Readonly<
  Partial<Record<Mode, { readonly down: PmEvent; readonly up: PmEvent }>>
> = {
  snapshot: { down: "PM_HIBERNATION_PREPARE", up: "PM_POST_HIBERNATION" },
  resume: { down: "PM_RESTORE_PREPARE", up: "PM_POST_RESTORE" },
};

/** The jump's state in the kernel. */
export function jumpOf(kernel: Kernel): CommandJumpState {
  kernel.state.commandJump ??= { mode: "up", flags: 0, platform: false, received: 0 };
  return kernel.state.commandJump;
}

/** The messages under which devices go down and come up; none where the profile's are meant. */
function eventsOf(kernel: Kernel, mode: Mode): { down: Vars; up: Vars } {
  const apart = /(?:^|\s)kexec_quiesce=apart(?=\s|$)/.test(kernel.state.commandLine);
  if (!apart) return { down: {}, up: {} };
  const down = mode === "resume" ? "QUIESCE" : "FREEZE";
  return { down: { event: down, recover: "RESTORE" }, up: { event: "RESTORE" } };
}

/** A part of the ladder: when it is wanted, how it goes down, how up. */
interface Rung {
  readonly name: string;
  readonly wanted: (jump: CommandJumpState) => boolean;
  readonly down: (kernel: Kernel, jump: CommandJumpState) => Next;
  readonly up: (kernel: Kernel, jump: CommandJumpState) => Next;
}

const keeps = (flag: number) => ({ flags }: CommandJumpState): boolean => (flags & flag) !== 0;

function consoleRung(
  name: string,
  down: "prepare" | "suspend",
  up: "restore" | "resume",
): Rung {
  return {
    name,
    wanted: keeps(STATE_FLAG.console),
    down: (kernel) => {
      kernel.fact("console", { op: down });
      return next;
    },
    up: (kernel) => {
      kernel.fact("console", { op: up });
      return next;
    },
  };
}

const notifiers: Rung = {
  name: "pm notifiers",
  wanted: ({ mode }) => NOTIFIED[mode] !== undefined,
  down: (_kernel, { mode }) =>
    call("pm_notify", { event: NOTIFIED[mode]?.down ?? "", undo: NOTIFIED[mode]?.up ?? "" }),
  up: (_kernel, { mode }) => call("pm_notify", { event: NOTIFIED[mode]?.up ?? "" }),
};

const freezer: Rung = {
  name: "freeze_processes",
  wanted: keeps(STATE_FLAG.device),
  down: () => call("freeze_processes"),
  up: () => call("thaw_processes"),
};

const statePages: Rung = {
  name: "state pages",
  wanted: () => true,
  down: () => call("reserve_state_pages"),
  up: () => next,
};

const isPlatform = ({ mode, platform }: CommandJumpState): boolean =>
  mode === "snapshot" && platform;

const acpi: Rung = {
  name: "acpi_begin",
  wanted: isPlatform,
  down: () => call("acpi_begin", { state: 4 }),
  up: () => call("acpi_end"),
};

const devices: Rung = {
  name: "dpm_suspend_start",
  wanted: keeps(STATE_FLAG.device),
  down: (kernel, { mode }) => {
    const { down, up } = eventsOf(kernel, mode);
    return call("v7_devices_down", { down, up });
  },
  up: (kernel, { mode }) => call("dpm_resume_end", eventsOf(kernel, mode).up),
};

const lateDevices: Rung = {
  name: "dpm_suspend_end",
  wanted: keeps(STATE_FLAG.device),
  down: (kernel, { mode }) => call("dpm_suspend_end", eventsOf(kernel, mode).down),
  up: (kernel, { mode }) => call("dpm_resume_start", eventsOf(kernel, mode).up),
};

const firmware: Rung = {
  name: "acpi_pre_snapshot",
  wanted: isPlatform,
  down: () => call("v7_pre_snapshot"),
  up: () => call("acpi_finish"),
};

const bootFirmware: Rung = {
  name: "acpi_pre_restore",
  wanted: ({ mode }) => mode === "resume",
  down: () => call("acpi_pre_restore"),
  up: () => call("acpi_restore_cleanup"),
};

const processors: Rung = {
  name: "disable_nonboot_cpus",
  wanted: keeps(STATE_FLAG.singleCpu),
  down: (kernel) => {
    kernel.state.online = 1;
    return ask("cpu", "cpu.set_online", { count: 1 });
  },
  up: (kernel) => {
    kernel.state.online = kernel.state.cpus;
    return ask("cpu", "cpu.set_online", { count: kernel.state.cpus });
  },
};

const interrupts: Rung = {
  name: "local_irq_disable",
  wanted: () => true,
  down: (kernel) => {
    kernel.state.interrupts = false;
    return ask("cpu", "cpu.set_interrupts", { enabled: false });
  },
  up: (kernel) => {
    kernel.state.interrupts = true;
    return ask("cpu", "cpu.set_interrupts", { enabled: true });
  },
};

const systemDevices: Rung = {
  name: "sysdev_suspend",
  wanted: () => true,
  down: (kernel) => {
    kernel.fact("syscore", { op: "suspend", result: 0 });
    return next;
  },
  up: (kernel) => {
    kernel.fact("syscore", { op: "resume", result: 0 });
    return next;
  },
};

/** From the first to go down to the last. */
const LADDER: readonly Rung[] = [
  consoleRung("pm_prepare_console", "prepare", "restore"),
  notifiers,
  freezer,
  statePages,
  acpi,
  consoleRung("suspend_console", "suspend", "resume"),
  devices,
  lateDevices,
  firmware,
  bootFirmware,
  processors,
  interrupts,
  systemDevices,
];

function downStep({ name, wanted, down, up }: Rung): Step {
  return {
    name,
    run: (kernel) => wanted(jumpOf(kernel)) ? down(kernel, jumpOf(kernel)) : next,
    then: (_kernel, _vars, answer) => orFail(answer),
    undo: (kernel) => wanted(jumpOf(kernel)) ? up(kernel, jumpOf(kernel)) : next,
  };
}

function upStep({ name, wanted, up }: Rung): Step {
  return {
    name,
    run: (kernel) => wanted(jumpOf(kernel)) ? up(kernel, jumpOf(kernel)) : next,
    // Nothing on the way up stops it: devices that fail are dead, and were logged.
    then: () => next,
  };
}

function modeOf(value: string): Mode {
  return value === "snapshot" || value === "resume" ? value : "default";
}

/**
 * A wake-up event that came meanwhile keeps the machine awake (protocol.md G.3). Whoever resumes
 * does not look (B.5.7): the image is used up, to stop here would lose it.
 */
const wakeCheck: Step = {
  name: "wakeup pending",
  run: (kernel) => {
    const { mode } = jumpOf(kernel);
    if (mode !== "snapshot") return next;
    const pending = kernel.state.wakeupPending > 0;
    kernel.fact("wakeup", { at: mode, pending });
    if (!pending) return next;
    kernel.print("PM: Wakeup pending, aborting the jump");
    return fail(ERRNO.EBUSY);
  },
};

const down = procedure("v7_down", [
  {
    name: "begin",
    run: (kernel, vars) => {
      Object.assign(jumpOf(kernel), {
        mode: modeOf(textOf(vars["mode"])),
        flags: numberOf(vars["flags"]),
        platform: vars["platform"] === true,
      });
      return next;
    },
    undo: (kernel) => {
      jumpOf(kernel).mode = "up";
      return next;
    },
  },
  ...LADDER.map(downStep),
  wakeCheck,
]);

/** Interrupts are still off here: what the firmware is told first (protocol.md B.5.11, leave). */
const leaveSleep: Step = {
  name: "acpi_leave",
  run: (kernel) => isPlatform(jumpOf(kernel)) ? call("acpi_leave") : next,
};

const up = procedure("v7_up", [
  {
    name: "anything down",
    run: (kernel) => jumpOf(kernel).mode === "up" ? done() : next,
  },
  leaveSleep,
  ...LADDER.toReversed().map(upStep),
  {
    name: "end",
    run: (kernel) => {
      jumpOf(kernel).mode = "up";
      return done();
    },
  },
]);

/** The early phases, which are taken back here when one fails. */
const devicesDown = procedure("v7_devices_down", [
  {
    name: "down",
    run: (_kernel, vars) => call("dpm_suspend_start", { ...fieldsOf(vars["down"] ?? {}) }),
    then: (_kernel, vars, answer) => {
      if (typeof answer !== "number" || answer >= 0) return done();
      vars["result"] = answer;
      return next;
    },
  },
  {
    name: "up",
    run: (_kernel, vars) => call("dpm_resume_end", { ...fieldsOf(vars["up"] ?? {}) }),
    then: (_kernel, vars) => done(vars["result"] ?? 0),
  },
]);

/** A firmware that was told of the sleep is told of the waking, also where saving NVS failed. */
const preSnapshot = procedure("v7_pre_snapshot", [
  {
    name: "down",
    run: () => call("acpi_pre_snapshot"),
    then: (_kernel, vars, answer) => {
      if (typeof answer !== "number" || answer >= 0) return done();
      vars["result"] = answer;
      return next;
    },
  },
  {
    name: "up",
    run: () => call("acpi_finish"),
    then: (_kernel, vars) => done(vars["result"] ?? 0),
  },
]);

/** Procedures of this file. */
export const V7_STATE_PROCEDURES: readonly Procedure[] = [down, up, devicesDown, preSnapshot];
