/**
 * Reading and writing the content of files by path: page frames on one side, a file on a mounted
 * file system or (for reading) in the kernel's own memory on the other.
 *
 * @module
 */
import {
  countPages,
  formatPairRuns,
  PAGE_BYTES,
  type PageRun,
  type PairRun,
} from "../../machine/formats/page_runs.ts";
import type { Range } from "../../machine/messages/declare.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { deviceName, placeOf } from "./mounts.ts";
import {
  ask,
  call,
  done,
  fail,
  goto,
  next,
  orFail,
  type Procedure,
  procedure,
} from "./procedure.ts";
import type { Vars } from "./state.ts";
import { SUM_BYTES } from "./transfer_plan.ts";
import { EXTENTS, fieldOf, isError, listOf, plainExtents, RANGES, readAs, RUNS } from "./values.ts";

function pagesOfBytes(length: number): number {
  return Math.ceil(length / PAGE_BYTES);
}

/** The first pages of a list of runs. */
function firstPages(runs: readonly PageRun[], pages: number): PageRun[] {
  const first: PageRun[] = [];
  let left = pages;
  for (const run of runs) {
    const count = Math.min(left, run.count);
    if (count > 0) first.push({ pfn: run.pfn, count });
    left -= count;
  }
  return first;
}

/** Pairs target:source that copy pages `from` … of one list of runs to another. */
function copyPairs(to: readonly PageRun[], source: readonly PageRun[], from: number): PairRun[] {
  const pairs: PairRun[] = [];
  let skip = from;
  let sourceAt = 0;
  let used = 0;
  for (const target of to) {
    for (let done = 0; done < target.count;) {
      const run = source[sourceAt];
      if (run === undefined) return pairs;
      if (skip >= run.count - used) {
        skip -= run.count - used;
        sourceAt++;
        used = 0;
        continue;
      }
      used += skip;
      skip = 0;
      const count = Math.min(target.count - done, run.count - used);
      pairs.push({ destination: target.pfn + done, source: run.pfn + used, count });
      done += count;
      used += count;
    }
  }
  return pairs;
}

/** Checks what is asked for; 0 or a negative errno. */
function checkFile(kernel: Kernel, vars: Vars, length: number): number {
  const { stat = null } = vars;
  if (isError(stat)) return stat;
  if (fieldOf(stat, "kind") !== "file") return -ERRNO.EISDIR;
  const offset = numberOf(vars["offset"]);
  if (offset % PAGE_BYTES !== 0 || length < 0) return -ERRNO.EINVAL;
  const inMemory = fieldOf(stat, "runs") !== undefined;
  if (!inMemory && placeOf(kernel, textOf(vars["path"])) === undefined) return -ERRNO.ENOENT;
  return 0;
}

function lookAt(_kernel: Kernel, vars: Vars) {
  return call("fs_stat", { path: vars["path"] ?? "" });
}

function transferCall(
  kernel: Kernel,
  vars: Vars,
  job: { length: number; pieces: readonly Range[]; write: boolean; sums: boolean },
) {
  const place = placeOf(kernel, textOf(vars["path"]));
  if (place === undefined) return fail(ERRNO.ENOENT);
  const { verify, image } = vars;
  return call("fs_transfer", {
    job: {
      ...job,
      firstSector: place.volume.firstSector,
      offset: numberOf(vars["offset"]),
      size: numberOf(fieldOf(vars["stat"], "size")),
      extents: plainExtents(readAs(EXTENTS, fieldOf(vars["stat"], "extents"))),
    },
    ...(verify === undefined ? {} : { verify }),
    ...(image === undefined ? {} : { image }),
  });
}

function sayContent(kernel: Kernel, vars: Vars, fact: "fs_read" | "fs_write"): void {
  const path = textOf(vars["path"]);
  const place = placeOf(kernel, path);
  if (place !== undefined) kernel.fact(fact, { fs: deviceName(place.volume), path });
}

/** The ranges that pages of runs are, the last one whole. */
function piecesOf(runs: readonly PageRun[]): Range[] {
  return runs.map(({ pfn, count }) => ({ start: pfn * PAGE_BYTES, length: count * PAGE_BYTES }));
}

/**
 * `fs_read {path, offset, length, runs, verify?}`: bytes of a file into page frames; the rest of
 * the last page is zeros. Gives 0, with `verify` (the file's SHA-256 of each 64 KiB, from its
 * beginning) `{mismatches: [{fileOffset}, …]}` of what differs, or a negative errno: -EINVAL if the
 * file is shorter or `offset` is no multiple of 4096. A block that is read only in part is not
 * compared.
 */
const READ = procedure("fs_read", [
  {
    name: "stat",
    run: lookAt,
    then(kernel, vars, answer) {
      vars["stat"] = answer;
      const length = numberOf(vars["length"]);
      const wrong = checkFile(kernel, vars, length);
      if (wrong < 0) return done(wrong);
      const size = numberOf(fieldOf(answer, "size"));
      const pages = countPages(readAs(RUNS, vars["runs"]));
      const fits = numberOf(vars["offset"]) + length <= size && pagesOfBytes(length) <= pages;
      return fits ? next : done(-ERRNO.EINVAL);
    },
  },
  {
    name: "move",
    run(kernel, vars) {
      const length = numberOf(vars["length"]);
      if (length === 0) return done(0);
      const runs = firstPages(readAs(RUNS, vars["runs"]), pagesOfBytes(length));
      const source = fieldOf(vars["stat"], "runs");
      if (source === undefined) {
        sayContent(kernel, vars, "fs_read");
        const sums = vars["verify"] !== undefined;
        return transferCall(kernel, vars, { length, pieces: piecesOf(runs), write: false, sums });
      }
      const pairs = copyPairs(runs, readAs(RUNS, source), numberOf(vars["offset"]) / PAGE_BYTES);
      return ask("memory", "memory.copy", { by: kernel.name, pairs: formatPairRuns(pairs) });
    },
    then(_kernel, vars, answer) {
      if (isError(answer)) return done(answer);
      const differing = listOf(answer).map((entry): Plain => ({
        fileOffset: numberOf(listOf(entry)[0]) * SUM_BYTES,
      }));
      vars["value"] = vars["verify"] === undefined ? 0 : { mismatches: differing };
      return numberOf(vars["length"]) % PAGE_BYTES === 0 ? done(vars["value"]) : next;
    },
  },
  {
    name: "clear the tail",
    run(kernel, vars) {
      const length = numberOf(vars["length"]);
      const runs = firstPages(readAs(RUNS, vars["runs"]), pagesOfBytes(length));
      const last = runs.at(-1);
      if (last === undefined) return done(vars["value"] ?? 0);
      const start = (last.pfn + last.count - 1) * PAGE_BYTES + length % PAGE_BYTES;
      const end = (last.pfn + last.count) * PAGE_BYTES;
      vars["tail"] = { start, length: end - start };
      return ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: [{ start, length: end - start }],
        write: true,
      });
    },
    then(_kernel, vars, _answer, access) {
      const start = numberOf(fieldOf(vars["tail"], "start"));
      access.writable(start, numberOf(fieldOf(vars["tail"], "length"))).fill(0);
      return done(vars["value"] ?? 0);
    },
  },
]);

/**
 * `fs_write {path, pieces, offset, sums?, image?}`: physical memory to a file that has its size
 * already. `pieces` are page-aligned ranges, of whole pages but for the last, whose page is
 * written whole; what would go past the file's end is not written. Gives 0, with `sums` the
 * SHA-256 of each 64 KiB of the file that it covers, in order, or a negative errno. With `image`
 * `{id, of?, from}` it says which pages go into a memory image; `from` is the file offset where
 * that kernel's pages begin.
 */
const WRITE = procedure("fs_write", [
  {
    name: "stat",
    run: lookAt,
    then(kernel, vars, answer) {
      vars["stat"] = answer;
      const pieces = readAs(RANGES, vars["pieces"]);
      const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
      const room = numberOf(fieldOf(answer, "size") ?? 0) - numberOf(vars["offset"]);
      const wrong = checkFile(kernel, vars, room);
      if (wrong < 0) return done(wrong);
      if (fieldOf(answer, "runs") !== undefined) return done(-ERRNO.EINVAL);
      const whole = pieces.every(({ start, length }, index) =>
        start % PAGE_BYTES === 0 && (length % PAGE_BYTES === 0 || index === pieces.length - 1)
      );
      vars["length"] = Math.min(total, room);
      return whole ? next : done(-ERRNO.EINVAL);
    },
  },
  {
    name: "writable",
    run: (kernel, vars) =>
      placeOf(kernel, textOf(vars["path"]))?.volume.readOnly === true
        ? fail(ERRNO.EROFS)
        : goto("move"),
  },
  {
    name: "move",
    run(kernel, vars) {
      const length = numberOf(vars["length"]);
      if (length === 0) return done(vars["sums"] === true ? [] : 0);
      sayContent(kernel, vars, "fs_write");
      const pieces = readAs(RANGES, vars["pieces"]).map(({ start, length }) => ({
        start,
        length: pagesOfBytes(length) * PAGE_BYTES,
      }));
      return transferCall(kernel, vars, {
        length,
        pieces,
        write: true,
        sums: vars["sums"] === true,
      });
    },
    then(_kernel, vars, answer) {
      if (isError(answer)) return orFail(answer);
      if (vars["sums"] !== true) return done(0);
      return done(listOf(answer).map((entry) => textOf(listOf(entry)[1])));
    },
  },
]);

/** Procedures of this file. */
export const FILE_CONTENT_PROCEDURES: readonly Procedure[] = [READ, WRITE];
