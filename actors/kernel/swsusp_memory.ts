/**
 * Which pages a hibernation image is of, and room for their copies (protocol.md B.5.5, D.5).
 *
 * Saved is every frame of RAM that is neither free nor in a page marked nosave: text, structures,
 * processes, page cache, and the low memory that was never given out. Frame 0, holes and reserved
 * ranges are the nosave regions registered at boot (recorded fact 42).
 *
 * @module
 */
import { ramRanges } from "../../machine/formats/e820.ts";
import { endOf } from "../../machine/formats/e820_table.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import {
  countPages,
  mergeRuns,
  PAGE_BYTES,
  type PageRun,
  rangesToRuns,
  subtract,
} from "../../machine/formats/page_runs.ts";
import { freePages } from "./allocator.ts";
import { layoutOf } from "./boot.ts";
import { ERRNO } from "./errno.ts";
import type { Kernel } from "./kernel_context.ts";
import { done, fail, type Procedure, procedure } from "./procedure.ts";
import { inSuspendAddress, NOSAVE, swsuspOf } from "./swsusp_state.ts";

/** Pages that stay free for I/O while an image is written (PAGES_FOR_IO, 4 MiB). */
export const PAGES_FOR_IO = 1024;

/** Frames that one block of a memory bitmap speaks of. */
const FRAMES_PER_BITMAP_BLOCK = PAGE_BYTES * 8;
/** Tree nodes that fit a page of a bitmap's index, and words in a node's page. */
const NODES_PER_PAGE = 102;
const WORDS_PER_PAGE = 512;

/** Frame 0 is no memory to anybody: the real-mode interrupt vectors. */
const FRAME_ZERO: readonly PageRun[] = [{ pfn: 0, count: 1 }];

/** All frames a kernel has as RAM, without the nosave regions registered at boot. */
export function ramFrames(kernel: Kernel): PageRun[] {
  const ranges = ramRanges(kernel.state.map).map((range) => ({
    start: range.start,
    end: endOf(range),
  }));
  return subtract(rangesToRuns(ranges), FRAME_ZERO);
}

/** Frames an image must have now, ascending. */
export function saveableFrames(kernel: Kernel): PageRun[] {
  const nosave = kernel.state.owned.filter(({ flags }) => (flags & FRAME.nosave) !== 0);
  return subtract(subtract(ramFrames(kernel), kernel.state.free), mergeRuns(nosave));
}

/** num_physpages: what the header of an image says and a boot kernel compares. */
export function physicalPages(kernel: Kernel): number {
  return countPages(ramFrames(kernel));
}

/** snapshot_additional_pages(): what bitmaps over all frames take. */
function metadataPages(kernel: Kernel): number {
  let nodes = Math.ceil(layoutOf(kernel).frameCount / FRAMES_PER_BITMAP_BLOCK);
  let pages = nodes + Math.ceil(nodes / NODES_PER_PAGE);
  while (nodes > 1) {
    nodes = Math.ceil(nodes / WORDS_PER_PAGE);
    pages += nodes;
  }
  return 2 * pages;
}

/** `create_basic_memory_bitmaps {}`: the forbidden and the free bitmap; -ENOMEM. */
const createBitmaps = procedure("create_basic_memory_bitmaps", [{
  name: "allocate",
  run: (kernel) => {
    const swsusp = swsuspOf(kernel);
    const runs = kernel.allocate({
      pages: metadataPages(kernel),
      flags: FRAME.kernel,
      owner: 0,
      from: kernel.windowEndPfn(),
    });
    if (runs === undefined || inSuspendAddress(kernel) === 0) return fail(ERRNO.ENOMEM);
    swsusp.bitmaps = [...runs];
    kernel.note("PM: hibernation: Basic memory bitmaps created");
    return done();
  },
}]);

/** `free_basic_memory_bitmaps {}`. */
const freeBitmaps = procedure("free_basic_memory_bitmaps", [{
  name: "release",
  run: (kernel) => {
    const swsusp = swsuspOf(kernel);
    kernel.release(swsusp.bitmaps);
    swsusp.bitmaps = [];
    kernel.note("PM: hibernation: Basic memory bitmaps freed");
    return done();
  },
}]);

/** What the limits of B.5.5 make of the memory there is. All are pages. */
export interface ImageLimits {
  readonly usable: number;
  readonly metadata: number;
  readonly reserved: number;
  readonly saveable: number;
  /** Most pages an image may have. */
  readonly most: number;
}

/** The limits as they are now. */
export function imageLimits(kernel: Kernel): ImageLimits {
  const saveable = countPages(saveableFrames(kernel));
  const usable = saveable + freePages(kernel.state);
  const metadata = metadataPages(kernel);
  const reserved = Math.ceil(swsuspOf(kernel).reservedSize / PAGE_BYTES);
  const most = Math.floor((usable - metadata - PAGES_FOR_IO) / 2) - 2 * reserved;
  return { usable, metadata, reserved, saveable, most: Math.max(0, most) };
}

/** Takes frames for copies; more than before if some are there already. */
function takeCopies(kernel: Kernel, pages: number): boolean {
  const swsusp = swsuspOf(kernel);
  const missing = pages - countPages(swsusp.copies);
  if (missing <= 0) return true;
  const runs = kernel.allocate({ pages: missing, flags: NOSAVE, owner: 0 });
  if (runs === undefined) return false;
  swsusp.copies = [...swsusp.copies, ...runs.map(({ pfn, count }) => ({ pfn, count }))];
  return true;
}

/**
 * `hibernate_preallocate_memory {}`: room for the copies before any device is touched; -ENOMEM.
 *
 * A target below what is saveable would have the page cache reclaimed first. Here there is nothing
 * to reclaim (buffer caches are of fixed size, processes have no swap of their own), so the target
 * is only looked at, and a kernel that is too full fails.
 */
const preallocate = procedure("hibernate_preallocate_memory", [{
  name: "allocate",
  run: (kernel) => {
    kernel.print("PM: hibernation: Preallocating image memory");
    const { usable, metadata, reserved, saveable, most } = imageLimits(kernel);
    const short = saveable - most;
    const result = short <= 0 && takeCopies(kernel, saveable) ? 0 : -ERRNO.ENOMEM;
    kernel.fact("preallocate", { pages: saveable, usable, metadata, reserved, result });
    if (result === 0) {
      kernel.note(`PM: hibernation: Allocated ${saveable} pages for snapshot`);
      return done();
    }
    kernel.print(`PM: hibernation: Image allocation is ${Math.max(1, short)} pages short`);
    return fail(ERRNO.ENOMEM);
  },
}]);

/** `swsusp_free {}`: the frames of an image, made or loaded, are given back. */
const free = procedure("swsusp_free", [{
  name: "release",
  run: (kernel) => {
    const swsusp = swsuspOf(kernel);
    kernel.release(swsusp.copies);
    swsusp.copies = [];
    swsusp.saved = [];
    if (swsusp.loaded !== undefined) kernel.release(swsusp.loaded.owned);
    delete swsusp.loaded;
    return done();
  },
}]);

/**
 * `swsusp_save {}`: counts once more, now that all is quiet, and takes what is missing; -ENOMEM
 * when fewer than PAGES_FOR_IO would stay free. What stands in the state afterwards is what is
 * copied.
 */
const save = procedure("swsusp_save", [{
  name: "count",
  run: (kernel) => {
    const swsusp = swsuspOf(kernel);
    const pages = countPages(saveableFrames(kernel));
    kernel.note(`PM: hibernation: Need to copy ${pages} pages`);
    const room = freePages(kernel.state) + countPages(swsusp.copies);
    const by = swsusp.user === undefined ? {} : { user: true };
    if (room <= pages + PAGES_FOR_IO || !takeCopies(kernel, pages)) {
      kernel.fact("snapshot", { pages, free: room, ...by, result: -ERRNO.ENOMEM });
      kernel.note("PM: hibernation: Not enough free memory");
      return fail(ERRNO.ENOMEM);
    }
    swsusp.saved = saveableFrames(kernel);
    kernel.fact("snapshot", { pages: countPages(swsusp.saved), free: room, ...by, result: 0 });
    return done();
  },
}]);

/** Procedures of this file. */
export const SWSUSP_MEMORY_PROCEDURES: readonly Procedure[] = [
  createBitmaps,
  freeBitmaps,
  preallocate,
  free,
  save,
];
