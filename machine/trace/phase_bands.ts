/**
 * A run as spans that have a name: `boot A`, `freeze A`, `save image`, `off`, `restore A`. Read off
 * what the machine said happened and what the person at it typed, so that it works on every system.
 * A fold with bounded memory but for the bands themselves.
 *
 * @module
 */
import type { TraceEvent } from "./event.ts";

/** A span of a run; numbers of its first and last event, times in ns of virtual time. */
export interface PhaseBand {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly vtFrom: number;
  readonly vtTo: number;
}

/** Most bands that are told apart; what comes behind belongs to the last. */
export const PHASE_BANDS_MAX = 4096;

/** Types of the events that can begin a phase: no other needs to be parsed. */
export const PHASE_TYPES: ReadonlySet<string> = new Set([
  "console.type",
  "fact.power",
  "fact.boot",
  "fact.exec",
  "fact.notifier",
  "fact.freeze",
  "fact.thaw",
  "fact.leave",
  "fact.image",
  "fact.resumed",
  "fact.exec_done",
  "fact.panic",
]);

/** What a typed line begins, by its first words. */
const TYPED: readonly (readonly [beginning: string, phase: string | undefined])[] = [
  ["work", "work in A"],
  ["cp ", "copy payload"],
  ["kexec --load-preserve", "load B"],
  // What it does says itself when it begins.
  ["kexec -e", undefined],
  ["save-image", "save image"],
  ["restore-image", "load image"],
  ["check", "self-check"],
  ["jump-back", "jump back"],
];
const WORD_CHARACTERS = 24;

/** A field of an event's summary as text; "" where there is none. */
export function fieldText(event: TraceEvent, name: string): string {
  const value = event.summary?.[name];
  return value === undefined ? "" : String(value);
}

/** A typed line without a name of its own is called by its program. */
function typedPhase(line: string): string | undefined {
  const known = TYPED.find(([beginning]) => line.startsWith(beginning));
  if (known !== undefined) return known[1];
  const word = line.trim().split(/\s+/, 1)[0] ?? "";
  const program = word.slice(word.lastIndexOf("/") + 1).slice(0, WORD_CHARACTERS);
  return program === "" ? undefined : program;
}

function powerPhase(op: string): string | undefined {
  if (op === "on" || op === "wake") return "power-on self-test";
  if (op === "off" || op === "sleep") return "off";
  if (op === "loss") return "no power";
  return op === "reset" ? "reset" : undefined;
}

function imagePhase(op: string): string | undefined {
  if (op === "begin") return "save image";
  if (op === "commit") return "power off";
  if (op === "abort") return "image given up";
  return op === "load" || op === "check" ? "load image" : undefined;
}

/** Phases in which a kernel that stops its tasks does not begin another one. */
function isOnItsWay(name: string): boolean {
  return /^(?:freeze|jump from|enter|save|load image|power off|restore)/.test(name);
}

/** The phase that an event begins while another is at hand, if it begins one. */
export function phaseOf(event: TraceEvent, current: string): string | undefined {
  const kernel = fieldText(event, "k");
  switch (event.type) {
    case "console.type":
      return event.kind === "send" ? typedPhase(fieldText(event, "line")) : undefined;
    case "fact.power":
      return powerPhase(fieldText(event, "op"));
    case "fact.boot":
      return `boot ${kernel}`;
    case "fact.exec":
      return event.summary?.["preserve"] === true ? `freeze ${kernel}` : "enter image";
    case "fact.notifier":
      // Those who are told afterwards say nothing of what begins.
      if (/post/i.test(fieldText(event, "chain") + fieldText(event, "event"))) return undefined;
      return isOnItsWay(current) ? undefined : `freeze ${kernel}`;
    case "fact.freeze":
      return isOnItsWay(current) ? undefined : `freeze ${kernel}`;
    case "fact.thaw":
      return current.startsWith("restore") && fieldText(event, "what") !== "kthreads"
        ? `${kernel} goes on`
        : undefined;
    case "fact.leave":
      return `jump from ${kernel}`;
    case "fact.image":
      return current.startsWith("restore") ? undefined : imagePhase(fieldText(event, "op"));
    case "fact.resumed":
      return `restore ${kernel}`;
    case "fact.exec_done":
      return `${kernel} goes on`;
    case "fact.panic":
      return `panic of ${kernel}`;
    default:
      return undefined;
  }
}

/** See the module's header. */
export class PhaseBands {
  readonly #done: PhaseBand[] = [];
  #open: { readonly name: string; readonly from: number; readonly vtFrom: number } | undefined;
  #last = -1;
  #vt = 0;

  /** Takes note of an event of which only number and time are known; they come in order. */
  pass(seq: number, vt: number): void {
    this.#last = seq;
    // Events of actors that work at the same time come a little out of the order of their times.
    if (vt > this.#vt) this.#vt = vt;
  }

  /** Takes an event of {@linkcode PHASE_TYPES}, or any other. */
  take(event: TraceEvent): void {
    const before = this.#last;
    this.pass(event.seq, event.vt);
    const current = this.#open?.name ?? "";
    const name = phaseOf(event, current);
    if (name === undefined || name === current || this.#done.length >= PHASE_BANDS_MAX) return;
    this.#close(before);
    this.#open = { name, from: event.seq, vtFrom: this.#vt };
  }

  /** All bands, the one at hand up to the last event. */
  list(): PhaseBand[] {
    const open = this.#open;
    return open === undefined
      ? [...this.#done]
      : [...this.#done, { ...open, to: this.#last, vtTo: this.#vt }];
  }

  #close(to: number): void {
    if (this.#open !== undefined) this.#done.push({ ...this.#open, to, vtTo: this.#vt });
  }
}
