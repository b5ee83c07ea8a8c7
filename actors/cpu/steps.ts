/**
 * How the processor's micro-programs are written: each step takes the memory controller's answer
 * to the request before it and makes the next one.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import type { Out } from "../../machine/actor.ts";
import { fromHex } from "../../machine/digest.ts";
import { cutRanges } from "../../machine/grant_ranges.ts";
import type { Grant } from "../../machine/messages/declare.ts";
import { tripleFault } from "./fault.ts";
import type { CpuState, JobVars } from "./state.ts";

/** The memory controller's answer. */
export interface MemoryAnswer {
  /** Bytes that were read, empty for other answers. */
  readonly bytes: Uint8Array;
  readonly grants: readonly Grant[];
}

/** What a step works with. */
export interface StepContext {
  readonly state: CpuState;
  readonly vars: JobVars;
  readonly answer: MemoryAnswer;
  readonly out: Out;
  readonly access: Access;
}

/** As much of it as a request needs. */
export type Requesting = Omit<StepContext, "answer">;

/** One step of a micro-program. */
export type MicroStep = (context: StepContext) => void;

/** On whose behalf the processor touches memory. */
export function onBehalf(vars: JobVars): string {
  return typeof vars["by"] === "string" ? vars["by"] : "cpu";
}

function request(context: Requesting, step: string): string {
  const tag = `cpu.${context.state.nextTag++}`;
  context.state.job = { step, vars: context.vars };
  return tag;
}

/** Whether there is memory at a range; where there is none the processor goes no further. */
export function inMemory(context: Requesting, start: number, length: number): boolean {
  if (start >= 0 && start + length <= context.access.ramBytes) return true;
  tripleFault(context, `no memory at 0x${start.toString(16)}, ${length} bytes`);
  return false;
}

/** Reads at most 4096 bytes; the step named gets them. */
export function readThen(
  context: Requesting,
  address: number,
  length: number,
  step: string,
): void {
  if (!inMemory(context, address, length)) return;
  const tag = request(context, step);
  const by = onBehalf(context.vars);
  context.out.send("memory", "memory.read", { tag, by, address, length });
}

/** Writes at most 4096 bytes, then goes on with the step named. */
export function writeThen(
  context: Requesting,
  address: number,
  bytes: string,
  step: string,
): void {
  if (!inMemory(context, address, bytes.length / 2)) return;
  const tag = request(context, step);
  const by = onBehalf(context.vars);
  context.out.send("memory", "memory.write", { tag, by, address, bytes });
}

/** Exchanges page pairs, then goes on with the step named. */
export function exchangeThen(
  context: Requesting,
  pairs: string,
  temporary: number,
  step: string,
): void {
  const tag = request(context, step);
  const by = onBehalf(context.vars);
  context.out.send("memory", "memory.exchange", { tag, by, pairs, temporary });
}

/** Copies page runs `target:source+count`, then goes on with the step named. */
export function copyThen(context: Requesting, pairs: string, step: string): void {
  const tag = request(context, step);
  const by = onBehalf(context.vars);
  context.out.send("memory", "memory.copy", { tag, by, pairs });
}

/** Looks at a range of any length; the step named gets it as grants of at most 1 MiB. */
export function viewThen(
  context: Requesting,
  start: number,
  length: number,
  step: string,
): void {
  if (!inMemory(context, start, length)) return;
  const tag = request(context, step);
  const ranges = cutRanges([{ start, length }]);
  const by = onBehalf(context.vars);
  context.out.send("memory", "memory.acquire", { tag, by, ranges, write: false });
}

/** A variable as a number. */
export function numberVar(vars: JobVars, name: string): number {
  const value = vars[name];
  if (typeof value !== "number") throw new TypeError(`Micro-program variable '${name}' is absent`);
  return value;
}

/** A variable as text. */
export function textVar(vars: JobVars, name: string): string {
  const value = vars[name];
  if (typeof value !== "string") throw new TypeError(`Micro-program variable '${name}' is absent`);
  return value;
}

/** Bytes of a hexadecimal text variable. */
export function bytesVar(vars: JobVars, name: string): Uint8Array {
  return fromHex(textVar(vars, name));
}

/** Ends the micro-program. */
export function finishJob(state: CpuState): void {
  state.job = null;
}
