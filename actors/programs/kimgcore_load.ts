/**
 * What kexec does with an image of B before it loads it (protocol.md B.2.3 step 2): looks whether
 * the machine is still the one it was prepared for, and moves the data, which begin in the middle
 * of a page of the file, to where pages begin.
 *
 * @module
 */
import { type KimgcoreHeader, kimgcoreHeaderBytes } from "../../machine/formats/kimgcore.ts";
import {
  countPages,
  formatPairRuns,
  fromRuns,
  PAGE_BYTES,
  type PageRun,
  type PairRun,
} from "../../machine/formats/page_runs.ts";
import { errnoText } from "../kernel/errno.ts";
import type { UserSegment } from "../kernel/kexec_load.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import {
  configurationPath,
  difference,
  hardwareConfiguration,
  parseConfiguration,
} from "../kernel/kimgcore_hardware.ts";
import {
  ask,
  call,
  done,
  type Next,
  next,
  type Procedure,
  procedure,
} from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { isError, readAs, RUNS } from "../kernel/values.ts";
import { dies } from "./kexec_messages.ts";

const REBUILD = "rebuild it: load B, jump, let it come back, cp /proc/kimgcore";

function refuse(kernel: Kernel, vars: Vars, why: string): Next {
  return dies(kernel, 1, `kexec: ${textOf(vars["path"])}: ${why}; ${REBUILD}`);
}

/** Byte copies that move what stands `shift` bytes into the pages to their beginning. */
export function shiftDown(runs: readonly PageRun[], shift: number): PairRun[] {
  return runs.flatMap(({ pfn, count }, index): PairRun[] => {
    const start = pfn * PAGE_BYTES;
    const length = count * PAGE_BYTES;
    const following = runs[index + 1];
    const body = { destination: start, source: start + shift, count: length - shift };
    if (following === undefined) return [body];
    const source = following.pfn * PAGE_BYTES;
    return [body, { destination: start + length - shift, source, count: shift }];
  });
}

/** The segments of an image whose data were moved to the beginning of its pages. */
export function kimgcoreSegments(
  header: KimgcoreHeader,
  runs: readonly PageRun[],
): UserSegment[] {
  const pages = fromRuns(runs);
  let at = 0;
  return header.segments.map(({ mem, memsz }) => {
    const part = pages.slice(at, at + memsz / PAGE_BYTES);
    at += part.length;
    return { mem, memsz, bufsz: memsz, buffer: inOrder(part) };
  });
}

/** Joins neighbouring pages into runs without sorting them. */
export function inOrder(pages: readonly number[]): PageRun[] {
  const joined: { pfn: number; count: number }[] = [];
  for (const pfn of pages) {
    const last = joined.at(-1);
    if (last !== undefined && last.pfn + last.count === pfn) last.count++;
    else joined.push({ pfn, count: 1 });
  }
  return joined;
}

/** Whether a file of that length has all the data its header promises, or what is wrong. */
export function kimgcoreTruncation(header: KimgcoreHeader, size: number): string | undefined {
  const data = header.segments.reduce((sum, { memsz }) => sum + memsz, 0);
  const wanted = kimgcoreHeaderBytes(header.segments.length) + data;
  return size >= wanted ? undefined : `truncated: ${size} of ${wanted} bytes`;
}

/** `kimgcore_ready {path, runs, shift}`: 0 when it can be loaded, 1 with a message otherwise. */
const READY = procedure("kimgcore_ready", [
  {
    name: "configuration",
    run: (_kernel, vars) =>
      call("fs_read_small", { path: configurationPath(textOf(vars["path"])) }),
    then(kernel, vars, answer) {
      const path = configurationPath(textOf(vars["path"]));
      const found = hardwareConfiguration(kernel);
      kernel.fact("hardware", { at: "use", signature: found.signature, map: found.map });
      if (isError(answer)) {
        const why = `${path}: ${errnoText(answer)}: nothing says for which machine it was prepared`;
        return refuse(kernel, vars, why);
      }
      const prepared = parseConfiguration(textOf(answer));
      if (prepared === undefined) return refuse(kernel, vars, `${path} makes no sense`);
      const changed = difference(prepared, found);
      return changed === ""
        ? next
        : refuse(kernel, vars, `prepared for another machine (${changed})`);
    },
  },
  {
    name: "move",
    run(kernel, vars) {
      const runs = readAs(RUNS, vars["runs"]);
      if (countPages(runs) === 0) return next;
      const copies = shiftDown(runs, numberOf(vars["shift"]));
      return ask("memory", "memory.copy", { by: kernel.name, bytes: formatPairRuns(copies) });
    },
    then: () => done(),
  },
]);

/** Procedures of this file. */
export const KIMGCORE_LOAD_PROCEDURES: readonly Procedure[] = [READY];
