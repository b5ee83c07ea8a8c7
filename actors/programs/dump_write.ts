/**
 * Writes a dump file from /proc/vmcore: what makedumpfile and the saving script both do.
 *
 * @module
 */
import { cutRanges } from "../../machine/grant_ranges.ts";
import type { Access } from "../../machine/access.ts";
import { DUMP_LEVEL, FRAME } from "../../machine/formats/mem_map.ts";
import {
  countPages,
  PAGE_BYTES,
  type PageRun,
  subtract,
  toRuns,
} from "../../machine/formats/page_runs.ts";
import type { Range } from "../../machine/messages/declare.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { ERRNO } from "../kernel/errno.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import { seconds } from "../kernel/mounts.ts";
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
import { fieldOf, isError, listOf, plainRuns, readAs, runRanges, RUNS } from "../kernel/values.ts";
import { sourceRanges, vmcoreOf } from "../kernel/vmcore.ts";
import { compressedBound } from "./dump_compress.ts";
import { cannotOpen, refuse, unknownPages, writeFailure } from "./dump_failures.ts";
import { countLeftOut, frameLimit, kdumpRuns, originalPages } from "./dump_kdump_plan.ts";
import {
  dumpHead,
  dumpInfo,
  type DumpPlan,
  isInputError,
  keptRuns,
  planCopy,
  planDump,
  tableFault,
  tableRanges,
  vmcoreRuns,
} from "./dump_plan.ts";
import { fitsRaw, rawJob } from "./dump_raw.ts";

/** Grants with which zero pages are looked for at one time: 16 MiB. */
const GRANTS_MAX = 16;

/** Ends with a file that is not whole, or with none. */
function cannotWrite(vars: Vars, errno: number, ...more: readonly string[]): Next {
  const reason = writeFailure(textOf(vars["output"]), errno);
  const lines = [reason, ...more, "makedumpfile Failed."];
  const begun = vars["begun"] === true ? imageOf(vars) : {};
  return done({ status: 1, lines, unknown: false, errno, ...begun });
}

/** What is said where a file was left that says of itself that it is not whole. */
const INCOMPLETE = "This is an incomplete dumpfile, but might analyzable.";

const vmcoreIn = (vars: Vars) => vmcoreOf(vars["vmcore"]);

function planOf(vars: Vars): DumpPlan {
  if (vars["copy"] === true) return planCopy(vmcoreIn(vars));
  return planDump(vmcoreIn(vars), readAs(RUNS, vars["kept"]), vars["edit"] === true);
}

function infoOf(vars: Vars) {
  const text = vars["infoText"];
  return dumpInfo(vmcoreIn(vars), typeof text === "string" ? text : undefined);
}

/** Decides from the notes how the table of frames is found. */
function findTable(vars: Vars): Next {
  const level = numberOf(vars["level"]);
  try {
    const info = infoOf(vars);
    if (info !== undefined) vars["of"] = info.kernelName;
    if (level <= DUMP_LEVEL.zero || vars["copy"] === true) {
      vars["kept"] = plainRuns(vmcoreRuns(vmcoreIn(vars), vars["edit"] === true));
      return goto("zero pages");
    }
    if (info === undefined) {
      return unknownPages(
        "/proc/vmcore doesn't contain vmcoreinfo.",
        "Specify '-x' option or '-i' option.",
      );
    }
    if (tableRanges(vmcoreIn(vars), info) !== undefined) return next;
    const at = info.memMapPhysical.toString(16);
    return unknownPages(`readmem: mem_map at 0x${at} is not in /proc/vmcore.`);
  } catch (error) {
    if (!isInputError(error)) throw error;
    return unknownPages(`read_vmcoreinfo: ${error.message}`);
  }
}

function tableOf(vars: Vars): Range[] {
  const info = infoOf(vars);
  return cutRanges((info && tableRanges(vmcoreIn(vars), info)) ?? []);
}

function classify(vars: Vars, access: Access): Next {
  const ranges = tableOf(vars);
  const table = new Uint8Array(ranges.reduce((sum, range) => sum + range.length, 0));
  let at = 0;
  for (const { start, length } of ranges) {
    table.set(access.read(start, length), at);
    at += length;
  }
  const info = infoOf(vars);
  const fault = info && tableFault(vmcoreIn(vars), table, info);
  if (info === undefined || fault !== undefined) {
    const place = `mem_map at 0x${info?.memMapPhysical.toString(16)}`;
    return unknownPages(`get_mem_map: ${place} is not this kernel's: ${fault}.`);
  }
  const level = numberOf(vars["level"]);
  vars["kept"] = plainRuns(keptRuns(vmcoreIn(vars), table, level, vars["edit"] === true));
  vars["leftOut"] = { ...countLeftOut(vmcoreIn(vars), table, level) };
  return next;
}

/** Whether it is to be a kdump-compressed file. */
function isKdump(vars: Vars): boolean {
  return vars["compression"] !== undefined;
}

/** What makedumpfile's report is made of. */
function countsOf(vars: Vars, zero: number) {
  const original = originalPages(vmcoreIn(vars), isKdump(vars));
  return { original, frames: frameLimit(vmcoreIn(vars)), zero, left: vars["leftOut"] ?? null };
}

/** The next kept runs in which zero pages are looked for, and the memory they are in. */
function zeroWindow(vars: Vars): { pages: PageRun[]; ranges: Range[] } {
  const vmcore = vmcoreIn(vars);
  const from = numberOf(vars["zeroFrom"] ?? 0);
  const pages: PageRun[] = [];
  const ranges: Range[] = [];
  for (const run of subtract(readAs(RUNS, vars["kept"]), [{ pfn: 0, count: from }])) {
    for (let at = run.pfn; at < run.pfn + run.count; at += 256) {
      if (ranges.length >= GRANTS_MAX) return { pages, ranges };
      const count = Math.min(256, run.pfn + run.count - at);
      pages.push({ pfn: at, count });
      ranges.push(...sourceRanges(vmcore, at * PAGE_BYTES, count * PAGE_BYTES) ?? []);
    }
  }
  return { pages, ranges };
}

function dropZeroPages(vars: Vars, access: Access): void {
  const vmcore = vmcoreIn(vars);
  const { pages } = zeroWindow(vars);
  const zero: number[] = [];
  for (const { pfn, count } of pages) {
    for (let at = pfn; at < pfn + count; at++) {
      const [source] = sourceRanges(vmcore, at * PAGE_BYTES, PAGE_BYTES) ?? [];
      if (source === undefined) continue;
      const page = access.read(source.start, source.length);
      const words = new Uint32Array(page.buffer, page.byteOffset, page.byteLength / 4);
      if (words.every((word) => word === 0)) zero.push(at);
    }
    vars["zeroFrom"] = pfn + count;
  }
  vars["zeroPages"] = numberOf(vars["zeroPages"] ?? 0) + zero.length;
  vars["kept"] = plainRuns(subtract(readAs(RUNS, vars["kept"]), toRuns(zero)));
}

function layOut(vars: Vars): Next {
  if (isKdump(vars)) {
    const runs = kdumpRuns(vmcoreIn(vars), readAs(RUNS, vars["kept"]));
    return runs.length > 0 ? next : refuse("No page of memory would be in the dump.");
  }
  try {
    const { layout, headBytes } = planOf(vars);
    if (layout.segments.length === 0) return refuse("No page of memory would be in the dump.");
    vars["bytes"] = layout.fileLength;
    vars["headBytes"] = headBytes;
    return next;
  } catch (error) {
    if (!isInputError(error)) throw error;
    return refuse(error.message);
  }
}

/** Frames whose content the dump has under another address: low memory that was backed up. */
function movedRuns({ layout }: DumpPlan): Plain {
  return layout.segments.filter(({ physical, source }) => physical !== source)
    .map(({ physical, source, length }) => ({
      pfn: source / PAGE_BYTES,
      physical: physical / PAGE_BYTES,
      count: length / PAGE_BYTES,
    }));
}

/** Name and kernel of the memory image, where the dump is to be one. */
function imageOf(vars: Vars): { id: string; of?: string } | undefined {
  const { entry, of } = vars;
  if (typeof entry !== "string") return undefined;
  return typeof of === "string" ? { id: `${of}@${entry}`, of } : { id: `previous@${entry}` };
}

function kdumpCall(kernel: Kernel, vars: Vars): Next {
  const { output, vmcore, kept, level, compression, infoText } = vars;
  return call("dump_kdump", {
    path: output ?? "",
    vmcore: vmcore ?? null,
    kept: kept ?? [],
    level: level ?? 0,
    compression: compression ?? 0,
    seconds: seconds(kernel),
    ...(infoText === undefined ? {} : { infoText }),
  });
}

/** Ends with a kdump file, or one that is not whole. */
function kdumpEnd(vars: Vars, answer: Plain): Next {
  if (isError(answer)) return cannotWrite(vars, answer);
  if (fieldOf(answer, "incomplete") === true) return cannotWrite(vars, -ERRNO.ENOSPC, INCOMPLETE);
  const counts = countsOf(vars, numberOf(fieldOf(answer, "zeroPages")));
  const { kept = [] } = vars;
  const bytes = fieldOf(answer, "bytes") ?? 0;
  return done({ status: 0, bytes, kept, counts, dataBytes: fieldOf(answer, "dataBytes") ?? 0 });
}

/**
 * `dump_write {output, level, copy?, edit?, compress?, compression?, infoFile?, force?, entry?,
 * sums?, raw?}`:
 * writes the pages of the previous kernel's memory that dump level `level` keeps (with `copy`,
 * /proc/vmcore as it is) into the file `output`; with `edit`, so that kexec can load it, with
 * `compress`, as an LZO container. With `entry`, the jump-back entry as text, the file is a memory
 * image and facts say so. With `raw`, a RAW_PLACE of dump_raw.ts, it goes to a partition without a
 * file system, and `output` is only its name in messages. With `compression`, the KDUMP_FLAG of
 * zlib, LZO or 0, it is a kdump-compressed file instead. Gives `{status: 0, pages, bytes, kept,
 * counts, dataBytes, sums}`, of an image with `id` and `of?`, or `{status: 1, lines, errno,
 * unknown, id?}` with what makedumpfile says; `unknown` is true if nothing says which pages are
 * free, `id` is there if the image was begun.
 */
const DUMP_WRITE = procedure("dump_write", [
  {
    name: "open",
    run: () => call("vmcore_open"),
    then(_kernel, vars, answer) {
      if (isError(answer)) return cannotOpen("/proc/vmcore", -ERRNO.ENOENT);
      vars["vmcore"] = answer;
      return next;
    },
  },
  {
    name: "information file",
    run: (_kernel, vars) =>
      vars["infoFile"] === undefined ? next : call("fs_read_small", { path: vars["infoFile"] }),
    then(_kernel, vars, answer) {
      if (isError(answer)) return cannotOpen(textOf(vars["infoFile"]), answer);
      vars["infoText"] = answer;
      return next;
    },
  },
  { name: "find table", run: (_kernel, vars) => findTable(vars) },
  {
    name: "table",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", { by: kernel.name, ranges: tableOf(vars), write: false }),
    then: (_kernel, vars, _answer, access) => classify(vars, access),
  },
  {
    name: "zero pages",
    run(kernel, vars) {
      // In a kdump file zero pages stay: they share one copy.
      const wanted = (numberOf(vars["level"]) & DUMP_LEVEL.zero) !== 0 && !isKdump(vars);
      if (!wanted) return goto("lay out");
      const { ranges } = zeroWindow(vars);
      if (ranges.length === 0) return goto("lay out");
      return ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: cutRanges(ranges),
        write: false,
      });
    },
    then(_kernel, vars, _answer, access) {
      dropZeroPages(vars, access);
      return goto("zero pages");
    },
  },
  { name: "lay out", run: (_kernel, vars) => layOut(vars) },
  {
    name: "existing file",
    run: (_kernel, vars) =>
      vars["raw"] === undefined ? call("fs_stat", { path: vars["output"] ?? "" }) : goto("create"),
    then(_kernel, vars, answer) {
      if (answer === -ERRNO.ENOENT) return goto("create");
      if (isError(answer)) return cannotWrite(vars, answer);
      if (vars["force"] === true) return next;
      const path = textOf(vars["output"]);
      return refuse(`open_dump_file: Can't open the dump file(${path}). File exists`);
    },
  },
  {
    name: "remove",
    run: (_kernel, vars) => call("fs_change", { operation: "unlink", path: vars["output"] ?? "" }),
    then: (_kernel, vars, answer) => isError(answer) ? cannotWrite(vars, answer) : next,
  },
  {
    name: "create",
    run(kernel, vars) {
      const image = imageOf(vars);
      if (image !== undefined) kernel.fact("image", { op: "begin", ...image });
      vars["begun"] = true;
      if (isKdump(vars)) return goto("kdump");
      if (vars["raw"] !== undefined) return fitsRaw(vars) ? next : cannotWrite(vars, -ERRNO.ENOSPC);
      return call("fs_change", {
        operation: "createFile",
        path: vars["output"] ?? "",
        size: vars["compress"] === true
          ? compressedBound(numberOf(vars["bytes"]))
          : numberOf(vars["bytes"]),
      });
    },
    then: (_kernel, vars, answer) => isError(answer) ? cannotWrite(vars, answer) : next,
  },
  {
    name: "kdump",
    run: (kernel, vars) => isKdump(vars) ? kdumpCall(kernel, vars) : goto("headers"),
    then: (_kernel, vars, answer) => kdumpEnd(vars, answer),
  },
  {
    name: "headers",
    run(kernel, vars) {
      const pages = numberOf(vars["headBytes"]) / PAGE_BYTES;
      const scratch = kernel.allocate({ pages, flags: FRAME.cache, owner: 0 });
      if (scratch === undefined) return cannotWrite(vars, -ERRNO.ENOMEM);
      vars["scratch"] = plainRuns(scratch);
      const ranges = runRanges(scratch);
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then(_kernel, vars, _answer, access) {
      const head = dumpHead(vmcoreIn(vars), planOf(vars));
      let at = 0;
      for (const { start, length } of runRanges(readAs(RUNS, vars["scratch"]))) {
        access.write(start, head.subarray(at, at + length));
        at += length;
      }
      return next;
    },
  },
  {
    name: "content",
    run(_kernel, vars) {
      const image = imageOf(vars);
      const from = numberOf(vars["headBytes"]);
      const pieces = [...runRanges(readAs(RUNS, vars["scratch"])), ...planOf(vars).pieces];
      const moved = movedRuns(planOf(vars));
      const named = image === undefined ? {} : { image: { ...image, from, moved } };
      if (vars["compress"] === true) {
        const path = vars["output"] ?? "";
        const plain = pieces.map(({ start, length }) => ({ start, length }));
        return call("dump_compress", { path, pieces: plain, bytes: vars["bytes"] ?? 0, ...named });
      }
      if (vars["raw"] !== undefined) {
        return call("fs_transfer", { job: rawJob(vars, pieces), ...named });
      }
      return call("fs_write", {
        path: vars["output"] ?? "",
        offset: 0,
        pieces,
        sums: vars["sums"] === true,
        ...named,
      });
    },
    then(kernel, vars, answer) {
      kernel.release(readAs(RUNS, vars["scratch"]));
      if (isError(answer)) return cannotWrite(vars, answer);
      const kept = readAs(RUNS, vars["kept"]);
      return done({
        status: 0,
        pages: countPages(kept),
        bytes: numberOf(fieldOf(answer, "bytes") ?? vars["bytes"]),
        kept: plainRuns(kept),
        counts: countsOf(vars, numberOf(vars["zeroPages"] ?? 0)),
        dataBytes: countPages(kept) * PAGE_BYTES,
        // A transfer past the file system gives its sums with their numbers.
        sums: listOf(fieldOf(answer, "sums") ?? answer).map((sum) =>
          Array.isArray(sum) ? sum[1] ?? "" : sum
        ),
        ...imageOf(vars),
      });
    },
  },
]);

/** Procedures of this file. */
export const DUMP_WRITE_PROCEDURES: readonly Procedure[] = [DUMP_WRITE];
