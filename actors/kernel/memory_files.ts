/**
 * Writing files of the kernel's own memory: those of /tmp, and all that stand on no mounted file
 * system (the initramfs is unpacked into memory too).
 *
 * @module
 */
import { sha256 } from "../../machine/digest.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, textOf } from "./kernel_context.ts";
import { memoryFileAt, placeOf } from "./mounts.ts";
import { ask, done, fail, goto, type Next, next, type Procedure, procedure } from "./procedure.ts";
import type { Vars } from "./state.ts";
import { plainRuns, readAs, runRanges, RUNS } from "./values.ts";

/** Folders of an initramfs and of a running kernel that nobody has to make. */
const FOLDERS = ["/", "/boot", "/dev", "/etc", "/mnt", "/proc", "/root", "/sys", "/tmp", "/var"];

/** Bytes of a text whose characters are bytes. */
export function bytesOfText(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** A text whose characters are the bytes. */
export function textOfBytes(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 4096) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 4096)));
  }
  return parts.join("");
}

/** Whether what is at a path is, or would be, in the kernel's own memory. */
export function isInMemory(kernel: Kernel, path: string): boolean {
  const place = placeOf(kernel, path);
  if (place === undefined) return true;
  return (path === "/tmp" || path.startsWith("/tmp/")) && place.volume.path === "/";
}

/** Whether a path is a folder of the kernel's own memory. */
export function isMemoryFolder(kernel: Kernel, path: string): boolean {
  if (!isInMemory(kernel, path)) return false;
  if (FOLDERS.includes(path) || kernel.state.folders?.includes(path) === true) return true;
  const inside = `${path}/`;
  return kernel.state.files.some((file) => file.path.startsWith(inside)) ||
    kernel.state.mounts.some((mount) => mount.path.startsWith(inside));
}

/** Names in a folder of the kernel's own memory. */
export function memoryNames(kernel: Kernel, folder: string): string[] {
  const inside = folder === "/" ? "/" : `${folder}/`;
  const { files, mounts, folders = [] } = kernel.state;
  const paths = [
    ...files.map(({ path }) => path),
    ...mounts.map(({ path }) => path),
    ...folders,
    ...FOLDERS,
  ];
  return paths.filter((path) => path !== folder && path.startsWith(inside)).map((path) =>
    path.slice(inside.length).split("/")[0] ?? ""
  ).filter((name) => name !== "");
}

/** The folder a path lies in. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}

function remove(kernel: Kernel, path: string): void {
  const file = memoryFileAt(kernel, path);
  if (file === undefined) return;
  kernel.release(file.runs);
  kernel.state.files = kernel.state.files.filter((other) => other !== file);
}

function enter(kernel: Kernel, vars: Vars): Next {
  const path = textOf(vars["path"]);
  const bytes = bytesOfText(textOf(vars["data"]));
  remove(kernel, path);
  kernel.state.files.push({
    path,
    inode: kernel.state.nextInode++,
    size: bytes.length,
    runs: readAs(RUNS, vars["runs"]),
    digest: sha256(bytes),
  });
  return done(0);
}

/**
 * `memory_write {path, data}`: creates or replaces a file; each character of `data` is a byte. 0 or
 * a negative errno: -ENOENT without a folder for it, -EISDIR, -ENOSPC.
 */
const WRITE = procedure("memory_write", [
  {
    name: "pages",
    run(kernel, vars) {
      const path = textOf(vars["path"]);
      if (isMemoryFolder(kernel, path)) return fail(ERRNO.EISDIR);
      if (!isMemoryFolder(kernel, parentOf(path))) return fail(ERRNO.ENOENT);
      const pages = Math.ceil(textOf(vars["data"]).length / PAGE_BYTES);
      const owner = kernel.state.nextInode & 0xffff;
      const runs = kernel.allocate({ pages, flags: FRAME.cache, owner });
      if (runs === undefined) return fail(ERRNO.ENOSPC);
      vars["runs"] = plainRuns(runs);
      return pages === 0 ? goto("enter") : next;
    },
  },
  {
    name: "fill",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(readAs(RUNS, vars["runs"])),
        write: true,
      }),
    then(_kernel, vars, _answer, access) {
      const bytes = bytesOfText(textOf(vars["data"]));
      let at = 0;
      for (const { start, length } of runRanges(readAs(RUNS, vars["runs"]))) {
        access.writable(start, length).fill(0).set(bytes.subarray(at, at + length));
        at += length;
      }
      return next;
    },
  },
  { name: "enter", run: enter },
]);

/** Procedures of this file. */
export const MEMORY_FILE_PROCEDURES: readonly Procedure[] = [WRITE];
