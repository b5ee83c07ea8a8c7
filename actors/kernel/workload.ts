/**
 * The work that a kernel has in its RAM: processes whose pages change by a stated function, so
 * that each can say at any time what each of its pages must hold.
 *
 * After `q` quanta page `i` of `n` has been written `floor(q / n)` times, once more if
 * `i < q mod n`. Its content is a mix of the process's seed, `i` and that number.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Access } from "../../machine/access.ts";
import { crc32, toHex } from "../../machine/digest.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import type { Range } from "../../machine/messages/declare.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf } from "./kernel_context.ts";
import { ask, done, fail, goto, next, type Procedure, procedure } from "./procedure.ts";
import type { Process, Vars } from "./state.ts";
import { listOf, runRanges } from "./values.ts";

/** Virtual time between two pages that a process writes. */
const QUANTUM_NS = 50_000_000;
/** Time after which it is looked again whether a process is between two pages. */
const LOOK_NS = 100_000;
/** Ranges filled or checked with one request: 32 MiB. */
const RANGES_MAX = 32;
/** Bad addresses a check names. */
const BAD_MAX = 16;

const PURPOSE = "heap";
const WORD_BYTES = 4;

/** A 32-bit mix of three numbers. */
function keyOf(seed: number, page: number, generation: number): number {
  let key = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(page + 1, 0xc2b2_ae35);
  key = Math.imul(key ^ (key >>> 15) ^ Math.imul(generation + 1, 0x27d4_eb2f), 0x1656_67b1);
  return key ^ (key >>> 13);
}

/** Fills a page with what it holds in a generation. */
export function fillPage(
  page: Uint8Array,
  seed: number,
  index: number,
  generation: number,
): void {
  const words = new Uint32Array(page.buffer, page.byteOffset, page.byteLength / WORD_BYTES);
  const key = keyOf(seed, index, generation);
  for (let at = 0; at < words.length; at++) {
    const mixed = Math.imul(key ^ at, 0x9e37_79b1);
    words[at] = mixed ^ (mixed >>> 15);
  }
}

/**
 * Whether a page of a process is one that stays zero: with `sparse` n, every n-th is, so that a
 * saver which leaves zero pages out gets as many gaps.
 */
export function isZeroPage(index: number, sparse: number): boolean {
  return sparse > 0 && index % sparse === sparse - 1;
}

/** Fills a page of a worker with what it holds in a generation. */
function fillHeapPage(page: Uint8Array, vars: Vars, index: number, generation: number): void {
  if (isZeroPage(index, numberOf(vars["sparse"] ?? 0))) page.fill(0);
  else fillPage(page, numberOf(vars["seed"]), index, generation);
}

/** Which generation a page is in after so many quanta. */
export function generationOf(index: number, pages: number, quanta: number): number {
  return Math.floor(quanta / pages) + (index < quanta % pages ? 1 : 0);
}

function heapOf(process: Process): readonly PageRun[] {
  return process.memory.find((area) => area.purpose === PURPOSE)?.runs ?? [];
}

/** Physical address of page `index` of runs. */
function addressOf(runs: readonly PageRun[], index: number): number {
  let left = index;
  for (const run of runs) {
    if (left < run.count) return (run.pfn + left) * PAGE_BYTES;
    left -= run.count;
  }
  throw new RangeError(`No page ${index} in the process`);
}

/** The ranges of the next request, from range `at` of the heap on. */
function someRanges(process: Process, vars: Vars): readonly Range[] {
  const at = numberOf(vars["range"] ?? 0);
  return runRanges(heapOf(process)).slice(at, at + RANGES_MAX);
}

/**
 * `worker {pages, seed, sparse?}`: a process that owns so many pages and writes one each 50 ms;
 * see {@linkcode isZeroPage}.
 */
const WORKER = procedure("worker", [
  {
    name: "allocate",
    run(kernel, vars) {
      const pages = numberOf(vars["pages"]);
      const owner = kernel.process.pid & 0xffff;
      const runs = kernel.allocate({ pages, flags: FRAME.user, owner });
      if (runs === undefined || pages === 0) return fail(ERRNO.ENOMEM);
      kernel.process.memory.push({ purpose: PURPOSE, runs });
      vars["page"] = 0;
      return next;
    },
  },
  {
    name: "fill",
    run(kernel, vars) {
      const ranges = someRanges(kernel.process, vars);
      if (ranges.length === 0) return goto("ready");
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then(kernel, vars, _answer, access) {
      let page = numberOf(vars["page"]);
      for (const { start, length } of someRanges(kernel.process, vars)) {
        const bytes = access.writable(start, length);
        for (let at = 0; at < length; at += PAGE_BYTES) {
          fillHeapPage(bytes.subarray(at, at + PAGE_BYTES), vars, page++, 0);
        }
      }
      vars["page"] = page;
      vars["range"] = numberOf(vars["range"] ?? 0) + RANGES_MAX;
      return goto("fill");
    },
  },
  {
    name: "ready",
    run(_kernel, vars) {
      vars["quanta"] = 0;
      vars["busy"] = false;
      vars["stopped"] = 0;
      return next;
    },
  },
  { name: "sleep", run: () => ask("rtc", "timer.arm", { delay_ns: QUANTUM_NS }) },
  {
    name: "write",
    run(kernel, vars) {
      if (numberOf(vars["stopped"]) > 0) return goto("sleep");
      const pages = numberOf(vars["pages"]);
      const quanta = numberOf(vars["quanta"]);
      const index = quanta % pages;
      const page = new Uint8Array(PAGE_BYTES);
      fillHeapPage(page, vars, index, Math.floor(quanta / pages) + 1);
      vars["busy"] = true;
      return ask("memory", "memory.write", {
        by: kernel.name,
        address: addressOf(heapOf(kernel.process), index),
        bytes: toHex(page),
      });
    },
    then(_kernel, vars) {
      vars["quanta"] = numberOf(vars["quanta"]) + 1;
      vars["busy"] = false;
      return goto("sleep");
    },
  },
]);

/** Variables of a worker that has filled its pages. */
function workerVars(process: Process | undefined): Vars | undefined {
  const frame = process?.frames.find((candidate) => candidate.procedure === "worker");
  return frame?.vars["quanta"] === undefined ? undefined : frame.vars;
}

/** Numbers of the processes that are workers, in order. */
export function workerPids(kernel: Kernel): number[] {
  return kernel.state.processes
    .filter((process) => process.frames.some((frame) => frame.procedure === "worker"))
    .map((process) => process.pid);
}

/** Whether a worker has its pages and works; `undefined` if there is no such process any more. */
export function isWorking(kernel: Kernel, pid: number): boolean | undefined {
  const process = kernel.task(pid);
  if (process === undefined || process.wait.kind === "exited") return undefined;
  return workerVars(process) !== undefined;
}

interface Worker {
  readonly process: Process;
  readonly vars: Vars;
}

function workerOf(kernel: Kernel, vars: Vars): Worker | undefined {
  const process = kernel.task(numberOf(vars["pid"]));
  const found = workerVars(process);
  return process === undefined || found === undefined ? undefined : { process, vars: found };
}

/** Compares some pages with what they must hold. */
function compare(worker: Worker, vars: Vars, access: Access): void {
  const pages = numberOf(worker.vars["pages"]);
  const quanta = numberOf(worker.vars["quanta"]);
  const expected = new Uint8Array(PAGE_BYTES);
  let page = numberOf(vars["page"] ?? 0);
  let wanted = numberOf(vars["expected"] ?? 0);
  let found = numberOf(vars["actual"] ?? 0);
  const bad: Plain[] = [...listOf(vars["bad"])];
  for (const { start, length } of someRanges(worker.process, vars)) {
    const bytes = access.read(start, length);
    for (let at = 0; at < length; at += PAGE_BYTES, page++) {
      fillHeapPage(expected, worker.vars, page, generationOf(page, pages, quanta));
      const actual = bytes.subarray(at, at + PAGE_BYTES);
      wanted = crc32(expected, wanted);
      found = crc32(actual, found);
      if (Buffer.compare(actual, expected) === 0 || bad.length >= BAD_MAX) continue;
      bad.push(start + at + actual.findIndex((byte, index) => byte !== expected[index]));
    }
  }
  Object.assign(vars, { page, expected: wanted, actual: found, bad });
  vars["range"] = numberOf(vars["range"] ?? 0) + RANGES_MAX;
}

function report(kernel: Kernel, worker: Worker, vars: Vars) {
  const hex = (value: Plain | undefined): string => numberOf(value ?? 0).toString(16);
  worker.vars["stopped"] = numberOf(worker.vars["stopped"]) - 1;
  kernel.fact("selftest", {
    what: "process",
    name: `${worker.process.name}/${worker.process.pid}`,
    expected: hex(vars["expected"]),
    actual: hex(vars["actual"]),
  });
  return done(listOf(vars["bad"]));
}

/**
 * `worker_check {pid}`: stops a worker, compares all its pages with what they must hold and says
 * so in a fact. Gives the physical addresses of the first byte that differs in each bad page, at
 * most 16, or -EINVAL if that is no worker that has filled its pages.
 */
const CHECK = procedure("worker_check", [
  {
    name: "stop",
    run(kernel, vars) {
      const worker = workerOf(kernel, vars);
      if (worker === undefined) return done(-ERRNO.EINVAL);
      if (worker.vars["busy"] === true) return ask("rtc", "timer.arm", { delay_ns: LOOK_NS });
      worker.vars["stopped"] = numberOf(worker.vars["stopped"]) + 1;
      return goto("compare");
    },
    then: () => goto("stop"),
  },
  {
    name: "compare",
    run(kernel, vars) {
      const worker = workerOf(kernel, vars);
      if (worker === undefined) return done(-ERRNO.EINVAL);
      const ranges = someRanges(worker.process, vars);
      if (ranges.length === 0) return report(kernel, worker, vars);
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: false });
    },
    then(kernel, vars, _answer, access) {
      const worker = workerOf(kernel, vars);
      if (worker === undefined) return done(-ERRNO.EINVAL);
      compare(worker, vars, access);
      return goto("compare");
    },
  },
]);

/** The addresses that `worker_check` gave. */
export function badAddresses(value: Plain): number[] {
  return listOf(value).map((address) => numberOf(address));
}

/** Procedures of this file. */
export const WORKLOAD_PROCEDURES: readonly Procedure[] = [WORKER, CHECK];
