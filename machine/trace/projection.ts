/**
 * What a trace of ours and an imported recording can both show, as one list of steps in their
 * order: who booted, what was stopped, which phase the devices went through, who jumped to whom,
 * what became of the image, and with which result. Two arms that did the same give the same list.
 *
 * A step says what happened and how it ended; it has no addresses, counts or times, which differ
 * between machines. A phase is one step over all its devices, for not every device of one machine
 * is in the other; in which order each phase took them is kept apart.
 *
 * Left out is what a log cannot show (checks that passed, methods that print nothing) and what
 * ends a recording: its last loss of power is the hand of who recorded it.
 *
 * @module
 */
import type { Scalar, TraceEvent } from "./event.ts";

/** One thing that happened. */
export interface Step {
  /** Who did it: a kernel's name, or `machine`. */
  readonly k: string;
  /** What, with its result where it has one, as `freeze user 0`. */
  readonly what: string;
  /** Number of the event that said it first. */
  readonly seq: number;
}

/** A phase with the devices in the order in which it took them. */
export interface PhaseOrder {
  readonly k: string;
  readonly name: string;
  readonly message: string;
  readonly devices: readonly string[];
}

/** What was found in a trace. */
export interface Projection {
  readonly steps: readonly Step[];
  readonly phases: readonly PhaseOrder[];
}

/** A line typed at a shell that asks for a jump. */
const JUMPS = /(?:^|; *)kexec -e(?: |;|$)/;

type Fields = { readonly [name: string]: Scalar };

/** Phases that no line of a log shows. */
const UNSEEN_PHASES: ReadonlySet<string> = new Set(["prepare", "complete", "shutdown"]);
const METHODS: ReadonlySet<string> = new Set(["_PTS", "_WAK"]);
const IMAGE_STEPS: ReadonlySet<string> = new Set(["begin", "commit", "load"]);
const POWER_STEPS: ReadonlySet<string> = new Set(["on", "off", "sleep", "reset", "loss"]);

/** Main phase of each message, as the line at a phase's end says it. */
const BASE_OF: Readonly<Record<string, string>> = {
  FREEZE: "freeze",
  QUIESCE: "freeze",
  HIBERNATE: "poweroff",
  THAW: "thaw",
  RECOVER: "thaw",
  RESTORE: "restore",
};

/** A field as text; absent ones are empty. */
function text(fields: Fields, name: string): string {
  const value = fields[name];
  return value === undefined ? "" : String(value);
}

/** How many processors `0-3,5` names. */
export function countCpus(online: string): number {
  let count = 0;
  for (const part of online.split(",")) {
    const [first = 0, last = first] = part.split("-").map(Number);
    count += last - first + 1;
  }
  return count;
}

interface KernelState {
  /** Between stopping its tasks and letting them go on. */
  moving: boolean;
  cpus: number | undefined;
  /** The phase that runs, with whose first refusal counts. */
  phase:
    | { readonly name: string; readonly message: string; readonly devices: string[] }
    | undefined;
  phaseStep: number;
  /** It is being switched off. */
  leaving: boolean;
  /** What was typed last at it, of which the end has not been seen. */
  typed: string;
}

function newKernel(): KernelState {
  return {
    moving: false,
    cpus: undefined,
    phase: undefined,
    phaseStep: 0,
    leaving: false,
    typed: "",
  };
}

/** Folds the events of one trace. */
export class Projector {
  readonly #steps: Step[] = [];
  readonly #phases: PhaseOrder[] = [];
  readonly #kernels: Map<string, KernelState> = new Map();
  /** A jump to what is not known to be a kernel: who boots next is meant. */
  #jump: { readonly fields: Fields; readonly seq: number } | undefined;

  /** Takes the next event. */
  event({ kind, type, actor, summary = {}, seq }: TraceEvent): void {
    if (kind !== "note" || type === undefined) return;
    if (type === "linux.dpm_phase_complete") return this.#phaseEnd(actor, summary, seq);
    if (type.startsWith("linux.")) return this.#typed(type, actor, summary, seq);
    const make = type.startsWith("fact.") ? STEPS[type.slice(5)] : undefined;
    if (make === undefined) return;
    const what = make(summary, this.#of(text(summary, "k")));
    if (what === undefined) return;
    if (type === "fact.jump") {
      this.#jump = { fields: summary, seq };
      return;
    }
    if (type === "fact.boot") this.#boot(summary);
    this.#jumped();
    if (type === "fact.phase") return this.#phase(summary, what, seq);
    this.#add(type === "fact.power" ? "machine" : text(summary, "k"), what, seq);
  }

  /** After the last event. */
  end(): Projection {
    this.#jumped();
    const last = this.#steps.at(-1);
    const steps = last?.what === "power loss" ? this.#steps.slice(0, -1) : this.#steps;
    return { steps, phases: this.#phases };
  }

  #add(k: string, what: string, seq: number): void {
    const last = this.#steps.at(-1);
    // A crash is told by who asked for it and by the kernel, a refusal by each write.
    if (/^(?:panic|hibernate:)/.test(what) && last?.k === k && last.what === what) return;
    this.#steps.push({ k, what, seq });
  }

  /** What a log shows of programs: the line that was typed, and how it ended. */
  #typed(type: string, k: string, fields: Fields, seq: number): void {
    const state = this.#of(k);
    if (type === "linux.command") state.typed = text(fields, "cmd");
    else if (type === "linux.command_exit") {
      if (JUMPS.test(state.typed)) this.#add(k, `kexec -e ${text(fields, "rc")}`, seq);
      state.typed = "";
    } else if (type === "linux.write_errno" && state.typed.includes("/sys/power/state")) {
      this.#add(k, `hibernate: ${text(fields, "strerror")}`, seq);
    }
  }

  #of(k: string): KernelState {
    let state = this.#kernels.get(k);
    if (state === undefined) {
      state = newKernel();
      this.#kernels.set(k, state);
    }
    return state;
  }

  #boot(fields: Fields): void {
    const k = text(fields, "k");
    // What was entered was only the way to this kernel.
    if (this.#jump !== undefined) {
      this.#jump = { ...this.#jump, fields: { ...this.#jump.fields, to: k } };
      this.#jumped();
    }
    this.#kernels.set(k, newKernel());
  }

  /** Says the jump that waited for who comes up. */
  #jumped(): void {
    const jump = this.#jump;
    if (jump === undefined) return;
    this.#jump = undefined;
    const k = text(jump.fields, "from");
    const how = jump.fields["preserve"] === true ? "preserve" : "plain";
    const to = text(jump.fields, "to");
    this.#add(k, `jump ${to} ${how}`, jump.seq);
    // Who is entered goes on where it left, on one processor, with its tasks stopped.
    Object.assign(this.#of(to), { moving: true, cpus: 1, phase: undefined, leaving: false });
  }

  /** A device callback: the first of its phase makes the step, a refusal its result. */
  #phase(fields: Fields, what: string, seq: number): void {
    const [k, name, message] = [text(fields, "k"), text(fields, "name"), text(fields, "message")];
    const state = this.#of(k);
    if (state.phase?.name !== name || state.phase.message !== message) {
      state.phase = { name, message, devices: [] };
      this.#phases.push({ k, ...state.phase });
      state.phaseStep = this.#steps.length;
      this.#steps.push({ k, what: `${what} 0`, seq });
    }
    state.phase.devices.push(text(fields, "device"));
    const result = Number(fields["result"] ?? 0);
    if (result !== 0) this.#steps[state.phaseStep] = { k, what: `${what} ${result}`, seq };
  }

  /** The line at a phase's end, where no device of the machine had a callback in it. */
  #phaseEnd(k: string, fields: Fields, seq: number): void {
    const words = text(fields, "verb").split(" ");
    const message = (words.at(-1) ?? "").toUpperCase();
    const base = BASE_OF[message];
    const stage = words.length > 1 ? words[0] : undefined;
    if (base === undefined || stage === "start" || stage === "end") return;
    const name = stage === undefined ? base : `${base}_${stage}`;
    const { phase } = this.#of(k);
    if (phase?.name === name && phase.message === message) return;
    this.#jumped();
    this.#of(k).phase = { name, message, devices: [] };
    this.#steps.push({ k, what: `${name} ${message} 0`, seq });
  }
}

type MakeStep = (fields: Fields, state: KernelState) => string | undefined;

function freeze(fields: Fields, state: KernelState): string {
  state.moving = true;
  return `freeze ${text(fields, "what")} ${text(fields, "result")}`;
}

function thaw(fields: Fields, state: KernelState): string {
  const what = text(fields, "what");
  if (what !== "kthreads") Object.assign(state, { moving: false, phase: undefined });
  // Where no kernel threads were stopped, letting all go and letting user tasks go is the same.
  return what === "kthreads" ? "thaw kthreads" : "thaw tasks";
}

/** Processors that went or came on the way; how many a kernel boots with is its machine's. */
function cpus(fields: Fields, state: KernelState): string | undefined {
  const count = countCpus(text(fields, "online"));
  const was = state.cpus;
  state.cpus = count;
  if (state.leaving) return undefined;
  return state.moving && was !== count && !(was === undefined && count > 1)
    ? `cpus ${count}`
    : undefined;
}

function acpi(fields: Fields, state: KernelState): string | undefined {
  const [method, argument] = [text(fields, "method"), text(fields, "argument")];
  if (!METHODS.has(method)) return undefined;
  if (method === "_PTS" && argument === "5") state.leaving = true;
  return `${method} ${argument}`;
}

/** How the programs ended that ask for a jump or for hibernation. */
function tool(fields: Fields): string | undefined {
  const [program, message] = [text(fields, "program"), text(fields, "message")];
  const jumps = program === "jump-back" ||
    (program === "kexec" && /(?:^|\s)-e(?:\s|$)/.test(text(fields, "arguments")));
  if (jumps) return `kexec -e ${text(fields, "status")}`;
  if (program !== "pm-hibernate" || text(fields, "status") === "0") return undefined;
  return `hibernate: ${message.split(": ").at(-1) ?? ""}`;
}

/** A check that passes prints nothing, but for the signature. */
function check(fields: Fields): string | undefined {
  const [what, result] = [text(fields, "what"), Number(fields["result"])];
  if (what === "signature") return `signature ${result}`;
  return result === 0 ? undefined : `check ${what} refused`;
}

/** An attempt is over where it failed; who is entered shows one that did not. */
function attempt(fields: Fields): string | undefined {
  const result = Number(fields["result"]);
  if (fields["noresume"] === true) return `resume noresume ${result}`;
  return result === 0 ? undefined : `resume ${result}`;
}

const STEPS: Readonly<Record<string, MakeStep>> = {
  boot: () => "boot",
  freeze,
  thaw,
  cpus,
  phase: (fields) => {
    const name = text(fields, "name");
    return UNSEEN_PHASES.has(name) ? undefined : `${name} ${text(fields, "message")}`;
  },
  syscore: (fields) => `syscore ${text(fields, "op")} ${text(fields, "result")}`,
  jump: () => "jump",
  snapshot: (fields) => `snapshot ${text(fields, "result")}`,
  // A program that saves or loads an image is any program to a log: no line tells of it.
  image: (fields, { moving }) =>
    moving && IMAGE_STEPS.has(text(fields, "op")) ? `image ${text(fields, "op")}` : undefined,
  header_check: check,
  resume_attempt: attempt,
  acpi,
  save: (fields) => text(fields, "what") === "nvs" ? "nvs save" : undefined,
  restore: (fields) => text(fields, "what") === "nvs" ? "nvs restore" : undefined,
  tool,
  power: (fields) => {
    const [op, state] = [text(fields, "op"), text(fields, "state")];
    if (!POWER_STEPS.has(op)) return undefined;
    return op === "off" || op === "sleep" ? `power ${op} ${state}` : `power ${op}`;
  },
  panic: () => "panic",
};

/** Projects a whole trace. */
export function projectTrace(events: Iterable<TraceEvent>): Projection {
  const projector = new Projector();
  for (const event of events) projector.event(event);
  return projector.end();
}

/** Steps as lines, `who: what`. */
export function stepLines({ steps }: Projection): string[] {
  return steps.map(({ k, what }) => `${k}: ${what}`);
}
