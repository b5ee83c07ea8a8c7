/**
 * Compression in user space, on as many processors as are online: what the RFC's author named as
 * the way to make up for the second boot (protocol.md H). Pages are copied into a buffer of the
 * process, compressed there, and written in pieces of 1 MiB; the time is the processors'.
 *
 * @module
 */
import {
  emitLzoHeader,
  emitLzoUnit,
  LZO_HEADER_BYTES,
  LZO_UNIT_BYTES,
  LZO_UNIT_BYTES_MAX,
} from "../../machine/formats/lzo_container.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { formatRuns, fromRuns, mergeRuns, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import type { Access } from "../../machine/access.ts";
import { ERRNO } from "../kernel/errno.ts";
import { pagePairsText } from "../kernel/image_pages.ts";
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
import {
  fieldOf,
  isError,
  listOf,
  plainRuns,
  RANGES,
  readAs,
  runRanges,
  RUNS,
} from "../kernel/values.ts";
import { firstBytes, framesFrom, gather, put } from "./page_buffer.ts";

/** Pages compressed at one time: 8 units. */
const BATCH_PAGES = 8 * LZO_UNIT_BYTES / PAGE_BYTES;
/** Bytes written at one time. */
const WRITE_BYTES = 1024 * 1024;
/** Room for what waits to be written and what a batch adds. */
const OUTPUT_PAGES = Math.ceil((WRITE_BYTES + 8 * LZO_UNIT_BYTES_MAX) / PAGE_BYTES);

/** Most bytes a file of so many has when it is compressed. */
export function compressedBound(bytes: number): number {
  return LZO_HEADER_BYTES + Math.ceil(bytes / LZO_UNIT_BYTES) * LZO_UNIT_BYTES_MAX;
}

/** Frames of the content from the page on at which it is, at most a batch. */
function batchFrames(vars: Vars): number[] {
  return framesFrom(readAs(RANGES, vars["pieces"]), numberOf(vars["page"]), BATCH_PAGES);
}

/** Bytes of the content that the batch has: the last page may be a part of one. */
function batchBytes(vars: Vars): number {
  const left = numberOf(vars["bytes"]) - numberOf(vars["page"]) * PAGE_BYTES;
  return Math.min(left, BATCH_PAGES * PAGE_BYTES);
}

function compressBatch(vars: Vars, access: Access): void {
  const input = runRanges(readAs(RUNS, vars["input"]));
  const output = runRanges(readAs(RUNS, vars["output"]));
  const content = gather(access, input, batchBytes(vars));
  for (let at = 0; at < content.length; at += LZO_UNIT_BYTES) {
    const unit = emitLzoUnit(content.subarray(at, at + LZO_UNIT_BYTES));
    put(access, output, numberOf(vars["fill"]), unit);
    vars["fill"] = numberOf(vars["fill"]) + unit.length;
  }
}

function sayPages(kernel: Kernel, vars: Vars): void {
  const { image } = vars;
  if (image === undefined) return;
  const from = Math.ceil(numberOf(fieldOf(image, "from")) / PAGE_BYTES);
  const first = numberOf(vars["page"]);
  const frames = batchFrames(vars).slice(Math.max(0, from - first));
  if (frames.length === 0) return;
  const of = fieldOf(image, "of");
  const fields = { op: "page", id: textOf(fieldOf(image, "id")) } as const;
  const runs = formatRuns(mergeRuns(frames.map((pfn) => ({ pfn, count: 1 }))));
  kernel.longFact("image", typeof of === "string" ? { ...fields, of } : fields, "runs", runs);
}

function ended(vars: Vars): boolean {
  return numberOf(vars["page"]) * PAGE_BYTES >= numberOf(vars["bytes"]);
}

function giveUp(kernel: Kernel, vars: Vars, errno: number): Next {
  for (const name of ["input", "output"]) {
    if (vars[name] !== undefined) kernel.release(readAs(RUNS, vars[name]));
  }
  return done(errno);
}

/**
 * `dump_compress {path, pieces, bytes, image?}`: compresses memory into a file that has room for
 * {@linkcode compressedBound}; gives `{bytes, sums}` or a negative errno.
 */
const COMPRESS = procedure("dump_compress", [
  {
    name: "buffers",
    run(kernel, vars) {
      const take = (pages: number) => kernel.allocate({ pages, flags: FRAME.user, owner: 0 });
      const input = take(BATCH_PAGES);
      const output = input === undefined ? undefined : take(OUTPUT_PAGES);
      if (input !== undefined) vars["input"] = plainRuns(input);
      if (output === undefined) return giveUp(kernel, vars, -ERRNO.ENOMEM);
      vars["output"] = plainRuns(output);
      Object.assign(vars, { page: 0, fill: LZO_HEADER_BYTES, written: 0, sums: [] });
      const ranges = runRanges(output);
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then(_kernel, vars, _answer, access) {
      const header = emitLzoHeader(numberOf(vars["bytes"]));
      put(access, runRanges(readAs(RUNS, vars["output"])), 0, header);
      return next;
    },
  },
  {
    name: "copy",
    run(kernel, vars) {
      const frames = batchFrames(vars);
      const targets = fromRuns(readAs(RUNS, vars["input"])).slice(0, frames.length);
      const pairs = pagePairsText(targets, frames);
      return ask("memory", "memory.copy", { by: kernel.name, pairs });
    },
  },
  {
    name: "processors",
    run: (kernel, vars) =>
      ask("cpu", "cpu.compute", {
        by: kernel.name,
        work: "compress",
        bytes: batchBytes(vars),
      }),
  },
  {
    name: "compress",
    run(kernel, vars) {
      const runs = [...readAs(RUNS, vars["input"]), ...readAs(RUNS, vars["output"])];
      return ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(runs),
        write: true,
      });
    },
    then(kernel, vars, _answer, access) {
      compressBatch(vars, access);
      sayPages(kernel, vars);
      vars["page"] = numberOf(vars["page"]) + BATCH_PAGES;
      return numberOf(vars["fill"]) < WRITE_BYTES && !ended(vars) ? goto("copy") : next;
    },
  },
  {
    name: "size",
    run(_kernel, vars) {
      vars["chunk"] = Math.min(numberOf(vars["fill"]), WRITE_BYTES);
      if (!ended(vars) || numberOf(vars["fill"]) > WRITE_BYTES) return goto("write");
      const size = numberOf(vars["written"]) + numberOf(vars["fill"]);
      return call("fs_change", { operation: "setSize", path: vars["path"] ?? "", size });
    },
    then: (kernel, vars, answer) => isError(answer) ? giveUp(kernel, vars, answer) : next,
  },
  {
    name: "write",
    run: (_kernel, vars) =>
      call("fs_write", {
        path: vars["path"] ?? "",
        offset: vars["written"] ?? 0,
        pieces: firstBytes(runRanges(readAs(RUNS, vars["output"])), numberOf(vars["chunk"])),
        sums: true,
      }),
    then(kernel, vars, answer) {
      if (isError(answer)) return giveUp(kernel, vars, answer);
      vars["sums"] = [...listOf(vars["sums"]), ...listOf(answer)];
      return next;
    },
  },
  {
    name: "move up",
    run(kernel, vars) {
      const ranges = runRanges(readAs(RUNS, vars["output"]));
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then(kernel, vars, _answer, access) {
      const chunk = numberOf(vars["chunk"]);
      const fill = numberOf(vars["fill"]);
      const output = runRanges(readAs(RUNS, vars["output"]));
      put(access, output, 0, gather(access, output, fill).subarray(chunk));
      vars["fill"] = fill - chunk;
      vars["written"] = numberOf(vars["written"]) + chunk;
      if (!ended(vars)) return goto("copy");
      if (fill > chunk) return goto("size");
      const bytes = numberOf(vars["written"]);
      giveUp(kernel, vars, 0);
      return done({ bytes, sums: vars["sums"] ?? [] });
    },
  },
]);

/** Procedures of this file. */
export const DUMP_COMPRESS_PROCEDURES: readonly Procedure[] = [COMPRESS];
