/**
 * Small tools for files: cp into the kernel's memory, mount, umount, sync.
 *
 * @module
 */
import { ERRNO, errnoText } from "../kernel/errno.ts";
import { type Kernel, textOf } from "../kernel/kernel_context.ts";
import { call, done, type Next, type Procedure, procedure } from "../kernel/procedure.ts";
import { isError } from "../kernel/values.ts";
import { failWith, reasonOf, wordsOf } from "./command_line.ts";

/** Where files of the kernel's own memory have their paths. */
const MEMORY_ROOT = "/tmp/";

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

/** `program:cp {argv}`: from a file system to the kernel's memory (`/tmp`) only. */
const CP = procedure("program:cp", [
  {
    name: "copy",
    run(kernel, vars) {
      const [, from, target, more] = wordsOf(vars);
      if (from === undefined || target === undefined || more !== undefined) {
        return failWith(kernel, 1, "cp: missing file operand");
      }
      const to = target === "/tmp" || target === MEMORY_ROOT ? MEMORY_ROOT + base(from) : target;
      if (!to.startsWith(MEMORY_ROOT)) {
        const reason = errnoText(ERRNO.EROFS);
        return failWith(kernel, 1, `cp: cannot create regular file '${to}': ${reason}`);
      }
      vars["from"] = from;
      vars["to"] = to;
      return call("tmpfs_copy_in", { from, to });
    },
    then: (kernel, vars, answer) =>
      isError(answer)
        ? copyFailed(kernel, textOf(vars["from"]), textOf(vars["to"]), answer)
        : done(0),
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
