/**
 * `cp /proc/kimgcore FILE`: the last step of the preparation (protocol.md B.2.2 step 4, B.3.4
 * A.5). The image of B goes through a buffer of the process to a file, and beside it what
 * identifies the machine it was prepared on.
 *
 * @module
 */
import { makeFile } from "../kernel/make_file.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES, type PageRun } from "../../machine/formats/page_runs.ts";
import { ERRNO, errnoText } from "../kernel/errno.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import { HOLD_KIMGCORE, KIMGCORE } from "../kernel/kimgcore.ts";
import {
  configurationPath,
  emitConfiguration,
  hardwareConfiguration,
} from "../kernel/kimgcore_hardware.ts";
import {
  call,
  done,
  fail,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
  type Step,
} from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { isError, plainRuns, readAs, runRanges, RUNS } from "../kernel/values.ts";
import { failWith } from "./command_line.ts";

/** Pages of the buffer: 1 MiB, or what there is. */
const BUFFER_PAGES = 256;

/** Says what is wrong, in cp's words; what was taken is given up on the way out. */
function failed(kernel: Kernel, what: string, answer: number): Next {
  failWith(kernel, 1, `cp: ${what}: ${errnoText(answer)}`);
  return goto("fail");
}

const opened: Step = {
  ...HOLD_KIMGCORE,
  then: (kernel, _vars, answer) => {
    if (!isError(answer)) return next;
    const what = answer === -ERRNO.ENOENT && !kernel.profile.kimgcore
      ? `cp: cannot stat '${KIMGCORE}'`
      : `cp: cannot open '${KIMGCORE}' for reading`;
    return failWith(kernel, 1, `${what}: ${errnoText(answer)}`);
  },
};

const buffer: Step = {
  name: "buffer",
  run(kernel, vars) {
    const { pid } = kernel.process;
    const request = { flags: FRAME.user, owner: pid };
    const runs = kernel.allocate({ pages: BUFFER_PAGES, ...request }) ??
      kernel.allocate({ pages: 1, ...request });
    if (runs === undefined) return failed(kernel, `error reading '${KIMGCORE}'`, -ERRNO.ENOMEM);
    vars["buffer"] = plainRuns(runs);
    vars["at"] = 0;
    return next;
  },
  undo(kernel, vars) {
    kernel.release(readAs(RUNS, vars["buffer"]));
    return next;
  },
};

/** The first `length` bytes of the buffer's pages, whole pages. */
function pieces(vars: Vars) {
  let left = Math.ceil(numberOf(vars["got"]) / PAGE_BYTES) * PAGE_BYTES;
  return runRanges(readAs(RUNS, vars["buffer"])).flatMap(({ start, length }) => {
    const taken = Math.min(left, length);
    left -= taken;
    return taken === 0 ? [] : [{ start, length: taken }];
  });
}

function bufferBytes(runs: readonly PageRun[]): number {
  return runs.reduce((sum, { count }) => sum + count * PAGE_BYTES, 0);
}

function notePrepared(kernel: Kernel, vars: Vars) {
  const { signature, map, release } = hardwareConfiguration(kernel);
  kernel.fact("hardware", { at: "prepare", signature, map });
  return call("fs_write_small", {
    path: configurationPath(textOf(vars["to"])),
    text: emitConfiguration({ signature, map, release }),
  });
}

/** `kimgcore_copy {to}`: 0; anything else where it failed and has said so. */
const COPY = procedure("kimgcore_copy", [
  opened,
  buffer,
  ...makeFile({
    path: "to",
    size: () => 0,
    failed: (kernel, vars, error) =>
      failed(kernel, `cannot create regular file '${textOf(vars["to"])}'`, error),
  }),
  {
    name: "read",
    run(_kernel, vars) {
      const runs = readAs(RUNS, vars["buffer"]);
      const ranges = runs.map(({ pfn, count }) => ({
        start: pfn * PAGE_BYTES,
        length: count * PAGE_BYTES,
      }));
      return call("kimgcore_read", { buffer: ranges, length: bufferBytes(runs) });
    },
    then(kernel, vars, answer) {
      if (isError(answer)) return failed(kernel, `error reading '${KIMGCORE}'`, answer);
      vars["got"] = answer;
      return numberOf(answer) === 0 ? goto("close") : next;
    },
  },
  {
    name: "grow",
    run: (_kernel, vars) =>
      call("fs_change", {
        operation: "setSize",
        path: vars["to"] ?? "",
        size: numberOf(vars["at"]) + numberOf(vars["got"]),
      }),
    then: (kernel, vars, answer) =>
      isError(answer) ? failed(kernel, `error writing '${textOf(vars["to"])}'`, answer) : next,
  },
  {
    name: "write",
    run: (_kernel, vars) =>
      call("fs_write", { path: vars["to"] ?? "", offset: vars["at"] ?? 0, pieces: pieces(vars) }),
    then(kernel, vars, answer) {
      if (isError(answer)) return failed(kernel, `error writing '${textOf(vars["to"])}'`, answer);
      vars["at"] = numberOf(vars["at"]) + numberOf(vars["got"]);
      return goto("read");
    },
  },
  {
    name: "close",
    run: () => call("kimgcore_release"),
  },
  {
    name: "configuration",
    run: notePrepared,
    then(kernel, vars, answer) {
      kernel.release(readAs(RUNS, vars["buffer"]));
      if (!isError(answer)) return done(0);
      const path = configurationPath(textOf(vars["to"]));
      return failWith(kernel, 1, `cp: error writing '${path}': ${errnoText(answer)}`);
    },
  },
  { name: "fail", run: () => fail(ERRNO.EIO) },
]);

/** Procedures of this file. */
export const KIMGCORE_COPY_PROCEDURES: readonly Procedure[] = [COPY];
