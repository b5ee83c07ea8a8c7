/**
 * The command of a v7 jump and how it travels (protocol.md B.2.1). Nothing but memory goes over
 * with a jump, so the leaving kernel writes the word into its own control page, behind the CPU
 * state there, and the entered one finds that page by the address it was given: the peer's
 * re-entry word points into it.
 *
 * Where the peer's page lies in what the entered kernel has just exchanged back, its content is
 * now in the source page, and the entered kernel looks there, by its own entry list.
 *
 * @module
 */
import { toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { codePageIndex, CONTROL_DATA_OFFSET } from "../../machine/formats/control_page.ts";
import { walkEntryList } from "../../machine/formats/kimage.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import type { Access } from "../../machine/access.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import { imageOf } from "./machine_kexec.ts";
import { ask, done, next, type Procedure, procedure } from "./procedure.ts";
import { bytesOf } from "./values.ts";

/**
 * Command words of a jump (protocol.md A.5). The second one's value is a guess there, so that it
 * is a setting: `kjump_resume_command=` on a kernel's command line.
 */
export const KJUMP_COMMAND = {
  none: 0,
  writeImage: 0x6b63_0001,
  resume: 0x6b63_0002,
} as const;

/** Where in the code page the mark and the word stand: behind the data of both architectures. */
export const COMMAND_OFFSET: number = CONTROL_DATA_OFFSET + 0x40;
/** `KJMC`: what stands there is a command. */
const MARK = 0x434d_4a4b;
const COMMAND_BYTES = 8;

/** The word that asks a kernel in an image to go on, as this kernel has it. */
export function resumeCommand(kernel: Kernel): number {
  const given = /(?:^|\s)kjump_resume_command=(0x[0-9a-f]{1,8})(?=\s|$)/
    .exec(kernel.state.commandLine)?.[1];
  return given === undefined ? KJUMP_COMMAND.resume : Number(given);
}

/** A command as facts have it. */
export function commandText(command: number): string {
  return `0x${command.toString(16)}`;
}

/** `kjump_write_command {command}`: the word goes into the own control page, 0 for none. */
const write = procedure("kjump_write_command", [
  {
    name: "write",
    run: (kernel, vars) => {
      const bytes = new Uint8Array(COMMAND_BYTES);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, MARK, true);
      view.setUint32(4, numberOf(vars["command"]), true);
      const page = imageOf(kernel).controlPfn + codePageIndex(kernel.profile.arch);
      const address = page * PAGE_BYTES + COMMAND_OFFSET;
      return ask("memory", "memory.write", { by: kernel.name, address, bytes: toHex(bytes) });
    },
    then: () => done(),
  },
]);

/** The frame that now has what the peer had in `pfn`, by the list that was walked. */
function exchangedFrame(kernel: Kernel, pfn: number, access: Access): number {
  const { head } = imageOf(kernel);
  try {
    const pairs = walkEntryList(
      kernel.profile.arch,
      head,
      (page) => access.read(page * PAGE_BYTES, PAGE_BYTES),
    );
    return pairs.find(({ destination }) => destination === pfn)?.source ?? pfn;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return pfn;
  }
}

function commandIn(bytes: Uint8Array): number {
  if (bytes.length < COMMAND_BYTES) return KJUMP_COMMAND.none;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(0, true) === MARK ? view.getUint32(4, true) : KJUMP_COMMAND.none;
}

/** Whether there is memory of the machine where a peer said its control page is. */
function isMemory(kernel: Kernel, pfn: number): boolean {
  const at = pfn * PAGE_BYTES;
  return kernel.state.firmwareMap.some(({ type, start, length }) =>
    type === 1 && start <= at && at + PAGE_BYTES <= start + length
  );
}

/** `kjump_read_command {}`: the command with which this kernel was entered; 0 for none. */
const read = procedure("kjump_read_command", [
  {
    name: "list",
    run: (kernel, vars) => {
      const pfn = Math.floor(imageOf(kernel).start / PAGE_BYTES);
      vars["pfn"] = pfn;
      if (imageOf(kernel).start === 0 || !isMemory(kernel, pfn)) return done(KJUMP_COMMAND.none);
      const ranges = imageOf(kernel).indirection.map((page) => ({
        start: page * PAGE_BYTES,
        length: PAGE_BYTES,
      }));
      if (ranges.length === 0) return next;
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then: (kernel, vars, _answer, access) => {
      vars["pfn"] = exchangedFrame(kernel, numberOf(vars["pfn"]), access);
      return next;
    },
  },
  {
    name: "word",
    run: (kernel, vars) =>
      ask("memory", "memory.read", {
        by: kernel.name,
        address: numberOf(vars["pfn"]) * PAGE_BYTES + COMMAND_OFFSET,
        length: COMMAND_BYTES,
      }),
    then: (_kernel, _vars, answer) => done(commandIn(bytesOf(answer))),
  },
]);

/** Procedures of this file. */
export const KJUMP_COMMAND_PROCEDURES: readonly Procedure[] = [write, read];
