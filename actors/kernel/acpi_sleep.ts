/**
 * ACPI's platform sleep operations round a hibernation (protocol.md B.5.11, E.6.5): what swsusp's
 * platform mode and khibernation v7 both do, in the kernel that is saved.
 *
 * `acpi_begin {state}` to `acpi_end` are procedures; what is under way stands in the kernel's state
 * and therefore in its pages. Methods run in the firmware and failures of all but `_PTS` are
 * passed over, as in 6.1; a failing `_PTS` is passed over too unless `acpi_sleep=strict_pts`.
 *
 * @module
 */
import { toHex } from "../../machine/digest.ts";
import { FACS_FIELD } from "../../machine/formats/acpi/facs.ts";
import {
  type AcpiSleepHardware,
  type AcpiSleepState,
  oldMethodEnabled,
  PM1,
  sleepOption,
} from "./acpi_sleep_hardware.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
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
import { bytesOf, fieldsOf, resultOf } from "./values.ts";

const S4 = 4;
/** Arguments of `_SST`: the indicator shows waking, working, sleeping. */
const INDICATOR = { working: 1, waking: 2, sleeping: 3 } as const;
const ALL_EVENTS = 0xffff;

/** The machine's sleep hardware; callers have begun a transition. */
export function hardwareOf(kernel: Kernel): AcpiSleepHardware {
  const sleep = kernel.state.acpi?.sleep;
  if (sleep === undefined) throw new Error(`Kernel ${kernel.name} has no sleep hardware`);
  return sleep;
}

/** The transition under way; one that never began has no target. */
export function transitionOf(kernel: Kernel): AcpiSleepState {
  kernel.state.acpiSleep ??= { target: 0, wakeDevices: false, nvs: [], nvsSaved: false };
  return kernel.state.acpiSleep;
}

/** Whether this kernel can put this machine into S4. */
export function canSleepDeep(kernel: Kernel): boolean {
  return (kernel.state.acpi?.sleep?.s4 ?? -1) >= 0;
}

/** Asks the firmware to run a control method. */
export function evaluate(kernel: Kernel, method: string, argument: number): Next {
  return ask("firmware", "acpi.evaluate", { by: kernel.name, method, argument });
}

/** Writes a register by its port. */
export function writePort(kernel: Kernel, port: number, value: number): Next {
  return ask("firmware", "acpi.write", { by: kernel.name, port, value });
}

/** Writes GPE0_EN, or clears GPE0_STS. */
export function writeEvents(kernel: Kernel, which: "enable" | "clear", value: number): Next {
  return writePort(kernel, hardwareOf(kernel).gpe0 + (which === "enable" ? 2 : 0), value);
}

/** A step that runs a method whatever comes of it. */
export function methodStep(method: string, argument: number): Step {
  return { name: `${method}(${argument})`, run: (kernel) => evaluate(kernel, method, argument) };
}

/** A step that turns all general-purpose events off. */
export const EVENTS_OFF: Step = {
  name: "GPEs off",
  run: (kernel) => writeEvents(kernel, "enable", 0),
};

/** A step that turns the events on that are handled while the machine works: none have handlers. */
export const RUNTIME_EVENTS: Step = {
  name: "runtime GPEs",
  run: (kernel) => writeEvents(kernel, "enable", 0),
};

const isOldOrdering = (kernel: Kernel): boolean =>
  sleepOption(kernel.state.commandLine, "old_ordering");

/** `_PTS(4)`, whose failure counts only where the command line says so. */
function prepareToSleep(name: string, when: (kernel: Kernel) => boolean): Step {
  return {
    name,
    run: (kernel) => when(kernel) ? evaluate(kernel, "_PTS", transitionOf(kernel).target) : next,
    then: (kernel, _vars, answer) => {
      const result = resultOf(answer);
      if (result >= 0 || !sleepOption(kernel.state.commandLine, "strict_pts")) return next;
      kernel.print(`ACPI: _PTS failed: ${result}`);
      return fail(-result);
    },
  };
}

/** `acpi_enable {}`: ACPI mode on, where the hardware has it off. */
const enable = procedure("acpi_enable", [
  {
    name: "SCI_EN",
    run: (kernel) =>
      ask("firmware", "acpi.read", {
        by: kernel.name,
        port: kernel.state.acpi?.pm1aControl ?? 0,
      }),
    then: (_kernel, _vars, answer) =>
      (numberOf(fieldsOf(answer)["value"]) & PM1.sciEnable) === 0 ? next : done(),
  },
  {
    name: "SMI_CMD",
    run: (kernel) => {
      const { smiCommand, acpiEnable } = hardwareOf(kernel);
      return smiCommand === 0 ? next : writePort(kernel, smiCommand, acpiEnable);
    },
  },
]);

/**
 * `acpi_begin {state}`: the target is set and `_TTS` run; with `acpi_sleep=old_ordering` `_PTS`
 * too, before devices are told. -ENOSYS without S4, -ENOMEM without pages for NVS.
 */
const begin = procedure("acpi_begin", [
  {
    name: "NVS pages",
    run: (kernel) => canSleepDeep(kernel) ? call("acpi_nvs_allocate") : fail(ERRNO.ENOSYS),
    then: (_kernel, _vars, answer) => orFail(answer),
    undo: () => call("acpi_nvs_free"),
  },
  {
    name: "_TTS",
    run: (kernel, vars) => {
      const { target } = Object.assign(transitionOf(kernel), { target: numberOf(vars["state"]) });
      return evaluate(kernel, "_TTS", target);
    },
    undo: (kernel) => {
      transitionOf(kernel).target = 0;
      return evaluate(kernel, "_TTS", 0);
    },
  },
  prepareToSleep("_PTS before devices", isOldOrdering),
]);

/** `acpi_pre_snapshot {}`: after the devices are quiet and before other processors go off. */
const preSnapshot = procedure("acpi_pre_snapshot", [
  {
    name: "wake devices",
    run: (kernel) => {
      kernel.print("ACPI: PM: Preparing to enter system sleep state S4");
      transitionOf(kernel).wakeDevices = true;
      return next;
    },
    undo: (kernel) => {
      transitionOf(kernel).wakeDevices = false;
      return next;
    },
  },
  prepareToSleep("_PTS", (kernel) => !isOldOrdering(kernel)),
  methodStep("_SST", INDICATOR.sleeping),
  { ...EVENTS_OFF, undo: RUNTIME_EVENTS.run },
  {
    name: "save NVS",
    run: () => call("acpi_nvs_save"),
    then: (_kernel, _vars, answer) => orFail(answer),
  },
]);

function wordText(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

/** What the firmware says the hardware is now, against what it said at boot. */
const compareSignature: Step = {
  name: "hardware signature",
  run: (kernel) =>
    ask("memory", "memory.read", {
      by: kernel.name,
      address: hardwareOf(kernel).facs + FACS_FIELD.hardwareSignature,
      length: 4,
    }),
  then: (kernel, _vars, answer) => {
    const bytes = bytesOf(answer);
    const found = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const stored = hardwareOf(kernel).signature;
    if (found !== stored) {
      // Only a warning: whoever obeys the signature looked before he read the image.
      kernel.fact("header_check", {
        what: "hardware",
        stored: wordText(stored),
        found: wordText(found),
        result: 0,
        obeyed: false,
      });
      kernel.print("ACPI: Hardware changed while hibernated, success doubtful!");
    }
    return next;
  },
};

/**
 * `acpi_leave {}`: behind the snapshot, and behind a restore of it: ACPI mode on, SLP_TYP of S0,
 * `_BFS` where it is run, hardware signature, NVS. Interrupts are off.
 */
const leave = procedure("acpi_leave", [
  { name: "acpi_enable", run: () => call("acpi_enable") },
  {
    name: "SLP_TYP := S0",
    run: (kernel) => {
      const { s0 } = hardwareOf(kernel);
      // Tables without \_S0 leave the old value there, as the real code does.
      if (s0 < 0) return next;
      const value = PM1.sciEnable | (s0 << PM1.sleepTypeShift);
      return writePort(kernel, kernel.state.acpi?.pm1aControl ?? 0, value);
    },
  },
  {
    name: "_BFS",
    run: (kernel) =>
      oldMethodEnabled(kernel.state.commandLine, hardwareOf(kernel), "bfs")
        ? evaluate(kernel, "_BFS", S4)
        : next,
  },
  compareSignature,
  { name: "restore NVS", run: () => call("acpi_nvs_restore") },
]);

/** `acpi_finish {}`: interrupts are on again, devices are not told yet; `_WAK(4)`. */
const finish = procedure("acpi_finish", [
  {
    name: "wake devices",
    run: (kernel) => {
      kernel.print("ACPI: PM: Waking up from system sleep state S4");
      transitionOf(kernel).wakeDevices = false;
      return call("acpi_nvs_free");
    },
  },
  methodStep("_SST", INDICATOR.waking),
  EVENTS_OFF,
  RUNTIME_EVENTS,
  methodStep("_WAK", S4),
  {
    name: "clear WAK_STS",
    run: (kernel) => writePort(kernel, kernel.state.acpi?.pm1aStatus ?? 0, PM1.wakeStatus),
  },
  {
    name: "power button",
    run: (kernel) => writePort(kernel, (kernel.state.acpi?.pm1aStatus ?? 0) + 2, PM1.powerButton),
  },
  {
    name: "clear PWRBTN_STS",
    run: (kernel) => writePort(kernel, kernel.state.acpi?.pm1aStatus ?? 0, PM1.powerButton),
  },
  methodStep("_SST", INDICATOR.working),
  {
    name: "waking vector",
    run: (kernel) => {
      transitionOf(kernel).target = 0;
      return ask("memory", "memory.write", {
        by: kernel.name,
        address: hardwareOf(kernel).facs + FACS_FIELD.wakingVector,
        bytes: toHex(new Uint8Array(4)),
      });
    },
  },
]);

/** `acpi_end {}`: devices work again; `_TTS(0)`. */
const end = procedure("acpi_end", [
  {
    name: "_TTS",
    run: (kernel) => {
      delete kernel.state.acpiSleep;
      return evaluate(kernel, "_TTS", 0);
    },
  },
]);

/** Steps that go into the firmware before SLP_EN, in the order of protocol.md E.6.5. */
export const BEFORE_SLEEP: readonly Step[] = [
  {
    name: "_GTS",
    run: (kernel) =>
      oldMethodEnabled(kernel.state.commandLine, hardwareOf(kernel), "gts")
        ? evaluate(kernel, "_GTS", S4)
        : next,
  },
  {
    name: "clear WAK_STS",
    run: (kernel) => writePort(kernel, kernel.state.acpi?.pm1aStatus ?? 0, PM1.wakeStatus),
  },
  EVENTS_OFF,
  { name: "clear events", run: (kernel) => writeEvents(kernel, "clear", ALL_EVENTS) },
  {
    name: "wake GPEs",
    run: (kernel) =>
      writeEvents(
        kernel,
        "enable",
        transitionOf(kernel).wakeDevices ? hardwareOf(kernel).wakeGpes : 0,
      ),
  },
];

/** Procedures of platform sleep. */
export const ACPI_SLEEP_OPERATIONS: readonly Procedure[] = [
  enable,
  begin,
  preSnapshot,
  leave,
  finish,
  end,
];
