/**
 * `swsusp_write`: a hibernation image to a swap area (protocol.md B.5.6). The contract stands in
 * swsusp_io.ts.
 *
 * One process compresses and gives out pages of the area, in the order of the stream; kernel
 * threads carry what it filled to the disk, several at the same time, each from a slot of frames
 * of its own. The stream is the header page, pages of frame numbers, and the copies.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { fromHex, sha256 } from "../../machine/digest.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { countPages, PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import { SWSUSP_FLAG } from "../../machine/formats/swap_header.ts";
import {
  emitPfnPages,
  emitSwsuspInfo,
  metaPages,
  newSwsuspInfo,
} from "../../machine/formats/swsusp_image.ts";
import { list, natural, record } from "../../machine/messages/shape.ts";
import { partitionName } from "./block_devices.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { joined, slicePages, writePages } from "./page_lists.ts";
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
import type { SwapArea, Vars } from "./state.ts";
import { freeImagePages, freeSwapPages, swapAreaOf, takeImagePage } from "./swap_areas.ts";
import { MAP_CURSOR, MOVE_PAGES, packUnit, placeUnit, UNIT_GROUPS } from "./swsusp_stream.ts";
import { isError, plainRuns, readAs, runRanges, RUNS } from "./values.ts";

/** Slots of frames, each with a transfer of its own on its way. */
const SLOTS = 3;
/** Pages that must stay free on the area besides the image: PAGES_FOR_IO. */
const PAGES_FOR_IO = 1024;
const UNIT_PAGES = UNIT_GROUPS * 32;
/** Frames of a slot: a transfer, and a map page. */
const SLOT_PAGES = { compressed: MOVE_PAGES + 1, plain: 1 } as const;

const FLIGHTS = list(record({ pid: natural, slot: natural }));

function isPlain(vars: Vars): boolean {
  return (numberOf(vars["flags"]) & SWSUSP_FLAG.uncompressed) !== 0;
}

function areaOf(kernel: Kernel, vars: Vars): SwapArea {
  const area = swapAreaOf(kernel, textOf(vars["device"]));
  if (area === undefined) throw new TypeError("The swap area went away while an image is written");
  return area;
}

function savedOf(vars: Vars): readonly PageRun[] {
  return readAs(RUNS, vars["saved"]);
}

/** Frames of the header page and the pages of frame numbers. */
function headPages(vars: Vars): number {
  return 1 + metaPages(countPages(savedOf(vars)));
}

function headOf(vars: Vars): PageRun[] {
  return slicePages(readAs(RUNS, vars["scratch"]), 0, headPages(vars));
}

/** All pages of the image in the order of the stream. */
function streamOf(vars: Vars): PageRun[] {
  return joined([...headOf(vars), ...readAs(RUNS, vars["copies"])]);
}

function slotOf(vars: Vars, slot: number): PageRun[] {
  const pages = isPlain(vars) ? SLOT_PAGES.plain : SLOT_PAGES.compressed;
  return slicePages(readAs(RUNS, vars["scratch"]), headPages(vars) + slot * pages, pages);
}

function mapFrameOf(slot: readonly PageRun[]): number {
  return slicePages(slot, countPages(slot) - 1, 1)[0]?.pfn ?? 0;
}

/** Frames of `saved` that pages `from` … of the stream are of. */
function savedPart(vars: Vars, from: number, count: number): PageRun[] {
  const head = headPages(vars);
  const start = Math.max(0, from - head);
  return slicePages(savedOf(vars), start, Math.max(0, from + count - head - start));
}

function checkDevice(kernel: Kernel, vars: Vars): Next {
  const device = textOf(vars["device"]);
  const area = swapAreaOf(kernel, device);
  kernel.fact("image_device", {
    device: area === undefined ? device : partitionName(area.place.partition),
    kind: "swap",
    signature: area === undefined ? "" : "SWAPSPACE2",
    active: area !== undefined,
    mounted: false,
  });
  if (area === undefined) {
    kernel.print("PM: Cannot find swap device, try swapon -a");
    return fail(ERRNO.ENODEV);
  }
  const pages = headPages(vars) + countPages(savedOf(vars));
  if (isPlain(vars)) {
    if (freeSwapPages(area) > PAGES_FOR_IO + pages) return next;
    kernel.print("PM: Not enough free swap");
    return fail(ERRNO.ENOSPC);
  }
  vars["flags"] = numberOf(vars["flags"]) | SWSUSP_FLAG.crc32;
  return next;
}

function takeFrames(kernel: Kernel, vars: Vars): Next {
  const slot = isPlain(vars) ? SLOT_PAGES.plain : SLOT_PAGES.compressed;
  const pages = headPages(vars) + SLOTS * slot;
  const runs = kernel.allocate({ pages, flags: FRAME.kernel, owner: 0 });
  if (runs === undefined) return fail(ERRNO.ENOMEM);
  vars["scratch"] = plainRuns(runs);
  return next;
}

/** The first map page; from here on the image exists, and an error gives its blocks back. */
function begin(kernel: Kernel, vars: Vars): Next {
  const area = areaOf(kernel, vars);
  const page = takeImagePage(area);
  if (page === undefined) return fail(ERRNO.ENOSPC);
  const info = newSwsuspInfo({
    record: fromHex(textOf(vars["record"])),
    memoryPages: numberOf(vars["memoryPages"]),
    imagePages: countPages(savedOf(vars)),
  });
  const moment = `${kernel.name} ${kernel.realMicroseconds()} ${kernel.out.now}`;
  vars["id"] = sha256(`${moment} ${textOf(vars["record"])}`).slice(0, 16);
  vars["map"] = { page, entries: [] };
  vars["firstMap"] = page;
  Object.assign(vars, { at: 0, crc: 0, written: 0, flights: [], error: 0 });
  vars["total"] = info.pages;
  kernel.fact("image", {
    op: "begin",
    id: textOf(vars["id"]),
    of: kernel.name,
    device: partitionName(area.place.partition),
    bytes: info.size,
  });
  const how = isPlain(vars) ? "Saving image data pages" : "Compressing and saving image data";
  kernel.print(`PM: ${how} (${info.pages - 1} pages)...`);
  return next;
}

function giveUp(kernel: Kernel, vars: Vars): Next {
  const area = areaOf(kernel, vars);
  const device = partitionName(area.place.partition);
  const blocks = freeImagePages(area);
  kernel.fact("swap_area", { device, op: "free", blocks, result: 0 });
  const id = textOf(vars["id"]);
  kernel.fact("image", { op: "abort", id, device, bytes: numberOf(vars["written"]) });
  return next;
}

/** Writes header page and frame numbers into their frames. */
function writeHead(vars: Vars, access: Access): void {
  const head = headOf(vars);
  writePages(
    access,
    slicePages(head, 0, 1),
    emitSwsuspInfo(newSwsuspInfo({
      record: fromHex(textOf(vars["record"])),
      memoryPages: numberOf(vars["memoryPages"]),
      imagePages: countPages(savedOf(vars)),
    })),
  );
  writePages(access, slicePages(head, 1, headPages(vars) - 1), emitPfnPages(savedOf(vars)));
}

/** Pages of the stream that the next unit takes: the header page goes alone, uncompressed. */
function unitPages(vars: Vars): PageRun[] {
  const at = numberOf(vars["at"]);
  const count = at === 0 ? 1 : isPlain(vars) ? MOVE_PAGES : UNIT_PAGES;
  return slicePages(streamOf(vars), at, count);
}

/** Frames that packing a unit touches: without compression only that of the map page. */
function packedFrames(vars: Vars): PageRun[] {
  const slot = slotOf(vars, freeSlot(vars));
  const direct = isPlain(vars) || numberOf(vars["at"]) === 0;
  return joined(direct ? slot : [...unitPages(vars), ...slot]);
}

function freeSlot(vars: Vars): number {
  const busy = readAs(FLIGHTS, vars["flights"]).map(({ slot }) => slot);
  return [...Array(SLOTS).keys()].find((slot) => !busy.includes(slot)) ?? -1;
}

/** Packs and places a unit, and sends a thread with it. */
function launch(kernel: Kernel, vars: Vars, access: Access): Next {
  const slot = freeSlot(vars);
  const frames = slotOf(vars, slot);
  const sources = unitPages(vars);
  const at = numberOf(vars["at"]);
  const packed = at === 0 || isPlain(vars)
    ? { frames: sources, crc: numberOf(vars["crc"]) }
    : packUnit(access, sources, frames, numberOf(vars["crc"]));
  const mapFrame = mapFrameOf(frames);
  const map = readAs(MAP_CURSOR, vars["map"]);
  const placed = placeUnit(areaOf(kernel, vars), packed.frames, map, mapFrame, (bytes) => {
    access.write(mapFrame * PAGE_BYTES, bytes);
  });
  if (placed === undefined) {
    vars["error"] = -ERRNO.ENOSPC;
    return goto("drain");
  }
  const count = countPages(sources);
  vars["crc"] = packed.crc;
  vars["map"] = { page: placed.map.page, entries: [...placed.map.entries] };
  vars["at"] = at + count;
  vars["written"] = numberOf(vars["written"]) + countPages(packed.frames) * PAGE_BYTES;
  const { place } = areaOf(kernel, vars);
  const pid = kernel.spawn("swsusp", "kernel", "swsusp_share", {
    id: textOf(vars["id"]),
    write: true,
    place: { ...place },
    moves: placed.moves.map(({ page, frames }) => ({ page, frames: plainRuns(frames) })),
    saved: plainRuns(savedPart(vars, at, count)),
    bytes: numberOf(vars["written"]),
  });
  vars["flights"] = [...readAs(FLIGHTS, vars["flights"]), { pid, slot }];
  return goto("unit");
}

function landed(vars: Vars, answer: unknown): void {
  const [first, ...rest] = readAs(FLIGHTS, vars["flights"]);
  if (first === undefined) return;
  vars["flights"] = rest.map(({ pid, slot }) => ({ pid, slot }));
  const [status] = Array.isArray(answer) ? answer : [];
  if (isError(status) && numberOf(vars["error"]) === 0) vars["error"] = status;
}

function awaitOldest(vars: Vars, otherwise: Next): Next {
  const [oldest] = readAs(FLIGHTS, vars["flights"]);
  return oldest === undefined ? otherwise : { do: "wait", pids: [oldest.pid] };
}

function finish(kernel: Kernel, vars: Vars): Next {
  const area = areaOf(kernel, vars);
  const device = partitionName(area.place.partition);
  const blocks = countPages(area.image);
  kernel.fact("swap_area", { device, op: "allocate", blocks, result: 0 });
  kernel.release(readAs(RUNS, vars["scratch"]));
  const pages = numberOf(vars["total"]);
  kernel.print(`PM: Wrote ${pages * 4} kbytes in ${blocks * 4} kbytes of swap`);
  return done({ id: textOf(vars["id"]), pages, bytes: numberOf(vars["written"]) });
}

const WRITE = procedure("swsusp_write", [
  { name: "device", run: checkDevice },
  {
    name: "frames",
    run: takeFrames,
    undo(kernel, vars) {
      kernel.release(readAs(RUNS, vars["scratch"]));
      return next;
    },
  },
  { name: "begin", run: begin, undo: giveUp },
  {
    name: "head",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(headOf(vars)),
        write: true,
      }),
    then(_kernel, vars, _answer, access) {
      writeHead(vars, access);
      return next;
    },
  },
  {
    name: "unit",
    run(_kernel, vars) {
      const failed = numberOf(vars["error"]) !== 0;
      if (failed || numberOf(vars["at"]) >= numberOf(vars["total"])) return goto("drain");
      return freeSlot(vars) < 0 ? awaitOldest(vars, next) : next;
    },
    then(_kernel, vars, answer) {
      landed(vars, answer);
      return goto("unit");
    },
  },
  {
    name: "pack",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(packedFrames(vars)),
        write: true,
      }),
    then: (kernel, vars, _answer, access) => launch(kernel, vars, access),
  },
  {
    name: "drain",
    run: (_kernel, vars) => awaitOldest(vars, next),
    then(_kernel, vars, answer) {
      landed(vars, answer);
      return goto("drain");
    },
  },
  {
    name: "waited",
    run(_kernel, vars) {
      const error = numberOf(vars["error"]);
      return error === 0 ? next : fail(-error);
    },
  },
  {
    name: "mark",
    run(kernel, vars) {
      kernel.print("PM: S");
      const { hardwareSignature } = vars;
      return call("swsusp_mark", {
        place: { ...areaOf(kernel, vars).place },
        scratch: plainRuns(slicePages(slotOf(vars, 0), 0, 1)),
        id: textOf(vars["id"]),
        map: vars["map"] ?? 0,
        firstMap: numberOf(vars["firstMap"]),
        flags: numberOf(vars["flags"]),
        crc: numberOf(vars["crc"]),
        bytes: numberOf(vars["written"]),
        ...(hardwareSignature === undefined ? {} : { hardwareSignature }),
      });
    },
    then(kernel, _vars, answer) {
      kernel.print("PM: |");
      return isError(answer) ? fail(-answer) : next;
    },
  },
  { name: "finish", run: finish },
]);

/** Procedures of this file. */
export const SWSUSP_WRITE_PROCEDURES: readonly Procedure[] = [WRITE];
