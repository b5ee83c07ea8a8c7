/**
 * A transition without the freezer, as the posters planned it "once drivers are adapted"
 * (protocol.md A.9 claim 3). Tasks run on while devices go down; only with interrupts off nobody
 * but the one that jumps runs, as on the one processor that is left.
 *
 * An adapted driver keeps requests in its queue from its freeze to its restore. A driver that was
 * not adapted passes them on to its device, and so starts it again in the middle of the quiet.
 *
 * Kernel command line: `freezer=left-out`, `drivers=adapted` (not adapted unless given).
 *
 * @module
 */
import type { Grant } from "../../machine/messages/declare.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import type { Kernel } from "./kernel_context.ts";
import type { KernelState, Process } from "./state.ts";
import { fieldsOf } from "./values.ts";

function word(state: KernelState, text: string): boolean {
  return state.commandLine.split(/\s+/).includes(text);
}

/** Whether this kernel goes down without freezing tasks. */
export function isFreezerLeftOut(state: KernelState): boolean {
  return word(state, "freezer=left-out");
}

/** The transition begins: `pid` is the task that makes it. */
export function beginUnfrozen(state: KernelState, pid: number): void {
  state.wakeupPending = 0;
  state.unfrozen = { pid, alone: false, adapted: word(state, "drivers=adapted") };
}

/** Whether only the task that makes the transition may run. */
export function mayRun(state: KernelState, process: Process): boolean {
  const { unfrozen } = state;
  return unfrozen === undefined || !unfrozen.alone || process.pid === unfrozen.pid;
}

/** Whether another task is in the middle of something that is not a sleep. */
export function othersAreBusy(state: KernelState): boolean {
  return state.processes.some((process) =>
    process.pid !== state.unfrozen?.pid && process.wait.kind === "reply" && !process.sleeping &&
    process.queued === undefined
  );
}

/** From here on nobody else runs. */
export function standAlone(state: KernelState): void {
  if (state.unfrozen !== undefined) state.unfrozen = { ...state.unfrozen, alone: true };
}

/** Others may run again. */
export function standTogether(state: KernelState): void {
  if (state.unfrozen !== undefined) state.unfrozen = { ...state.unfrozen, alone: false };
}

/**
 * What becomes of a request of a task to the disk: it goes to the device, waits in the driver's
 * queue, or starts a device that stands still.
 */
export function requestFate(
  state: KernelState,
  process: Process,
  target: string,
): "send" | "queue" | "kick" {
  const { unfrozen } = state;
  if (unfrozen === undefined || process.pid === unfrozen.pid || target !== "disk") return "send";
  const driver = state.drivers.find(({ device }) => device === target);
  if (driver === undefined || driver.phase === "active") return "send";
  return unfrozen.adapted ? "queue" : "kick";
}

/**
 * Puts a request into the driver's queue. Its memory is not mapped for the device while it waits
 * there: gives the grants that are to be given back.
 */
export function keepQueued(
  process: Process,
  target: string,
  type: string,
  body: object,
): readonly Grant[] {
  const { grants = [], ...rest } = body as { readonly grants?: readonly Grant[] };
  process.queued = {
    target,
    type,
    // A request's body is plain data, as all that goes into a message.
    body: rest as Plain,
    ranges: grants.map(({ start, length }) => ({ start, length })),
    write: grants.some(({ write }) => write),
  };
  return grants;
}

/** A queued request with its memory mapped again. */
export function issueQueued(
  process: Process,
  queued: NonNullable<Process["queued"]>,
  grants: readonly Grant[],
): { readonly target: string; readonly type: string; readonly body: object } {
  delete process.queued;
  const { target, type, body } = queued;
  return { target, type, body: { ...fieldsOf(body), grants: [...grants] } };
}

/**
 * The transition is over: sleeps end, for their timers may be gone with the jump; what waited in
 * the drivers' queues has its memory mapped (`kernel` asks for that), then goes out.
 */
export function endUnfrozen(kernel: Kernel): void {
  const { state } = kernel;
  delete state.unfrozen;
  for (const process of state.processes) {
    if (process.sleeping) {
      process.sleeping = false;
      process.wait = { kind: "ready" };
      process.held = {};
    }
    const { queued, wait } = process;
    if (queued === undefined || wait.kind !== "reply") continue;
    const { tag } = wait;
    if (queued.ranges.length === 0) {
      delete process.queued;
      kernel.submit(queued);
      continue;
    }
    const { ranges, write } = queued;
    kernel.out.send("memory", "memory.acquire", {
      tag,
      by: kernel.name,
      ranges: [...ranges],
      write,
    });
  }
}
