/**
 * Who owns which page of a machine at a moment: what `memory_owner.ts` wants to know, taken from
 * a session.
 *
 * @module
 */
import type { KernelState } from "../../actors/kernel/state.ts";
import { hardwareProfile } from "../../machine/hardware_profile.ts";
import type { E820Entry } from "../../machine/formats/e820_table.ts";
import type { RunPlan } from "../../machine/run_plan.ts";
import type { MemoryMap } from "../api/shapes/machine.ts";
import { isPowered } from "./machine_state.ts";
import { memoryOwners } from "./memory_owner.ts";
import type { Moment, Session } from "./session.ts";

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** Bytes of RAM of the machine of a plan, as its firmware is told. */
export function memoryBytesOf(plan: RunPlan): number {
  return Number(fieldOf(firmwareConfig(plan), "memoryBytes") ?? 0);
}

function firmwareConfig(plan: RunPlan): unknown {
  return plan.hardware.find(({ behaviour }) => behaviour === "firmware")?.config;
}

function firmwareMap(plan: RunPlan): readonly E820Entry[] {
  const profile = fieldOf(firmwareConfig(plan), "hardwareProfile");
  return typeof profile === "string" ? hardwareProfile(profile).e820(memoryBytesOf(plan)) : [];
}

/** The state of an actor that is a kernel of the house; others keep theirs in ways of their own. */
function kernelState({ scheduler }: Session, name: string): KernelState | undefined {
  const life = scheduler.lives().find((each) => each.name === name);
  if (life?.behaviour !== "kernel") return undefined;
  const state = fieldOf(scheduler.transport.stateOf(name), "kernel");
  const wanted = ["name", "profile", "map", "free", "owned", "image"];
  const known = typeof state === "object" && state !== null &&
    wanted.every((field) => Object.hasOwn(state, field));
  // The behaviour says what the state is; the look at its fields guards against another's.
  return known ? state as KernelState : undefined;
}

/** See the module's header. */
export function memoryMap(session: Session, moment: Moment): MemoryMap {
  const { scheduler, journal } = session;
  const powered = isPowered(session);
  const cpu: unknown = powered ? scheduler.transport.stateOf("cpu") : undefined;
  const name = fieldOf(cpu, "running");
  const running = typeof name === "string" ? name : "";
  const kernel = kernelState(session, running);
  const owners = memoryOwners({
    ram: scheduler.ram,
    powered,
    firmwareMap: firmwareMap(scheduler.plan),
    running,
    ...(kernel === undefined ? {} : { kernel }),
    ...(journal.back === undefined ? {} : { back: journal.back }),
    isKernel: fieldOf(cpu, "kernel") === true,
    asleep: journal.asleep,
  });
  return { ...moment, ...owners };
}
