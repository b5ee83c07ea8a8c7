/**
 * The console: shows text to the person at the machine, and brings typed lines to the kernel
 * that programmed it.
 *
 * Writing needs no programming (the firmware and the boot loader write before any driver is
 * there); reading does: a line typed while nobody listens is lost, as on a real serial line.
 *
 * @module
 */
import { type AnyBehaviour, type Behaviour, seal } from "../machine/actor.ts";
import { configOf } from "./configuration.ts";
import {
  DEVICE_CONFIG,
  DEVICE_REQUESTS,
  type DeviceActor,
  deviceHandlers,
  freshDevice,
  INTERRUPT_LINE,
  isAlive,
} from "./device_common.ts";

const BEHAVIOUR: Behaviour<DeviceActor> = {
  kind: "console",
  role: "device",
  doc: "Shows text to a person and takes lines typed by one.",
  states: {
    ready: {
      handles: [
        ...DEVICE_REQUESTS,
        "console.write",
        "console.type",
        "console.call",
        "console.result",
      ],
    },
  },
  start: (config, out) => ({
    config: configOf(DEVICE_CONFIG, config, out.self),
    device: freshDevice(),
  }),
  label: () => "ready",
  on: {
    ...deviceHandlers<DeviceActor>(),
    "console.write": (state, { body }, out) => {
      out.send("operator", "console.shown", { ...body });
      return state;
    },
    "console.type": (state, { body }, out) => {
      if (!isAlive(state.device)) return state;
      const k = state.device.owner;
      out.fact("irq", { k, device: out.self });
      out.send("cpu", "cpu.interrupt", { line: INTERRUPT_LINE.console, device: out.self });
      out.send(k, "console.line", { line: body.line });
      return state;
    },
    "console.call": (state, { body }, out) => {
      if (!isAlive(state.device)) return state;
      const k = state.device.owner;
      out.fact("irq", { k, device: out.self });
      out.send("cpu", "cpu.interrupt", { line: INTERRUPT_LINE.console, device: out.self });
      out.send(k, "console.request", { ...body });
      return state;
    },
    "console.result": (state, { body }, out) => {
      out.send("operator", "console.answer", { ...body });
      return state;
    },
  },
};

/** The behaviour `console`. */
export const consoleDevice: AnyBehaviour = seal(BEHAVIOUR);
