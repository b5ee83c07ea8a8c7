/**
 * What the caller of `parseArgs` asked for, made ready for look-ups: sets of names with their
 * aliases, so that the parser never asks about an alias again.
 *
 * @module
 */

/** The options in their loosest form; `parse_args.ts` declares the typed one. */
export interface LooseOptions {
  readonly string?: string | readonly string[] | undefined;
  readonly boolean?: boolean | string | readonly string[] | undefined;
  readonly collect?: string | readonly string[] | undefined;
  readonly negatable?: string | readonly string[] | undefined;
  readonly alias?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
}

/** Sets of option names, each closed under aliases. */
export interface Known {
  readonly strings: ReadonlySet<string>;
  readonly booleans: ReadonlySet<string>;
  readonly collected: ReadonlySet<string>;
  readonly negatable: ReadonlySet<string>;
  /** Every name of a group of aliases, with the other names of that group. */
  readonly aliases: ReadonlyMap<string, readonly string[]>;
  /** Every `--name` without a value is a boolean. */
  readonly allBooleans: boolean;
}

/** One name or several, as a list. */
function list(names: string | readonly string[] | undefined): readonly string[] {
  if (names === undefined) return [];
  return typeof names === "string" ? [names] : names;
}

function aliasesOf(alias: LooseOptions["alias"]): Map<string, readonly string[]> {
  const aliases = new Map<string, readonly string[]>();
  for (const [key, names] of Object.entries(alias ?? {})) {
    const group = [key, ...list(names)];
    for (const name of group) aliases.set(name, group.filter((other) => other !== name));
  }
  return aliases;
}

/** Makes the sets of names from the options. */
export function known(options: LooseOptions): Known {
  const aliases = aliasesOf(options.alias);
  const closed = (names: string | readonly string[] | undefined): Set<string> =>
    new Set(list(names).flatMap((name) => [name, ...aliases.get(name) ?? []]));
  const booleans = options.boolean;
  return {
    strings: closed(options.string),
    booleans: closed(typeof booleans === "boolean" ? undefined : booleans),
    collected: closed(options.collect),
    negatable: closed(options.negatable),
    aliases,
    allBooleans: booleans === true,
  };
}
