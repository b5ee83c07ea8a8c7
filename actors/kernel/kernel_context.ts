/**
 * What a step of a procedure works with: the kernel's state and the few things it can do at once.
 * All else it asks of others.
 *
 * @module
 */
import type { Out } from "../../machine/actor.ts";
import type { PageRun } from "../../machine/formats/page_runs.ts";
import type { Fact, FactName } from "../../machine/protocol/facts.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { allocatePages, type PageRequest, releasePages } from "./allocator.ts";
import { type KernelProfile, kernelProfile } from "./profiles.ts";
import type { KernelState, Process, Vars } from "./state.ts";

/** Most bytes of run-length text that stand in a fact's summary. */
const INLINE_MAX = 160;
/** Most lines of the printk buffer. */
const LOG_LINES_MAX = 400;

const encoder = new TextEncoder();

/** Names of procedures, of which programs are those with the prefix `program:`. */
export interface ProgramNames {
  has(name: string): boolean;
}

/** See the module's header. */
export class Kernel {
  readonly state: KernelState;
  readonly out: Out;
  readonly profile: KernelProfile;
  /** Whose step runs. */
  process: Process;
  /** Set by a step that passes on the grants it was given. */
  grantsKept = false;

  readonly #programs: ProgramNames;

  constructor(state: KernelState, out: Out, process: Process, programs: ProgramNames) {
    this.#programs = programs;
    this.state = state;
    this.out = out;
    this.profile = kernelProfile(state.profile);
    this.process = process;
  }

  /** Whether there is a program of that name. */
  isProgram(name: string): boolean {
    return this.#programs.has(`program:${name}`);
  }

  /**
   * The first frame behind the window B may have: a kernel keeps its own structures there, where
   * a saver can read them. `kexec_window_end=` on the command line moves it.
   */
  windowEndPfn(): number {
    const given = /(?:^| )kexec_window_end=(\d+)M(?: |$)/.exec(this.state.commandLine)?.[1];
    const end = given === undefined ? this.profile.window.end : Number(given) * 0x10_0000;
    return end / 4096;
  }

  get name(): string {
    return this.state.name;
  }

  /** Says a fact about this kernel. */
  fact<N extends FactName>(name: N, fields: Omit<Fact<N>, "k">, blob?: Uint8Array): void {
    // `k` is the one field all facts said by kernels share.
    this.out.fact(name, Object.assign({ k: this.name }, fields) as Fact<N>, blob);
  }

  /** A fact with a long text that goes into the blob when it does not fit the summary. */
  longFact<N extends FactName>(
    name: N,
    fields: Omit<Fact<N>, "k">,
    field: string,
    text: string,
  ): void {
    if (text.length <= INLINE_MAX) {
      this.out.fact(name, Object.assign({ k: this.name }, fields, { [field]: text }) as Fact<N>);
    } else {
      this.fact(name, fields, encoder.encode(text));
    }
  }

  /** Prints a line into the printk buffer and on the console. */
  print(line: string): void {
    this.note(line);
    this.out.send("console", "console.write", { by: this.name, text: line, prompt: false });
  }

  /** A program's standard output: kept for its caller where that wants it, else on the console. */
  say(text: string): void {
    this.#tell("output", text);
  }

  /** A program's standard error, likewise. */
  complain(text: string): void {
    this.#tell("errors", text);
  }

  #tell(stream: "output" | "errors", text: string): void {
    const kept = this.process.streams;
    if (kept !== undefined) kept[stream].push(text);
    else this.out.send("console", "console.write", { by: this.name, text, prompt: false });
  }

  /** Puts a line into the printk buffer only. */
  note(line: string): void {
    const seconds = (this.monotonic() / 1e9).toFixed(6).padStart(12);
    this.state.log.push(`[${seconds}] ${line}`);
    if (this.state.log.length > LOG_LINES_MAX) this.state.log.shift();
  }

  /** The monotonic clock in ns: it stands still while the kernel is away. */
  monotonic(): number {
    return this.state.clock.monotonic + (this.out.now - this.state.clock.at);
  }

  /** The wall clock in us since 1970. */
  realMicroseconds(): number {
    return this.state.realAtClock + Math.floor((this.out.now - this.state.clock.at) / 1000);
  }

  /** Pages of the allocator, or `undefined` when there are not enough. */
  allocate(request: PageRequest): readonly PageRun[] | undefined {
    const runs = allocatePages(this.state, request);
    if (runs !== undefined && request.pages > 0) this.fact("allocate", { pages: request.pages });
    return runs;
  }

  /** Gives pages back. */
  release(runs: readonly PageRun[]): void {
    releasePages(this.state, runs);
  }

  /** Starts a task that runs a procedure; returns its number. */
  spawn(name: string, kind: "user" | "kernel", procedure: string, vars: Vars): number {
    const pid = this.state.nextPid++;
    this.state.processes.push({
      pid,
      name,
      kind,
      parent: this.process.pid,
      frames: [{ procedure, step: 0, vars, done: [] }],
      wait: { kind: "ready" },
      frozen: false,
      sleeping: false,
      memory: [],
      status: 0,
      ...(this.process.cwd === undefined ? {} : { cwd: this.process.cwd }),
    });
    return pid;
  }

  /** Sends a request that a driver has kept in its queue. */
  submit(request: { target: string; type: string; body: Plain }): void {
    // It was a request to be sent when it was queued; the scheduler checks it as any other.
    this.out.send(request.target, request.type as never, request.body as never);
  }

  /** A task by number. */
  task(pid: number): Process | undefined {
    return this.state.processes.find((process) => process.pid === pid);
  }

  /** Passes the grants that came with the answer on: they are not given back after the step. */
  keepGrants(): void {
    this.grantsKept = true;
  }
}

/** A variable as a number. */
export function numberOf(value: Plain | undefined): number {
  if (typeof value !== "number") throw new TypeError(`Expected a number, got ${typeof value}`);
  return value;
}

/** A variable as text. */
export function textOf(value: Plain | undefined): string {
  if (typeof value !== "string") throw new TypeError(`Expected a text, got ${typeof value}`);
  return value;
}
