/**
 * Where TuxOnIce keeps an image (protocol.md B.6): a swap area, its header first, then page set 2,
 * then page set 1, and the area's signature that says so.
 *
 * @module
 */
import { FormatError } from "../../machine/errors.ts";
import { fromHex, toHex } from "../../machine/digest.ts";
import { countPages, PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import {
  emitSwapHeader,
  isSwapArea,
  parseSwapHeader,
  type SwapHeader,
} from "../../machine/formats/swap_header.ts";
import { TUXONICE_SIGNATURE } from "../../machine/formats/tuxonice_header.ts";
import { partitionName, PLACE } from "./block_devices.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { joined, slicePages } from "./page_lists.ts";
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
import type { SwapArea, Vars } from "./state.ts";
import { takeImagePage } from "./swap_areas.ts";
import { MOVE_PAGES } from "./swsusp_stream.ts";
import { isError, listOf, plainRuns, readAs, resultOf, RUNS } from "./values.ts";

const ID_BYTES = 8;
/** Threads that carry pages. */
const THREADS = 3;

/** Takes pages of an area, or `undefined` where there are not so many. */
export function takeStorage(area: SwapArea, pages: number): PageRun[] | undefined {
  const taken: PageRun[] = [];
  for (let index = 0; index < pages; index++) {
    const page = takeImagePage(area);
    if (page === undefined) return undefined;
    taken.push({ pfn: page, count: 1 });
  }
  return joined(taken);
}

/** Transfers between frames and storage, page by page in the order of both lists. */
function movesOf(frames: readonly PageRun[], storage: readonly PageRun[]) {
  const moves: { page: number; frames: { pfn: number; count: number }[] }[] = [];
  let at = 0;
  for (const { pfn, count } of storage) {
    for (let part = 0; part < count; part += MOVE_PAGES) {
      const pages = Math.min(MOVE_PAGES, count - part);
      moves.push({ page: pfn + part, frames: plainRuns(slicePages(frames, at, pages)) });
      at += pages;
    }
  }
  return moves;
}

/**
 * `tuxonice_move {place, frames, storage, saved, write, id}`: all pages of a set, several
 * transfers on their way; `saved` are the frames the pages belong to. 0 or a negative errno.
 */
const MOVE = procedure("tuxonice_move", [{
  name: "threads",
  run(kernel, vars) {
    const frames = readAs(RUNS, vars["frames"]);
    const moves = movesOf(frames, readAs(RUNS, vars["storage"]));
    const saved = readAs(RUNS, vars["saved"]);
    const pids: number[] = [];
    const share = Math.ceil(moves.length / THREADS);
    let at = 0;
    for (let from = 0; from < moves.length; from += share) {
      const part = moves.slice(from, from + share);
      const pages = part.reduce((sum, move) => sum + countPages(move.frames), 0);
      pids.push(kernel.spawn("tuxonice", "kernel", "swsusp_share", {
        id: textOf(vars["id"]),
        place: vars["place"] ?? 0,
        moves: part,
        saved: plainRuns(slicePages(saved, at, pages)),
        bytes: pages * PAGE_BYTES,
        write: vars["write"] === true,
      }));
      at += pages;
    }
    return { do: "wait", pids };
  },
  then: (_kernel, _vars, answer) => done(listOf(answer).find((status) => isError(status)) ?? 0),
}]);

function headerAt(vars: Vars, page: Uint8Array): SwapHeader | undefined {
  try {
    return parseSwapHeader(page);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    vars["found"] = error.message;
    return undefined;
  }
}

function mark(kernel: Kernel, vars: Vars, page: Uint8Array): Next {
  const header = headerAt(vars, page);
  if (header === undefined || !isSwapArea(header)) {
    kernel.print("TuxOnIce: Swap header not found!");
    return fail(ERRNO.ENODEV);
  }
  const rest = header.rest.slice();
  rest.set(fromHex(textOf(vars["id"])), rest.length - ID_BYTES);
  page.set(emitSwapHeader({
    ...header,
    rest,
    originalSignature: header.signature,
    signature: TUXONICE_SIGNATURE,
    image: numberOf(vars["image"]),
    imageFlags: 0,
    crc32: 0,
  }));
  return next;
}

function unmark(vars: Vars, page: Uint8Array): Next {
  const header = headerAt(vars, page);
  vars["found"] = header?.signature ?? "";
  if (header === undefined || header.signature !== TUXONICE_SIGNATURE) return fail(ERRNO.EINVAL);
  vars["id"] = toHex(header.rest.slice(-ID_BYTES));
  vars["image"] = header.image;
  page.set(emitSwapHeader({ ...header, signature: header.originalSignature }));
  return next;
}

function moveHeader(vars: Vars, write: boolean): Next {
  const frames = plainRuns(slicePages(readAs(RUNS, vars["scratch"]), 0, 1));
  return call("partition_pages", { place: vars["place"] ?? 0, page: 0, frames, write });
}

/**
 * `tuxonice_signature {place, scratch, op, id?, image?}`: `mark` puts the signature on, `unmark`
 * takes it off and gives `{id, image}`, `look` only that. The drive's cache is emptied before and
 * behind a change. -EINVAL without the signature, -ENODEV without a swap area's, -EIO.
 */
const SIGNATURE = procedure("tuxonice_signature", [
  {
    name: "flush before",
    run: (kernel, vars) =>
      vars["op"] === "mark" ? ask("disk", "disk.flush", { by: kernel.name }) : next,
    then: (_kernel, _vars, answer) => orFail(resultOf(answer)),
  },
  {
    name: "read",
    run: (_kernel, vars) => moveHeader(vars, false),
    then: (_kernel, _vars, answer) => orFail(answer),
  },
  {
    name: "change",
    run(kernel, vars) {
      const start = (readAs(RUNS, vars["scratch"])[0]?.pfn ?? 0) * PAGE_BYTES;
      vars["start"] = start;
      const ranges = [{ start, length: PAGE_BYTES }];
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then(kernel, vars, _answer, access) {
      const page = access.writable(numberOf(vars["start"]), PAGE_BYTES);
      const wanted = vars["op"] === "mark" ? mark(kernel, vars, page) : unmark(vars, page);
      if (vars["op"] !== "mark") {
        const stored = textOf(vars["found"]);
        const result = wanted.do === "fail" ? -wanted.errno : 0;
        const found = TUXONICE_SIGNATURE;
        if (vars["op"] === "look") {
          kernel.fact("header_check", { what: "signature", stored, found, result });
        }
      }
      return wanted;
    },
  },
  {
    name: "write",
    run: (_kernel, vars) =>
      vars["op"] === "look"
        ? done({ id: textOf(vars["id"]), image: numberOf(vars["image"]) })
        : moveHeader(vars, true),
    then(kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      const device = partitionName(readAs(PLACE, vars["place"]).partition);
      const op = vars["op"] === "mark" ? "commit" : "invalidate";
      const id = textOf(vars["id"]);
      kernel.fact("image", { op, id, device, ...(op === "commit" ? { of: kernel.name } : {}) });
      return next;
    },
  },
  {
    name: "flush",
    run: (kernel) => ask("disk", "disk.flush", { by: kernel.name }),
    then(_kernel, vars, answer) {
      if (resultOf(answer) < 0) return fail(-resultOf(answer));
      return done({ id: textOf(vars["id"]), image: numberOf(vars["image"]) });
    },
  },
]);

/** Procedures of this file. */
export const TUXONICE_STORAGE_PROCEDURES: readonly Procedure[] = [MOVE, SIGNATURE];
