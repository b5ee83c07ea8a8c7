/**
 * `dd if=FILE of=FILE [bs=BYTES] [skip=BLOCKS] [seek=BLOCKS] [count=BLOCKS]`: a part of a file or
 * of a partition, read block by block from where the reader wants it. That is how a reader who
 * does not begin at 0 and does not care for page borders looks to a file like /proc/kimgcore,
 * whose own read operation then is asked for each block (protocol.md B.3.1).
 *
 * What it copies goes through a terminal's file limit, 128 KiB; seek= is for partitions, of which
 * only what is written changes, and there is no conv=.
 *
 * @module
 */
import { FRAME } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { partitionOf } from "../kernel/block_devices.ts";
import { errnoText } from "../kernel/errno.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import { KIMGCORE } from "../kernel/kimgcore.ts";
import { textOfBytes } from "../kernel/memory_files.ts";
import { absolutePath } from "../kernel/mounts.ts";
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
import { SHELL_FILE_BYTES } from "../kernel/shell_files.ts";
import { firstPages } from "../kernel/swsusp_arch.ts";
import type { Vars } from "../kernel/state.ts";
import { fieldOf, isError, plainRuns, readAs, runRanges, RUNS } from "../kernel/values.ts";
import { failWith, wordsOf } from "./command_line.ts";
import { DD_DEVICE_PROCEDURES } from "./dd_device.ts";

const BLOCK_BYTES = 512;
const SECTOR_BYTES = 512;
const USAGE = "dd: usage: dd if=FILE of=FILE [bs=BYTES] [skip=BLOCKS] [seek=BLOCKS] [count=BLOCKS]";

/** Operands by name; `undefined` where one is none of dd's. */
function operandsOf(words: readonly string[]): Map<string, string> | undefined {
  const operands = new Map<string, string>();
  for (const word of words) {
    const [, name = "", value = ""] = /^(if|of|bs|skip|seek|count)=(.+)$/.exec(word) ?? [];
    if (name === "" || (!name.endsWith("f") && !/^\d{1,9}$/.test(value))) return undefined;
    operands.set(name, value);
  }
  return operands.has("if") && operands.has("of") ? operands : undefined;
}

/** Ends it with a message; an open image is closed. */
function failed(kernel: Kernel, vars: Vars, what: string, errno: number): Next {
  failWith(kernel, 1, `dd: ${what}: ${errnoText(errno)}`);
  vars["status"] = 1;
  return goto("close");
}

function isKimgcore(vars: Vars): boolean {
  return vars["from"] === KIMGCORE;
}

/** Where the next block begins in the file. */
function positionOf(vars: Vars): number {
  return numberOf(vars["at"]);
}

/** Bytes of the buffer before the block: a file is read from a page's beginning on. */
function slackOf(vars: Vars): number {
  return isKimgcore(vars) ? 0 : positionOf(vars) % PAGE_BYTES;
}

function begin(kernel: Kernel, vars: Vars): Next {
  const operands = operandsOf(wordsOf(vars).slice(1));
  const count = (name: string, otherwise: number): number =>
    Number(operands?.get(name) ?? otherwise);
  const blockBytes = count("bs", BLOCK_BYTES);
  if (operands === undefined || blockBytes === 0) return failWith(kernel, 1, USAGE);
  vars["from"] = absolutePath(kernel, operands.get("if") ?? "");
  vars["to"] = absolutePath(kernel, operands.get("of") ?? "");
  vars["bytes"] = blockBytes;
  vars["seek"] = count("seek", 0) * blockBytes;
  const target = partitionOf(textOf(vars["to"]));
  if (target === undefined && operands.has("seek")) return failWith(kernel, 1, USAGE);
  vars["at"] = count("skip", 0) * blockBytes;
  // One block more than fits says that there is too much.
  vars["left"] = Math.min(
    count("count", Infinity),
    Math.floor(SHELL_FILE_BYTES / blockBytes) + 1,
  );
  vars["data"] = "";
  vars["whole"] = 0;
  vars["partial"] = 0;
  vars["status"] = 0;
  return next;
}

/** Takes a block over; the end of the file shows in a short one. */
function take(kernel: Kernel, vars: Vars, block: string): Next {
  const size = numberOf(vars["bytes"]);
  const data = textOf(vars["data"]) + block;
  if (data.length > SHELL_FILE_BYTES) {
    failWith(kernel, 1, `dd: more than ${SHELL_FILE_BYTES} bytes; take a smaller count=`);
    vars["status"] = 1;
    return goto("close");
  }
  vars["data"] = data;
  vars["at"] = positionOf(vars) + block.length;
  vars["left"] = numberOf(vars["left"]) - 1;
  if (block.length === size) vars["whole"] = numberOf(vars["whole"]) + 1;
  else if (block.length > 0) vars["partial"] = numberOf(vars["partial"]) + 1;
  return block.length < size ? goto("close") : goto("read");
}

/** `program:dd {argv}`. */
const DD = procedure("program:dd", [
  { name: "operands", run: begin },
  {
    name: "open",
    run(_kernel, vars) {
      if (isKimgcore(vars)) return call("kimgcore_open");
      const partition = partitionOf(textOf(vars["from"]));
      if (partition !== undefined) return call("partition_place", { partition });
      return call("fs_stat", { path: vars["from"] ?? "" });
    },
    then(kernel, vars, answer) {
      if (isError(answer)) {
        const what = `dd: cannot open '${textOf(vars["from"])}': ${errnoText(answer)}`;
        return failWith(kernel, 1, what);
      }
      vars["opened"] = true;
      const sectors = fieldOf(answer, "sectorCount");
      if (typeof sectors === "number") vars["place"] = answer;
      vars["size"] = typeof sectors === "number"
        ? sectors * SECTOR_BYTES
        : fieldOf(answer, "size") ?? 0;
      return next;
    },
  },
  {
    name: "buffer",
    run(kernel, vars) {
      const pages = Math.ceil(numberOf(vars["bytes"]) / PAGE_BYTES) + 1;
      const { pid: owner } = kernel.process;
      const runs = kernel.allocate({ pages, flags: FRAME.user, owner });
      if (runs === undefined) return failed(kernel, vars, "no room for a block", -12);
      vars["buffer"] = plainRuns(runs);
      return next;
    },
  },
  {
    name: "read",
    run(_kernel, vars) {
      if (numberOf(vars["left"]) === 0) return goto("close");
      const runs = readAs(RUNS, vars["buffer"]);
      const at = positionOf(vars);
      const bytes = numberOf(vars["bytes"]);
      if (isKimgcore(vars)) {
        return call("kimgcore_read", { buffer: runRanges(runs), length: bytes, position: at });
      }
      const got = Math.max(0, Math.min(bytes, numberOf(vars["size"]) - at));
      vars["got"] = got;
      if (got === 0) return goto("close");
      const offset = at - slackOf(vars);
      const length = slackOf(vars) + got;
      const { place } = vars;
      if (place !== undefined) {
        const frames = plainRuns(firstPages(runs, Math.ceil(length / PAGE_BYTES)));
        return call("partition_pages", { place, page: offset / PAGE_BYTES, frames, write: false });
      }
      return call("fs_read", { path: vars["from"] ?? "", offset, length, runs: plainRuns(runs) });
    },
    then(kernel, vars, answer) {
      if (isError(answer)) {
        return failed(kernel, vars, `error reading '${textOf(vars["from"])}'`, answer);
      }
      if (isKimgcore(vars)) vars["got"] = answer;
      return numberOf(vars["got"]) === 0 ? goto("close") : next;
    },
  },
  {
    name: "block",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(readAs(RUNS, vars["buffer"])),
        write: false,
      }),
    then(kernel, vars, _answer, access) {
      const block = runRanges(readAs(RUNS, vars["buffer"])).map(({ start, length }) =>
        textOfBytes(access.read(start, length))
      ).join("");
      const slack = slackOf(vars);
      return take(kernel, vars, block.slice(slack, slack + numberOf(vars["got"])));
    },
  },
  {
    name: "close",
    run(kernel, vars) {
      if (vars["buffer"] !== undefined) kernel.release(readAs(RUNS, vars["buffer"]));
      return isKimgcore(vars) ? call("kimgcore_release") : next;
    },
  },
  {
    name: "write",
    run(_kernel, vars) {
      if (vars["status"] !== 0) return done(1);
      const data = vars["data"] ?? "";
      const partition = partitionOf(textOf(vars["to"]));
      if (partition === undefined) {
        return call("shell_write", { path: vars["to"] ?? "", data, append: false });
      }
      return call("device_patch", { partition, position: numberOf(vars["seek"]), data });
    },
    then(kernel, vars, answer) {
      if (isError(answer)) {
        const what = `dd: error writing '${textOf(vars["to"])}': ${errnoText(answer)}`;
        return failWith(kernel, 1, what);
      }
      const records = `${numberOf(vars["whole"])}+${numberOf(vars["partial"])} records`;
      kernel.complain(`${records} in`);
      kernel.complain(`${records} out`);
      kernel.complain(`${textOf(vars["data"]).length} bytes copied`);
      return done(0);
    },
  },
]);

/** Procedures of this file. */
export const DD_PROCEDURES: readonly Procedure[] = [DD, ...DD_DEVICE_PROCEDURES];
