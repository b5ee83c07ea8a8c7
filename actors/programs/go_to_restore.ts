/**
 * The image on khdev back into memory (protocol.md B.2.4 step 2, B.7.3 row 4): read in its order,
 * its blocks of 64 KiB summed on the way, every page of it written through /dev/oldmem.
 *
 * @module
 */
import { sha256 } from "../../machine/digest.ts";
import type { Access } from "../../machine/access.ts";
import { digestOfSums, type KhdevHeader } from "../../machine/formats/khdev_header.ts";
import { PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import { ramRanges } from "../../machine/formats/e820.ts";
import { list, natural, record, type Shape } from "../../machine/messages/shape.ts";
import { FormatError } from "../../machine/errors.ts";
import {
  giveScratch,
  partitionName,
  type PartitionPlace,
  PLACE,
  takeScratch,
} from "../kernel/block_devices.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import {
  ask,
  call,
  done,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
} from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { isError, listOf, plainRuns, readAs, runRanges, RUNS } from "../kernel/values.ts";
import { reasonOf } from "./command_line.ts";
import { imageShape, planRestore, type RestorePiece } from "./krestore_plan.ts";

/** Pages of the buffer: 1 MiB, a whole number of blocks that are summed. */
const BUFFER_PAGES = 256;
const BUFFER_BYTES = BUFFER_PAGES * PAGE_BYTES;
const SUM_BYTES = 65_536;

const PIECES: Shape<readonly RestorePiece[]> = list(
  record({ offset: natural, target: natural, length: natural }),
);

function placeOf(vars: Vars): PartitionPlace {
  return readAs(PLACE, vars["place"]);
}

function bufferOf(vars: Vars): PageRun {
  return readAs(RUNS, vars["scratch"])[0] ?? { pfn: 0, count: 0 };
}

/** Bytes of the image in the buffer now. */
function chunkBytes(vars: Vars): number {
  return Math.min(BUFFER_BYTES, numberOf(vars["bytes"]) - numberOf(vars["at"]));
}

function ends(kernel: Kernel, vars: Vars, message: string): Next {
  giveScratch(kernel, vars);
  return done({ status: 1, message, written: vars["written"] === true });
}

/** `khdev_load_chunk {place, imageOffset, at, bytes, pfn}`: 0, or a negative errno. */
const loadChunk = procedure("khdev_load_chunk", [
  {
    name: "read",
    run: (_kernel, vars) =>
      call("partition_pages", {
        place: { ...placeOf(vars) },
        page: (numberOf(vars["imageOffset"]) + numberOf(vars["at"])) / PAGE_BYTES,
        frames: [{
          pfn: numberOf(vars["pfn"]),
          count: Math.ceil(numberOf(vars["bytes"]) / PAGE_BYTES),
        }],
        write: false,
      }),
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

function readNext(vars: Vars): Next {
  return call("khdev_load_chunk", {
    place: { ...placeOf(vars) },
    imageOffset: numberOf(vars["imageOffset"]),
    at: numberOf(vars["at"]),
    bytes: chunkBytes(vars),
    pfn: bufferOf(vars).pfn,
  });
}

/** Says what the image holds, and decides where it goes; or why it may not. */
function plan(kernel: Kernel, vars: Vars, access: Access): Next {
  const header = access.read(bufferOf(vars).pfn * PAGE_BYTES, chunkBytes(vars));
  const file = `/dev/${partitionName(placeOf(vars).partition)}`;
  try {
    const shape = imageShape(header);
    kernel.fact("image_ranges", {
      id: textOf(vars["id"]),
      ranges: shape.ranges,
      class: shape.class,
    });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return ends(kernel, vars, `${file}: ${error.message}`);
  }
  const planned = planRestore({
    command: { file, backup: undefined },
    header,
    fileBytes: numberOf(vars["bytes"]),
    arch: kernel.profile.arch,
    ownRam: ramRanges(kernel.state.map),
  });
  if (planned.kind === "refused") return ends(kernel, vars, planned.message);
  if (vars["only"] === "plan") {
    giveScratch(kernel, vars);
    return done({ status: 0, message: "", written: false });
  }
  vars["pieces"] = planned.pieces.map((piece) => ({ ...piece }));
  return next;
}

/** The sums of the blocks in the buffer, behind those of before. */
function sum(vars: Vars, access: Access): void {
  const bytes = access.read(bufferOf(vars).pfn * PAGE_BYTES, chunkBytes(vars));
  const sums = [...listOf(vars["sums"])];
  for (let at = 0; at < bytes.length; at += SUM_BYTES) {
    sums.push(sha256(bytes.subarray(at, Math.min(at + SUM_BYTES, bytes.length))));
  }
  vars["sums"] = sums;
  vars["written here"] = 0;
}

/** The next part of a piece that is in the buffer: its place in memory and in the buffer. */
function partHere(vars: Vars): { readonly target: number; readonly run: PageRun } | undefined {
  const from = numberOf(vars["at"]);
  const to = from + chunkBytes(vars);
  const skip = numberOf(vars["written here"]);
  const parts = readAs(PIECES, vars["pieces"]).flatMap(({ offset, target, length }) => {
    const start = Math.max(offset, from);
    const end = Math.min(offset + length, to);
    return start < end ? [{ start, end, target: target + start - offset }] : [];
  });
  const part = parts[skip];
  if (part === undefined) return undefined;
  const pfn = bufferOf(vars).pfn + (part.start - from) / PAGE_BYTES;
  return { target: part.target, run: { pfn, count: (part.end - part.start) / PAGE_BYTES } };
}

/**
 * `khdev_restore {place, imageOffset, bytes, id, only?}`: with `only: "plan"` it looks and writes
 * nothing. Gives `{status: 0, sha256}`, or `{status: 1, message, written}`; `written` says whether
 * memory was changed already.
 */
const restore = procedure("khdev_restore", [
  takeScratch(BUFFER_PAGES),
  {
    name: "first read",
    run: (_kernel, vars) => {
      vars["at"] = 0;
      vars["sums"] = [];
      return readNext(vars);
    },
    then: (kernel, vars, answer) =>
      isError(answer) ? ends(kernel, vars, `reading the image: ${reasonOf(answer)}`) : next,
  },
  {
    name: "plan",
    run: (kernel, vars) => {
      const ranges = runRanges([bufferOf(vars)]);
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then: (kernel, vars, _answer, access) => plan(kernel, vars, access),
  },
  {
    name: "sum",
    run: (kernel, vars) => {
      const ranges = runRanges([bufferOf(vars)]);
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then: (_kernel, vars, _answer, access) => {
      sum(vars, access);
      return next;
    },
  },
  {
    name: "write",
    run: (_kernel, vars) => {
      const part = partHere(vars);
      if (part === undefined) return next;
      return call("oldmem_write", {
        pfn: part.target / PAGE_BYTES,
        runs: plainRuns([part.run]),
      });
    },
    then: (kernel, vars, answer) => {
      if (isError(answer)) return ends(kernel, vars, `writing /dev/oldmem: ${reasonOf(answer)}`);
      vars["written"] = true;
      vars["written here"] = numberOf(vars["written here"]) + 1;
      return goto("write");
    },
  },
  {
    name: "read",
    run: (kernel, vars) => {
      vars["at"] = numberOf(vars["at"]) + chunkBytes(vars);
      if (chunkBytes(vars) > 0) return readNext(vars);
      giveScratch(kernel, vars);
      const sums = listOf(vars["sums"]).map((each) => textOf(each));
      return done({ status: 0, sha256: digestOfSums(sums) });
    },
    then: (kernel, vars, answer) =>
      isError(answer) ? ends(kernel, vars, `reading the image: ${reasonOf(answer)}`) : goto("sum"),
  },
]);

/** Variables of {@linkcode restore} for a header. */
export function restoreVars(place: PartitionPlace, header: KhdevHeader): Vars {
  return {
    place: { ...place },
    imageOffset: header.imageOffset,
    bytes: header.lengthBytes,
    id: header.id,
  };
}

/** Procedures of this file. */
export const KHDEV_RESTORE_PROCEDURES: readonly Procedure[] = [loadChunk, restore];
