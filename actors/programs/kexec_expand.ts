/**
 * kexec reads compressed files, as the real tool does with gzip and xz: what it has read is
 * expanded into other pages of the process, on the processors that are online.
 *
 * @module
 */
import { FormatError } from "../../machine/errors.ts";
import {
  isLzoContainer,
  LZO_HEADER_BYTES,
  LZO_UNIT_BYTES,
  LZO_UNIT_BYTES_MAX,
  parseLzoHeader,
  readLzoUnit,
} from "../../machine/formats/lzo_container.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { fromRuns, mergeRuns, PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import type { Access } from "../../machine/access.ts";
import { ERRNO } from "../kernel/errno.ts";
import { type Kernel, numberOf } from "../kernel/kernel_context.ts";
import {
  ask,
  done,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
} from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { plainRuns, readAs, runRanges, RUNS } from "../kernel/values.ts";

/** Pages of compressed content looked at at one time: more than 7 units. */
const BATCH_PAGES = Math.ceil(8 * LZO_UNIT_BYTES_MAX / PAGE_BYTES);

function pagesOf(runs: readonly PageRun[], from: number, count: number): PageRun[] {
  return mergeRuns(fromRuns(runs).slice(from, from + count).map((pfn) => ({ pfn, count: 1 })));
}

/** Pages of the input that the next batch is in, and of the output it goes to. */
function windows(vars: Vars): { input: PageRun[]; output: PageRun[] } {
  const first = Math.floor(numberOf(vars["at"]) / PAGE_BYTES);
  return {
    input: pagesOf(readAs(RUNS, vars["runs"]), first, BATCH_PAGES),
    output: pagesOf(
      readAs(RUNS, vars["target"]),
      numberOf(vars["done"]) / PAGE_BYTES,
      8 * LZO_UNIT_BYTES / PAGE_BYTES,
    ),
  };
}

function bytesOf(access: Access, runs: readonly PageRun[]): Uint8Array {
  const ranges = runRanges(runs);
  const bytes = new Uint8Array(ranges.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const { start, length } of ranges) {
    bytes.set(access.read(start, length), at);
    at += length;
  }
  return bytes;
}

/** Expands whole units of the batch; false if not even one is there. */
function expandBatch(vars: Vars, access: Access): boolean {
  const { input, output } = windows(vars);
  const given = bytesOf(access, input);
  const size = numberOf(vars["size"]);
  const length = numberOf(vars["length"]);
  const start = numberOf(vars["at"]) - numberOf(vars["at"]) % PAGE_BYTES;
  const end = Math.min(given.length, size - start);
  const content: Uint8Array[] = [];
  while (content.length < 8 && numberOf(vars["done"]) < length) {
    const wanted = Math.min(LZO_UNIT_BYTES, length - numberOf(vars["done"]));
    const unit = readLzoUnit(given.subarray(numberOf(vars["at"]) - start, end), wanted);
    if (unit === undefined) break;
    content.push(unit.content);
    vars["at"] = numberOf(vars["at"]) + unit.fileBytes;
    vars["done"] = numberOf(vars["done"]) + wanted;
  }
  const all = new Uint8Array(content.reduce((sum, part) => sum + part.length, 0));
  content.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  let at = 0;
  for (const { start: place, length: room } of runRanges(output)) {
    const part = all.subarray(at, at + room);
    if (part.length > 0) access.writable(place, room).set(part);
    at += part.length;
  }
  return content.length > 0;
}

/** Ends with what was read where that is no compressed file, or no sound one. */
function asItIs(vars: Vars): Next {
  return done({ runs: vars["runs"] ?? [], size: vars["size"] ?? 0 });
}

/** Gives memory of the process back. */
function drop(kernel: Kernel, runs: readonly PageRun[]): void {
  const { process } = kernel;
  const wanted = JSON.stringify(plainRuns(runs));
  const index = process.memory.findIndex((area) => JSON.stringify(plainRuns(area.runs)) === wanted);
  if (index < 0) return;
  process.memory.splice(index, 1);
  kernel.release(runs);
}

/**
 * `kexec_expand {runs, size}`: `{runs, size}` of the expanded file, or of the same one where it is
 * not compressed; -ENOMEM without room, -EINVAL where it is damaged.
 */
const EXPAND = procedure("kexec_expand", [
  {
    name: "look",
    run(kernel, vars) {
      const ranges = runRanges(pagesOf(readAs(RUNS, vars["runs"]), 0, 1));
      if (numberOf(vars["size"]) < LZO_HEADER_BYTES) return asItIs(vars);
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then(kernel, vars, _answer, access) {
      const head = bytesOf(access, pagesOf(readAs(RUNS, vars["runs"]), 0, 1));
      if (!isLzoContainer(head)) return asItIs(vars);
      try {
        vars["length"] = parseLzoHeader(head);
      } catch (error) {
        if (error instanceof FormatError) return done(-ERRNO.EINVAL);
        throw error;
      }
      const pages = Math.ceil(numberOf(vars["length"]) / PAGE_BYTES);
      const target = kernel.allocate({ pages, flags: FRAME.user, owner: kernel.process.pid });
      if (target === undefined) return done(-ERRNO.ENOMEM);
      kernel.process.memory.push({ purpose: "expanded", runs: target });
      Object.assign(vars, { target: plainRuns(target), at: LZO_HEADER_BYTES, done: 0 });
      return next;
    },
  },
  {
    name: "processors",
    run(kernel, vars) {
      const left = numberOf(vars["length"]) - numberOf(vars["done"]);
      if (left <= 0) return goto("end");
      const bytes = Math.min(left, 8 * LZO_UNIT_BYTES);
      return ask("cpu", "cpu.compute", { by: kernel.name, work: "expand", bytes });
    },
  },
  {
    name: "expand",
    run(kernel, vars) {
      const { input, output } = windows(vars);
      const ranges = runRanges([...input, ...output]);
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then(_kernel, vars, _answer, access) {
      try {
        return expandBatch(vars, access) ? goto("processors") : done(-ERRNO.EINVAL);
      } catch (error) {
        if (error instanceof FormatError) return done(-ERRNO.EINVAL);
        throw error;
      }
    },
  },
  {
    name: "end",
    run(kernel, vars) {
      drop(kernel, readAs(RUNS, vars["runs"]));
      return done({ runs: vars["target"] ?? [], size: vars["length"] ?? 0 });
    },
  },
]);

/** Procedures of this file. */
export const KEXEC_EXPAND_PROCEDURES: readonly Procedure[] = [EXPAND];
