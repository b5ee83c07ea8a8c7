/**
 * Where a boot kernel puts the pages of an image (protocol.md D.5 last paragraph, B.5.8, B.5.9):
 * a page whose own frame is free here goes there at once; any other goes to a safe frame, one that
 * no page of the image belongs to, and onto the list that the restore code works through at last.
 * List, page tables and copied code stand in safe frames themselves.
 *
 * @module
 */
import { FRAME } from "../../machine/formats/mem_map.ts";
import {
  countPages,
  formatRuns,
  fromRuns,
  intersect,
  mergeRuns,
  PAGE_BYTES,
  type PageRun,
  subtract,
  union,
} from "../../machine/formats/page_runs.ts";
import { backupPages, emitBackups, type PageBackup } from "../../machine/formats/restore_tables.ts";
import { freePages, takePages } from "./allocator.ts";
import { ERRNO } from "./errno.ts";
import type { Kernel } from "./kernel_context.ts";
import {
  ask,
  call,
  done,
  fail,
  type Next,
  next,
  orFail,
  type Procedure,
  procedure,
} from "./procedure.ts";
import type { Vars } from "./state.ts";
import { firstPages } from "./swsusp_arch.ts";
import { PAGES_FOR_IO, ramFrames } from "./swsusp_memory.ts";
import { swsuspOf } from "./swsusp_state.ts";
import type { LoadedImage } from "./swsusp_types.ts";
import { plainRuns, readAs, runRanges, RUNS } from "./values.ts";

/** The frames for each page of an image. */
export interface Placement {
  readonly inPlace: readonly PageRun[];
  /** Pages that go elsewhere first, and the frames they go to, in order. */
  readonly moved: readonly PageRun[];
  readonly safe: readonly PageRun[];
  /** Frames of the list. */
  readonly list: readonly PageRun[];
}

/**
 * Plans the placement of the frames `saved` when `free` are free; `undefined` where there are too
 * few safe ones.
 */
export function planPlacement(
  saved: readonly PageRun[],
  free: readonly PageRun[],
): Placement | undefined {
  const inPlace = intersect(saved, free);
  const moved = subtract(saved, free);
  const outside = subtract(free, saved);
  const count = countPages(moved);
  if (countPages(outside) < count + backupPages(count)) return undefined;
  const safe = firstPages(outside, count);
  const list = firstPages(subtract(outside, mergeRuns(safe)), backupPages(count));
  return { inPlace, moved, safe, list };
}

/** Page i of the image goes into page i of these runs. */
export function targetFrames(saved: readonly PageRun[], placement: Placement): PageRun[] {
  const own = mergeRuns(placement.inPlace);
  const safe = fromRuns(placement.safe);
  const frames: PageRun[] = [];
  let used = 0;
  const put = (pfn: number): void => {
    const last = frames.at(-1);
    if (last !== undefined && last.pfn + last.count === pfn) {
      frames[frames.length - 1] = { pfn: last.pfn, count: last.count + 1 };
    } else frames.push({ pfn, count: 1 });
  };
  for (const run of saved) {
    const staying = intersect([run], own);
    for (let pfn = run.pfn; pfn < run.pfn + run.count; pfn++) {
      const stays = staying.some((part) => part.pfn <= pfn && pfn < part.pfn + part.count);
      put(stays ? pfn : safe[used++] ?? 0);
    }
  }
  return frames;
}

function backupsOf(placement: Placement): PageBackup[] {
  const safe = fromRuns(placement.safe);
  return fromRuns(placement.moved).map((pfn, index) => ({
    address: (safe[index] ?? 0) * PAGE_BYTES,
    original: pfn * PAGE_BYTES,
  }));
}

function takeFrames(kernel: Kernel, vars: Vars): Next {
  const saved = readAs(RUNS, vars["saved"]);
  const stranger = subtract(saved, ramFrames(kernel))[0];
  if (stranger !== undefined) {
    kernel.print(`PM: hibernation: page frame 0x${stranger.pfn.toString(16)} is no memory here`);
    return fail(ERRNO.EFAULT);
  }
  const placement = planPlacement(saved, kernel.state.free);
  const { loaded } = swsuspOf(kernel);
  if (placement === undefined || loaded === undefined) return fail(ERRNO.ENOMEM);
  const owned = union(
    union(placement.inPlace, mergeRuns(placement.safe)),
    mergeRuns(placement.list),
  );
  takePages(kernel.state, owned, FRAME.kernel | FRAME.nosave, 0);
  kernel.fact("allocate", { pages: countPages(owned) });
  const image: LoadedImage = {
    ...loaded,
    owned,
    unsafe: plainRuns(saved),
    safe: plainRuns(placement.safe),
    inPlace: plainRuns(placement.inPlace),
  };
  swsuspOf(kernel).loaded = image;
  vars["list"] = plainRuns(placement.list);
  vars["moved"] = plainRuns(placement.moved);
  vars["frames"] = plainRuns(targetFrames(saved, placement));
  if (freePages(kernel.state) < PAGES_FOR_IO) kernel.note("PM: hibernation: memory is short");
  return next;
}

/** `swsusp_place {id, saved}`: `{frames}` for the pages of an image; -EFAULT, -ENOMEM. */
const place = procedure("swsusp_place", [
  { name: "frames", run: takeFrames },
  {
    name: "list",
    run: (kernel, vars) => {
      const ranges = runRanges(readAs(RUNS, vars["list"]));
      if (ranges.length === 0) return next;
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then: (kernel, vars, _answer, access) => {
      const { loaded } = swsuspOf(kernel);
      const list = readAs(RUNS, vars["list"]);
      const addresses = fromRuns(list).map((pfn) => pfn * PAGE_BYTES);
      const { head, pages } = emitBackups(
        backupsOf({
          inPlace: [],
          moved: readAs(RUNS, vars["moved"]),
          safe: loaded?.safe ?? [],
          list,
        }),
        addresses,
      );
      pages.forEach((bytes, index) => access.write(addresses[index] ?? 0, bytes));
      if (loaded !== undefined) swsuspOf(kernel).loaded = { ...loaded, list: head };
      return next;
    },
  },
  { name: "done", run: (_kernel, vars) => done({ frames: vars["frames"] ?? [] }) },
]);

/** Safe frames from the allocator, none that a page of the image belongs to; or `undefined`. */
export function safeFrames(kernel: Kernel, pages: number): number[] | undefined {
  const swsusp = swsuspOf(kernel);
  const { loaded } = swsusp;
  if (loaded === undefined) return undefined;
  const runs = kernel.allocate({
    pages,
    flags: FRAME.kernel | FRAME.nosave,
    owner: 0,
    avoid: loaded.unsafe,
  });
  if (runs === undefined) return undefined;
  swsusp.loaded = { ...loaded, owned: union(loaded.owned, mergeRuns(runs)) };
  return fromRuns(runs).map((pfn) => pfn * PAGE_BYTES);
}

/** Longest text of safe frames that stands in a fact's summary. */
const SAFE_TEXT_MAX = 200;

/** Says where the pages of an image are, and which frame the code that copies will run from. */
export function sayLoaderPages(kernel: Kernel, code: number): void {
  const { loaded } = swsuspOf(kernel);
  if (loaded === undefined) return;
  const safe = formatRuns(mergeRuns(loaded.safe));
  kernel.longFact(
    "loader_pages",
    {
      code: formatRuns([{ pfn: code / PAGE_BYTES, count: 1 }]),
      id: loaded.id,
      ...(safe.length <= SAFE_TEXT_MAX ? { safe } : {}),
    },
    "image",
    formatRuns(loaded.inPlace),
  );
}

/** Reads an image by its check: header, frames, pages; -EPERM, -EFAULT, -ENODATA, -EIO, -ENOMEM. */
const read = procedure("swsusp_load", [{
  name: "read",
  run: (_kernel, vars) =>
    call("swsusp_read", {
      image: vars["image"] ?? 0,
      check: "swsusp_check_header",
      place: "swsusp_place",
    }),
  then: (_kernel, _vars, answer) => orFail(answer),
}]);

/** Procedures of this file. */
export const SWSUSP_PLACE_PROCEDURES: readonly Procedure[] = [place, read];
