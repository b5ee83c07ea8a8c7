/**
 * tmpfs: files in the kernel's own memory, in page-cache frames. A resumed kernel has them again
 * because their pages are in the image, and for no other reason.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { Sha256 } from "../../machine/digest.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { memoryFileAt } from "./mounts.ts";
import { ask, call, done, fail, next, orFail, type Procedure, procedure } from "./procedure.ts";
import type { MemoryFile, Vars } from "./state.ts";
import { fieldOf, isError, plainRuns, readAs, runRanges, RUNS } from "./values.ts";

function fileOf(kernel: Kernel, vars: Vars): MemoryFile | undefined {
  return memoryFileAt(kernel, textOf(vars["path"]));
}

/** SHA-256 of a file's bytes; the access reaches its pages. */
function digestOf(file: MemoryFile, access: Access): string {
  const hash = new Sha256();
  let left = file.size;
  for (const { start, length } of runRanges(file.runs)) {
    hash.update(access.read(start, Math.min(left, length)));
    left -= Math.min(left, length);
  }
  return hash.hex();
}

/** `tmpfs_digest {path}`: SHA-256 of what its pages hold now, in hexadecimal, or -ENOENT. */
const DIGEST = procedure("tmpfs_digest", [
  {
    name: "sum",
    run(kernel, vars) {
      const file = fileOf(kernel, vars);
      if (file === undefined) return done(-ERRNO.ENOENT);
      if (file.size === 0) return done(new Sha256().hex());
      return ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(file.runs),
        write: false,
      });
    },
    then(kernel, vars, _answer, access) {
      const file = fileOf(kernel, vars);
      return done(file === undefined ? -ERRNO.ENOENT : digestOf(file, access));
    },
  },
]);

function remove(kernel: Kernel, path: string): boolean {
  const file = memoryFileAt(kernel, path);
  if (file === undefined) return false;
  kernel.release(file.runs);
  kernel.state.files = kernel.state.files.filter((each) => each !== file);
  return true;
}

/** `tmpfs_remove {path}`: 0 or -ENOENT. */
const REMOVE = procedure("tmpfs_remove", [
  {
    name: "remove",
    run: (kernel, vars) => done(remove(kernel, textOf(vars["path"])) ? 0 : -ERRNO.ENOENT),
  },
]);

/**
 * `tmpfs_copy_in {from, to}`: copies a file into the kernel's memory, in the place of one of that
 * name, and notes its digest. 0 or a negative errno.
 */
const COPY_IN = procedure("tmpfs_copy_in", [
  {
    name: "look",
    run: (_kernel, vars) => call("fs_stat", { path: vars["from"] ?? "" }),
    then(_kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      if (fieldOf(answer, "kind") !== "file") return fail(ERRNO.EISDIR);
      if (vars["from"] === vars["to"]) return fail(ERRNO.EINVAL);
      vars["size"] = numberOf(fieldOf(answer, "size"));
      return next;
    },
  },
  {
    name: "pages",
    run(kernel, vars) {
      remove(kernel, textOf(vars["to"]));
      const inode = kernel.state.nextInode++;
      const pages = Math.ceil(numberOf(vars["size"]) / PAGE_BYTES);
      const runs = kernel.allocate({ pages, flags: FRAME.cache, owner: inode & 0xffff });
      if (runs === undefined) return fail(ERRNO.ENOSPC);
      vars["inode"] = inode;
      vars["runs"] = plainRuns(runs);
      return next;
    },
    undo(kernel, vars) {
      kernel.release(readAs(RUNS, vars["runs"]));
      return next;
    },
  },
  {
    name: "content",
    run: (_kernel, vars) =>
      call("fs_read", {
        path: vars["from"] ?? "",
        offset: 0,
        length: numberOf(vars["size"]),
        runs: vars["runs"] ?? [],
      }),
    then: (_kernel, _vars, answer) => orFail(answer),
  },
  {
    name: "digest",
    run(kernel, vars) {
      kernel.state.files.push({
        path: textOf(vars["to"]),
        inode: numberOf(vars["inode"]),
        size: numberOf(vars["size"]),
        runs: readAs(RUNS, vars["runs"]),
        digest: "",
      });
      return call("tmpfs_digest", { path: vars["to"] ?? "" });
    },
    then(kernel, vars, answer) {
      const file = memoryFileAt(kernel, textOf(vars["to"]));
      if (file !== undefined) file.digest = textOf(answer);
      return done(0);
    },
  },
]);

/** Procedures of this file. */
export const TMPFS_PROCEDURES: readonly Procedure[] = [DIGEST, REMOVE, COPY_IN];
