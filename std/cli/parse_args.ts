/**
 * Command line arguments in the manner of minimist, as `@std/cli/parse-args` reads them. Numbers
 * are made of values that look like one, unless the name is listed under `string`; a dotted name
 * makes nested objects. Not here: types for dotted names and aliases (both are `unknown`).
 *
 * @module
 */
import { type Known, known } from "./_options.ts";

/** What `parseArgs` may be told. */
export interface ParseOptions<
  B extends string = string,
  S extends string = string,
  C extends string = string,
  N extends string = string,
  D extends Readonly<Record<string, unknown>> | undefined =
    | Readonly<Record<string, unknown>>
    | undefined,
  DD extends boolean | undefined = boolean | undefined,
> {
  /** Names that are always true or false; `true` makes every `--name` without a value one. */
  readonly boolean?: boolean | B | readonly B[] | undefined;
  /** Names whose values stay strings; without a value they are `""`. */
  readonly string?: S | readonly S[] | undefined;
  /** Names that may be given many times; their values are lists. */
  readonly collect?: C | readonly C[] | undefined;
  /** Names that `--no-NAME` sets to false. */
  readonly negatable?: N | readonly N[] | undefined;
  /** Other names for a name. */
  readonly alias?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Values for names that were not given. */
  readonly default?: D;
  /** Put what follows `--` into its own list instead of `_`. */
  readonly "--"?: DD;
  /** Everything after the first argument that is not an option goes to `_`. */
  readonly stopEarly?: boolean | undefined;
  /** Called with each argument no option declares; `false` drops it. */
  readonly unknown?:
    | ((arg: string, key?: string, value?: string | boolean) => unknown)
    | undefined;
}

type Given<D> = D extends Readonly<Record<string, unknown>> ? D : Record<never, never>;
type Listed<K, C, V> = K extends C ? V[] : V;
type Default<K, D> = K extends keyof Given<D> ? Given<D>[K] : never;

/** What `parseArgs` returns. */
export type Args<
  B extends string = never,
  S extends string = never,
  C extends string = never,
  N extends string = never,
  D = undefined,
  DD extends boolean | undefined = undefined,
> =
  & { [name: string]: unknown; _: (string | number)[] }
  & { [K in Exclude<keyof Given<D>, B | S | C>]: unknown }
  & { [K in B]: Listed<K, C, boolean> | Default<K, D> }
  & { [K in Exclude<C, B | S>]: unknown[] | Default<K, D> | (K extends N ? false : never) }
  & {
    [K in S as K extends keyof Given<D> | C ? K : never]:
      | Listed<K, C, string>
      | Default<K, D>
      | (K extends N ? false : never);
  }
  & {
    [K in S as K extends keyof Given<D> | C ? never : K]?:
      | string
      | (K extends N ? false : never)
      | undefined;
  }
  & (DD extends true ? { "--": string[] } : unknown);

type Value = string | boolean | number;

const LONG = /^--(?<key>.+?)(?:=(?<value>.+))?$/s;
/** What may not be taken as the value of a short option: another option, though not a lone `-`. */
const OPTION = /^--?[^-]/;

function isNumeric(text: string): boolean {
  return /\S/.test(text) && Number.isFinite(Number(text));
}

/** The arguments being read: a position that only moves forward, and the result so far. */
class Reading {
  readonly result: Record<string, unknown>;
  readonly rest: (string | number)[] = [];
  readonly #known: Known;
  readonly #unknown: ParseOptions["unknown"];
  readonly #arguments: readonly string[];
  #index = 0;

  constructor(args: readonly string[], named: Known, unknown: ParseOptions["unknown"]) {
    this.#arguments = args;
    this.#known = named;
    this.#unknown = unknown;
    this.result = { _: this.rest };
  }

  /** Reads all arguments. */
  all(stopEarly: boolean): void {
    while (this.#index < this.#arguments.length) {
      const argument = this.#arguments[this.#index++] ?? "";
      if (/^--./s.test(argument)) this.#long(argument);
      else if (/^-[^-]/s.test(argument)) this.#short(argument);
      else {
        this.#positional(argument);
        if (stopEarly) break;
      }
    }
    for (; this.#index < this.#arguments.length; this.#index++) {
      this.rest.push(this.#arguments[this.#index] ?? "");
    }
  }

  #positional(argument: string): void {
    if (this.#unknown?.(argument) === false) return;
    const text = this.#known.strings.has("_") || !isNumeric(argument);
    this.rest.push(text ? argument : Number(argument));
  }

  #long(argument: string): void {
    const groups = LONG.exec(argument)?.groups ?? {};
    const { key = "", value } = groups;
    if (key.startsWith("no-") && this.#known.negatable.has(key.slice(3))) {
      return this.#set(key.slice(3), false, argument, false);
    }
    if (value !== undefined) {
      const boolean = this.#known.booleans.has(key);
      return this.#set(key, boolean ? value !== "false" : value, argument);
    }
    const next = this.#arguments[this.#index];
    const takes = next !== undefined && next !== "" && !next.startsWith("-") &&
      !this.#known.booleans.has(key) && !this.#known.allBooleans;
    this.#set(key, takes ? this.#take() : this.#alone(key), argument);
  }

  /** One or several letters after one dash; the last of them may take the next argument. */
  #short(argument: string): void {
    const letters = argument.slice(1);
    for (let at = 0; at < letters.length - 1; at++) {
      const letter = letters.charAt(at);
      const tail = letters.slice(at + 1);
      const value = attached(letter, tail);
      if (value !== undefined) return this.#set(letter, value, argument);
      this.#set(letter, this.#known.strings.has(letter) ? "" : true, argument);
    }
    const key = letters.charAt(letters.length - 1);
    const next = this.#arguments[this.#index];
    const takes = next !== undefined && next !== "" && !OPTION.test(next) &&
      !this.#known.booleans.has(key);
    this.#set(key, takes ? this.#take() : this.#alone(key), argument);
  }

  #take(): string {
    return this.#arguments[this.#index++] ?? "";
  }

  /** The value of an option that takes no other argument than the words true and false. */
  #alone(key: string): Value {
    const next = this.#arguments[this.#index];
    if (next === "true" || next === "false") return this.#take() === "true";
    return this.#known.strings.has(key) ? "" : true;
  }

  #isDeclared(key: string, argument: string): boolean {
    const { strings, booleans, aliases, allBooleans } = this.#known;
    return strings.has(key) || booleans.has(key) || aliases.has(key) ||
      (allBooleans && /^--[^=]+$/.test(argument));
  }

  #set(key: string, value: string | boolean | number, argument: string, collects = true): void {
    if (this.#unknown !== undefined && !this.#isDeclared(key, argument)) {
      const shown = typeof value === "number" ? String(value) : value;
      if (this.#unknown(argument, key, shown) === false) return;
    }
    const number = typeof value === "string" && !this.#known.strings.has(key) && isNumeric(value);
    const stored = number ? Number(value) : value;
    for (const name of [key, ...this.#known.aliases.get(key) ?? []]) {
      setPath(this.result, name, stored, collects && this.#known.collected.has(name));
    }
  }
}

/** The value that stands in the same argument as its letter: `-n5`, `-f=a`, `-I/usr`, `-f-`. */
function attached(letter: string, tail: string): string | undefined {
  if (tail === "-") return tail;
  if (/[A-Za-z]/.test(letter)) {
    const value = /=(.+)/s.exec(tail)?.[1];
    if (value !== undefined) return value;
    if (/-?\d+(?:\.\d*)?(?:e-?\d+)?$/.test(tail)) return tail;
  }
  return /^\W/.test(tail) ? tail : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The object that holds the last part of a dotted name, and that part; nothing if unsafe. */
function holder(root: Record<string, unknown>, path: string, make: boolean) {
  const parts = path.split(".");
  const last = parts.pop() ?? "";
  let object = root;
  for (const part of parts) {
    if (part === "__proto__") return undefined;
    const inner = Object.hasOwn(object, part) ? object[part] : undefined;
    if (isRecord(inner)) object = inner;
    else if (make) object = object[part] = {};
    else return undefined;
  }
  return last === "__proto__" ? undefined : { object, last };
}

function hasPath(root: Record<string, unknown>, path: string): boolean {
  const place = holder(root, path, false);
  return place !== undefined && Object.hasOwn(place.object, place.last);
}

function setPath(
  root: Record<string, unknown>,
  path: string,
  value: unknown,
  collects = false,
): void {
  const place = holder(root, path, true);
  if (place === undefined) return;
  const { object, last } = place;
  const before = Object.hasOwn(object, last) ? object[last] : undefined;
  if (!collects) object[last] = value;
  else if (Array.isArray(before)) before.push(value);
  else object[last] = [value];
}

/** Fills in, for names that were not given, the defaults, then `[]`, then `false`. */
function fill(result: Record<string, unknown>, named: Known, defaults: object): void {
  for (const [key, value] of Object.entries(defaults)) {
    for (const name of [key, ...named.aliases.get(key) ?? []]) {
      if (!hasPath(result, name)) setPath(result, name, value);
    }
  }
  for (const name of named.collected) if (!hasPath(result, name)) setPath(result, name, []);
  for (const name of named.booleans) if (!hasPath(result, name)) setPath(result, name, false);
}

/** Reads command line arguments into an object. See {@linkcode ParseOptions}. */
export function parseArgs<
  const B extends string = never,
  const S extends string = never,
  const C extends string = never,
  const N extends string = never,
  const D extends Readonly<Record<string, unknown>> | undefined = undefined,
  const DD extends boolean | undefined = undefined,
>(
  args: readonly string[],
  options?: ParseOptions<B, S, C, N, D, DD>,
): Args<B, S, C, N, D, DD>;
export function parseArgs(args: readonly string[], options: ParseOptions = {}): Args {
  const named = known(options);
  const end = args.indexOf("--");
  const before = end < 0 ? args : args.slice(0, end);
  const after = end < 0 ? [] : args.slice(end + 1);
  const reading = new Reading(before, named, options.unknown);
  reading.all(options.stopEarly === true);
  fill(reading.result, named, options.default ?? {});
  if (options["--"] === true) reading.result["--"] = [...after];
  else reading.rest.push(...after);
  return { ...reading.result, _: reading.rest };
}
