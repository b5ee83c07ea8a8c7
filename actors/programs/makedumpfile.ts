/**
 * makedumpfile: copies /proc/vmcore into a file, leaving pages out (protocol.md D.6). With `-g` it
 * writes down the running kernel's VMCOREINFO, which `-i` takes where a vmcore has no such note.
 *
 * As the real tool it writes its own kdump-compressed format (protocol.md E.4) if nothing else is
 * said, each page compressed with `-c` (zlib) or `-l` (LZO). `-E` writes ELF; only that can be
 * loaded by kexec and krestore. So does our own switch `--edit`, which stands for what the
 * experimenters did to a dump by hand before kexec took it: every script of this house that makes
 * an image to resume from types one of the two, or calls `dump_write` itself, and never gets the
 * other format. Options are those of 1.7.2 in all generations; its lines of progress and report
 * are those of the generation (dump_report.ts).
 *
 * @module
 */
import { fromHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { parseNotes, VMCOREINFO_NOTE_NAME } from "../../machine/formats/elf_notes.ts";
import { DUMP_LEVEL } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import type { Plain } from "../../machine/messages/shape.ts";
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
import type { Vars } from "../kernel/state.ts";
import { fieldOf, isError, listOf } from "../kernel/values.ts";
import { failWith, reasonOf, wordsOf } from "./command_line.ts";
import { type DumpCommand, MESSAGE, parseDumpCommand } from "./dump_command.ts";
import {
  disabledLines,
  progressLines,
  reportLines,
  USAGE_LINES,
  VERSION_LINES,
} from "./dump_report.ts";

const FAILED = "makedumpfile Failed.";

/** The command of the words, which were read without a complaint before. */
function commandOf(vars: Vars): DumpCommand {
  const parsed = parseDumpCommand(wordsOf(vars));
  if ("command" in parsed) return parsed.command;
  throw new TypeError("The command line was not looked at");
}

/** Ends with 1; what --message-level does not want is not printed, but remembered. */
function failed(kernel: Kernel, { messages }: DumpCommand, ...lines: readonly string[]): Next {
  const wanted = lines.filter((line) =>
    (messages & (line === FAILED ? MESSAGE.common : MESSAGE.error)) !== 0
  );
  const end = failWith(kernel, 1, ...wanted);
  kernel.process.message = lines[0] ?? "";
  return end;
}

/** What a failed or a successful `dump_write` prints. */
function printDump(kernel: Kernel, command: DumpCommand, value: Plain): Next {
  const { messages, level } = command;
  const lines = listOf(fieldOf(value, "lines")).map((line) => textOf(line));
  if (numberOf(fieldOf(value, "status")) !== 0) return failed(kernel, command, ...lines);
  const modern = kernel.profile.tools === "modern";
  if ((messages & MESSAGE.progress) !== 0) {
    for (const line of progressLines(modern, level > DUMP_LEVEL.zero)) kernel.complain(line);
  }
  if ((messages & MESSAGE.report) !== 0) {
    for (const line of reportLines(value, modern)) kernel.say(line);
  }
  if ((messages & MESSAGE.common) !== 0) {
    kernel.say(`The dumpfile is saved to ${command.files[1]}.`);
    kernel.say("makedumpfile Completed.");
  }
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

function printOnly(kernel: Kernel, only: "help" | "version"): Next {
  for (const line of only === "help" ? USAGE_LINES : VERSION_LINES) kernel.say(line);
  return done(0);
}

const MAKEDUMPFILE = procedure("program:makedumpfile", [
  {
    name: "arguments",
    run(kernel, vars) {
      const parsed = parseDumpCommand(wordsOf(vars));
      if ("complaints" in parsed) return failWith(kernel, 1, ...parsed.complaints, FAILED);
      const { command } = parsed;
      if (command.only !== undefined) return printOnly(kernel, command.only);
      if (command.generate !== undefined) return goto("note");
      if (command.disabled !== undefined && (command.messages & MESSAGE.common) !== 0) {
        for (const line of disabledLines(command.disabled)) kernel.say(line);
      }
      const [input = ""] = command.files;
      if (input === "/proc/vmcore") return next;
      return failed(
        kernel,
        command,
        `open_dump_memory: Can't open the dump memory(${input}). No such file or directory`,
        FAILED,
      );
    },
  },
  {
    name: "kernel file",
    run(_kernel, vars) {
      const { kernelFile } = commandOf(vars);
      return kernelFile === undefined ? next : call("fs_stat", { path: kernelFile });
    },
    then(kernel, vars, answer) {
      if (!isError(answer)) return next;
      const command = commandOf(vars);
      const file = command.kernelFile ?? "";
      const reason = `Can't open the kernel file(${file}). ${reasonOf(answer)}`;
      return failed(kernel, command, `open_kernel_file: ${reason}`, FAILED);
    },
  },
  {
    name: "dump",
    run(_kernel, vars) {
      const { files, level, force, edit, infoFile, compression } = commandOf(vars);
      return call("dump_write", {
        output: files[1] ?? "",
        level,
        force,
        edit,
        ...(infoFile === undefined ? {} : { infoFile }),
        ...(compression === undefined ? {} : { compression }),
      });
    },
    then: (kernel, vars, answer) => printDump(kernel, commandOf(vars), answer),
  },
  {
    name: "note",
    run(kernel, vars) {
      const address = kernel.state.layout?.vmcoreinfo;
      if (address === undefined) return failed(kernel, commandOf(vars), FAILED);
      return ask("memory", "memory.read", { by: kernel.name, address, length: PAGE_BYTES });
    },
    then(kernel, vars, answer) {
      const text = noteText(fromHex(textOf(fieldOf(answer, "bytes"))));
      if (text === undefined) return failed(kernel, commandOf(vars), FAILED);
      vars["text"] = text;
      return next;
    },
  },
  {
    name: "generate",
    run: (_kernel, vars) =>
      call("fs_write_small", { path: commandOf(vars).generate ?? "", text: vars["text"] ?? "" }),
    then(kernel, vars, answer) {
      const command = commandOf(vars);
      const path = command.generate ?? "";
      if (isError(answer)) {
        const reason = `Can't open the vmcoreinfo file(${path}). ${reasonOf(answer)}`;
        const line = `open_files_for_generating_vmcoreinfo: ${reason}`;
        return failed(kernel, command, line, FAILED);
      }
      if ((command.messages & MESSAGE.common) === 0) return done(0);
      kernel.say(`The vmcoreinfo is saved to ${path}.`);
      kernel.say("makedumpfile Completed.");
      return done(0);
    },
  },
]);

/** Procedures of this file. */
export const MAKEDUMPFILE_PROCEDURES: readonly Procedure[] = [MAKEDUMPFILE];
