/**
 * Facts of devices, firmware and power (see `../facts.ts` for what a fact is).
 *
 * @module
 */
import { flag, integer, natural, oneOf, optional, record, text } from "../../messages/shape.ts";

/** Phases of device power management, down then up (protocol.md B.5.3). */
export const DOWN_PHASES = ["prepare", "freeze", "freeze_late", "freeze_noirq"] as const;
/** See {@linkcode DOWN_PHASES}. */
export const UP_PHASES = ["restore_noirq", "restore_early", "restore", "complete"] as const;

const phaseName = oneOf(
  ...DOWN_PHASES,
  ...UP_PHASES,
  "thaw_noirq",
  "thaw_early",
  "thaw",
  "poweroff",
  "poweroff_late",
  "poweroff_noirq",
  "suspend",
  "suspend_late",
  "suspend_noirq",
  "resume_noirq",
  "resume_early",
  "resume",
  "shutdown",
);

/** Facts of devices, firmware and power. */
export const DEVICE_FACTS = {
  /** One device callback; `parent` names the device it hangs from, `message` the PM event. */
  phase: record({
    k: text,
    device: text,
    parent: optional(text),
    name: phaseName,
    message: oneOf(
      "FREEZE",
      "QUIESCE",
      "THAW",
      "RECOVER",
      "HIBERNATE",
      "RESTORE",
      "SUSPEND",
      "RESUME",
    ),
    powered: optional(flag),
    wake_armed: optional(flag),
    result: integer,
  }),
  /** A device wrote or read memory by itself, on behalf of the kernel that programmed it. */
  dma: record({ k: text, device: text }),
  /** A device raised its line. */
  irq: record({ k: text, device: text }),
  /** System devices (timekeeping, interrupt controllers) below the device tree. */
  syscore: record({ k: text, op: oneOf("suspend", "resume"), result: integer }),
  /** An ACPI method run or a register written. */
  acpi: record({
    k: text,
    method: optional(text),
    register: optional(text),
    argument: optional(integer),
    value: optional(text),
  }),
  /** The machine's power. `k` is the kernel that asked, where one did. */
  power: record({
    op: oneOf("on", "off", "loss", "reset", "sleep", "wake"),
    state: optional(text),
    k: optional(text),
  }),
  /**
   * A callback of a notifier chain was called: `pm` with its event (PM_HIBERNATION_PREPARE …),
   * `pre` and `post` around a command-driven jump with the command as event (protocol.md B.2.1).
   * `returned` is what it gave back; the callback `default` stands for the default actions.
   */
  notifier: record({
    k: text,
    chain: oneOf("pm", "pre", "post"),
    event: text,
    callback: text,
    returned: oneOf("done", "stop", "error"),
    result: integer,
  }),
  /** A pending wake-up event was looked for; `at` names the step that looked. */
  wakeup: record({ k: text, at: text, pending: flag }),
  /** The memory map firmware gave, as `start-end:type` with decimal types, comma-separated. */
  firmware_map: record({ k: text, ranges: text, crc: text }),
  /** What identifies the hardware configuration, at preparing or using an image of B (F13). */
  hardware: record({ k: text, at: oneOf("prepare", "use"), signature: text, map: text }),
  /** The console around a transition. */
  console: record({ k: text, op: oneOf("prepare", "suspend", "resume", "restore") }),
  /** Clocks at leaving and entering: monotonic (ns) stands still meanwhile, real (us) goes on. */
  clock: record({ k: text, op: oneOf("leave", "enter"), monotonic: natural, real: natural }),
} as const;
