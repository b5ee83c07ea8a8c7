/**
 * krestore: writes a memory image back through /dev/oldmem (protocol.md A.2, B.1.2 step 3). It
 * looks at everything before the first write; from then on there is no way back.
 *
 * @module
 */
import { FormatError } from "../../machine/errors.ts";
import { parseNotes, VMCOREINFO_NOTE_NAME } from "../../machine/formats/elf_notes.ts";
import { parseElf, PT_NOTE } from "../../machine/formats/elf.ts";
import { ramRanges } from "../../machine/formats/e820.ts";
import { PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import { LIMITS } from "../../machine/limits.ts";
import { list, natural, record, type Shape } from "../../machine/messages/shape.ts";
import { errnoText } from "../kernel/errno.ts";
import { pfnText } from "../kernel/jump_buffer.ts";
import { type Kernel, numberOf } from "../kernel/kernel_context.ts";
import { OLD_MEMORY, openOldMemory } from "../kernel/old_memory.ts";
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
import { fieldOf, isError, plainRuns, readAs, runRanges, RUNS } from "../kernel/values.ts";
import { reasonOf, wordsOf } from "./command_line.ts";
import { gather, userPages } from "./kexec_files.ts";
import { dies } from "./kexec_messages.ts";
import {
  imageShape,
  parseRestoreCommand,
  planRestore,
  type RestoreCommand,
  type RestorePiece,
} from "./krestore_plan.ts";

/** Bytes read at one time. */
const BUFFER_BYTES = LIMITS.grantBytes;
const HEADER_BYTES = 16 * PAGE_BYTES;

const PIECES: Shape<readonly RestorePiece[]> = list(
  record({ offset: natural, target: natural, length: natural }),
);

function commandOf(vars: Vars): RestoreCommand {
  const command = parseRestoreCommand(wordsOf(vars));
  if (command === undefined) throw new TypeError("The command line was not refused");
  return command;
}

function bufferOf(vars: Vars, bytes: number): PageRun[] {
  const runs: PageRun[] = [];
  let left = Math.ceil(bytes / PAGE_BYTES);
  for (const { pfn, count } of readAs(RUNS, vars["buffer"])) {
    const part = Math.min(left, count);
    if (part > 0) runs.push({ pfn, count: part });
    left -= part;
  }
  return runs;
}

/** The kernel in the image, by the name its VMCOREINFO note gives; empty where it has none. */
function kernelIn(header: Uint8Array): string {
  const note = parseElf(header).programs.find(({ type, filesz }) => type === PT_NOTE && filesz > 0);
  if (note === undefined || note.offset + note.filesz > header.length) return "";
  const notes = parseNotes(header.subarray(note.offset, note.offset + note.filesz));
  const text = notes.find(({ name }) => name === VMCOREINFO_NOTE_NAME)?.desc ?? new Uint8Array();
  return /^KERNELNAME=(.*)$/m.exec(new TextDecoder().decode(text))?.[1] ?? "";
}

/** The image as facts name it: by its kernel and the way back that was told with it. */
function imageOf(kernel: Kernel, of: string): { id: string; of?: string } {
  const { jumpBuffer, jumpBackEntry = 0 } = kernel.state;
  const way = jumpBuffer === undefined
    ? `0x${jumpBackEntry.toString(16)}`
    : pfnText(jumpBuffer.shown);
  return of === "" ? { id: `previous@${way}` } : { id: `${of}@${way}`, of };
}

/** Plans, and says what is in the image whatever comes of it. */
function plan(kernel: Kernel, vars: Vars, header: Uint8Array): Next {
  let of = "";
  try {
    of = kernelIn(header);
    const shape = imageShape(header);
    const image = imageOf(kernel, of);
    kernel.fact("image", { op: "check", ...image });
    kernel.fact("image_ranges", { id: image.id, ranges: shape.ranges, class: shape.class });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  const planned = planRestore({
    command: commandOf(vars),
    header,
    fileBytes: numberOf(vars["size"]),
    arch: kernel.profile.arch,
    ownRam: ramRanges(kernel.state.map),
  });
  if (planned.kind === "refused") return dies(kernel, 1, planned.message);
  // From the first write on the kernel that this one was started from is given up.
  kernel.fact("image", { op: "load", ...imageOf(kernel, of) });
  vars["pieces"] = planned.pieces.map((piece) => ({ ...piece }));
  vars["piece"] = 0;
  vars["done"] = 0;
  return next;
}

/** What is moved next: a stretch of one piece, at most as long as the buffer. */
function stretch(vars: Vars): RestorePiece | undefined {
  const piece = readAs(PIECES, vars["pieces"])[numberOf(vars["piece"])];
  if (piece === undefined) return undefined;
  const at = numberOf(vars["done"]);
  const length = Math.min(BUFFER_BYTES, piece.length - at);
  return { offset: piece.offset + at, target: piece.target + at, length };
}

function advance(vars: Vars): Next {
  const piece = readAs(PIECES, vars["pieces"])[numberOf(vars["piece"])];
  const moved = numberOf(vars["done"]) + (stretch(vars)?.length ?? 0);
  const whole = piece === undefined || moved >= piece.length;
  vars["done"] = whole ? 0 : moved;
  if (whole) vars["piece"] = numberOf(vars["piece"]) + 1;
  return goto("read");
}

/** `program:krestore {argv}`: `krestore [-b ADDRESS] FILE`. */
const KRESTORE = procedure("program:krestore", [
  {
    name: "words",
    run(kernel, vars) {
      if (parseRestoreCommand(wordsOf(vars)) === undefined) {
        return dies(kernel, 1, "Usage: krestore [-b BACKUP_ADDRESS] IMAGE");
      }
      const errno = openOldMemory(kernel, true);
      if (errno < 0) return dies(kernel, 1, `krestore: ${OLD_MEMORY}: ${errnoText(errno)}`);
      return call("fs_stat", { path: commandOf(vars).file });
    },
    then(kernel, vars, answer) {
      if (isError(answer)) {
        return dies(kernel, 1, `krestore: ${commandOf(vars).file}: ${reasonOf(answer)}`);
      }
      vars["size"] = numberOf(fieldOf(answer, "size"));
      return next;
    },
  },
  {
    name: "header",
    run(kernel, vars) {
      const runs = userPages(kernel, BUFFER_BYTES / PAGE_BYTES, "krestore");
      if (runs === undefined) return dies(kernel, 1, "krestore: Cannot allocate memory");
      vars["buffer"] = plainRuns(runs);
      const length = Math.min(HEADER_BYTES, numberOf(vars["size"]));
      if (length === 0) return dies(kernel, 1, `krestore: ${commandOf(vars).file}: empty`);
      vars["headerBytes"] = length;
      const { file: path } = commandOf(vars);
      return call("fs_read", { path, offset: 0, length, runs: plainRuns(bufferOf(vars, length)) });
    },
    then(kernel, vars, answer) {
      if (!isError(answer)) return next;
      return dies(kernel, 1, `krestore: ${commandOf(vars).file}: ${reasonOf(answer)}`);
    },
  },
  {
    name: "plan",
    run(kernel, vars) {
      const ranges = runRanges(bufferOf(vars, numberOf(vars["headerBytes"])));
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then(kernel, vars, _answer, access) {
      const size = numberOf(vars["headerBytes"]);
      const file = { runs: bufferOf(vars, size), size, mismatches: [] };
      return plan(kernel, vars, gather(access, file));
    },
  },
  {
    name: "read",
    run(_kernel, vars) {
      const part = stretch(vars);
      if (part === undefined) return goto("done");
      const { offset, length } = part;
      const runs = plainRuns(bufferOf(vars, length));
      return call("fs_read", { path: commandOf(vars).file, offset, length, runs });
    },
    then(kernel, vars, answer) {
      if (!isError(answer)) return next;
      const path = commandOf(vars).file;
      return dies(kernel, 1, `krestore: reading ${path}: ${reasonOf(answer)}; memory is damaged`);
    },
  },
  {
    name: "write",
    run(_kernel, vars) {
      const part = stretch(vars);
      if (part === undefined) return goto("done");
      const runs = plainRuns(bufferOf(vars, part.length));
      return call("oldmem_write", { pfn: part.target / PAGE_BYTES, runs });
    },
    then(kernel, vars, answer) {
      if (!isError(answer)) return advance(vars);
      return dies(kernel, 1, `krestore: writing ${OLD_MEMORY}: ${reasonOf(answer)}`);
    },
  },
  {
    name: "done",
    run(kernel, vars) {
      const pieces = readAs(PIECES, vars["pieces"]);
      const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
      kernel.say(`krestore: ${bytes / PAGE_BYTES} pages restored`);
      return done(0);
    },
  },
]);

/** Procedures of this file. */
export const KRESTORE_PROCEDURES: readonly Procedure[] = [KRESTORE];
