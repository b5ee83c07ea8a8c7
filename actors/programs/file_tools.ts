/**
 * Small tools for files: cp, mount, umount, sync.
 *
 * @module
 */
import type { Plain } from "../../machine/messages/shape.ts";
import { ERRNO, errnoText } from "../kernel/errno.ts";
import { type Kernel, textOf } from "../kernel/kernel_context.ts";
import { KIMGCORE } from "../kernel/kimgcore.ts";
import { isInMemory } from "../kernel/memory_files.ts";
import { absolutePath } from "../kernel/mounts.ts";
import { call, done, type Next, next, type Procedure, procedure } from "../kernel/procedure.ts";
import { fieldOf, isError } from "../kernel/values.ts";
import { failWith, reasonOf, wordsOf } from "./command_line.ts";
import { copyPseudo, imageEntry, sayCopied, targetOf } from "./pseudo_copy.ts";

/** Where files of the kernel's own memory have their paths. */
const MEMORY_ROOT = "/tmp/";
const VMCORE = "/proc/vmcore";

function base(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function copyFailed(kernel: Kernel, from: string, to: string, value: number): Next {
  const reason = errnoText(value);
  if (value === -ERRNO.ENOENT) return failWith(kernel, 1, `cp: cannot stat '${from}': ${reason}`);
  if (value === -ERRNO.EISDIR) {
    return failWith(kernel, 1, `cp: -r not specified; omitting directory '${from}'`);
  }
  return failWith(kernel, 1, `cp: error writing '${to}': ${reason}`);
}

/** How /proc/vmcore was copied. */
function vmcoreCopied(kernel: Kernel, to: string, answer: Plain): Next {
  const errno = fieldOf(answer, "errno");
  if (typeof errno !== "number") {
    sayCopied(kernel, answer);
    return done(0);
  }
  if (errno === -ERRNO.ENOENT) return copyFailed(kernel, VMCORE, to, errno);
  return failWith(kernel, 1, `cp: error writing '${to}': ${errnoText(errno)}`);
}

/**
 * `program:cp {argv}`: `cp FILE FILE` and `cp FILE FOLDER`, /proc/vmcore and pseudo-files among
 * them.
 */
const CP = procedure("program:cp", [
  {
    name: "operands",
    run(kernel, vars) {
      const [, from, target, more] = wordsOf(vars);
      if (from === undefined || target === undefined || more !== undefined) {
        return failWith(kernel, 1, "cp: missing file operand");
      }
      vars["from"] = from;
      vars["to"] = target;
      if (kernel.process.cwd === undefined) return next;
      // Of a process that has a working directory, paths count from there.
      vars["from"] = absolutePath(kernel, from);
      vars["to"] = absolutePath(kernel, target);
      return call("shell_stat", { path: vars["to"] });
    },
    then(_kernel, vars, answer) {
      if (fieldOf(answer, "kind") !== "directory") return next;
      const folder = textOf(vars["to"]).replace(/\/$/, "");
      vars["to"] = `${folder}/${base(textOf(vars["from"]))}`;
      return next;
    },
  },
  {
    name: "copy",
    run(kernel, vars) {
      const from = textOf(vars["from"]);
      const target = textOf(vars["to"]);
      if (from === VMCORE) {
        const output = targetOf(from, target);
        vars["to"] = output;
        const image = imageEntry(kernel);
        return call("dump_write", { output, level: 0, copy: true, force: true, ...image });
      }
      if (from === KIMGCORE) {
        const to = target === "." ? "/" : target;
        return call("kimgcore_copy", { to: to.endsWith("/") ? to + base(from) : to });
      }
      const pseudo = copyPseudo(kernel, from, target);
      if (pseudo !== undefined) return pseudo;
      const to = target === "/tmp" || target === MEMORY_ROOT ? MEMORY_ROOT + base(from) : target;
      vars["to"] = to;
      return call(isInMemory(kernel, to) ? "tmpfs_copy_in" : "file_copy", { from, to });
    },
    then(kernel, vars, answer) {
      const from = textOf(vars["from"]);
      const to = textOf(vars["to"]);
      if (from === VMCORE) return vmcoreCopied(kernel, to, answer);
      if (from === KIMGCORE) return done(answer === 0 ? 0 : 1);
      return isError(answer) ? copyFailed(kernel, from, to, answer) : done(0);
    },
  },
]);

/** `program:sync {argv}`. */
const SYNC = procedure("program:sync", [
  {
    name: "sync",
    run: () => call("fs_sync"),
    then: (kernel, _vars, answer) =>
      isError(answer) ? failWith(kernel, 1, `sync: ${reasonOf(answer)}`) : done(0),
  },
]);

/** `program:mount {argv}`: `mount [-r] /dev/sdaN DIRECTORY`. */
const MOUNT = procedure("program:mount", [
  {
    name: "mount",
    run(kernel, vars) {
      const words = wordsOf(vars).slice(1);
      const [device, path] = words.filter((word) => word !== "-r");
      const partition = /^\/dev\/sda([1-9])$/.exec(device ?? "")?.[1];
      if (partition === undefined || path === undefined || !path.startsWith("/")) {
        return failWith(kernel, 1, "mount: usage: mount [-r] /dev/sdaN DIRECTORY");
      }
      vars["device"] = device ?? "";
      vars["path"] = path;
      return call("fs_mount", {
        path,
        partition: Number(partition),
        readOnly: words.includes("-r"),
      });
    },
    then(kernel, vars, answer) {
      if (!isError(answer)) return done(0);
      const place = `${textOf(vars["device"])} on ${textOf(vars["path"])}`;
      return failWith(kernel, 32, `mount: mounting ${place} failed: ${reasonOf(answer)}`);
    },
  },
]);

/** `program:umount {argv}`. */
const UMOUNT = procedure("program:umount", [
  {
    name: "umount",
    run(kernel, vars) {
      const [, path] = wordsOf(vars);
      if (path === undefined) return failWith(kernel, 1, "umount: usage: umount DIRECTORY");
      return call("fs_unmount", { path });
    },
    then(kernel, vars, answer) {
      if (!isError(answer)) return done(0);
      const [, path = ""] = wordsOf(vars);
      return failWith(kernel, 32, `umount: can't unmount ${path}: ${reasonOf(answer)}`);
    },
  },
]);

/** Procedures of this file. */
export const FILE_TOOL_PROCEDURES: readonly Procedure[] = [CP, SYNC, MOUNT, UMOUNT];
