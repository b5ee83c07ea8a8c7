/**
 * A kernel in the hand of a test, without machine: its steps' effects are collected, not sent.
 */
import type { Out } from "../../machine/actor.ts";
import { Access } from "../../machine/access.ts";
import { FlatStore } from "../../machine/flat_store.ts";
import { fromRuns, type PageRun, toRuns } from "../../machine/formats/page_runs.ts";
import { Kernel } from "../../actors/kernel/kernel_context.ts";
import { type Next, next } from "../../actors/kernel/procedure.ts";
import { blankState, type KernelState, type Process } from "../../actors/kernel/state.ts";

/** A message that went out. */
export interface Sent {
  readonly target: string;
  readonly type: string;
  readonly body: Record<string, unknown>;
}

/** An `out` that keeps what is left in it. */
export class Collected implements Out {
  now = 0;
  readonly self = "K";
  readonly sent: Sent[] = [];
  readonly facts: { readonly name: string; readonly fields: Record<string, unknown> }[] = [];
  send(target: string, type: string, body: object): void {
    this.sent.push({ target, type, body: { ...body } });
  }
  fact(name: string, fields: object): void {
    this.facts.push({ name, fields: { ...fields } });
  }
  timer(): void {}
  grant(start: number, length: number, write: boolean) {
    return { id: 0, start, length, write };
  }
  spawn(): void {}
  dispose(): void {}
  power(): void {}
  finish(): void {}
}

/** An access that reaches nothing. */
export function noAccess(): Access {
  return new Access({ ram: FlatStore.make(4096) }, { actor: "K", grants: [], lent: [] });
}

/** A process that runs a procedure, or none. */
export function processOf(pid: number, procedure?: string, parent = 0): Process {
  return {
    pid,
    name: `process${pid}`,
    kind: "user",
    parent,
    frames: procedure === undefined ? [] : [{ procedure, step: 0, vars: {}, done: [] }],
    wait: { kind: "ready" },
    frozen: false,
    sleeping: false,
    memory: [],
    status: 0,
  };
}

/** A state with so much and such. */
export function stateWith(fields: Partial<KernelState> = {}, profile = "2.6.27"): KernelState {
  return { ...blankState("K", profile), label: "running", ...fields };
}

/** A kernel around a state, seen by its first process. */
export function kernelOf(state: KernelState, out: Collected = new Collected()): Kernel {
  const [process = processOf(1)] = state.processes;
  return new Kernel(state, out, process, { has: () => false });
}

/** Runs that cover exactly the frames of other runs, as a plain set of numbers. */
export function framesOf(runs: readonly PageRun[]): Set<number> {
  return new Set(fromRuns(runs));
}

/** The runs of a set of frames. */
export function runsOf(frames: Iterable<number>): PageRun[] {
  return toRuns([...frames].sort((left, right) => left - right));
}

/** Notes an item and goes on as told. */
export function noting<T>(list: T[], item: T, then: Next = next): Next {
  list.push(item);
  return then;
}
