/**
 * Copying a file onto a mounted file system, a piece at a time through the process's memory.
 *
 * @module
 */
import { FRAME } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { ERRNO } from "./errno.ts";
import { numberOf } from "./kernel_context.ts";
import { makeFile } from "./make_file.ts";
import { call, done, fail, goto, next, orFail, type Procedure, procedure } from "./procedure.ts";
import type { Vars } from "./state.ts";
import { fieldOf, isError, plainRuns, readAs, runRanges, RUNS } from "./values.ts";

/** Bytes that are moved in one go. */
const SLICE_BYTES = 1_048_576;

/** Bytes of the slice that is at hand. */
function sliceBytes(vars: Vars): number {
  return Math.min(SLICE_BYTES, numberOf(vars["size"]) - numberOf(vars["at"]));
}

/** `file_copy {from, to}`: creates or replaces a file; 0 or a negative errno. */
const COPY = procedure("file_copy", [
  {
    name: "look",
    run: (_kernel, vars) => call("fs_stat", { path: vars["from"] ?? "" }),
    then(_kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      if (fieldOf(answer, "kind") !== "file") return fail(ERRNO.EISDIR);
      vars["size"] = numberOf(fieldOf(answer, "size"));
      vars["at"] = 0;
      return next;
    },
  },
  ...makeFile({ path: "to", size: (vars) => numberOf(vars["size"]) }),
  {
    name: "buffer",
    run(kernel, vars) {
      const pages = Math.ceil(Math.min(SLICE_BYTES, numberOf(vars["size"])) / PAGE_BYTES);
      const runs = kernel.allocate({ pages, flags: FRAME.user, owner: kernel.process.pid });
      if (runs === undefined) return fail(ERRNO.ENOMEM);
      vars["runs"] = plainRuns(runs);
      return next;
    },
    undo(kernel, vars) {
      kernel.release(readAs(RUNS, vars["runs"]));
      return next;
    },
  },
  {
    name: "read",
    run(kernel, vars) {
      const length = sliceBytes(vars);
      if (length > 0) {
        const { from = "", at = 0, runs = [] } = vars;
        return call("fs_read", { path: from, offset: at, length, runs });
      }
      kernel.release(readAs(RUNS, vars["runs"]));
      return done(0);
    },
    then: (_kernel, _vars, answer) => orFail(answer),
  },
  {
    name: "write",
    run(_kernel, vars) {
      let left = Math.ceil(sliceBytes(vars) / PAGE_BYTES) * PAGE_BYTES;
      const pieces = runRanges(readAs(RUNS, vars["runs"])).flatMap(({ start, length }) => {
        const taken = Math.min(left, length);
        left -= taken;
        return taken === 0 ? [] : [{ start, length: taken }];
      });
      return call("fs_write", { path: vars["to"] ?? "", pieces, offset: vars["at"] ?? 0 });
    },
    then(_kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      vars["at"] = numberOf(vars["at"]) + sliceBytes(vars);
      return goto("read");
    },
  },
]);

/** Procedures of this file. */
export const FILE_COPY_PROCEDURES: readonly Procedure[] = [COPY];
