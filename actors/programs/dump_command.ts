/**
 * The command line of makedumpfile, read as getopt reads it: switches together, values behind
 * their letter or as the next word, words that are no options in between.
 *
 * @module
 */
import { KDUMP_FLAG } from "../../machine/formats/kdump.ts";
import { DUMP_LEVEL } from "../../machine/formats/mem_map.ts";

/** Bits of --message-level. */
export const MESSAGE = { progress: 1, common: 2, error: 4, debug: 8, report: 16, max: 31 } as const;

const MESSAGE_DEFAULT = MESSAGE.progress | MESSAGE.common | MESSAGE.error;
const SWITCHES = "clzpEfDhv";
const VALUES = "dixg";

/** What the command line asks for. */
export interface DumpCommand {
  readonly level: number;
  readonly force: boolean;
  /** Our own switch: what the experimenters did to a dump by hand, so that kexec loads it. */
  readonly edit: boolean;
  /** {@linkcode KDUMP_FLAG} of a kdump-compressed file; `undefined` for ELF. */
  readonly compression?: number;
  /** -z or -p: known, but not built in; nothing is compressed (recordings, fact 46). */
  readonly disabled?: "-z" | "-p";
  /** Sum of {@linkcode MESSAGE} bits. */
  readonly messages: number;
  readonly infoFile?: string;
  readonly kernelFile?: string;
  /** With `-g`: the information file to write. */
  readonly generate?: string;
  readonly files: readonly string[];
  readonly only?: "help" | "version";
}

/** What a command line gives: a command, or what is said of it before "makedumpfile Failed.". */
export type ParsedDump =
  | { readonly command: DumpCommand }
  | { readonly complaints: readonly string[] };

interface Given {
  readonly switches: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly files: readonly string[];
  readonly fault?: string;
}

const INVALID = [
  "Commandline parameter is invalid.",
  "Try `makedumpfile --help' for more information.",
];

function scanShort(
  word: string,
  following: string | undefined,
  switches: Set<string>,
  values: Map<string, string>,
): { fault?: string; used: boolean } {
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at);
    if (SWITCHES.includes(letter)) {
      switches.add(letter);
      continue;
    }
    if (!VALUES.includes(letter)) {
      return { fault: `makedumpfile: invalid option -- '${letter}'`, used: false };
    }
    const rest = word.slice(at + 1);
    if (rest === "" && following === undefined) {
      return { fault: `makedumpfile: option requires an argument -- '${letter}'`, used: false };
    }
    values.set(letter, rest === "" ? following ?? "" : rest);
    return { used: rest === "" };
  }
  return { used: false };
}

function scan(words: readonly string[]): Given {
  const switches = new Set<string>();
  const values = new Map<string, string>();
  const files: string[] = [];
  for (let index = 1; index < words.length; index++) {
    const word = words[index] ?? "";
    const following = words[index + 1];
    if (word === "--edit" || word === "--help" || word === "--version") switches.add(word);
    else if (word === "--message-level" || word.startsWith("--message-level=")) {
      const inside = word.split("=")[1];
      if (inside === undefined && following === undefined) {
        const fault = `makedumpfile: option '${word}' requires an argument`;
        return { switches, values, files, fault };
      }
      values.set("message-level", inside ?? following ?? "");
      if (inside === undefined) index++;
    } else if (word.startsWith("--")) {
      const fault = `makedumpfile: unrecognized option '${word}'`;
      return { switches, values, files, fault };
    } else if (word.startsWith("-") && word.length > 1) {
      const { fault, used } = scanShort(word, following, switches, values);
      if (fault !== undefined) return { switches, values, files, fault };
      if (used) index++;
    } else files.push(word);
  }
  return { switches, values, files };
}

/** A number as atoi has it: what does not begin with digits is 0. */
function numberIn(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const digits = /^\s*[-+]?[0-9]{1,9}/.exec(text);
  return digits === null ? 0 : Number(digits[0]);
}

function compressionOf(switches: ReadonlySet<string>): number | undefined {
  if (switches.has("E") || switches.has("--edit")) return undefined;
  if (switches.has("c")) return KDUMP_FLAG.zlib;
  return switches.has("l") ? KDUMP_FLAG.lzo : 0;
}

function onlyOf(switches: ReadonlySet<string>): "help" | "version" | undefined {
  if (switches.has("h") || switches.has("--help")) return "help";
  return switches.has("v") || switches.has("--version") ? "version" : undefined;
}

function filesFit({ values, files }: Given): boolean {
  return values.has("g") ? files.length === 0 && values.has("x") : files.length === 2;
}

/** Reads a command line, the program's name first. */
export function parseDumpCommand(words: readonly string[]): ParsedDump {
  const given = scan(words);
  const { switches, values, files, fault } = given;
  if (fault !== undefined) return { complaints: [fault, ...INVALID] };
  const level = numberIn(values.get("d"), 0);
  if (level < 0 || level > DUMP_LEVEL.max) {
    return { complaints: [`Dump_level(${level}) is invalid.`] };
  }
  const messages = numberIn(values.get("message-level"), MESSAGE_DEFAULT);
  if (messages < 0 || messages > MESSAGE.max) {
    return { complaints: [`Message_level(${messages}) is invalid.`] };
  }
  const only = onlyOf(switches);
  const compressing = ["c", "l", "z", "p"].filter((letter) => switches.has(letter));
  const elf = switches.has("E") || switches.has("--edit");
  const twice = compressing.length > (elf ? 0 : 1);
  if (only === undefined && (twice || !filesFit(given))) return { complaints: INVALID };
  const compression = compressionOf(switches);
  const infoFile = values.get("i");
  const kernelFile = values.get("x");
  const generate = values.get("g");
  const disabled = switches.has("z") ? "-z" : switches.has("p") ? "-p" : undefined;
  return {
    command: {
      level,
      force: switches.has("f"),
      edit: switches.has("--edit"),
      messages: switches.has("D") ? messages | MESSAGE.debug : messages,
      files,
      ...(compression === undefined ? {} : { compression }),
      ...(disabled === undefined ? {} : { disabled }),
      ...(infoFile === undefined ? {} : { infoFile }),
      ...(kernelFile === undefined ? {} : { kernelFile }),
      ...(generate === undefined ? {} : { generate }),
      ...(only === undefined ? {} : { only }),
    },
  };
}
