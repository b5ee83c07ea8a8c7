/**
 * Files as a shell sees them, whatever holds them: a mounted file system, the kernel's own memory,
 * or the kernel itself, which makes a pseudo-file's text when it is read.
 *
 * @module
 */
import type { Plain } from "../../machine/messages/shape.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { isInMemory, isMemoryFolder, memoryNames, parentOf } from "./memory_files.ts";
import { memoryFileAt } from "./mounts.ts";
import { ask, call, done, fail, goto, next, type Procedure, procedure } from "./procedure.ts";
import { isPseudoFile, isWritable, pseudoFile, pseudoNames } from "./pseudo_files.ts";
import type { Vars } from "./state.ts";
import { fieldOf, isError, listOf } from "./values.ts";

/** Bytes of a file that pass through a shell; more is moved by programs inside the machine. */
export const SHELL_FILE_BYTES = 131_072;

const encoder = new TextEncoder();

function pathOf(vars: Vars): string {
  return textOf(vars["path"]);
}

/** Text as a terminal carries it: each character one byte. */
function asBytes(text: string): string {
  return Array.from(encoder.encode(text), (byte) => String.fromCharCode(byte)).join("");
}

/** Its text is made by asking the disk, so it is no pseudo-file that can be made at once. */
const PARTITIONS = "/proc/partitions";
const PARTITIONS_MAX = 15;
const SECTORS_PER_KIB = 2;

function partitionRow(minor: number, sectors: number, name: string): string {
  const blocks = String(Math.floor(sectors / SECTORS_PER_KIB)).padStart(10);
  return `${"8".padStart(4)} ${String(minor).padStart(8)} ${blocks} ${name}\n`;
}

/** `partitions_text {}`: the text of /proc/partitions, as the disk's own tables have them. */
const PARTITIONS_TEXT = procedure("partitions_text", [
  {
    name: "disk",
    run: () => ask("disk", "disk.identify", {}),
    then(_kernel, vars, answer) {
      const rows = partitionRow(0, numberOf(fieldOf(answer, "sectors")), "sda");
      vars["text"] = `major minor  #blocks  name\n\n${rows}`;
      vars["number"] = 1;
      return next;
    },
  },
  {
    name: "partition",
    run(_kernel, vars) {
      const number = numberOf(vars["number"]);
      if (number > PARTITIONS_MAX) return done(vars["text"] ?? "");
      return call("partition_place", { partition: number });
    },
    then(_kernel, vars, answer) {
      const number = numberOf(vars["number"]);
      vars["number"] = number + 1;
      if (!isError(answer)) {
        const sectors = numberOf(fieldOf(answer, "sectorCount"));
        vars["text"] = textOf(vars["text"]) + partitionRow(number, sectors, `sda${number}`);
      }
      return goto("partition");
    },
  },
]);

/** `shell_read {path}`: its content; -EFBIG if it is longer than a shell carries. */
const READ = procedure("shell_read", [
  {
    name: "read",
    run(kernel, vars) {
      const path = pathOf(vars);
      const text = pseudoFile(kernel, path);
      if (text !== undefined) return done(asBytes(text));
      if (path === PARTITIONS) return call("partitions_text");
      if (isBig(kernel, path)) return fail(ERRNO.EFBIG);
      return call("fs_read_small", { path, limit: SHELL_FILE_BYTES, bytes: true });
    },
    then: (_kernel, _vars, answer) => done(answer === -ERRNO.EOVERFLOW ? -ERRNO.EFBIG : answer),
  },
]);

/** Files that are as long as memory. */
function isBig(kernel: Kernel, path: string): boolean {
  if (path === "/proc/kimgcore") return kernel.profile.kimgcore;
  return path === "/proc/vmcore" && kernel.state.vmcore !== undefined;
}

function memoryStat(kernel: Kernel, path: string): Plain {
  if (isPseudoFile(kernel, path) || path === PARTITIONS) {
    return { kind: "file", size: 0, mode: 0o644, inode: 0 };
  }
  if (isBig(kernel, path)) {
    return { kind: "file", size: kernel.state.vmcore?.bytes ?? 0, mode: 0o400, inode: 0 };
  }
  if (path === "/proc/kimgcore" && kernel.profile.kimgcore) {
    return { kind: "file", size: kernel.state.kimgcore?.size ?? 0, mode: 0o400, inode: 0 };
  }
  if (/^\/dev\/[hs]da\d*$/.test(path)) return { kind: "device", size: 0, mode: 0o660, inode: 0 };
  const file = memoryFileAt(kernel, path);
  if (file !== undefined) {
    return { kind: "file", size: file.size, mode: 0o644, inode: file.inode };
  }
  const isFolder = isMemoryFolder(kernel, path) || pseudoNames(kernel, path).length > 0 ||
    kernel.state.mounts.some((mount) => mount.path === path);
  return isFolder ? { kind: "directory", size: 0, mode: 0o755, inode: 0 } : -ERRNO.ENOENT;
}

/** `shell_stat {path}`: `{kind, size, mode, inode}`; kind is file, directory, device or other. */
const STAT = procedure("shell_stat", [
  {
    name: "look",
    run(kernel, vars) {
      const path = pathOf(vars);
      const known = memoryStat(kernel, path);
      if (!isError(known) || isInMemory(kernel, path)) return done(known);
      return call("fs_stat", { path });
    },
    then: (_kernel, _vars, answer) =>
      done(
        isError(answer) ? answer : {
          kind: fieldOf(answer, "kind") ?? "other",
          size: fieldOf(answer, "size") ?? 0,
          mode: fieldOf(answer, "mode") ?? 0,
          inode: fieldOf(answer, "inode") ?? 0,
        },
      ),
  },
]);

/** Names in a folder, whoever holds them, each once, in order. */
function namesIn(kernel: Kernel, path: string, others: readonly string[]): string[] {
  const names = [...others, ...pseudoNames(kernel, path)];
  if (isMemoryFolder(kernel, path)) names.push(...memoryNames(kernel, path));
  return [...new Set(names)].filter((name) => name !== "." && name !== "..").sort();
}

/** `shell_list {path}`: names, or -ENOENT, -ENOTDIR. */
const LIST = procedure("shell_list", [
  {
    name: "look",
    run: (_kernel, vars) => call("shell_stat", { path: pathOf(vars) }),
    then(kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      if (fieldOf(answer, "kind") !== "directory") return fail(ERRNO.ENOTDIR);
      return isInMemory(kernel, pathOf(vars)) ? done(namesIn(kernel, pathOf(vars), [])) : next;
    },
  },
  {
    name: "read",
    run: (_kernel, vars) => call("fs_change", { operation: "readDirectory", path: pathOf(vars) }),
    then(kernel, vars, answer) {
      if (isError(answer)) return done(namesIn(kernel, pathOf(vars), []));
      const names = listOf(answer).map((entry) => textOf(fieldOf(entry, "name")));
      return done(namesIn(kernel, pathOf(vars), names));
    },
  },
]);

/** `shell_write {path, data, append}`: 0 or a negative errno. */
const WRITE = procedure("shell_write", [
  {
    name: "pseudo",
    run(kernel, vars) {
      if (!isPseudoFile(kernel, pathOf(vars))) return next;
      const text = new TextDecoder().decode(
        Uint8Array.from(textOf(vars["data"]), (character) => character.charCodeAt(0)),
      );
      // A shell makes the file empty when it opens it: that is no write, but it has to be allowed.
      if (text === "") return isWritable(pathOf(vars)) ? done(0) : fail(ERRNO.EACCES);
      return call("pseudo_write", { path: pathOf(vars), text });
    },
    then: (_kernel, _vars, answer) => done(answer),
  },
  {
    name: "before",
    run(_kernel, vars) {
      return vars["append"] === true ? call("shell_read", { path: pathOf(vars) }) : goto("write");
    },
    then(_kernel, vars, answer) {
      if (typeof answer === "string") vars["data"] = answer + textOf(vars["data"]);
      else if (answer !== -ERRNO.ENOENT) return fail(-numberOf(answer));
      return next;
    },
  },
  {
    name: "write",
    run(kernel, vars) {
      const data = textOf(vars["data"]);
      if (data.length > SHELL_FILE_BYTES) return fail(ERRNO.EFBIG);
      const path = pathOf(vars);
      if (isInMemory(kernel, path)) return call("memory_write", { path, data });
      return call("fs_write_small", { path, text: data, bytes: true });
    },
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

function changeMemory(kernel: Kernel, path: string, operation: string): number {
  const { state } = kernel;
  const isFolder = isMemoryFolder(kernel, path);
  if (operation === "unlink") return isFolder ? -ERRNO.EISDIR : -ERRNO.ENOENT;
  if (operation === "mkdir") {
    if (isFolder || memoryFileAt(kernel, path) !== undefined) return -ERRNO.EEXIST;
    if (!isMemoryFolder(kernel, parentOf(path))) return -ERRNO.ENOENT;
    state.folders = [...state.folders ?? [], path];
    return 0;
  }
  if (!isFolder) return -ERRNO.ENOENT;
  if (memoryNames(kernel, path).length > 0) return -ERRNO.ENOTEMPTY;
  state.folders = (state.folders ?? []).filter((folder) => folder !== path);
  return 0;
}

const EXT2_NAMES: Readonly<Record<string, string>> = {
  mkdir: "makeDirectory",
  rmdir: "removeDirectory",
  unlink: "unlink",
};

/** `shell_change {operation, path}`: mkdir, rmdir or unlink; 0 or a negative errno. */
const CHANGE = procedure("shell_change", [
  {
    name: "change",
    run(kernel, vars) {
      const path = pathOf(vars);
      const operation = textOf(vars["operation"]);
      if (isPseudoFile(kernel, path)) return fail(ERRNO.EPERM);
      if (!isInMemory(kernel, path)) {
        return call("fs_change", { operation: EXT2_NAMES[operation] ?? "", path });
      }
      const isFile = memoryFileAt(kernel, path) !== undefined;
      if (operation === "unlink" && isFile) return call("tmpfs_remove", { path });
      return done(changeMemory(kernel, path, operation));
    },
    then: (_kernel, _vars, answer) => done(isError(answer) ? answer : 0),
  },
]);

/** `shell_rename {path, to}`: 0, or a negative errno: -EXDEV from one file system to another. */
const RENAME = procedure("shell_rename", [
  {
    name: "rename",
    run(kernel, vars) {
      const path = pathOf(vars);
      const to = textOf(vars["to"]);
      const inMemory = isInMemory(kernel, path);
      if (inMemory !== isInMemory(kernel, to)) return fail(ERRNO.EXDEV);
      if (!inMemory) return call("fs_change", { operation: "rename", path, to });
      const file = memoryFileAt(kernel, path);
      if (file === undefined) return fail(ERRNO.ENOENT);
      const replaced = memoryFileAt(kernel, to);
      if (replaced !== undefined) kernel.release(replaced.runs);
      kernel.state.files = kernel.state.files.filter((other) => other !== replaced)
        .map((other) => other === file ? { ...file, path: to } : other);
      return done(0);
    },
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

/** Procedures of this file. */
export const SHELL_FILE_PROCEDURES: readonly Procedure[] = [
  PARTITIONS_TEXT,
  READ,
  STAT,
  LIST,
  WRITE,
  CHANGE,
  RENAME,
];
