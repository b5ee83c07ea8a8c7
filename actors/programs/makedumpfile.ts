/**
 * makedumpfile: copies /proc/vmcore into an ELF file, leaving pages out (protocol.md D.6). The
 * output is always ELF; `-c`, `-l`, `-z` and `-p` are accepted and compress nothing, as Debian's
 * build does with two of them. With `-g` it writes down the running kernel's VMCOREINFO, which
 * `-i` takes where a vmcore has no such note.
 *
 * @module
 */
import { fromHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { parseNotes, VMCOREINFO_NOTE_NAME } from "../../machine/formats/elf_notes.ts";
import { DUMP_LEVEL } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import {
  ask,
  call,
  done,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
} from "../kernel/procedure.ts";
import { fieldOf, isError, listOf } from "../kernel/values.ts";
import { failWith, reasonOf, wordsOf } from "./command_line.ts";

const SWITCHES = new Set(["--edit", "-E", "-c", "-l", "-z", "-p", "-f"]);
const VALUES = new Set(["-d", "-i", "-g", "-x"]);

/** What the command line asks for. */
export interface DumpCommand {
  readonly level: number;
  readonly force: boolean;
  /** Our own switch: what the experimenters did to a dump by hand, so that kexec loads it. */
  readonly edit: boolean;
  readonly infoFile?: string;
  /** With `-g`: the information file to write. */
  readonly generate?: string;
  readonly files: readonly string[];
}

/** Reads a command line; `undefined` if it makes no sense. */
export function parseDumpCommand(words: readonly string[]): DumpCommand | undefined {
  const values = new Map<string, string>();
  const switches = new Set<string>();
  const files: string[] = [];
  for (let index = 1; index < words.length; index++) {
    const word = words[index] ?? "";
    const value = words[index + 1];
    if (SWITCHES.has(word)) switches.add(word);
    else if (VALUES.has(word)) {
      if (value === undefined) return undefined;
      values.set(word, value);
      index++;
    } else if (word.startsWith("-")) return undefined;
    else files.push(word);
  }
  const level = values.get("-d") ?? "0";
  if (!/^[0-9]{1,2}$/.test(level) || Number(level) > DUMP_LEVEL.max) return undefined;
  const infoFile = values.get("-i");
  const generate = values.get("-g");
  if (generate === undefined ? files.length !== 2 : files.length > 0 || !values.has("-x")) {
    return undefined;
  }
  return {
    level: Number(level),
    force: switches.has("-f"),
    edit: switches.has("--edit"),
    files,
    ...(infoFile === undefined ? {} : { infoFile }),
    ...(generate === undefined ? {} : { generate }),
  };
}

/** What a failed or a successful `dump_write` prints. */
export function printDump(
  kernel: Kernel,
  value: Parameters<typeof fieldOf>[0],
  path: string,
): Next {
  const lines = listOf(fieldOf(value, "lines")).map((line) => textOf(line));
  if (numberOf(fieldOf(value, "status")) !== 0) return failWith(kernel, 1, ...lines);
  kernel.complain("Copying data                       : [100 %]");
  kernel.say(`The dumpfile is saved to ${path}.`);
  kernel.say("makedumpfile Completed.");
  return done(0);
}

/** The text of the VMCOREINFO note in the page that holds it, or `undefined`. */
function noteText(page: Uint8Array): string | undefined {
  try {
    const note = parseNotes(page).find((each) => each.name === VMCOREINFO_NOTE_NAME);
    return note === undefined ? undefined : new TextDecoder().decode(note.desc);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

const MAKEDUMPFILE = procedure("program:makedumpfile", [
  {
    name: "arguments",
    run(kernel, vars) {
      const command = parseDumpCommand(wordsOf(vars));
      if (command === undefined) {
        return failWith(
          kernel,
          1,
          "Commandline parameter is invalid.",
          "Try `makedumpfile --help' for more information.",
          "makedumpfile Failed.",
        );
      }
      if (command.generate !== undefined) return goto("note");
      const [input = "", output = ""] = command.files;
      if (input !== "/proc/vmcore") {
        return failWith(
          kernel,
          1,
          `open_dump_memory: Can't open the dump memory(${input}). No such file or directory`,
          "makedumpfile Failed.",
        );
      }
      const { level, force, edit, infoFile } = command;
      vars["output"] = output;
      return call("dump_write", {
        output,
        level,
        force,
        edit,
        ...(infoFile === undefined ? {} : { infoFile }),
      });
    },
    then: (kernel, vars, answer) => printDump(kernel, answer, textOf(vars["output"])),
  },
  {
    name: "note",
    run(kernel) {
      const address = kernel.state.layout?.vmcoreinfo;
      if (address === undefined) return failWith(kernel, 1, "makedumpfile Failed.");
      return ask("memory", "memory.read", { by: kernel.name, address, length: PAGE_BYTES });
    },
    then(kernel, vars, answer) {
      const text = noteText(fromHex(textOf(fieldOf(answer, "bytes"))));
      if (text === undefined) return failWith(kernel, 1, "makedumpfile Failed.");
      vars["text"] = text;
      return next;
    },
  },
  {
    name: "generate",
    run(_kernel, vars) {
      const path = parseDumpCommand(wordsOf(vars))?.generate ?? "";
      vars["output"] = path;
      return call("fs_write_small", { path, text: vars["text"] ?? "" });
    },
    then(kernel, vars, answer) {
      const path = textOf(vars["output"]);
      if (isError(answer)) {
        return failWith(
          kernel,
          1,
          `open_files_for_generating_vmcoreinfo: Can't open the vmcoreinfo file(${path}). ` +
            reasonOf(answer),
          "makedumpfile Failed.",
        );
      }
      kernel.say(`The vmcoreinfo is saved to ${path}.`);
      kernel.say("makedumpfile Completed.");
      return done(0);
    },
  },
]);

/** Procedures of this file. */
export const MAKEDUMPFILE_PROCEDURES: readonly Procedure[] = [MAKEDUMPFILE];
