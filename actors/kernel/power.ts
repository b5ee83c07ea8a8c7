/**
 * Switching off: devices shut down, `_PTS(5)`, then SLP_TYP and SLP_EN in two writes
 * (protocol.md E.6.5, S5 column).
 *
 * @module
 */
import { ask, call, done, next, type Procedure, procedure } from "./procedure.ts";

/** PM1 bits (protocol.md E.6.4). */
const SLP_TYP_SHIFT = 10;
const SLP_EN = 1 << 13;
const WAK_STS = 1 << 15;
const SCI_EN = 1;

const powerOff = procedure("power_off", [
  { name: "sync", run: () => call("fs_sync") },
  {
    name: "_PTS",
    run: (kernel) => {
      if (kernel.state.acpi === undefined) return next;
      return ask("firmware", "acpi.evaluate", { by: kernel.name, method: "_PTS", argument: 5 });
    },
  },
  { name: "device_shutdown", run: () => call("device_shutdown") },
  { name: "other processors", run: () => ask("cpu", "cpu.set_online", { count: 1 }) },
  {
    name: "interrupts",
    run: (kernel) => {
      if (kernel.state.acpi !== undefined) {
        return ask("cpu", "cpu.set_interrupts", { enabled: false });
      }
      kernel.print("Power down manually");
      kernel.state.label = "halted";
      kernel.out.send("cpu", "cpu.halt", { reason: "no ACPI to power down with" });
      return done();
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
]);

/** Procedures of power. */
export const POWER_PROCEDURES: readonly Procedure[] = [powerOff];
