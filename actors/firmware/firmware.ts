/**
 * The firmware: self-test and boot, ACPI tables, registers and control methods, sleep, power-off
 * and reset, and the settings that outlive the power (protocol.md E.6, DESIGN.md 3).
 *
 * Control methods do nothing to the machine but are seen: each run is a fact. A method that the
 * DSDT does not have answers -ENOENT.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import {
  type AnyBehaviour,
  type Behaviour,
  type Envelope,
  type Out,
  seal,
} from "../../machine/actor.ts";
import { hardwareProfile } from "../../machine/hardware_profile.ts";
import { configOf } from "../configuration.ts";
import { refusalOf } from "../device_common.ts";
import {
  APM_POWER_OFF,
  readRegister,
  registerName,
  sleepStateOf,
  writeRegister,
} from "./acpi_registers.ts";
import { FIRMWARE_CONFIG, type FirmwareState, freshState } from "./firmware_state.ts";
import { leave, leaveDiskDone, leaveGranted } from "./leave.ts";
import { beginPost, postDiskDone, postGranted, postTableWritten } from "./post.ts";

const ENOENT = -2;
const POST_TIMER = "post";
/** The line of ACPI's system control interrupt. */
const SCI_LINE = 9;
const METHODS = ["_TTS", "_PTS", "_WAK"];
const OLD_METHODS = ["_GTS", "_BFS"];

function acpiOf(state: FirmwareState) {
  return hardwareProfile(state.config.hardwareProfile).acpi;
}

function evaluate(
  state: FirmwareState,
  { source, body }: Envelope<"acpi.evaluate">,
  out: Out,
): FirmwareState {
  const { tag, by, method, argument } = body;
  const known = METHODS.includes(method) ||
    (acpiOf(state).oldSleepMethods && OLD_METHODS.includes(method));
  const refused = refusalOf(state.asked, state.config.refusals, out.self, method);
  if (known) out.fact("acpi", { k: by, method, argument });
  out.send(source, "acpi.done", { tag, result: known ? refused : ENOENT });
  return state;
}

function sleep(state: FirmwareState, sleepType: number, by: string, out: Out): boolean {
  const entered = sleepStateOf(acpiOf(state), sleepType);
  if (entered === undefined || entered === "S3") return false;
  if (state.ignoredSleeps > 0) {
    state.ignoredSleeps--;
    return false;
  }
  leave(state, { op: "off", state: entered, k: by }, out);
  return true;
}

function write(
  state: FirmwareState,
  { source, body }: Envelope<"acpi.write">,
  out: Out,
): FirmwareState {
  const { tag, by, port, value } = body;
  const acpi = acpiOf(state);
  const register = registerName(acpi, port);
  if (register === "SMI_CMD" && value === APM_POWER_OFF) {
    leave(state, { op: "off", state: "S5", k: by }, out);
    return state;
  }
  out.fact("acpi", { k: by, register, value: `0x${value.toString(16)}` });
  const asks = writeRegister(state.registers, acpi, port, value);
  if (asks.kind === "reset") {
    leave(state, { op: "reset", state: "S0", k: by }, out);
    return state;
  }
  if (asks.kind === "sleep" && sleep(state, asks.sleepType, by, out)) return state;
  out.send(source, "acpi.done", { tag, result: 0 });
  return state;
}

function granted(
  state: FirmwareState,
  envelope: Envelope<"memory.granted">,
  out: Out,
  access: Access,
): FirmwareState {
  if (state.stage === "post") postGranted(state, envelope, out);
  else leaveGranted(state, envelope, out, access);
  return state;
}

function diskDone(
  state: FirmwareState,
  envelope: Envelope<"disk.done">,
  out: Out,
  access: Access,
): FirmwareState {
  if (state.stage === "post") postDiskDone(state, envelope, out, access);
  else leaveDiskDone(state, envelope, out);
  return state;
}

const BEHAVIOUR: Behaviour<FirmwareState> = {
  kind: "firmware",
  role: "firmware",
  doc: "Self-test, boot, ACPI, power, and settings that outlive the power.",
  states: {
    post: { handles: ["memory.granted", "memory.done", "disk.done", "firmware.reset"] },
    running: { handles: ["acpi.evaluate", "acpi.write", "acpi.read", "firmware.reset"] },
    // Answers to a self-test that was cut short come in, and kernels may go on asking.
    leaving: {
      handles: ["memory.granted", "disk.done"],
      ignores: ["memory.done", "firmware.reset", "acpi.evaluate", "acpi.write", "acpi.read"],
    },
  },
  start(config, out) {
    const state = freshState(configOf(FIRMWARE_CONFIG, config, out.self), out.now);
    out.fact("power", { op: "on" });
    out.send("operator", "machine.power", { op: "on", state: "S0" });
    out.timer(POST_TIMER, state.config.postNs);
    return state;
  },
  label: (state) => state.stage,
  signal(state, signal, out) {
    if (signal.kind === "timer" && state.stage === "post") beginPost(out);
    if (signal.kind === "wake" && state.stage === "running") {
      out.send("cpu", "cpu.interrupt", { line: SCI_LINE, device: "power_button", wake: true });
    }
    return state;
  },
  on: {
    "memory.granted": granted,
    "disk.done": diskDone,
    "memory.done": (state, _, out) => {
      postTableWritten(state, out);
      return state;
    },
    "acpi.evaluate": evaluate,
    "acpi.write": write,
    "acpi.read": (state, { source, body }, out) => {
      const value = readRegister(state.registers, acpiOf(state), body.port, out.now);
      out.send(source, "acpi.value", { tag: body.tag, value });
      return state;
    },
    "firmware.reset": (state, { source }, out) => {
      leave(state, { op: "reset", state: "S0", k: source === "cpu" ? "" : source }, out);
      return state;
    },
  },
};

/** The behaviour `firmware`. */
export const firmware: AnyBehaviour = seal(BEHAVIOUR);
