/**
 * The options of kexec(8) as the tool of 2008 and of today take them for kexec jump
 * (protocol.md A.7), and what it says when they are wrong.
 *
 * @module
 */
import { parseSize } from "../../machine/formats/e820.ts";

/** What is to be done. */
export type KexecAction = "load" | "exec" | "unload" | "helper";

/** Options of one call. */
export interface KexecOptions {
  readonly action: KexecAction;
  readonly preserve: boolean;
  readonly file: string;
  readonly initrd: string;
  readonly append: string;
  readonly memMin: number;
  /** Inclusive, as the option is. */
  readonly memMax: number | null;
  readonly entry: number | null;
  readonly argsNone: boolean;
  readonly flags: number | null;
  readonly elf64: boolean;
}

/** Options, or what the tool prints before it exits with status 1. */
export type ParsedKexec =
  | { readonly kind: "ok"; readonly options: KexecOptions }
  | { readonly kind: "refused"; readonly message: string; readonly status: number };

interface Draft {
  action: KexecAction;
  preserve: boolean;
  file: string;
  initrd: string;
  append: string;
  memMin: number;
  memMax: number | null;
  entry: number | null;
  argsNone: boolean;
  flags: number | null;
  elf64: boolean;
}

function number(text: string): number {
  const value = parseSize(text);
  return value === undefined ? NaN : value;
}

const FLAGS: Readonly<Record<string, (draft: Draft) => void>> = {
  "-l": (draft) => draft.action = "load",
  "--load": (draft) => draft.action = "load",
  "-e": (draft) => draft.action = "exec",
  "--exec": (draft) => draft.action = "exec",
  "-u": (draft) => draft.action = "unload",
  "--unload": (draft) => draft.action = "unload",
  "--load-preserve-context": (draft) => {
    draft.action = "load";
    draft.preserve = true;
  },
  "--load-jump-back-helper": (draft) => draft.action = "helper",
  "--args-none": (draft) => draft.argsNone = true,
  "--elf64-core-headers": (draft) => draft.elf64 = true,
};

const VALUES: Readonly<Record<string, (draft: Draft, value: string) => void>> = {
  "--initrd": (draft, value) => draft.initrd = value,
  "--append": (draft, value) => draft.append = value,
  "--mem-min": (draft, value) => draft.memMin = number(value),
  "--mem-max": (draft, value) => draft.memMax = number(value),
  "--entry": (draft, value) => draft.entry = number(value),
  "--flags": (draft, value) => draft.flags = number(value),
};

/** Options that need kexec_file_load, which has no preserve-context flag. */
const FILE_LOAD = new Set(["-s", "--kexec-file-syscall"]);

/** Takes one word, and the next one where that is its value; says what is wrong with it. */
function apply(draft: Draft, words: string[]): string | undefined {
  const argument = words.shift() ?? "";
  const flag = FLAGS[argument];
  if (flag !== undefined) {
    flag(draft);
    return undefined;
  }
  const [name = "", ...rest] = argument.split("=");
  const value = VALUES[name];
  if (value !== undefined) {
    const given = rest.length > 0 ? rest.join("=") : words.shift();
    if (given === undefined) return `kexec: option '${name}' requires an argument`;
    value(draft, given);
    return undefined;
  }
  if (argument.startsWith("-")) return `kexec: unrecognized option '${argument}'`;
  draft.file = argument;
  return undefined;
}

function consistency(draft: Draft, fileLoad: boolean): string | undefined {
  if (draft.preserve && fileLoad) {
    return "--load-preserve-context cannot be used with the kexec_file_load system call";
  }
  if (draft.preserve && draft.memMax === null) {
    return "Please specify memory range used by kexeced kernel\n" +
      "to preserve the context of original kernel with --mem-max parameter";
  }
  const numbers = [
    ["--mem-min", draft.memMin],
    ["--mem-max", draft.memMax],
    ["--entry", draft.entry],
    ["--flags", draft.flags],
  ] as const;
  for (const [name, value] of numbers) {
    if (value !== null && !Number.isSafeInteger(value)) return `Bad option value in ${name}=`;
  }
  if (draft.memMax !== null && draft.memMin >= draft.memMax) return "Too small mem_max";
  if (draft.action === "load" && draft.file === "") return "No kernel specified";
  return undefined;
}

/** Reads the words after `kexec`. */
export function parseKexec(words: readonly string[]): ParsedKexec {
  const draft: Draft = {
    action: "load",
    preserve: false,
    file: "",
    initrd: "",
    append: "",
    memMin: 0,
    memMax: null,
    entry: null,
    argsNone: false,
    flags: null,
    elf64: false,
  };
  if (words.length === 0) {
    return { kind: "refused", message: "kexec: no operation specified", status: 1 };
  }
  const left = words.filter((word) => !FILE_LOAD.has(word));
  while (left.length > 0) {
    const wrong = apply(draft, left);
    if (wrong !== undefined) return { kind: "refused", message: wrong, status: 1 };
  }
  const wrong = consistency(draft, words.some((word) => FILE_LOAD.has(word)));
  if (wrong !== undefined) return { kind: "refused", message: wrong, status: 1 };
  return { kind: "ok", options: draft };
}
