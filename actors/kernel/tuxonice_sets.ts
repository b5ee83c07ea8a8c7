/**
 * TuxOnIce's two page sets (protocol.md B.6): set 2 is what the LRU lists have, which nobody needs
 * or changes while file systems and tasks are frozen; set 1 is all the rest. Set 2 is written from
 * where it stands, and then its frames take the copy of set 1.
 *
 * @module
 */
import { FRAME } from "../../machine/formats/mem_map.ts";
import {
  countPages,
  formatRuns,
  intersect,
  mergeRuns,
  type PageRun,
  subtract,
  union,
} from "../../machine/formats/page_runs.ts";
import { TUXONICE_HEADER_PAGES } from "../../machine/formats/tuxonice_header.ts";
import { releasePages, takePages } from "./allocator.ts";
import { ERRNO } from "./errno.ts";
import type { Kernel } from "./kernel_context.ts";
import type { MountedVolume } from "./mounts.ts";
import { ask, call, done, fail, goto, type Procedure, procedure } from "./procedure.ts";
import type { SwapArea, Vars } from "./state.ts";
import { PAGES_FOR_IO, saveableFrames } from "./swsusp_memory.ts";
import { inSuspendAddress, swsuspOf } from "./swsusp_state.ts";
import { takeStorage } from "./tuxonice_storage.ts";
import { isError, plainRuns, readAs, RUNS } from "./values.ts";

/** Who holds a mount while file systems are frozen: nobody's process. */
const FROZEN = -1;
/** How long is waited for who works on a mount. */
const LOOK_NS = 1_000_000;
/** Rounds of making room (B.6 step 2). */
const ROUNDS = 4;
/** Pages by which set 1 may grow until it is copied. */
const SLACK_PAGES = 256;

function volumes(kernel: Kernel): MountedVolume[] {
  return kernel.state.mounts.filter((mount): mount is MountedVolume => "holder" in mount);
}

/** Frames on the kernel's lists of pages that nobody has pinned, with what they are. */
interface ListedFrames {
  readonly runs: readonly PageRun[];
  readonly flags: number;
  readonly owner: number;
}

/**
 * What stands on the LRU lists: buffer caches, and the memory of frozen tasks, of which none runs
 * until it is back. What a tmpfs has is no cache of anything, and it is not frozen.
 */
function listed({ state }: Kernel, mounts: readonly MountedVolume[]): ListedFrames[] {
  const caches = mounts.map(({ cache }) => ({ runs: [cache], flags: FRAME.cache, owner: 0 }));
  const frozen = state.processes.filter((each) => each.kind === "user" && each.frozen);
  const heaps = frozen.flatMap(({ pid, memory }) =>
    memory.map(({ runs }) => ({ runs, flags: FRAME.user, owner: pid & 0xffff }))
  );
  return [...caches, ...heaps];
}

/** Frames of page set 2; see {@linkcode listed}. */
export function cacheFrames(kernel: Kernel): PageRun[] {
  return mergeRuns(listed(kernel, volumes(kernel)).flatMap(({ runs }) => runs));
}

/** `tuxonice_freeze_filesystems {}`: all is written back, and nobody changes anything any more. */
const freezeFilesystems = procedure("tuxonice_freeze_filesystems", [
  {
    name: "wait",
    run(kernel) {
      const busy = volumes(kernel).some(({ holder }) => holder > 0);
      return busy ? ask("rtc", "timer.arm", { delay_ns: LOOK_NS }) : goto("write back");
    },
    then: () => goto("wait"),
  },
  {
    name: "write back",
    run(kernel) {
      const dirty = volumes(kernel).find((volume) =>
        volume.holder === 0 && volume.dirty.length > 0
      );
      if (dirty !== undefined) return call("fs_write_back", { mount: dirty.path });
      for (const volume of volumes(kernel)) volume.holder = FROZEN;
      kernel.note("TuxOnIce: Freezing filesystems");
      return done();
    },
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : goto("wait"),
  },
]);

/** `tuxonice_thaw_filesystems {}`. */
const thawFilesystems = procedure("tuxonice_thaw_filesystems", [{
  name: "thaw",
  run(kernel) {
    for (const volume of volumes(kernel)) if (volume.holder === FROZEN) volume.holder = 0;
    return done();
  },
}]);

/** Marks frames of set 2 as none of the atomic copy's, or as what they were again. */
function exclude(kernel: Kernel, set2: readonly PageRun[], excluded: boolean): void {
  releasePages(kernel.state, set2);
  let left = mergeRuns(set2);
  for (const { runs, flags, owner } of listed(kernel, volumes(kernel))) {
    const own = intersect(left, mergeRuns(runs));
    takePages(kernel.state, own, flags | (excluded ? FRAME.nosave : 0), owner);
    left = subtract(left, own);
  }
  // A cache that was given up meanwhile.
  takePages(kernel.state, left, FRAME.cache, 0);
}

/** Pages of the image as they are now. */
function sizes(kernel: Kernel) {
  const set2 = cacheFrames(kernel);
  const set1 = subtract(saveableFrames(kernel), set2);
  const extra = Math.max(0, countPages(set1) + SLACK_PAGES - countPages(set2));
  return { set1: countPages(set1), set2, extra };
}

/** Room on the area: `undefined` where it is too small, and nothing is taken. */
function storageFor(area: SwapArea, set2: number, set1: number) {
  const [used, image] = [area.used, area.image];
  const header = takeStorage(area, TUXONICE_HEADER_PAGES);
  const second = takeStorage(area, set2);
  const first = takeStorage(area, set1);
  if (header?.length === 1 && second !== undefined && first !== undefined) {
    return { header, second, first };
  }
  Object.assign(area, { used, image });
  return undefined;
}

/** What an image was given: pages of storage, and frames. */
export interface PreparedImage {
  readonly header: readonly PageRun[];
  /** Storage of set 2 and of set 1. */
  readonly second: readonly PageRun[];
  readonly first: readonly PageRun[];
  /** Frames of set 2, and those that the copy takes besides. */
  readonly cache: readonly PageRun[];
  readonly extra: readonly PageRun[];
}

/**
 * Storage for all pages, and frames for what the copy of set 1 needs besides
 * those of set 2; -ENOMEM or -ENOSPC after four rounds.
 */
export function prepareImage(kernel: Kernel, area: SwapArea): PreparedImage | number {
  inSuspendAddress(kernel);
  let errno: number = ERRNO.ENOMEM;
  for (let round = 0; round < ROUNDS; round++) {
    const { set1, set2, extra } = sizes(kernel);
    const storage = storageFor(area, countPages(set2), set1 + SLACK_PAGES);
    if (storage === undefined) {
      errno = ERRNO.ENOSPC;
      continue;
    }
    const flags = FRAME.kernel | FRAME.nosave;
    const room = countPages(kernel.state.free) - extra;
    const frames = room < PAGES_FOR_IO
      ? undefined
      : kernel.allocate({ pages: extra, flags, owner: 0 });
    if (frames !== undefined) return { ...storage, cache: set2, extra: mergeRuns(frames) };
    const taken = mergeRuns([...storage.header, ...storage.second, ...storage.first]);
    area.used = subtract(area.used, taken);
    area.image = subtract(area.image, taken);
    errno = ERRNO.ENOMEM;
  }
  return -errno;
}

/** The frames of set 2 are to take the copy: from here on they are no part of what is copied. */
export function giveCacheToCopy(
  kernel: Kernel,
  cache: readonly PageRun[],
  extra: readonly PageRun[],
): void {
  exclude(kernel, cache, true);
  swsuspOf(kernel).copies = [...plainRuns(cache), ...plainRuns(extra)];
}

/** Set 2 has its frames again; what was taken besides is free. */
export function takeCacheBack(
  kernel: Kernel,
  cache: readonly PageRun[],
): void {
  const swsusp = swsuspOf(kernel);
  kernel.release(subtract(mergeRuns(swsusp.copies), cache));
  swsusp.copies = [];
  swsusp.saved = [];
  exclude(kernel, cache, false);
}

/** Says what was done with a set. */
export function saySet(
  kernel: Kernel,
  set: "1" | "2",
  op: "write" | "copy" | "restore" | "read",
  runs: readonly PageRun[],
): void {
  const fields = { set, op, pages: countPages(runs) };
  kernel.longFact("pageset", fields, "runs", formatRuns(union(mergeRuns(runs), [])));
}

/** A variable with page runs. */
export function runsIn(vars: Vars, name: string): readonly PageRun[] {
  return readAs(RUNS, vars[name] ?? []);
}

/** Procedures of this file. */
export const TUXONICE_SET_PROCEDURES: readonly Procedure[] = [freezeFilesystems, thawFilesystems];
