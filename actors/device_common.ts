/**
 * What all devices have in common: registers that a driver programs, the power-management
 * callbacks of protocol.md B.5.3, and being dead when nobody programmed them.
 *
 * After power-on every register is zero. `device.probe` programs them. A freeze phase stops DMA
 * and interrupts and leaves the registers as they are, for the kernel to save; it neither powers
 * down nor arms wake-up. From then on the device is dead until a `thaw` phase, or a restore phase
 * that brings registers: a restore without them leaves it dead, as real hardware would be. A
 * power-off phase takes the power away and with it the registers.
 *
 * @module
 */
import type { Handlers, Out } from "../machine/actor.ts";
import { ProtocolError } from "../machine/errors.ts";
import {
  type Infer,
  integer,
  list,
  natural,
  type Plain,
  record,
  type RecordShape,
  type Shape,
  text,
} from "../machine/messages/shape.ts";

/** Interrupt lines of a PC, by actor. */
export const INTERRUPT_LINE = { console: 4, rtc: 8, network: 11, disk: 14 } as const;

/** EIO as devices answer it. */
export const EIO = -5;

const refusal = record({ device: text, phase: text, time: natural, result: integer });

/**
 * A refusal chosen for a run: the `time`-th request (from 1, since power-on) of `phase` to
 * `device` answers `result`, a negative errno, and does nothing.
 */
export type Refusal = Infer<typeof refusal>;

/** Shape of a list of refusals. */
export const REFUSALS: Shape<readonly Refusal[]> = list(refusal);

type DeviceConfigFields = {
  readonly phaseNs: Shape<number>;
  readonly probeNs: Shape<number>;
  readonly refusals: Shape<readonly Refusal[]>;
};

/** Fields every device's configuration has: ns of one callback and of one probe, refusals. */
export const DEVICE_CONFIG_FIELDS: DeviceConfigFields = {
  phaseNs: natural,
  probeNs: natural,
  refusals: REFUSALS,
};

/** Shape of {@linkcode DeviceConfig}. */
export const DEVICE_CONFIG: RecordShape<DeviceConfigFields> = record(DEVICE_CONFIG_FIELDS);

/** What a device without needs of its own is started with. */
export type DeviceConfig = Infer<typeof DEVICE_CONFIG>;

/** Registers by name. One that is absent is zero. */
export type Registers = Record<string, number>;

/** The part of a device's state that all devices have. */
export interface DeviceState {
  registers: Registers;
  /** Kernel that programmed it last; "" after power-on. */
  owner: string;
  powered: boolean;
  /** No DMA and no interrupts. */
  frozen: boolean;
  wakeArmed: boolean;
  readonly canWake: boolean;
  /** How often each phase was asked since power-on. */
  readonly asked: Record<string, number>;
}

/** An actor's state that contains a device. */
export interface DeviceActor {
  readonly config: DeviceConfig;
  readonly device: DeviceState;
}

/** A device as it is after power-on. */
export function freshDevice(canWake = false): DeviceState {
  return {
    registers: {},
    owner: "",
    powered: true,
    frozen: false,
    wakeArmed: false,
    canWake,
    asked: {},
  };
}

/** Whether registers are programmed, power is there and nothing is frozen; for `by`, if given. */
export function isAlive(device: DeviceState, by: string = device.owner): boolean {
  return device.powered && !device.frozen && device.owner === by &&
    Object.values(device.registers).some((value) => value !== 0);
}

/**
 * Counts a request and gives the errno chosen for it, or 0.
 *
 * @param asked Counters by phase; changed.
 */
export function refusalOf(
  asked: Record<string, number>,
  refusals: readonly Refusal[],
  device: string,
  phase: string,
): number {
  const time = (asked[phase] ?? 0) + 1;
  asked[phase] = time;
  const chosen = refusals.find((entry) =>
    entry.device === device && entry.phase === phase && entry.time === time
  );
  return chosen?.result ?? 0;
}

function registersOf(registers: Plain, actor: string): Registers {
  const wrong = () => {
    throw new ProtocolError("Registers that are not numbers by name", {
      actor,
      type: "device.registers",
    });
  };
  if (typeof registers !== "object" || registers === null || Array.isArray(registers)) wrong();
  return Object.fromEntries(
    Object.entries(registers ?? {}).map(([name, value]) => {
      if (typeof value !== "number" || !Number.isSafeInteger(value)) wrong();
      return [name, Number(value)];
    }),
  );
}

function program(device: DeviceState, by: string, registers: Registers): void {
  device.registers = registers;
  device.owner = by;
  device.powered = true;
  device.frozen = false;
  device.wakeArmed = false;
}

/** Callbacks of the way up; a thaw brings no registers, for the device still has them. */
const UP_PHASE = /^(?:(?:thaw|restore|resume)(?:_noirq|_early)?|complete)$/;

/** Low power: what registers hold is lost, and who may wake the machine is armed for it. */
function powerDown(device: DeviceState): void {
  device.frozen = true;
  device.powered = false;
  device.registers = {};
  device.wakeArmed = device.canWake;
}

/** What one callback does to the hardware. */
function runPhase(
  device: DeviceState,
  by: string,
  phase: string,
  registers: Registers | undefined,
  lowPower: boolean,
  actor: string,
): void {
  if (UP_PHASE.test(phase)) {
    if (registers !== undefined) program(device, by, registers);
    else if (phase === "thaw") device.frozen = false;
    return;
  }
  switch (phase) {
    case "prepare":
      return;
    case "freeze":
    case "freeze_late":
    case "freeze_noirq":
    case "poweroff":
    case "suspend":
    case "shutdown":
      device.frozen = true;
      return;
    case "poweroff_late":
    case "poweroff_noirq":
      powerDown(device);
      return;
    case "suspend_late":
    case "suspend_noirq":
      if (lowPower) powerDown(device);
      else device.frozen = true;
      return;
    default:
      throw new ProtocolError(`No device phase '${phase}'`, { actor, type: "device.phase" });
  }
}

/** Answers a device request with the device as it is now. */
export function answer(
  out: Out,
  target: string,
  device: DeviceState,
  reply: { readonly tag: string; readonly result: number; readonly value?: string },
  after: number,
): void {
  out.send(target, "device.done", {
    ...reply,
    registers: { ...device.registers },
    powered: device.powered,
    wake_armed: device.wakeArmed,
  }, after);
}

/** What a device adds to the common handlers. */
export interface DeviceHooks<S> {
  /** Called after registers, power or freezing may have changed. */
  changed?(state: S, out: Out): void;
  /** ns that work in flight still takes: callbacks wait for it. */
  busyNs?(state: S, now: number): number;
}

/** Handlers of `device.probe`, `device.phase` and `device.use`. */
export function deviceHandlers<S extends DeviceActor>(
  hooks: DeviceHooks<S> = {},
): Pick<Handlers<S>, "device.probe" | "device.phase" | "device.use"> {
  const busyNs = (state: S, out: Out) => hooks.busyNs?.(state, out.now) ?? 0;
  return {
    "device.probe": (state, { source, body }, out) => {
      const { device, config } = state;
      const refused = refusalOf(device.asked, config.refusals, out.self, "probe");
      // A driver that takes power for granted finds nothing behind a device that has none.
      const dark = !device.powered && body.power_on === false;
      const result = refused === 0 && dark ? EIO : refused;
      if (result === 0) program(device, body.by, registersOf(body.registers, out.self));
      answer(out, source, device, { tag: body.tag, result }, config.probeNs + busyNs(state, out));
      hooks.changed?.(state, out);
      return state;
    },
    "device.phase": (state, { source, body }, out) => {
      const { device, config } = state;
      const { tag, by, phase, registers } = body;
      const result = refusalOf(device.asked, config.refusals, out.self, phase);
      const given = registers === undefined ? undefined : registersOf(registers, out.self);
      const lowPower = body.low_power !== false;
      if (result === 0) runPhase(device, by, phase, given, lowPower, out.self);
      answer(out, source, device, { tag, result }, config.phaseNs + busyNs(state, out));
      hooks.changed?.(state, out);
      return state;
    },
    "device.use": (state, { source, body }, out) => {
      const { device, config } = state;
      const refused = refusalOf(device.asked, config.refusals, out.self, "use");
      const alive = refused === 0 && isAlive(device, body.by);
      const result = refused === 0 && !alive ? EIO : refused;
      const value = alive ? "alive" : "dead";
      answer(out, source, device, { tag: body.tag, result, value }, busyNs(state, out));
      return state;
    },
  };
}

/** The messages of {@linkcode deviceHandlers}, for state tables. */
export const DEVICE_REQUESTS = ["device.probe", "device.phase", "device.use"] as const;
