/**
 * Writing a piece of a partition, wherever it begins: what `dd of=/dev/sda6 bs=1 seek=N` does to
 * the one page in question. Pages are read, changed and written whole, past every file system, and
 * the drive's cache is emptied behind them, as at the closing of a block device.
 *
 * @module
 */
import { FRAME } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import { giveScratch, isMounted } from "../kernel/block_devices.ts";
import { ERRNO } from "../kernel/errno.ts";
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import { bytesOfText } from "../kernel/memory_files.ts";
import { ask, call, done, fail, next, type Procedure, procedure } from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { isError, plainRuns, readAs, runRanges, RUNS } from "../kernel/values.ts";

/** Moves the pages that the piece touches. */
function pages(vars: Vars, write: boolean) {
  return call("partition_pages", {
    place: vars["place"] ?? 0,
    page: Math.floor(numberOf(vars["position"]) / PAGE_BYTES),
    frames: vars["scratch"] ?? [],
    write,
  });
}

function takePages(kernel: Kernel, vars: Vars) {
  const from = numberOf(vars["position"]);
  const end = from + textOf(vars["data"]).length;
  const count = Math.ceil(end / PAGE_BYTES) - Math.floor(from / PAGE_BYTES);
  const request = { pages: count, flags: FRAME.kernel, owner: 0, contiguous: true };
  const runs = kernel.allocate(request);
  if (runs === undefined) return fail(ERRNO.ENOMEM);
  vars["scratch"] = plainRuns(runs);
  return next;
}

/** `device_patch {partition, position, data}`: 0; -EBUSY while mounted, -ENODEV, -EIO, -ENOMEM. */
const PATCH = procedure("device_patch", [
  {
    name: "place",
    run(kernel, vars) {
      const partition = numberOf(vars["partition"]);
      if (isMounted(kernel, partition)) return fail(ERRNO.EBUSY);
      return textOf(vars["data"]) === "" ? done(0) : call("partition_place", { partition });
    },
    then(_kernel, vars, answer) {
      vars["place"] = answer;
      return isError(answer) ? fail(-answer) : next;
    },
  },
  {
    name: "pages",
    run: takePages,
    undo(kernel, vars) {
      giveScratch(kernel, vars);
      return next;
    },
  },
  {
    name: "read",
    run: (_kernel, vars) => pages(vars, false),
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
  },
  {
    name: "change",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(readAs(RUNS, vars["scratch"])),
        write: true,
      }),
    then(_kernel, vars, _answer, access) {
      const [range] = runRanges(readAs(RUNS, vars["scratch"]));
      const inside = numberOf(vars["position"]) % PAGE_BYTES;
      access.write((range?.start ?? 0) + inside, bytesOfText(textOf(vars["data"])));
      return next;
    },
  },
  {
    name: "write",
    run: (_kernel, vars) => pages(vars, true),
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
  },
  {
    name: "flush",
    run: (kernel) => ask("disk", "disk.flush", { by: kernel.name }),
    then(kernel, vars) {
      giveScratch(kernel, vars);
      return done(0);
    },
  },
]);

/** Procedures of this file. */
export const DD_DEVICE_PROCEDURES: readonly Procedure[] = [PATCH];
