/**
 * The sabotage table's entries about devices, console and lock on the way down and up.
 *
 * @module
 */
import { call } from "../kernel/procedure.ts";
import {
  alterInput,
  alterStep,
  alterSteps,
  both,
  neverUndo,
  type Sabotage,
  skipStep,
} from "./sabotage_tools.ts";

/** Entries about a kernel's way down and up. */
export const KERNEL_SABOTAGE: readonly Sabotage[] = [
  {
    name: "devices not frozen",
    says: "The network card goes on with its transfers after the freeze.",
    rules: ["F37"],
    run: { brokenNetwork: true },
    make: () => ({}),
  },
  {
    name: "late phase left out",
    says: "Devices go through freeze, but neither through freeze_late nor through freeze_noirq.",
    rules: ["F34", "F35"],
    make: () => ({
      procedures: both(
        skipStep("kernel_kexec_2.6.27", "syscore_suspend"),
        skipStep("kernel_kexec_2.6.27", "dpm_suspend_end"),
      ),
    }),
  },
  {
    name: "parents frozen first",
    says: "Devices freeze in the order in which they were found.",
    rules: ["F36"],
    make: () => ({
      procedures: alterStep("probe_devices", "ring", (step) => ({
        ...step,
        run(kernel, vars) {
          const wanted = step.run(kernel, vars);
          kernel.state.drivers.reverse();
          return wanted;
        },
      })),
    }),
  },
  {
    name: "low power for quiesce",
    says: "A device is powered down where it should only stand still.",
    rules: ["F38"],
    make: () => ({
      behaviours: {
        network: alterInput((input) => {
          if (input.kind !== "message" || input.envelope.type !== "device.phase") return input;
          const { envelope } = input;
          const { body } = envelope;
          if (!("phase" in body) || body.phase !== "freeze_noirq") return input;
          return {
            kind: "message",
            envelope: { ...envelope, body: { ...body, phase: "poweroff_noirq" } },
          };
        }),
      },
    }),
  },
  {
    name: "thaw for restore",
    says: "After the return devices are brought up with THAW.",
    rules: ["F39"],
    make: () => ({
      procedures: alterSteps("dpm_resume_end", (steps) =>
        steps.map((step) => ({
          ...step,
          run: () => call("dpm_phase", { phase: step.name, event: "THAW" }),
        }))),
    }),
  },
  {
    name: "registers not brought back",
    says: "On restore a driver programs its device as if it had just been found.",
    rules: ["F30"],
    make: () => ({
      procedures: alterStep("dpm_phase", "each", (step) => ({
        ...step,
        run(kernel, vars) {
          const wanted = step.run(kernel, vars);
          if (wanted.do !== "ask" || !("registers" in wanted.body)) return wanted;
          return { ...wanted, body: { ...wanted.body, registers: { ringSize: 1 } } };
        },
      })),
    }),
  },
  {
    name: "console not restored",
    says: "The console stays as the jump needed it.",
    rules: ["F45"],
    make: () => ({ procedures: neverUndo("kernel_kexec_2.6.27", "pm_prepare_console") }),
  },
  {
    name: "lock not released",
    says: "The kexec lock is kept after the return.",
    rules: ["F04"],
    make: () => ({ procedures: neverUndo("kernel_kexec_2.6.27", "lock") }),
  },
];
