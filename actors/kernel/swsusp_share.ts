/**
 * A kernel thread that carries image pages between frames and a swap area, one transfer after the
 * other; several of them work for one reader or writer.
 *
 * @module
 */
import { formatRuns, mergeRuns } from "../../machine/formats/page_runs.ts";
import { list } from "../../machine/messages/shape.ts";
import { partitionName, PLACE } from "./block_devices.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { call, done, goto, type Procedure, procedure } from "./procedure.ts";
import type { Vars } from "./state.ts";
import { PAGE_MOVE } from "./swsusp_stream.ts";
import { isError, listOf, plainRuns, readAs, RUNS } from "./values.ts";

const MOVES = list(PAGE_MOVE);

function sayPages(kernel: Kernel, vars: Vars): void {
  const saved = mergeRuns(readAs(RUNS, vars["saved"]));
  const fields = {
    op: "page",
    id: textOf(vars["id"]),
    of: kernel.name,
    device: partitionName(readAs(PLACE, vars["place"]).partition),
    bytes: numberOf(vars["bytes"]),
  } as const;
  if (saved.length === 0) kernel.fact("image", fields);
  else kernel.longFact("image", fields, "runs", formatRuns(saved));
}

/**
 * `swsusp_share {place, moves, write}`: 0 or a negative errno, which its parent waits for. Writing
 * also `{id, saved, bytes}`: what it says of the image when the pages are written.
 */
const SHARE = procedure("swsusp_share", [
  {
    name: "move",
    run(kernel, vars) {
      const [move] = readAs(MOVES, vars["moves"]);
      const write = vars["write"] === true;
      if (move === undefined) {
        if (write) sayPages(kernel, vars);
        return done(0);
      }
      const frames = plainRuns(move.frames);
      return call("partition_pages", { place: vars["place"] ?? 0, page: move.page, frames, write });
    },
    then(_kernel, vars, answer) {
      if (isError(answer)) return done(answer);
      vars["moves"] = [...listOf(vars["moves"])].slice(1);
      return goto("move");
    },
  },
]);

/** Procedures of this file. */
export const SWSUSP_SHARE_PROCEDURES: readonly Procedure[] = [SHARE];
