/**
 * Options as data: a command declares what it takes, and from that come the parser, the checks of
 * values and the help text. Whatever is not declared, or is no value of its kind, is a UsageError
 * of one sentence.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { UsageError } from "../../machine/errors.ts";
import { nearest } from "./nearest.ts";
import { parseDuration, parseSize, parseWhole } from "./values.ts";

/** What kind of value an option takes. */
export type OptionKind = "flag" | "text" | "path" | "whole" | "size" | "duration" | "word";

/** One option. */
export interface OptionDeclaration {
  /** Without the dashes. */
  readonly name: string;
  /** One letter that stands for the name behind a single dash. */
  readonly short?: string;
  readonly kind: OptionKind;
  /** What stands for the value in the help text: `SIZE`, `FILE`. */
  readonly value?: string;
  readonly help: string;
  /** What holds where it is not given, as it would be typed. */
  readonly default?: string;
  /** What holds where it is not given, told in words, where it depends on something. */
  readonly otherwise?: string;
  /** The words a `word` may be. */
  readonly words?: readonly string[];
  /** Least and greatest `whole`, `size` or `duration`, as they would be typed. */
  readonly min?: string;
  readonly max?: string;
  readonly required?: boolean;
}

/** What may stand behind the options. */
export interface ArgumentDeclaration {
  readonly name: string;
  readonly help: string;
  readonly min: number;
  readonly max: number;
}

/** A command. */
export interface CommandDeclaration {
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  readonly argument?: ArgumentDeclaration;
  readonly options: readonly OptionDeclaration[];
  /** Lines at the end of its help text. */
  readonly notes?: readonly string[];
}

/** What was given, defaults filled in, every value checked. */
export class GivenOptions {
  readonly command: string;
  /** What stands behind the options. */
  readonly rest: readonly string[];
  readonly #flags: ReadonlySet<string>;
  readonly #texts: ReadonlyMap<string, string>;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #typed: ReadonlySet<string>;

  constructor(
    command: string,
    rest: readonly string[],
    values: {
      readonly flags: ReadonlySet<string>;
      readonly texts: ReadonlyMap<string, string>;
      readonly numbers: ReadonlyMap<string, number>;
      readonly typed: ReadonlySet<string>;
    },
  ) {
    this.command = command;
    this.rest = rest;
    this.#flags = values.flags;
    this.#texts = values.texts;
    this.#numbers = values.numbers;
    this.#typed = values.typed;
  }

  /** Whether a flag was given. */
  flag(name: string): boolean {
    return this.#flags.has(name);
  }

  /** A text, path or word, given or by default. */
  text(name: string): string | undefined {
    return this.#texts.get(name);
  }

  /** A number, size in bytes or duration in ns, given or by default. */
  number(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /** Whether the option was typed, so that its value is no default. */
  typed(name: string): boolean {
    return this.#typed.has(name);
  }
}

function numberOf(kind: OptionKind, text: string): number {
  if (kind === "size") return parseSize(text);
  return kind === "duration" ? parseDuration(text) : parseWhole(text);
}

/** The value of a numeric option, within its bounds. */
function numeric(option: OptionDeclaration, text: string): number {
  const { kind, min, max } = option;
  const value = numberOf(kind, text);
  if (min !== undefined && value < numberOf(kind, min)) {
    throw new UsageError(`'${text}' is too small; the least is ${min}`);
  }
  if (max !== undefined && value > numberOf(kind, max)) {
    throw new UsageError(`'${text}' is too large; the most is ${max}`);
  }
  return value;
}

function checkWord({ words = [] }: OptionDeclaration, text: string): void {
  if (words.includes(text)) return;
  const near = nearest(text, words);
  const hint = near === undefined ? "" : `; did you mean '${near}'?`;
  throw new UsageError(`'${text}' is none of ${words.join(", ")}${hint}`);
}

/** Says of which option something is wrong. */
function about<T>(command: string, option: OptionDeclaration, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${command}: --${option.name}: ${error.message}`);
  }
}

/** Refuses an argument that no option declares. */
function unknownOption(command: CommandDeclaration, argument: string): never {
  const typed = argument.replace(/=.*$/s, "");
  const known = command.options.map(({ name }) => `--${name}`);
  if (known.includes(typed)) {
    throw new UsageError(`${command.name}: ${typed} has no value behind its '='`);
  }
  const near = nearest(typed, known);
  const hint = near === undefined
    ? `'${command.name} --help' lists all`
    : `did you mean '${near}'?`;
  throw new UsageError(`${command.name}: unknown option '${typed}'; ${hint}`);
}

function checkRest({ name, argument }: CommandDeclaration, rest: readonly string[]): void {
  if (argument === undefined) {
    const [first] = rest;
    if (first === undefined) return;
    throw new UsageError(`${name}: '${first}' is one argument too many; it takes options only`);
  }
  if (rest.length < argument.min) {
    throw new UsageError(`${name}: ${argument.name} is missing: ${argument.help}`);
  }
  if (rest.length > argument.max) {
    throw new UsageError(`${name}: takes ${argument.max} ${argument.name}, not ${rest.length}`);
  }
}

function checkFlagValues(command: CommandDeclaration, args: readonly string[]): void {
  for (const { name, kind } of command.options) {
    if (kind !== "flag") continue;
    if (args.some((argument) => argument.startsWith(`--${name}=`))) {
      throw new UsageError(`${command.name}: --${name} takes no value`);
    }
  }
}

/** The one value typed for an option; `undefined` if it was not typed. */
function typedValue(
  command: string,
  option: OptionDeclaration,
  given: unknown,
): string | undefined {
  const values: readonly unknown[] = Array.isArray(given) ? given : [];
  if (values.length === 0) return undefined;
  const what = option.value ?? "a value";
  if (values.length > 1) throw new UsageError(`${command}: --${option.name} is given twice`);
  const [value] = values;
  if (typeof value !== "string" || value === "") {
    throw new UsageError(`${command}: --${option.name} needs ${what} behind it`);
  }
  return value;
}

function shortNames({ options }: CommandDeclaration): Record<string, string> {
  const names: Record<string, string> = {};
  for (const { name, short } of options) if (short !== undefined) names[name] = short;
  return names;
}

/**
 * Reads a command's arguments.
 *
 * @throws {UsageError} if one is unknown, has no value, a wrong one or is given twice.
 */
export function readOptions(command: CommandDeclaration, args: readonly string[]): GivenOptions {
  const valued = command.options.filter(({ kind }) => kind !== "flag").map(({ name }) => name);
  const flagNames = command.options.filter(({ kind }) => kind === "flag").map(({ name }) => name);
  const end = args.indexOf("--");
  checkFlagValues(command, end < 0 ? args : args.slice(0, end));
  const parsed: Readonly<Record<string, unknown>> & { readonly _: readonly unknown[] } = parseArgs(
    args,
    {
      boolean: flagNames,
      string: [...valued, "_"],
      collect: valued,
      alias: { help: "h", ...shortNames(command) },
      unknown: (argument, key) => key === undefined || unknownOption(command, argument),
    },
  );
  const flags = new Set(flagNames.filter((name) => parsed[name] === true));
  const rest = parsed._.map(String);
  const texts = new Map<string, string>();
  const numbers = new Map<string, number>();
  const typed = new Set<string>();
  if (flags.has("help")) {
    return new GivenOptions(command.name, rest, { flags, texts, numbers, typed });
  }
  for (const option of command.options) {
    if (option.kind === "flag") continue;
    const given = typedValue(command.name, option, parsed[option.name]);
    if (given !== undefined) typed.add(option.name);
    else if (option.required === true) {
      throw new UsageError(`${command.name}: --${option.name} ${option.value ?? ""} is missing`);
    }
    const value = given ?? option.default;
    if (value === undefined) continue;
    about(command.name, option, () => {
      if (option.kind === "word") checkWord(option, value);
      if (option.kind === "text" || option.kind === "path" || option.kind === "word") {
        texts.set(option.name, value);
      } else numbers.set(option.name, numeric(option, value));
    });
  }
  checkRest(command, rest);
  return new GivenOptions(command.name, rest, { flags, texts, numbers, typed });
}
