/**
 * The map of a hibernation image on a swap area, and its header page (protocol.md E.5): what a
 * reader has before it knows anything of the image's content.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import { MAP_ENTRIES, parseMapPage, parseSwsuspInfo } from "../../machine/formats/swsusp_image.ts";
import { type Infer, natural, record, text } from "../../machine/messages/shape.ts";
import { giveScratch, PLACE, takeScratch } from "./block_devices.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import { joined, readPages } from "./page_lists.ts";
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
} from "./procedure.ts";
import type { Vars } from "./state.ts";
import { isError, plainRuns, readAs, runRanges, RUNS } from "./values.ts";

/** What `swsusp_check` gives of an image. */
export const IMAGE = record({
  id: text,
  place: PLACE,
  firstMap: natural,
  flags: natural,
  crc32: natural,
});

/** What a header page says; `record` is the arch part in hexadecimal. */
export const INFO = record({
  record: text,
  memoryPages: natural,
  imagePages: natural,
  pages: natural,
  size: natural,
});

/** The image that a procedure's variables name. */
export function imageOf(vars: Vars): Infer<typeof IMAGE> {
  return readAs(IMAGE, vars["image"]);
}

/** A variable that holds a list of pages; none where it was not set. */
export function framesOf(vars: Vars, name: string): readonly PageRun[] {
  return readAs(RUNS, vars[name] ?? []);
}

function readOne(vars: Vars, page: number): Next {
  const { place } = imageOf(vars);
  const frames = plainRuns(framesOf(vars, "scratch"));
  return call("partition_pages", { place: { ...place }, page, frames, write: false });
}

function scratchRead(kernel: Kernel, vars: Vars): Next {
  const ranges = runRanges(framesOf(vars, "scratch"));
  return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
}

function scratchBytes(vars: Vars, access: Access): Uint8Array {
  return readPages(access, framesOf(vars, "scratch"));
}

/** Takes a map page's entries over; those behind a missing one are never reached. */
function takeMap(vars: Vars, access: Access): Next {
  const { place } = imageOf(vars);
  const most = Math.ceil(place.sectorCount / (PAGE_BYTES / 512) / MAP_ENTRIES) + 1;
  try {
    const { entries, next: following } = parseMapPage(scratchBytes(vars, access));
    const missing = entries.indexOf(0);
    const there = missing < 0 ? entries : entries.slice(0, missing);
    const pages = joined([
      ...framesOf(vars, "map"),
      ...there.map((pfn): PageRun => ({ pfn, count: 1 })),
    ]);
    vars["map"] = plainRuns(pages);
    vars["mapPages"] = numberOf(vars["mapPages"]) + 1;
    if (following === 0 || missing >= 0) return next;
    if (numberOf(vars["mapPages"]) > most) return fail(ERRNO.EFAULT);
    vars["mapAt"] = following;
    return goto("map");
  } catch (error) {
    if (error instanceof FormatError) return fail(ERRNO.EFAULT);
    throw error;
  }
}

function takeInfo(kernel: Kernel, vars: Vars, access: Access): Next {
  try {
    const info = parseSwsuspInfo(scratchBytes(vars, access));
    const { memoryPages, imagePages, pages, size } = info;
    giveScratch(kernel, vars);
    return done({
      map: plainRuns(framesOf(vars, "map")),
      info: { record: toHex(info.record), memoryPages, imagePages, pages, size },
    });
  } catch (error) {
    if (error instanceof FormatError) return fail(ERRNO.EPERM);
    throw error;
  }
}

/**
 * `swsusp_map {image}`: `{map, info}`, the area's pages that hold the image in its order and what
 * its header says; -EINVAL without a map, -EFAULT of a map that is none, -EIO.
 */
const MAP = procedure("swsusp_map", [
  {
    name: "begin",
    run(_kernel, vars) {
      const { firstMap } = imageOf(vars);
      if (firstMap === 0) return fail(ERRNO.EINVAL);
      Object.assign(vars, { map: [], mapPages: 0, mapAt: firstMap });
      return next;
    },
  },
  takeScratch(1),
  {
    name: "map",
    run: (_kernel, vars) => readOne(vars, numberOf(vars["mapAt"])),
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
  },
  {
    name: "take map",
    run: scratchRead,
    then: (_kernel, vars, _answer, access) => takeMap(vars, access),
  },
  {
    name: "header",
    run(_kernel, vars) {
      const [first] = framesOf(vars, "map");
      return first === undefined ? fail(ERRNO.EFAULT) : readOne(vars, first.pfn);
    },
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
  },
  {
    name: "take header",
    run: scratchRead,
    then: (kernel, vars, _answer, access) => takeInfo(kernel, vars, access),
  },
]);

/** Procedures of this file. */
export const SWSUSP_MAP_PROCEDURES: readonly Procedure[] = [MAP];
