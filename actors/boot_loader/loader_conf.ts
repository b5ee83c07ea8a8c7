/**
 * The boot loader's menu as a text file, `/loader.conf` on the boot partition.
 *
 *     default NAME
 *     entry NAME
 *       kernel PATH
 *       initrd PATH
 *       append TEXT
 *     entry NAME
 *       resume PATH
 *
 * Words after a name are part of the name. Empty lines and lines that begin with `#` are passed
 * over; `initrd` and `append` may be left out. Without `default` the first entry is it. `resume`
 * stands for a kernel: its path is a saved image's on the hibernating partition.
 *
 * @module
 */
import { FormatError } from "../../machine/errors.ts";

/** One line of the menu. */
export interface LoaderEntry {
  readonly name: string;
  /** Path on the boot partition. */
  readonly kernel: string;
  /** Path on the boot partition; "" for none. */
  readonly initrd: string;
  /** Command line. */
  readonly append: string;
  /** Path of an image on the hibernating partition that is resumed in place of a kernel's boot. */
  readonly resume?: string;
}

/** What the file says. */
export interface LoaderConf {
  readonly defaultEntry: string;
  readonly entries: readonly LoaderEntry[];
}

/** Path of the file on the boot partition. */
export const LOADER_CONF_PATH = "/loader.conf";

/** Most bytes the loader reads of it. */
export const LOADER_CONF_BYTES_MAX = 65_536;

const FORMAT = "loader.conf";

interface Draft {
  name: string;
  kernel: string;
  initrd: string;
  append: string;
  resume?: string;
}

type Field = "kernel" | "initrd" | "append" | "resume";

function fieldOf(word: string): Field | undefined {
  const isField = word === "kernel" || word === "initrd" || word === "append" || word === "resume";
  return isField ? word : undefined;
}

function takeLine(text: string, line: number, drafts: Draft[]): string | undefined {
  const [, word = "", rest = ""] = /^(\S+)\s*(.*)$/.exec(text) ?? [];
  const fail = (message: string): never => {
    throw new FormatError(FORMAT, line, `line ${line}: ${message}`);
  };
  if (word === "default") return rest;
  if (word === "entry") {
    if (rest === "") fail("an entry without a name");
    if (drafts.some((draft) => draft.name === rest)) fail(`a second entry '${rest}'`);
    drafts.push({ name: rest, kernel: "", initrd: "", append: "" });
    return undefined;
  }
  const field = fieldOf(word) ?? fail(`'${word}' means nothing here`);
  const draft = drafts.at(-1) ?? fail(`'${word}' before the first entry`);
  draft[field] = rest;
  return undefined;
}

/**
 * The menu of a text.
 *
 * @throws {FormatError} with the line's number as offset: unknown word, entry without a kernel,
 * two entries of one name, no entry, a default that is no entry.
 */
export function parseLoaderConf(text: string): LoaderConf {
  const entries: Draft[] = [];
  let defaultEntry: string | undefined;
  text.split("\n").forEach((raw, index) => {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) return;
    defaultEntry = takeLine(line, index + 1, entries) ?? defaultEntry;
  });
  const [first] = entries;
  if (first === undefined) throw new FormatError(FORMAT, 0, "no entry");
  const bare = entries.find(({ kernel, resume }) => kernel === "" && resume === undefined);
  if (bare !== undefined) throw new FormatError(FORMAT, 0, `entry '${bare.name}' has no kernel`);
  const both = entries.find(({ kernel, resume }) => kernel !== "" && resume !== undefined);
  if (both !== undefined) {
    throw new FormatError(FORMAT, 0, `entry '${both.name}' has both a kernel and an image`);
  }
  const chosen = defaultEntry ?? first.name;
  if (!entries.some((entry) => entry.name === chosen)) {
    throw new FormatError(FORMAT, 0, `the default '${chosen}' is no entry`);
  }
  return { defaultEntry: chosen, entries };
}

/** The text of a menu; the inverse of {@linkcode parseLoaderConf}. */
export function emitLoaderConf({ defaultEntry, entries }: LoaderConf): string {
  const lines = [`default ${defaultEntry}`];
  for (const { name, kernel, initrd, append, resume } of entries) {
    lines.push(`entry ${name}`);
    lines.push(resume === undefined ? `  kernel ${kernel}` : `  resume ${resume}`);
    if (initrd !== "") lines.push(`  initrd ${initrd}`);
    if (append !== "") lines.push(`  append ${append}`);
  }
  return lines.join("\n") + "\n";
}
