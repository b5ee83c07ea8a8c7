/**
 * Network interfaces down and up (protocol.md A.7: `kexec -e` and `-b` take them down before the
 * jump). Down means that the driver takes the ring away from the card, so that no packet goes
 * into memory any more; it stays so over a jump until somebody brings the interface up again.
 *
 * @module
 */
import type { Kernel } from "../kernel/kernel_context.ts";
import {
  ask,
  call,
  done,
  type Next,
  next,
  type Procedure,
  procedure,
} from "../kernel/procedure.ts";
import type { DriverState } from "../kernel/state.ts";
import { resultOf } from "../kernel/values.ts";
import { reasonOf } from "./command_line.ts";
import { dies } from "./kexec_messages.ts";

function cardOf(kernel: Kernel): DriverState | undefined {
  return kernel.state.drivers.find(({ device, probed }) => device === "network" && probed);
}

function program(kernel: Kernel, up: boolean): Next {
  const card = cardOf(kernel);
  if (card === undefined) return done(0);
  const registers = up ? card.program : { ...card.program, ringSize: 0 };
  return ask("network", "device.probe", { by: kernel.name, registers });
}

function interfaces(name: string, up: boolean): Procedure {
  return procedure(name, [{
    name: up ? "up" : "down",
    run: (kernel) => program(kernel, up),
    then: (_kernel, _vars, answer) => done(resultOf(answer)),
  }]);
}

function tool(name: string, action: string): Procedure {
  return procedure(`program:${name}`, [{
    name: "interface",
    run: () => call(action),
    then: (kernel, _vars, answer) =>
      typeof answer === "number" && answer < 0
        ? dies(kernel, 1, `${name}: eth0: ${reasonOf(answer)}`)
        : next,
  }]);
}

/** `interfaces_down {}` and `interfaces_up {}`, and the programs `ifdown` and `ifup`. */
export const IFDOWN_PROCEDURES: readonly Procedure[] = [
  interfaces("interfaces_down", false),
  interfaces("interfaces_up", true),
  tool("ifdown", "interfaces_down"),
  tool("ifup", "interfaces_up"),
];
