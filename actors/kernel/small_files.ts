/**
 * Files that are texts: written and read whole, through a few scratch pages.
 *
 * @module
 */
import { FRAME } from "../../machine/formats/mem_map.ts";
import { countPages, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { LIMITS } from "../../machine/limits.ts";
import { sha256 } from "../../machine/digest.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { makeFile } from "./make_file.ts";
import { bytesOfText, textOfBytes } from "./memory_files.ts";
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
  type Step,
} from "./procedure.ts";
import type { Vars } from "./state.ts";
import { SUM_BYTES } from "./transfer_plan.ts";
import { fieldOf, isError, plainRuns, readAs, runRanges, RUNS } from "./values.ts";

/** Bytes that pass through the scratch pages at one time. */
const SLICE_BYTES = LIMITS.grantBytes / 4;
/** Bytes of a text that is read unless the caller allows more. */
const READ_BYTES_MAX = SLICE_BYTES;
/** Bytes of the longest list of sums: that of a file of 16 GiB and more. */
const SUMS_BYTES_MAX = 40 * 1_048_576;

const encoder = new TextEncoder();

/** Takes scratch pages for a text of `vars.size` bytes; undone and at the end they are released. */
const SCRATCH: Step = {
  name: "scratch",
  run(kernel, vars) {
    const pages = Math.ceil(Math.min(SLICE_BYTES, numberOf(vars["size"])) / PAGE_BYTES);
    const runs = kernel.allocate({ pages, flags: FRAME.cache, owner: 0 });
    if (runs === undefined) return fail(ERRNO.ENOMEM);
    vars["scratch"] = plainRuns(runs);
    vars["at"] = 0;
    return next;
  },
  undo(kernel, vars) {
    kernel.release(readAs(RUNS, vars["scratch"]));
    return next;
  },
};

/** The bytes of `vars.text`: each character one, or as UTF-8. */
function bytesOf(vars: Vars): Uint8Array {
  const text = textOf(vars["text"]);
  return vars["bytes"] === true ? bytesOfText(text) : encoder.encode(text);
}

function acquireScratch(kernel: Kernel, vars: Vars, write: boolean) {
  return ask("memory", "memory.acquire", {
    by: kernel.name,
    ranges: runRanges(readAs(RUNS, vars["scratch"])),
    write,
  });
}

/** Bytes of the slice that is at hand. */
function sliceBytes(vars: Vars): number {
  return Math.min(SLICE_BYTES, numberOf(vars["size"]) - numberOf(vars["at"]));
}

/**
 * `fs_write_small {path, text, bytes?}`: creates or replaces a file; 0 or a negative errno. With
 * `bytes` each character of the text is a byte.
 */
const WRITE_SMALL = procedure("fs_write_small", [
  {
    name: "look",
    run(_kernel, vars) {
      vars["size"] = bytesOf(vars).length;
      return next;
    },
  },
  ...makeFile({ path: "path", size: (vars) => numberOf(vars["size"]) }),
  SCRATCH,
  {
    name: "fill",
    run(kernel, vars) {
      if (sliceBytes(vars) > 0) return acquireScratch(kernel, vars, true);
      kernel.release(readAs(RUNS, vars["scratch"]));
      return done(0);
    },
    then(_kernel, vars, _answer, access) {
      const from = numberOf(vars["at"]);
      const text = bytesOf(vars).subarray(from, from + sliceBytes(vars));
      let at = 0;
      for (const { start, length } of runRanges(readAs(RUNS, vars["scratch"]))) {
        const bytes = access.writable(start, length).fill(0);
        bytes.set(text.subarray(at, at + length));
        at += length;
      }
      return next;
    },
  },
  {
    name: "write",
    run(_kernel, vars) {
      const pages = Math.ceil(sliceBytes(vars) / PAGE_BYTES);
      let left = pages * PAGE_BYTES;
      const pieces = runRanges(readAs(RUNS, vars["scratch"])).flatMap(({ start, length }) => {
        const taken = Math.min(left, length);
        left -= taken;
        return taken === 0 ? [] : [{ start, length: taken }];
      });
      return call("fs_write", { path: vars["path"] ?? "", pieces, offset: numberOf(vars["at"]) });
    },
    then(_kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      vars["at"] = numberOf(vars["at"]) + sliceBytes(vars);
      return goto("fill");
    },
  },
]);

/**
 * `fs_read_small {path, limit?, bytes?}`: the text of a file of at most `limit` bytes (256 KiB), or
 * a negative errno: -EOVERFLOW if it is longer. Of a longer text with a higher limit, characters
 * beyond ASCII may be broken. With `bytes` each character of it is a byte.
 */
const READ_SMALL = procedure("fs_read_small", [
  {
    name: "look",
    run: (_kernel, vars) => call("fs_stat", { path: vars["path"] ?? "" }),
    then(_kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      if (fieldOf(answer, "kind") !== "file") return fail(ERRNO.EISDIR);
      vars["size"] = numberOf(fieldOf(answer, "size"));
      const limit = numberOf(vars["limit"] ?? READ_BYTES_MAX);
      return numberOf(vars["size"]) > limit ? fail(ERRNO.EOVERFLOW) : next;
    },
  },
  SCRATCH,
  {
    name: "read",
    run(kernel, vars) {
      vars["text"] ??= "";
      const length = sliceBytes(vars);
      if (length === 0) {
        kernel.release(readAs(RUNS, vars["scratch"]));
        return done(vars["text"]);
      }
      const offset = numberOf(vars["at"]);
      return call("fs_read", {
        path: vars["path"] ?? "",
        offset,
        length,
        runs: vars["scratch"] ?? [],
      });
    },
    then: (_kernel, _vars, answer) => orFail(answer),
  },
  {
    name: "take",
    run: (kernel, vars) => acquireScratch(kernel, vars, false),
    then(_kernel, vars, _answer, access) {
      const length = sliceBytes(vars);
      const runs = readAs(RUNS, vars["scratch"]);
      const bytes = new Uint8Array(countPages(runs) * PAGE_BYTES);
      let at = 0;
      for (const range of runRanges(runs)) {
        bytes.set(access.read(range.start, range.length), at);
        at += range.length;
      }
      const read = bytes.subarray(0, length);
      const more = vars["bytes"] === true ? textOfBytes(read) : new TextDecoder().decode(read);
      vars["text"] = textOf(vars["text"]) + more;
      vars["at"] = numberOf(vars["at"]) + length;
      return goto("read");
    },
  },
]);

/** The text of a list of sums: a line `offset sha256` for each 64 KiB of the file. */
export function emitSums(sums: readonly string[]): string {
  return sums.map((sum, index) => `${index * SUM_BYTES} ${sum}\n`).join("");
}

/** The sums of a text made by {@linkcode emitSums}, or `undefined` if it is not one. */
export function parseSums(text: string): string[] | undefined {
  const lines = text === "" ? [] : text.trimEnd().split("\n");
  const sums: string[] = [];
  for (const [index, line] of lines.entries()) {
    const sum = /^([0-9]+) ([0-9a-f]{64})$/.exec(line);
    if (sum === null || Number(sum[1]) !== index * SUM_BYTES) return undefined;
    sums.push(sum[2] ?? "");
  }
  return sums;
}

/**
 * `fs_read_sums {path}`: `{sums, digest}` of a list of sums as {@linkcode emitSums} makes it, for
 * `verify` of `fs_read`, with the SHA-256 of its text; or a negative errno: -EINVAL if it is none.
 */
const READ_SUMS = procedure("fs_read_sums", [
  {
    name: "read",
    run: (_kernel, vars) =>
      call("fs_read_small", { path: vars["path"] ?? "", limit: SUMS_BYTES_MAX }),
    then(_kernel, _vars, answer) {
      if (typeof answer !== "string") return done(answer);
      const sums = parseSums(answer);
      return sums === undefined ? done(-ERRNO.EINVAL) : done({ sums, digest: sha256(answer) });
    },
  },
]);

/** Procedures of this file. */
export const SMALL_FILE_PROCEDURES: readonly Procedure[] = [WRITE_SMALL, READ_SMALL, READ_SUMS];
