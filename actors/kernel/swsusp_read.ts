/**
 * `swsusp_read`: a hibernation image back from a swap area (protocol.md B.5.7 step 5, E.5). The
 * contract stands in swsusp_io.ts.
 *
 * First map and header page (swsusp_map.ts), which the caller judges; then the frame numbers, by
 * which the caller says where each page goes; then the data. Kernel threads read, several at the
 * same time; this process unpacks.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { FormatError } from "../../machine/errors.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { countPages, type PageRun } from "../../machine/formats/page_runs.ts";
import { SWSUSP_FLAG } from "../../machine/formats/swap_header.ts";
import { metaPages, parsePfnPages } from "../../machine/formats/swsusp_image.ts";
import { list, natural, record } from "../../machine/messages/shape.ts";
import { partitionName } from "./block_devices.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { readPages, slicePages } from "./page_lists.ts";
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
import { framesOf, imageOf, INFO } from "./swsusp_map.ts";
import { MOVE_PAGES, type PageMove } from "./swsusp_stream.ts";
import { ringPages, targetPages, unpackGroup, type UnpackState } from "./swsusp_unpack.ts";
import { fieldOf, isError, plainRuns, readAs, runRanges, RUNS } from "./values.ts";

const FLIGHTS_MAX = 3;
const RING_PAGES = FLIGHTS_MAX * MOVE_PAGES;
/** Pages of the stream that one step unpacks at most. */
const UNPACK_PAGES = 224;

const FLIGHTS = list(record({ pid: natural, upTo: natural }));

function isPlain(vars: Vars): boolean {
  return (imageOf(vars).flags & SWSUSP_FLAG.uncompressed) !== 0;
}

function failLater(vars: Vars, errno: number): Next {
  if (numberOf(vars["error"]) === 0) vars["error"] = -errno;
  return goto("drain");
}

function infoField(vars: Vars, name: string): number {
  return numberOf(fieldOf(vars["info"], name));
}

/** Frames for frame numbers and ring; what the header promises must be there. */
function prepare(kernel: Kernel, vars: Vars): Next {
  const imagePages = infoField(vars, "imagePages");
  const meta = metaPages(imagePages);
  if (infoField(vars, "pages") !== imagePages + meta + 1) return fail(ERRNO.ENODATA);
  const { id, place } = imageOf(vars);
  kernel.fact("image", {
    op: "load",
    id,
    device: partitionName(place.partition),
    bytes: infoField(vars, "size"),
  });
  const pages = meta + (isPlain(vars) ? 0 : RING_PAGES);
  const runs = kernel.allocate({ pages, flags: FRAME.kernel, owner: 0 });
  if (runs === undefined) return fail(ERRNO.ENOMEM);
  vars["taken"] = plainRuns(runs);
  vars["meta"] = plainRuns(slicePages(runs, 0, meta));
  vars["ring"] = plainRuns(slicePages(runs, meta, RING_PAGES));
  vars["total"] = imagePages + meta;
  Object.assign(vars, { at: 0, out: 0, loaded: 0, asked: 0, crc: 0, again: false, flights: [] });
  const how = isPlain(vars) ? "Loading image data pages" : "Loading and decompressing image data";
  kernel.print(`PM: ${how} (${imagePages + meta} pages)...`);
  return isPlain(vars) ? goto("plain") : next;
}

/** Transfers for pages `from` … of the image, the header page being none of them. */
function movesFor(vars: Vars, from: number, frames: readonly PageRun[]): PageMove[] {
  const pages = slicePages(framesOf(vars, "map"), from + 1, countPages(frames));
  let at = 0;
  return pages.map(({ pfn, count }) => {
    const part = slicePages(frames, at, count);
    at += count;
    return { page: pfn, frames: part };
  });
}

function launch(kernel: Kernel, vars: Vars, from: number, frames: readonly PageRun[]): void {
  const moves = movesFor(vars, from, frames);
  const upTo = from + countPages(frames);
  const pid = kernel.spawn("swsusp", "kernel", "swsusp_share", {
    write: false,
    place: { ...imageOf(vars).place },
    moves: moves.map(({ page, frames }) => ({ page, frames: plainRuns(frames) })),
  });
  const flights = readAs(FLIGHTS, vars["flights"]).map((flight) => ({ ...flight }));
  vars["flights"] = [...flights, { pid, upTo }];
  vars["asked"] = upTo;
}

function inFlight(vars: Vars): number {
  return readAs(FLIGHTS, vars["flights"]).length;
}

function awaitOldest(vars: Vars): Next {
  const [oldest] = readAs(FLIGHTS, vars["flights"]);
  return oldest === undefined ? next : { do: "wait", pids: [oldest.pid] };
}

function landed(vars: Vars, answer: unknown): void {
  const [first, ...rest] = readAs(FLIGHTS, vars["flights"]);
  if (first === undefined) return;
  vars["flights"] = rest.map((flight) => ({ ...flight }));
  vars["loaded"] = first.upTo;
  const [status] = Array.isArray(answer) ? answer : [];
  if (isError(status) && numberOf(vars["error"]) === 0) vars["error"] = status;
}

function unpackState(vars: Vars): UnpackState {
  return {
    ring: framesOf(vars, "ring"),
    loaded: numberOf(vars["loaded"]),
    taken: numberOf(vars["out"]),
    meta: framesOf(vars, "meta"),
    frames: vars["frames"] === undefined ? undefined : framesOf(vars, "frames"),
    total: numberOf(vars["total"]),
    at: numberOf(vars["at"]),
    crc: numberOf(vars["crc"]),
    again: vars["again"] === true,
  };
}

/** Starts transfers as far as the ring has room and the map goes. */
function prefetch(kernel: Kernel, vars: Vars): void {
  const mapped = countPages(framesOf(vars, "map")) - 1;
  while (inFlight(vars) < FLIGHTS_MAX) {
    const asked = numberOf(vars["asked"]);
    const room = numberOf(vars["out"]) + RING_PAGES - asked;
    const count = Math.min(MOVE_PAGES, mapped - asked);
    if (count <= 0 || room < count) return;
    launch(kernel, vars, asked, ringPages(framesOf(vars, "ring"), asked, count));
  }
}

/** Unpacks what is in the ring; then waits for more, asks where to, or is through. */
function unpack(kernel: Kernel, vars: Vars, access: Access): Next {
  const state = unpackState(vars);
  const first = state.at;
  for (;;) {
    const through = state.at >= state.total;
    const result = through || state.at - first >= UNPACK_PAGES - 32
      ? undefined
      : unpackGroup(state, access);
    const { taken: out, at, crc, again } = state;
    Object.assign(vars, { out, at, crc, again });
    if (result?.status === "taken") continue;
    if (through) return goto("drain");
    if (result === undefined) return goto("fetch");
    if (result.status === "bad") {
      kernel.print(`PM: ${result.message}`);
      return failLater(vars, result.errno);
    }
    if (result.status === "place") return goto("numbers");
    vars["wanted"] = result.pages;
    return goto("fetch");
  }
}

function unpackFrames(vars: Vars): PageRun[] {
  const state = unpackState(vars);
  const ready = Math.min(state.loaded - state.taken, MOVE_PAGES);
  return [
    ...ringPages(state.ring, state.taken, ready),
    ...targetPages(state, state.at, UNPACK_PAGES),
  ];
}

/** What the frame numbers say goes to the caller, who says where the pages are to be put. */
function takeNumbers(vars: Vars, access: Access): Next {
  const bytes = readPages(access, framesOf(vars, "meta"));
  try {
    vars["saved"] = plainRuns(parsePfnPages(bytes, infoField(vars, "imagePages")));
    return next;
  } catch (error) {
    if (error instanceof FormatError) return failLater(vars, ERRNO.EFAULT);
    throw error;
  }
}

function checkSum(kernel: Kernel, vars: Vars): number {
  const { flags, crc32 } = imageOf(vars);
  if ((flags & SWSUSP_FLAG.crc32) === 0) return 0;
  const found = numberOf(vars["crc"]);
  const result = found === crc32 ? 0 : -ERRNO.ENODATA;
  const word = (value: number) => `0x${value.toString(16).padStart(8, "0")}`;
  kernel.fact("header_check", { what: "crc", stored: word(crc32), found: word(found), result });
  if (result !== 0) kernel.print("PM: Invalid image CRC32!");
  return result;
}

const READ = procedure("swsusp_read", [
  {
    name: "map",
    run: (_kernel, vars) => call("swsusp_map", { image: vars["image"] ?? 0 }),
    then(_kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      vars["error"] = 0;
      vars["map"] = fieldOf(answer, "map") ?? [];
      vars["info"] = fieldOf(answer, "info") ?? {};
      return next;
    },
  },
  {
    name: "check",
    run: (_kernel, vars) =>
      call(textOf(vars["check"]), { id: imageOf(vars).id, ...readAs(INFO, vars["info"]) }),
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
  },
  {
    name: "prepare",
    run: prepare,
    undo(kernel, vars) {
      kernel.release(framesOf(vars, "taken"));
      return next;
    },
  },
  {
    name: "fetch",
    run(kernel, vars) {
      if (numberOf(vars["error"]) !== 0) return goto("drain");
      prefetch(kernel, vars);
      const ready = numberOf(vars["loaded"]) - numberOf(vars["out"]);
      if (ready >= numberOf(vars["wanted"] ?? 1)) return goto("unpack");
      return inFlight(vars) === 0 ? failLater(vars, ERRNO.EFAULT) : awaitOldest(vars);
    },
    then(_kernel, vars, answer) {
      landed(vars, answer);
      return goto("fetch");
    },
  },
  {
    name: "unpack",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(unpackFrames(vars)),
        write: true,
      }),
    then(kernel, vars, _answer, access) {
      vars["wanted"] = 1;
      return unpack(kernel, vars, access);
    },
  },
  {
    name: "numbers",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(framesOf(vars, "meta")),
        write: false,
      }),
    then: (_kernel, vars, _answer, access) => takeNumbers(vars, access),
  },
  {
    name: "place",
    run: (_kernel, vars) =>
      call(textOf(vars["place"]), { id: imageOf(vars).id, saved: vars["saved"] ?? [] }),
    then(_kernel, vars, answer) {
      if (isError(answer)) return failLater(vars, -answer);
      const frames = readAs(RUNS, fieldOf(answer, "frames"));
      if (countPages(frames) !== infoField(vars, "imagePages")) {
        throw new TypeError("Frames for another number of pages than the image has");
      }
      vars["frames"] = plainRuns(frames);
      return isPlain(vars) ? goto("plain") : goto("fetch");
    },
  },
  {
    name: "plain",
    run(kernel, vars) {
      if (isPlain(vars)) return readPlain(kernel, vars);
      return goto("drain");
    },
    then(_kernel, vars, answer) {
      landed(vars, answer);
      return goto("plain");
    },
  },
  {
    name: "drain",
    run: (_kernel, vars) => awaitOldest(vars),
    then(_kernel, vars, answer) {
      landed(vars, answer);
      return goto("drain");
    },
  },
  {
    name: "result",
    run(kernel, vars) {
      const error = numberOf(vars["error"]) || checkSum(kernel, vars);
      if (error !== 0) return fail(-error);
      kernel.release(framesOf(vars, "taken"));
      kernel.print("PM: Image loading done");
      return done({
        id: imageOf(vars).id,
        saved: vars["saved"] ?? [],
        frames: vars["frames"] ?? [],
      });
    },
  },
]);

/** Without compression pages go straight to their frames: first the frame numbers, all of them. */
function readPlain(kernel: Kernel, vars: Vars): Next {
  if (numberOf(vars["error"]) !== 0) return goto("drain");
  const meta = countPages(framesOf(vars, "meta"));
  const limit = vars["frames"] === undefined ? meta : numberOf(vars["total"]);
  const mapped = countPages(framesOf(vars, "map")) - 1;
  while (inFlight(vars) < FLIGHTS_MAX && numberOf(vars["asked"]) < limit) {
    const asked = numberOf(vars["asked"]);
    const count = Math.min(MOVE_PAGES, limit - asked);
    if (asked + count > mapped) return failLater(vars, ERRNO.EFAULT);
    const state = unpackState(vars);
    launch(kernel, vars, asked, slicePages(targetPages(state, asked, count), 0, count));
  }
  if (inFlight(vars) > 0) return awaitOldest(vars);
  return vars["frames"] === undefined ? goto("numbers") : goto("drain");
}

/** Procedures of this file. */
export const SWSUSP_READ_PROCEDURES: readonly Procedure[] = [READ];
