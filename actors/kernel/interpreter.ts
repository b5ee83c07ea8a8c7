/**
 * Runs the procedures of a kernel's processes: each ready process step by step until it waits,
 * in order of process numbers, until none is ready.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import type { Envelope, Out } from "../../machine/actor.ts";
import type { Grant } from "../../machine/messages/declare.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import type { MessageType } from "../../machine/messages/vocabulary.ts";
import { Kernel } from "./kernel_context.ts";
import type { Next, Procedure, Step } from "./procedure.ts";
import type { Frame, KernelState, Process } from "./state.ts";
import { issueQueued, keepQueued, mayRun, requestFate } from "./unfrozen.ts";

/** Steps a process may make without waiting: more is a loop that never ends. */
const STEPS_MAX = 200_000;

/** An answer on its way into a process. */
interface Arrival {
  readonly answer: Plain;
  readonly access: Access;
}

/** Procedures by name. */
export type ProcedureTable = ReadonlyMap<string, Procedure>;

/** Interprets procedures over one kernel's state for the length of one envelope. */
export class Interpreter {
  readonly #procedures: ProcedureTable;
  readonly #state: KernelState;
  readonly #out: Out;

  constructor(procedures: ProcedureTable, state: KernelState, out: Out) {
    this.#procedures = procedures;
    this.#state = state;
    this.#out = out;
  }

  /** Gives an answer to the process that waits for its tag, then runs whoever is ready. */
  answer(envelope: Envelope, access: Access): void {
    const tag = "tag" in envelope.body ? envelope.body.tag : "";
    const process = this.#state.processes.find((candidate) =>
      candidate.wait.kind === "reply" && candidate.wait.tag === tag
    );
    const grants = "grants" in envelope.body ? envelope.body.grants : [];
    if (process?.queued !== undefined && envelope.type === "memory.granted") {
      const { target, type, body } = issueQueued(process, process.queued, grants);
      this.#send(target, type as MessageType, body);
      return;
    }
    if (process === undefined) {
      this.#giveBack(grants);
      return;
    }
    if (process.frozen || !mayRun(this.#state, process)) {
      process.held = envelope.body;
      process.wait = { kind: "ready" };
      this.#giveBack(grants);
      return;
    }
    const kept = this.#arrive(process, { answer: envelope.body, access });
    if (!kept) this.#giveBack(grants);
    this.settle(access);
  }

  /** Gives the processor's return to the process that left, then runs whoever is ready. */
  comeBack(answer: Plain, access: Access): void {
    const process = this.#state.processes.find((candidate) => candidate.wait.kind === "return");
    if (process !== undefined) this.#arrive(process, { answer, access });
    this.settle(access);
  }

  /** Runs all that are ready until none is. */
  settle(access: Access): void {
    for (;;) {
      this.#wake();
      const ready = this.#state.processes.find((process) =>
        process.wait.kind === "ready" && !process.frozen && mayRun(this.#state, process)
      );
      if (ready === undefined) return;
      this.#run(ready, access);
    }
  }

  /** Makes those ready whose children ended or whose line was typed. */
  #wake(): void {
    for (const process of this.#state.processes) {
      if (process.frozen) continue;
      const { wait } = process;
      if (wait.kind === "line" && this.#state.typed.length > 0) {
        process.held = this.#state.typed.shift() ?? "";
        process.wait = { kind: "ready" };
      }
      if (wait.kind === "children") {
        const children = wait.pids.map((pid) =>
          this.#state.processes.find((candidate) => candidate.pid === pid)
        );
        if (children.every((child) => child === undefined || child.wait.kind === "exited")) {
          process.held = children.map((child) => child?.status ?? 0);
          process.wait = { kind: "ready" };
          this.#state.processes = this.#state.processes.filter((candidate) =>
            !wait.pids.includes(candidate.pid)
          );
        }
      }
    }
  }

  /** Returns whether the step kept the grants that came with the answer. */
  #arrive(process: Process, arrival: Arrival): boolean {
    process.wait = { kind: "ready" };
    process.sleeping = false;
    const kernel = new Kernel(this.#state, this.#out, process, this.#procedures);
    const frame = process.frames.at(-1);
    if (frame === undefined) return false;
    this.#take(kernel, frame, this.#then(kernel, frame, arrival));
    return kernel.grantsKept;
  }

  #then(kernel: Kernel, frame: Frame, arrival: Arrival): Next {
    if (frame.error !== undefined) return { do: "next" };
    const step = this.#step(frame);
    return step.then?.(kernel, frame.vars, arrival.answer, arrival.access) ?? { do: "next" };
  }

  #run(process: Process, access: Access): void {
    const goesOn = () =>
      process.wait.kind === "ready" && !process.frozen && mayRun(this.#state, process);
    for (let count = 0; goesOn(); count++) {
      if (count > STEPS_MAX) throw new Error(`Process ${process.name} runs without waiting`);
      const frame = process.frames.at(-1);
      const kernel = new Kernel(this.#state, this.#out, process, this.#procedures);
      if (frame === undefined) {
        process.wait = { kind: "exited" };
        for (const area of process.memory) kernel.release(area.runs);
        process.memory = [];
        return;
      }
      if (process.held !== undefined) {
        const answer = process.held;
        delete process.held;
        this.#take(kernel, frame, this.#then(kernel, frame, { answer, access }));
        continue;
      }
      if (frame.error !== undefined) this.#unwind(kernel, frame);
      else this.#take(kernel, frame, this.#step(frame).run(kernel, frame.vars));
    }
  }

  /** Undoes the newest step that is done, or returns the error when none is left. */
  #unwind(kernel: Kernel, frame: Frame): void {
    const index = frame.done.pop();
    if (index === undefined) {
      this.#leaveFrame(kernel.process, 0 - (frame.error ?? 0));
      return;
    }
    frame.step = index;
    const wanted = this.#step(frame).undo?.(kernel, frame.vars);
    if (wanted !== undefined && wanted.do !== "next") this.#take(kernel, frame, wanted);
  }

  #take(kernel: Kernel, frame: Frame, wanted: Next): void {
    const { process } = kernel;
    switch (wanted.do) {
      case "next":
        return this.#forward(process, frame);
      case "goto":
        this.#markDone(frame);
        frame.step = this.#indexOf(frame, wanted.step);
        return;
      case "return":
        return this.#leaveFrame(process, wanted.value);
      case "fail":
        frame.error = wanted.errno;
        return;
      case "ask": {
        const tag = `${process.pid}.${this.#state.nextTag++}`;
        process.wait = { kind: "reply", tag };
        process.sleeping = wanted.type === "timer.arm";
        this.#request(process, wanted.target, wanted.type, { tag, ...wanted.body });
        return;
      }
      case "call":
        process.frames.push({ procedure: wanted.procedure, step: 0, vars: wanted.vars, done: [] });
        return;
      case "wait":
        process.wait = { kind: "children", pids: wanted.pids };
        return;
      case "read_line":
        process.wait = { kind: "line" };
        return;
      case "leave":
        process.wait = { kind: "return" };
    }
  }

  /** Sends a request, unless a driver keeps it; see `unfrozen.ts`. */
  #request(process: Process, target: string, type: MessageType, body: object): void {
    switch (requestFate(this.#state, process, target)) {
      case "send":
        return this.#send(target, type, body);
      case "kick":
        return this.#send(target, type, { ...body, kick: true });
      case "queue":
        this.#giveBack(keepQueued(process, target, type, body));
    }
  }

  #send(target: string, type: MessageType, body: object): void {
    // The scheduler checks every body against its declaration before it goes out.
    this.#out.send(target, type, body as never);
  }

  #markDone(frame: Frame): void {
    if (frame.error === undefined && this.#step(frame).undo !== undefined) {
      frame.done.push(frame.step);
    }
  }

  #forward(process: Process, frame: Frame): void {
    if (frame.error !== undefined) return;
    this.#markDone(frame);
    frame.step++;
    if (frame.step >= this.#procedure(frame).steps.length) this.#leaveFrame(process, 0);
  }

  #leaveFrame(process: Process, value: Plain): void {
    process.frames.pop();
    if (process.frames.length > 0) process.held = value;
    else process.status = typeof value === "number" ? value : 0;
  }

  #procedure(frame: Frame): Procedure {
    const found = this.#procedures.get(frame.procedure);
    if (found === undefined) throw new Error(`No procedure '${frame.procedure}'`);
    return found;
  }

  #step(frame: Frame): Step {
    const step = this.#procedure(frame).steps[frame.step];
    if (step === undefined) throw new Error(`No step ${frame.step} in '${frame.procedure}'`);
    return step;
  }

  #indexOf(frame: Frame, name: string): number {
    const index = this.#procedure(frame).steps.findIndex((step) => step.name === name);
    if (index < 0) throw new Error(`No step '${name}' in '${frame.procedure}'`);
    return index;
  }

  #giveBack(grants: readonly Grant[]): void {
    if (grants.length > 0) this.#out.send("memory", "memory.release", { grants });
  }
}
