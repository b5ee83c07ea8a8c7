/**
 * A scenario as it is written (DESIGN.md 6): a Markdown file with one fenced block `machine` and
 * fenced blocks `console`. This says what is in it; `transcript_parser.ts` reads it.
 *
 * @module
 */
import type { Choice } from "../../machine/choices.ts";
import type { ImageTarget } from "../../machine/hardware_profile.ts";
import type { MenuEntry } from "../../actors/scenario/machine_plan.ts";

/** What the person at the machine may do: the words behind a `#`. */
export type PersonAction =
  | { readonly do: "power on" }
  | { readonly do: "boot"; readonly entry: string; readonly append: string }
  | { readonly do: "pull the plug"; readonly durable: "none" | "all" | "seeded" }
  | { readonly do: "press reset" }
  | { readonly do: "away"; readonly ns: number }
  | { readonly do: "wait for power off" }
  /** At the next fact of that name that has all the words among its values. */
  | {
    readonly do: "when";
    readonly fact: string;
    readonly words: readonly string[];
    readonly then:
      | { readonly do: "pull the plug"; readonly durable: "none" | "all" | "seeded" }
      | { readonly do: "press the power button" };
  }
  | { readonly do: "wait for prompt"; readonly kernel: string };

/** One command with what it is to print. */
export interface TranscriptStep {
  /** Line in the file, from 1. */
  readonly line: number;
  /** Whose prompt it is typed at; empty for the person at the machine. */
  readonly kernel: string;
  /** What is typed. */
  readonly text: string;
  readonly action?: PersonAction;
  /** Lines below it; none where its output is not looked at. */
  readonly expected: readonly string[];
  /** Whether nothing below it means that nothing may be printed. */
  readonly strict: boolean;
}

/** One more kernel: a profile's, at a path of the boot partition. */
export interface TranscriptKernel {
  readonly path: string;
  /** Name of a kernel profile. */
  readonly profile: string;
  /** Where it asks to be loaded, in bytes; the usual place unless given. */
  readonly address?: number;
}

/** The machine block. */
export interface TranscriptMachine {
  /** Which rules judge it: the beginning of a scenario's name (`hibernate`, `rfc`, `v7`, …). */
  readonly system: string;
  /** Name of a kernel profile. */
  readonly kernel: string;
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly hardware: string;
  readonly layout: "standard" | "workshop";
  /** Where images go, unless it is the machine's own drive. */
  readonly imageTarget?: ImageTarget;
  readonly seed: number;
  readonly seededOrder: boolean;
  readonly menu: readonly MenuEntry[];
  /** More kernels on the boot partition, for entries of the menu that name them. */
  readonly kernels?: readonly TranscriptKernel[];
  readonly choices: readonly Choice[];
  readonly brokenNetwork: boolean;
  /** Further switches of the hardware, as JSON. */
  readonly setup: { readonly [name: string]: unknown };
  /** Files of A's root besides the usual ones. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** Ids of the rules that this run breaks, and no others. */
  readonly breaks: readonly string[];
}

/** See the module's header. */
export interface Transcript {
  /** File name, for messages. */
  readonly file: string;
  /** The first heading, or the name. */
  readonly title: string;
  /** The first sentence of the prose below it. */
  readonly summary: string;
  readonly machine: TranscriptMachine;
  readonly steps: readonly TranscriptStep[];
}

/** A transcript that cannot be run: what is wrong, and where. */
export class TranscriptError extends Error {
  override readonly name = "TranscriptError";
  readonly file: string;
  readonly line: number;

  constructor(file: string, line: number, message: string) {
    super(`${file}:${line}: ${message}`);
    this.file = file;
    this.line = line;
  }
}
