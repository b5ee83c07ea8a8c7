/**
 * ls, sha256sum and cmp: looking at files inside the machine, whatever their size.
 *
 * @module
 */
import { sha256 } from "../../machine/digest.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import type { Access } from "../../machine/access.ts";
import { Sha256 } from "../../machine/digest.ts";
import { ERRNO, errnoText } from "../kernel/errno.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import { absolutePath } from "../kernel/mounts.ts";
import {
  ask,
  call,
  done,
  fail,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
} from "../kernel/procedure.ts";
import { pseudoFile } from "../kernel/pseudo_files.ts";
import type { Vars } from "../kernel/state.ts";
import { fieldOf, isError, listOf, plainRuns, readAs, runRanges, RUNS } from "../kernel/values.ts";
import { failWith, wordsOf } from "./command_line.ts";

/** Bytes that cmp looks at in one go. */
const SLICE_BYTES = 1_048_576;

function base(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function permissions(stat: Vars[string] | undefined): string {
  const mode = fieldOf(stat, "mode");
  const bits = typeof mode === "number" ? mode : 0;
  const letters = [..."rwxrwxrwx"].map((letter, index) => (bits >> (8 - index)) & 1 ? letter : "-");
  return `${fieldOf(stat, "kind") === "directory" ? "d" : "-"}${letters.join("")}`;
}

/** `program:ls {argv}`: `ls [-1al] [PATH]`. */
const LS = procedure("program:ls", [
  {
    name: "look",
    run(kernel, vars) {
      const words = wordsOf(vars).slice(1);
      const paths = words.filter((word) => !word.startsWith("-"));
      vars["long"] = words.some((word) => /^-[1a]*l/.test(word));
      vars["shown"] = paths[0] ?? ".";
      vars["path"] = absolutePath(kernel, paths[0] ?? ".");
      if (paths.length > 1) return failWith(kernel, 2, "ls: one path at a time");
      return call("shell_stat", { path: vars["path"] });
    },
    then(kernel, vars, answer) {
      if (isError(answer)) {
        const shown = textOf(vars["shown"]);
        return failWith(kernel, 2, `ls: cannot access '${shown}': ${errnoText(answer)}`);
      }
      if (fieldOf(answer, "kind") === "directory") return next;
      vars["names"] = [textOf(vars["shown"])];
      vars["folder"] = "";
      return goto("line");
    },
  },
  {
    name: "list",
    run: (_kernel, vars) => call("shell_list", { path: vars["path"] ?? "/" }),
    then(_kernel, vars, answer) {
      vars["names"] = listOf(answer).filter((name) => !String(name).startsWith("."));
      const path = textOf(vars["path"]);
      vars["folder"] = path === "/" ? "/" : `${path}/`;
      return next;
    },
  },
  {
    name: "line",
    run(kernel, vars) {
      const [name, ...rest] = listOf(vars["names"]);
      if (name === undefined) return done(0);
      if (vars["long"] !== true) {
        for (const each of listOf(vars["names"])) kernel.say(String(each));
        return done(0);
      }
      vars["names"] = rest;
      vars["name"] = name;
      const path = absolutePath(kernel, `${textOf(vars["folder"])}${name}`);
      return call("shell_stat", { path });
    },
    then(kernel, vars, stat) {
      const size = String(fieldOf(stat, "size") ?? 0).padStart(10);
      kernel.say(`${permissions(stat)} root root ${size} ${textOf(vars["name"])}`);
      return goto("line");
    },
  },
]);

function take(kernel: Kernel, bytes: number): readonly PageRun[] | undefined {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  return kernel.allocate({ pages, flags: FRAME.user, owner: kernel.process.pid });
}

function digestOf(runs: readonly PageRun[], size: number, access: Access): string {
  const hash = new Sha256();
  let left = size;
  for (const { start, length } of runRanges(runs)) {
    hash.update(access.read(start, Math.min(left, length)));
    left -= Math.min(left, length);
  }
  return hash.hex();
}

/**
 * `file_sha256 {path}`: SHA-256 of a file that is read into memory whole, or a negative errno:
 * -ENOMEM if it is larger than memory that is free.
 */
const SHA256 = procedure("file_sha256", [
  {
    name: "look",
    run: (_kernel, vars) => call("fs_stat", { path: vars["path"] ?? "" }),
    then(kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      if (fieldOf(answer, "kind") !== "file") return fail(ERRNO.EISDIR);
      vars["size"] = numberOf(fieldOf(answer, "size"));
      if (vars["size"] === 0) return done(sha256(""));
      const runs = take(kernel, numberOf(vars["size"]));
      if (runs === undefined) return fail(ERRNO.ENOMEM);
      vars["runs"] = plainRuns(runs);
      return next;
    },
    undo(kernel, vars) {
      if (vars["runs"] !== undefined) kernel.release(readAs(RUNS, vars["runs"]));
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
      }),
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
  },
  {
    name: "sum",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(readAs(RUNS, vars["runs"])),
        write: false,
      }),
    then(kernel, vars, _answer, access) {
      const runs = readAs(RUNS, vars["runs"]);
      const digest = digestOf(runs, numberOf(vars["size"]), access);
      kernel.release(runs);
      return done(digest);
    },
  },
]);

/** `program:sha256sum {argv}`: `sha256sum FILE…`. */
const SHA256SUM = procedure("program:sha256sum", [
  {
    name: "file",
    run(kernel, vars) {
      vars["files"] ??= wordsOf(vars).slice(1);
      const [file, ...rest] = listOf(vars["files"]);
      if (file === undefined) return done(vars["status"] ?? 0);
      vars["files"] = rest;
      vars["file"] = file;
      const text = pseudoFile(kernel, String(file));
      if (text === undefined) return call("file_sha256", { path: file });
      kernel.say(`${sha256(text)}  ${file}`);
      return goto("file");
    },
    then(kernel, vars, answer) {
      const file = textOf(vars["file"]);
      if (typeof answer === "string") kernel.say(`${answer}  ${file}`);
      else {
        vars["status"] = 1;
        kernel.process.message = `sha256sum: ${file}: ${errnoText(numberOf(answer))}`;
        kernel.complain(kernel.process.message);
      }
      return goto("file");
    },
  },
]);

function cmpFailed(kernel: Kernel, vars: Vars, which: "left" | "right", errno: number): Next {
  return failWith(kernel, 2, `cmp: ${textOf(vars[which])}: ${errnoText(errno)}`);
}

function statSide(which: "left" | "right") {
  return {
    name: which,
    run: (_kernel: Kernel, vars: Vars) => call("fs_stat", { path: vars[which] ?? "" }),
    then(kernel: Kernel, vars: Vars, answer: Vars[string]): Next {
      if (isError(answer)) return cmpFailed(kernel, vars, which, answer);
      vars[`${which}Size`] = numberOf(fieldOf(answer, "size"));
      return next;
    },
  };
}

/** Bytes of the slice at hand. */
function sliceBytes(vars: Vars): number {
  const shorter = Math.min(numberOf(vars["leftSize"]), numberOf(vars["rightSize"]));
  return Math.min(SLICE_BYTES, shorter - numberOf(vars["at"] ?? 0));
}

function readSide(which: "left" | "right") {
  return {
    name: `read ${which}`,
    run: (_kernel: Kernel, vars: Vars) =>
      call("fs_read", {
        path: vars[which] ?? "",
        offset: numberOf(vars["at"] ?? 0),
        length: sliceBytes(vars),
        runs: vars[`${which}Runs`] ?? [],
      }),
    then: (kernel: Kernel, vars: Vars, answer: Vars[string]): Next =>
      isError(answer) ? cmpFailed(kernel, vars, which, answer) : next,
  };
}

function bytesAt(vars: Vars, name: string, access: Access, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const range of runRanges(readAs(RUNS, vars[name]))) {
    const count = Math.min(length - at, range.length);
    if (count > 0) bytes.set(access.read(range.start, count), at);
    at += count;
  }
  return bytes;
}

/** `program:cmp {argv}`: 0 if two files are the same, 1 if not, 2 if one cannot be read. */
const CMP = procedure("program:cmp", [
  {
    name: "arguments",
    run(kernel, vars) {
      const [left, right, more] = wordsOf(vars).slice(1).filter((word) => word !== "-s");
      if (left === undefined || right === undefined || more !== undefined) {
        return failWith(kernel, 2, "cmp: usage: cmp [-s] FILE FILE");
      }
      vars["left"] = left;
      vars["right"] = right;
      return next;
    },
  },
  statSide("left"),
  statSide("right"),
  {
    name: "slice",
    run(kernel, vars) {
      vars["at"] ??= 0;
      if (sliceBytes(vars) === 0) return goto("end");
      for (const name of ["leftRuns", "rightRuns"]) {
        if (vars[name] !== undefined) continue;
        const runs = take(kernel, Math.min(SLICE_BYTES, sliceBytes(vars)));
        if (runs === undefined) return failWith(kernel, 2, `cmp: ${errnoText(ERRNO.ENOMEM)}`);
        kernel.process.memory.push({ purpose: "cmp", runs });
        vars[name] = plainRuns(runs);
      }
      return next;
    },
  },
  readSide("left"),
  readSide("right"),
  {
    name: "compare",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: [
          ...runRanges(readAs(RUNS, vars["leftRuns"])),
          ...runRanges(readAs(RUNS, vars["rightRuns"])),
        ],
        write: false,
      }),
    then(kernel, vars, _answer, access) {
      const length = sliceBytes(vars);
      const left = bytesAt(vars, "leftRuns", access, length);
      const right = bytesAt(vars, "rightRuns", access, length);
      const differing = left.findIndex((byte, index) => byte !== right[index]);
      const at = numberOf(vars["at"]);
      vars["at"] = at + length;
      if (differing < 0) return goto("slice");
      const place = `${base(textOf(vars["left"]))} ${base(textOf(vars["right"]))}`;
      if (!wordsOf(vars).includes("-s")) kernel.say(`${place} differ: byte ${at + differing + 1}`);
      return done(1);
    },
  },
  {
    name: "end",
    run(kernel, vars) {
      const [left, right] = [numberOf(vars["leftSize"]), numberOf(vars["rightSize"])];
      if (left === right) return done(0);
      const shorter = textOf(vars[left < right ? "left" : "right"]);
      if (!wordsOf(vars).includes("-s")) {
        kernel.complain(`cmp: EOF on ${shorter} after byte ${Math.min(left, right)}`);
      }
      return done(1);
    },
  },
]);

/** Procedures of this file. */
export const FILE_LIST_PROCEDURES: readonly Procedure[] = [LS, SHA256, SHA256SUM, CMP];
