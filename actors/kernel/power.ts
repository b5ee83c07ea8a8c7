/**
 * Switching off: devices shut down, `_PTS(5)`, then SLP_TYP and SLP_EN in two writes
 * (protocol.md E.6.5, S5 column).
 *
 * @module
 */
import { ask, call, next, type Procedure, procedure, type Step } from "./procedure.ts";

/** PM1 bits (protocol.md E.6.4). */
const SLP_TYP_SHIFT = 10;
const SLP_EN = 1 << 13;
const WAK_STS = 1 << 15;
const SCI_EN = 1;

/** `_PTS(5)`, where there is ACPI. */
export const PREPARE_FOR_OFF: Step = {
  name: "_PTS",
  run: (kernel) => {
    if (kernel.state.acpi === undefined) return next;
    return ask("firmware", "acpi.evaluate", { by: kernel.name, method: "_PTS", argument: 5 });
  },
};

/** What comes when devices are shut down: the other processors, interrupts, the two writes. */
export const LAST_STEPS: readonly Step[] = [
  { name: "other processors", run: () => ask("cpu", "cpu.set_online", { count: 1 }) },
  {
    name: "interrupts",
    run: (kernel) => {
      if (kernel.state.acpi !== undefined) {
        return ask("cpu", "cpu.set_interrupts", { enabled: false });
      }
      // A PC of those years has its older BIOS interface too, where ACPI is not used.
      if (kernel.profile.arch === "i386") return call("apm_power_off");
      kernel.print("Power down manually");
      kernel.state.label = "halted";
      kernel.out.send("cpu", "cpu.halt", { reason: "no ACPI to power down with" });
      // Nothing runs any more: somebody has to hold the power button.
      return { do: "leave" };
    },
  },
  {
    name: "clear WAK_STS",
    run: (kernel) =>
      ask("firmware", "acpi.write", {
        by: kernel.name,
        port: kernel.state.acpi?.pm1aStatus ?? 0,
        value: WAK_STS,
      }),
  },
  {
    name: "SLP_TYP",
    run: (kernel) =>
      ask("firmware", "acpi.write", {
        by: kernel.name,
        port: kernel.state.acpi?.pm1aControl ?? 0,
        value: SCI_EN | ((kernel.state.acpi?.s5 ?? 0) << SLP_TYP_SHIFT),
      }),
  },
  {
    name: "SLP_EN",
    run: (kernel) => {
      kernel.state.label = "halted";
      return ask("firmware", "acpi.write", {
        by: kernel.name,
        port: kernel.state.acpi?.pm1aControl ?? 0,
        value: SCI_EN | ((kernel.state.acpi?.s5 ?? 0) << SLP_TYP_SHIFT) | SLP_EN,
      });
    },
  },
];

const powerOff = procedure("power_off", [
  { name: "sync", run: () => call("fs_sync") },
  PREPARE_FOR_OFF,
  { name: "device_shutdown", run: () => call("device_shutdown") },
  ...LAST_STEPS,
]);

/** Procedures of power. */
export const POWER_PROCEDURES: readonly Procedure[] = [powerOff];
