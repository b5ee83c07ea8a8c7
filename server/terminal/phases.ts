/**
 * The phases of a run with their virtual times, read off its events: what the machine said
 * happened, and what the person at it typed.
 *
 * @module
 */
import type { TraceEvent } from "../../machine/trace/event.ts";

/** One phase; times in ns of virtual time. */
export interface Phase {
  readonly name: string;
  readonly startNs: number;
  readonly endNs: number;
  /** Number of the event that began it. */
  readonly seq: number;
}

/** A field of an event's summary as text; "" where there is none. */
export function fieldText(event: TraceEvent, name: string): string {
  const value = event.summary?.[name];
  return value === undefined ? "" : String(value);
}

/** What a typed line begins, by its first words. */
const TYPED: readonly (readonly [beginning: string, phase: string])[] = [
  ["work", "work in A"],
  ["cp ", "copy payload"],
  ["kexec --load-preserve", "load B"],
  ["save-image", "save image"],
  ["restore-image", "load image"],
  ["check", "self-check"],
  ["jump-back", "jump back"],
];

function typedPhase(line: string): string | undefined {
  return TYPED.find(([beginning]) => line.startsWith(beginning))?.[1];
}

function powerPhase(op: string): string | undefined {
  if (op === "on" || op === "wake") return "power-on self-test";
  if (op === "off") return "off";
  if (op === "loss") return "no power";
  return op === "reset" ? "reset" : undefined;
}

/** The phase that an event begins, if it begins one. */
export function phaseOf(event: TraceEvent): string | undefined {
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
    case "fact.leave":
      return `jump from ${kernel}`;
    case "fact.image":
      return fieldText(event, "op") === "commit" ? "power off" : undefined;
    case "fact.resumed":
      return `restore ${kernel}`;
    case "fact.exec_done":
      return `${kernel} goes on`;
    default:
      return undefined;
  }
}

/** See the module's header. */
export class PhaseLog {
  readonly #done: Phase[] = [];
  #open: { readonly name: string; readonly startNs: number; readonly seq: number } | undefined;
  #lastNs = 0;

  /** Takes the next event; gives the name of the phase that it begins. */
  take(event: TraceEvent): string | undefined {
    this.#lastNs = Math.max(this.#lastNs, event.vt);
    const name = phaseOf(event);
    if (name === undefined || name === this.#open?.name) return undefined;
    // Events of actors that work at the same time come a little out of the order of their times.
    const startNs = this.#lastNs;
    this.#close(startNs);
    this.#open = { name, startNs, seq: event.seq };
    return name;
  }

  /** Name of the phase at hand; "" before the first. */
  get current(): string {
    return this.#open?.name ?? "";
  }

  /** Virtual time in ns of the last event. */
  get lastNs(): number {
    return this.#lastNs;
  }

  /** All phases, the one at hand up to the last event. */
  list(): Phase[] {
    const open = this.#open;
    return open === undefined ? [...this.#done] : [...this.#done, { ...open, endNs: this.#lastNs }];
  }

  #close(endNs: number): void {
    if (this.#open !== undefined) this.#done.push({ ...this.#open, endNs });
  }
}
