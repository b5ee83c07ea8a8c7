/**
 * The clock chip: wall clock, and a timer that fires once.
 *
 * The wall clock is the configuration's base plus virtual time, whatever kernel asks, and needs
 * no programming, as the real one keeps going on its battery. The timer's answer stands for an
 * interrupt as well as for polling a counter, so freezing the device does not hold it back.
 *
 * @module
 */
import { type AnyBehaviour, type Behaviour, seal } from "../machine/actor.ts";
import { type Infer, natural, record } from "../machine/messages/shape.ts";
import { configOf } from "./configuration.ts";
import {
  DEVICE_CONFIG_FIELDS,
  DEVICE_REQUESTS,
  deviceHandlers,
  type DeviceState,
  freshDevice,
  INTERRUPT_LINE,
} from "./device_common.ts";

const NS_PER_US = 1000;

const CONFIG = record({
  ...DEVICE_CONFIG_FIELDS,
  /** Wall clock at virtual time 0, in µs since 1970. */
  realBaseUs: natural,
});

/** What the clock is started with. */
export type RtcConfig = Infer<typeof CONFIG>;

interface State {
  readonly config: RtcConfig;
  readonly device: DeviceState;
}

/** Wall clock in µs since 1970 at a virtual time in ns. */
export function wallClockUs(realBaseUs: number, now: number): number {
  return realBaseUs + Math.floor(now / NS_PER_US);
}

const BEHAVIOUR: Behaviour<State> = {
  kind: "rtc",
  role: "device",
  doc: "Wall clock and one-shot timer.",
  states: { ready: { handles: [...DEVICE_REQUESTS, "rtc.read", "timer.arm"] } },
  start: (config, out) => ({
    config: configOf(CONFIG, config, out.self),
    device: freshDevice(true),
  }),
  label: () => "ready",
  signal(state, { kind }, out) {
    const { powered, registers, wakeArmed } = state.device;
    // The alarm rings where a driver has set the chip up, or has armed it for the sleep.
    if (kind === "wake" && ((powered && (registers["rate"] ?? 0) !== 0) || wakeArmed)) {
      const line = INTERRUPT_LINE.rtc;
      out.send("cpu", "cpu.interrupt", { line, device: "rtc", wake: true });
    }
    return state;
  },
  on: {
    ...deviceHandlers<State>(),
    "rtc.read": (state, { source, body }, out) => {
      const real_us = wallClockUs(state.config.realBaseUs, out.now);
      out.send(source, "rtc.time", { tag: body.tag, real_us });
      return state;
    },
    "timer.arm": (state, { source, body }, out) => {
      out.send(source, "timer.fired", { tag: body.tag }, body.delay_ns);
      return state;
    },
  },
};

/** The behaviour `rtc`. */
export const rtc: AnyBehaviour = seal(BEHAVIOUR);
