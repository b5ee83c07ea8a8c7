/**
 * Files in the memory of the kexec process: read whole, looked at through grants, and buffers of
 * its own making filled.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { countPages, PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import { natural, type Plain, plain, record, type Shape } from "../../machine/messages/shape.ts";
import { ERRNO, errnoText } from "../kernel/errno.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import { call, done, type Next, next, type Procedure, procedure } from "../kernel/procedure.ts";
import type { ToolGeneration } from "../kernel/profiles.ts";
import type { Vars } from "../kernel/state.ts";
import { fieldsOf, plainRuns, readAs, runRanges, RUNS } from "../kernel/values.ts";
import { dies } from "./kexec_messages.ts";
import { GENERATION_NAMES } from "./kexec_generations.ts";
import { type KexecOptions, parseKexec } from "./kexec_options.ts";

/** A file read into the process's memory: its pages, its length, sums that did not match. */
export interface UserFile {
  readonly runs: readonly PageRun[];
  readonly size: number;
  readonly mismatches: Plain;
}

const USER_FILE: Shape<UserFile> = record({ runs: RUNS, size: natural, mismatches: plain });

/** A variable that holds a file. */
export function fileOf(vars: Vars, name: string): UserFile {
  return readAs(USER_FILE, vars[name]);
}

function isGeneration(name: unknown): name is ToolGeneration {
  return typeof name === "string" && name in GENERATION_NAMES;
}

/**
 * The options a procedure's `argv` stands for to the tool of the generation in `tools`; the
 * program has refused bad ones before.
 */
export function optionsOf(vars: Vars): KexecOptions {
  const argv = Array.isArray(vars["argv"]) ? vars["argv"].map(String) : [];
  const tools = vars["tools"];
  const parsed = parseKexec(argv.slice(1), isGeneration(tools) ? tools : "jump");
  if (parsed.kind === "ok") return parsed.options;
  throw new TypeError(`Options were refused: ${parsed.message}`);
}

/** Memory of the process, given back when it ends. */
export function userPages(
  kernel: Kernel,
  pages: number,
  purpose: string,
): readonly PageRun[] | undefined {
  const runs = kernel.allocate({ pages, flags: FRAME.user, owner: kernel.process.pid });
  if (runs !== undefined) kernel.process.memory.push({ purpose, runs });
  return runs;
}

/** The first `size` bytes that stand in a file's pages. */
export function gather(access: Access, file: UserFile): Uint8Array {
  const bytes = new Uint8Array(file.size);
  let at = 0;
  for (const { start, length } of runRanges(file.runs)) {
    if (at >= file.size) break;
    const part = Math.min(length, file.size - at);
    bytes.set(access.read(start, length).subarray(0, part), at);
    at += part;
  }
  return bytes;
}

/** Puts bytes into pages, the rest of the last one zero. */
export function scatter(access: Access, runs: readonly PageRun[], bytes: Uint8Array): void {
  let at = 0;
  for (const { start, length } of runRanges(runs)) {
    const room = access.writable(start, length);
    const part = bytes.subarray(at, at + length);
    room.set(part);
    room.fill(0, part.length);
    at += length;
  }
}

/** A number of pages for people. */
export function mebibytes(pages: number): string {
  return `${(pages * PAGE_BYTES / 0x10_0000).toFixed(1)} MiB`;
}

/** Ends the program because a file does not fit into memory; says both figures. */
export function tooLarge(kernel: Kernel, options: KexecOptions, pages: number): Next {
  const free = countPages(kernel.state.free);
  const twice = options.argsNone ? " and as much again for its source pages" : "";
  return dies(
    kernel,
    1,
    `kexec: ${options.file} needs ${mebibytes(pages)}${twice}, ` +
      `${mebibytes(free)} are free: ${errnoText(ERRNO.ENOMEM)}`,
  );
}

/** Reads a whole file into memory of the process: vars {path, verify?}, value a `UserFile`. */
const readFile = procedure("kexec_read_file", [
  {
    name: "stat",
    run: (_kernel, vars) => call("fs_stat", { path: textOf(vars["path"]) }),
    then: (_kernel, vars, answer) => {
      if (typeof answer === "number") return done(answer);
      vars["size"] = numberOf(fieldsOf(answer)["size"]);
      return next;
    },
  },
  {
    name: "memory",
    run: (kernel, vars) => {
      const pages = Math.max(1, Math.ceil(numberOf(vars["size"]) / PAGE_BYTES));
      const runs = userPages(kernel, pages, textOf(vars["path"]));
      if (runs === undefined) return done(-ERRNO.ENOMEM);
      vars["runs"] = plainRuns(runs);
      return next;
    },
  },
  {
    name: "read",
    run: (_kernel, vars) =>
      call("fs_read", {
        path: vars["path"] ?? "",
        offset: 0,
        length: vars["size"] ?? 0,
        runs: vars["runs"] ?? [],
        ...(vars["verify"] === undefined ? {} : { verify: vars["verify"] }),
      }),
    then: (_kernel, vars, answer) => {
      if (typeof answer === "number" && answer < 0) return done(answer);
      const mismatches = fieldsOf(answer)["mismatches"] ?? (Array.isArray(answer) ? answer : []);
      vars["mismatches"] = mismatches;
      return next;
    },
  },
  {
    name: "expand",
    run: (_kernel, vars) => {
      const file = { runs: vars["runs"] ?? [], size: vars["size"] ?? 0 };
      const damaged = Array.isArray(vars["mismatches"]) && vars["mismatches"].length > 0;
      return damaged ? done({ ...file, mismatches: vars["mismatches"] ?? [] }) : call(
        "kexec_expand",
        file,
      );
    },
    then: (_kernel, vars, answer) =>
      typeof answer === "number"
        ? done(answer)
        : done({ ...fieldsOf(answer), mismatches: vars["mismatches"] ?? [] }),
  },
]);

/** Keeps the file that was read, or ends the program. */
export function takeFile(
  kernel: Kernel,
  vars: Vars,
  answer: Plain,
  name: string,
  path: string,
): Next {
  if (typeof answer === "number") {
    return dies(kernel, 1, `Cannot open ${path}: ${errnoText(answer)}`);
  }
  vars[name] = answer;
  return next;
}

/** Procedures of this module. */
export const KEXEC_FILE_PROCEDURES: readonly Procedure[] = [readFile];
