/**
 * Reads the command line of kexec(8) as the tool of a generation does (protocol.md A.7), and says
 * what is wrong with it. What a generation knows stands in `kexec_generations.ts`.
 *
 * @module
 */
import { parseSize } from "../../machine/formats/e820.ts";
import type { ToolGeneration } from "../kernel/profiles.ts";
import {
  foreign,
  type Generation,
  GENERATION_NAMES,
  type OptionEffect,
  optionOf,
  TOOL_OPTIONS,
  type ToolOption,
} from "./kexec_generations.ts";

/** What is to be done. */
export type KexecAction =
  | "load"
  | "exec"
  | "unload"
  | "helper"
  | "jump-to"
  | "jump-back"
  | "help"
  | "version"
  | "status";

/** Options of one call. */
export interface KexecOptions {
  readonly action: KexecAction;
  /** Whether the image goes to the reserved region: `-p` without `-n`. */
  readonly crash: boolean;
  /** The context of the loading kernel is kept: `--load-preserve-context`, v4's `-p -n`. */
  readonly preserve: boolean;
  /** v7's `--load-jump-back`. */
  readonly jumpBack: boolean;
  readonly file: string;
  readonly initrd: string;
  readonly append: string;
  readonly reuseCommandLine: boolean;
  readonly memMin: number;
  /** Inclusive, as the option is. */
  readonly memMax: number | null;
  readonly entry: number | null;
  readonly argsNone: boolean;
  readonly flags: number | null;
  /** v7's `-c CMD`: the word that travels with the jump. */
  readonly command: number | null;
  readonly elf64: boolean;
  readonly ifdown: boolean;
  readonly sync: boolean;
}

/** Options, or what the tool prints before it exits with that status. */
export type ParsedKexec =
  | { readonly kind: "ok"; readonly options: KexecOptions }
  | { readonly kind: "refused"; readonly message: string; readonly status: number };

/** What stands while the words are read. */
type Draft = { -readonly [name in keyof KexecOptions]: KexecOptions[name] } & {
  noReserve: boolean;
  fileSyscall: boolean;
};

function number(text: string): number {
  return parseSize(text) ?? NaN;
}

/** What an option does to the draft; the action named last counts, as in the tool. */
const EFFECTS: Readonly<Record<OptionEffect, (draft: Draft, value: string) => void>> = {
  "load": (draft) => draft.action = "load",
  "load-panic": (draft) => {
    draft.action = "load";
    draft.crash = true;
  },
  "exec": (draft) => draft.action = "exec",
  "unload": (draft) => draft.action = "unload",
  "jump-to": (draft) => draft.action = "jump-to",
  "jump-back": (draft) => draft.action = "jump-back",
  "load-jump-back": (draft) => {
    draft.action = "load";
    draft.preserve = true;
    draft.jumpBack = true;
  },
  "load-preserve-context": (draft) => {
    draft.action = "load";
    draft.preserve = true;
  },
  "load-jump-back-helper": (draft) => draft.action = "helper",
  "help": (draft) => draft.action = "help",
  "version": (draft) => draft.action = "version",
  "status": (draft) => draft.action = "status",
  "append": (draft, value) => draft.append = value,
  "initrd": (draft, value) => draft.initrd = value,
  "entry": (draft, value) => draft.entry = number(value),
  "flags": (draft, value) => draft.flags = number(value),
  "command": (draft, value) => draft.command = number(value),
  "mem-min": (draft, value) => draft.memMin = number(value),
  "mem-max": (draft, value) => draft.memMax = number(value),
  "args-none": (draft) => draft.argsNone = true,
  "elf64": (draft) => draft.elf64 = true,
  "reuse-command-line": (draft) => draft.reuseCommandLine = true,
  "file-syscall": (draft) => draft.fileSyscall = true,
  "no-reserve": (draft) => draft.noReserve = true,
  "no-ifdown": (draft) => draft.ifdown = false,
  "no-sync": (draft) => draft.sync = false,
  "nothing": () => {},
};

/** Says that there is no such option, or which generation had it. */
function unknown(word: string, generation: ToolGeneration): string {
  const elsewhere = TOOL_OPTIONS.filter((each) => each.spellings.includes(word));
  if (elsewhere.length === 0) {
    return word.startsWith("--")
      ? `kexec: unrecognized option '${word}'`
      : `kexec: invalid option -- '${word.slice(1, 2)}'`;
  }
  const had: readonly Generation[] = elsewhere.flatMap(({ generations }) => generations);
  return foreign(`option '${word}'`, had, generation);
}

/** Short options that stand together in one word, as getopt takes them apart. */
function unbundled(word: string, generation: ToolGeneration): string[] {
  if (!/^-[A-Za-z]{2,}$/.test(word)) return [word];
  const words: string[] = [];
  for (let at = 1; at < word.length; at++) {
    const short = `-${word.charAt(at)}`;
    words.push(short);
    if (optionOf(short, generation)?.value === true && at + 1 < word.length) {
      words.push(word.slice(at + 1));
      break;
    }
  }
  return words;
}

function applyOption(
  draft: Draft,
  found: ToolOption,
  given: { readonly name: string; readonly value: string | undefined },
  left: string[],
): string | undefined {
  if (!found.value) {
    if (given.value !== undefined) {
      return `kexec: option '${given.name}' doesn't allow an argument`;
    }
    EFFECTS[found.effect](draft, "");
    return undefined;
  }
  const value = given.value ?? left.shift();
  if (value === undefined) return `kexec: option '${given.name}' requires an argument`;
  EFFECTS[found.effect](draft, value);
  return undefined;
}

/** Takes one word, and the next one where that is its value; says what is wrong with it. */
function apply(draft: Draft, left: string[], generation: ToolGeneration): string | undefined {
  const word = left.shift() ?? "";
  if (!word.startsWith("-") || word === "-") {
    draft.file = word;
    return undefined;
  }
  const parts = unbundled(word, generation);
  if (parts.length > 1) {
    left.unshift(...parts);
    return undefined;
  }
  const equals = word.startsWith("--") ? word.indexOf("=") : -1;
  const name = equals < 0 ? word : word.slice(0, equals);
  const found = optionOf(name, generation);
  if (found === undefined) return unknown(name, generation);
  const value = equals < 0 ? undefined : word.slice(equals + 1);
  return applyOption(draft, found, { name, value }, left);
}

function badNumber(draft: Draft): string | undefined {
  const numbers = [
    ["--mem-min", draft.memMin],
    ["--mem-max", draft.memMax],
    ["--entry", draft.entry],
    ["--flags", draft.flags],
    ["--command", draft.command],
  ] as const;
  const bad = numbers.find(([, value]) => value !== null && !Number.isSafeInteger(value));
  return bad === undefined ? undefined : `Bad option value in ${bad[0]}=`;
}

function consistency(draft: Draft): string | undefined {
  if (draft.preserve && draft.fileSyscall) {
    return "--load-preserve-context cannot be used with the kexec_file_load system call";
  }
  if (draft.preserve && draft.memMax === null && draft.action === "load") {
    return "Please specify memory range used by kexeced kernel\n" +
      "to preserve the context of original kernel with --mem-max parameter";
  }
  const bad = badNumber(draft);
  if (bad !== undefined) return bad;
  if (draft.memMax !== null && draft.memMin >= draft.memMax) return "Too small mem_max";
  if (draft.command !== null && draft.action !== "exec") {
    return "kexec: a jump command (-c) goes with -e only";
  }
  if (draft.action === "load" && draft.file === "") return "No kernel specified";
  return undefined;
}

/** What only one generation reads into its options. */
function settle(draft: Draft): void {
  if (draft.noReserve && draft.crash) {
    // v4: the same words as for a crash kernel, but nothing is reserved (protocol.md 0.1).
    draft.crash = false;
    draft.preserve = true;
  }
  if (draft.jumpBack && draft.entry !== null && draft.file === "") {
    // The way back in v5 to v7 is not told by any source: here an entry instead of a file.
    draft.action = "helper";
    draft.preserve = false;
  }
}

/** Reads the words after `kexec` as the tool of a generation does. */
export function parseKexec(words: readonly string[], generation: ToolGeneration): ParsedKexec {
  const draft: Draft = {
    action: "load",
    crash: false,
    preserve: false,
    jumpBack: false,
    file: "",
    initrd: "",
    append: "",
    reuseCommandLine: false,
    memMin: 0,
    memMax: null,
    entry: null,
    argsNone: false,
    flags: null,
    command: null,
    elf64: false,
    ifdown: true,
    sync: true,
    noReserve: false,
    fileSyscall: false,
  };
  const refuse = (message: string): ParsedKexec => ({ kind: "refused", message, status: 1 });
  if (words.length === 0) return refuse("kexec: no operation specified");
  const left = [...words];
  while (left.length > 0) {
    const wrong = apply(draft, left, generation);
    if (wrong !== undefined) return refuse(wrong);
  }
  settle(draft);
  const wrong = consistency(draft);
  if (wrong !== undefined) return refuse(wrong);
  const { noReserve: _noReserve, fileSyscall: _fileSyscall, ...options } = draft;
  return { kind: "ok", options };
}

/** The short options as getopt is given them: a colon behind those with a value. */
export function optionString(generation: ToolGeneration): string {
  return TOOL_OPTIONS.filter(({ generations }) => generations.includes(generation))
    .flatMap(({ spellings, value }) =>
      spellings.filter((each) => /^-[A-Za-z]$/.test(each))
        .map((each) => `${each.slice(1)}${value ? ":" : ""}`)
    ).join("");
}

/** What `kexec --help` prints. */
export function usageText(generation: ToolGeneration): string[] {
  const known = TOOL_OPTIONS.filter(({ generations }) => generations.includes(generation));
  return [
    `kexec of ${GENERATION_NAMES[generation]}`,
    "Usage: kexec [OPTION]... [kernel]",
    "Load a kernel into the current kernel, execute it, and return from it.",
    "",
    ...known.map(({ spellings, value, text }) => {
      const names = spellings.map((each) => value && each.startsWith("--") ? `${each}=VALUE` : each)
        .join(", ");
      return ` ${names.padEnd(34)} ${text}`;
    }),
  ];
}
