/**
 * /dev/oldmem: the machine's memory by physical address (protocol.md A.3). Readable in kernels
 * that can look at a crashed one, writable in those with the posters' patches.
 *
 * The kernel does not ask whose memory it is: that a restorer does not write over the kernel it
 * runs on is the restorer's business (F77).
 *
 * @module
 */
import { endOf } from "../../machine/formats/e820.ts";
import { fromRuns, PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import { ERRNO } from "./errno.ts";
import { pagePairsText } from "./image_pages.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import { ask, done, fail, type Next, type Procedure, procedure } from "./procedure.ts";
import type { Vars } from "./state.ts";
import { readAs, RUNS } from "./values.ts";

/** Path of the device. */
export const OLD_MEMORY = "/dev/oldmem";

/** Why the device cannot be opened: a negative errno, or 0. */
export function openOldMemory(kernel: Kernel, write: boolean): number {
  const { oldMemory } = kernel.profile;
  if (oldMemory === "none") return -ERRNO.ENOENT;
  return write && oldMemory === "read" ? -ERRNO.EINVAL : 0;
}

/** Frames behind the last memory of the machine, which the device does not have. */
function framesEnd(kernel: Kernel): number {
  const ends = kernel.state.firmwareMap.filter(({ type }) => type === 1).map(endOf);
  return Math.ceil(Math.max(0, ...ends) / PAGE_BYTES);
}

function move(kernel: Kernel, vars: Vars, write: boolean): Next {
  const errno = openOldMemory(kernel, write);
  if (errno < 0) return fail(-errno);
  const user = readAs<readonly PageRun[]>(RUNS, vars["runs"]);
  const pages = fromRuns(user);
  const pfn = numberOf(vars["pfn"]);
  if (pfn + pages.length > framesEnd(kernel)) return fail(ERRNO.EFAULT);
  if (pages.length === 0) return done(0);
  const old = pages.map((_, index) => pfn + index);
  const pairs = write ? pagePairsText(old, pages) : pagePairsText(pages, old);
  return ask("memory", "memory.copy", { by: kernel.name, pairs });
}

function transfer(name: string, write: boolean): Procedure {
  return procedure(name, [{
    name: "move",
    run: (kernel, vars) => move(kernel, vars, write),
    then: () => done(0),
  }]);
}

/**
 * `oldmem_read {pfn, runs}` and `oldmem_write {pfn, runs}`: pages of the caller, in the order of
 * `runs`, from or to memory from frame `pfn` on. 0, or -ENOENT without the device, -EINVAL where
 * it is not writable, -EFAULT behind the end of memory.
 */
export const OLD_MEMORY_PROCEDURES: readonly Procedure[] = [
  transfer("oldmem_read", false),
  transfer("oldmem_write", true),
];
