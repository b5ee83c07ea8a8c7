/**
 * TuxOnIce's resume (protocol.md B.6): header, page set 1, atomic restore; page set 2 is read by
 * the kernel that was restored. A booting kernel looks before anything is mounted, where its
 * command line says `resume=swap:DEVICE`; an image gets one attempt.
 *
 * @module
 */
import { toHex } from "../../machine/digest.ts";
import { FormatError } from "../../machine/errors.ts";
import { countPages, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import {
  parseTuxOnIceHeader,
  TUXONICE_HEADER_PAGES,
  type TuxOnIceHeader,
} from "../../machine/formats/tuxonice_header.ts";
import { giveScratch, partitionName, partitionOf, PLACE, takeScratch } from "./block_devices.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { readPages } from "./page_lists.ts";
import { ask, call, done, fail, type Next, next, type Procedure, procedure } from "./procedure.ts";
import type { Access } from "../../machine/access.ts";
import type { Vars } from "./state.ts";
import { resumeForbidden } from "./swsusp_state.ts";
import { deviceNumbers, tuxOnIceDevice } from "./tuxonice.ts";
import { runsIn, saySet } from "./tuxonice_sets.ts";
import { fieldOf, isError, plainRuns, readAs, runRanges } from "./values.ts";

function attempt(kernel: Kernel, fields: { noresume: boolean; read: boolean; result: number }) {
  kernel.fact("resume_attempt", { device: tuxOnIceDevice(kernel) ?? "none", ...fields });
}

function signature(vars: Vars, op: "look" | "unmark"): Next {
  const scratch = plainRuns(runsIn(vars, "scratch"));
  return call("tuxonice_signature", { place: vars["place"] ?? 0, scratch, op });
}

function takeHeader(kernel: Kernel, vars: Vars, header: TuxOnIceHeader): Next {
  const { partition } = readAs(PLACE, vars["place"]);
  if (header.device.join() !== deviceNumbers(partition).join()) {
    kernel.print("TuxOnIce: The image is of another device");
    return fail(ERRNO.EINVAL);
  }
  vars["record"] = toHex(header.record);
  vars["memoryPages"] = header.memoryPages;
  vars["saved"] = plainRuns(header.set1.frames);
  vars["storage"] = plainRuns(header.set1.storage);
  vars["cachePages"] = countPages(header.set2.frames);
  kernel.fact("image", {
    op: "check",
    id: textOf(vars["id"]),
    device: partitionName(partition),
  });
  return next;
}

function readHeader(kernel: Kernel, vars: Vars, access: Access): Next {
  try {
    const bytes = readPages(access, runsIn(vars, "scratch"));
    return takeHeader(kernel, vars, parseTuxOnIceHeader(bytes));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    kernel.print(`TuxOnIce: ${error.message}`);
    return fail(ERRNO.EINVAL);
  }
}

/** `tuxonice_load {}`: everything up to the restore; returns only with an error. */
const LOAD = procedure("tuxonice_load", [
  {
    name: "device",
    run(kernel) {
      const partition = partitionOf(tuxOnIceDevice(kernel) ?? "");
      return partition === undefined ? fail(ERRNO.ENODEV) : call("partition_place", { partition });
    },
    then(_kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      vars["place"] = answer;
      return next;
    },
  },
  takeScratch(TUXONICE_HEADER_PAGES),
  {
    name: "signature",
    run: (_kernel, vars) => signature(vars, "look"),
    then(_kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      vars["id"] = fieldOf(answer, "id") ?? "";
      vars["image"] = fieldOf(answer, "image") ?? 0;
      return next;
    },
  },
  {
    name: "read header",
    run(_kernel, vars) {
      const frames = plainRuns(runsIn(vars, "scratch"));
      const page = numberOf(vars["image"]);
      return call("partition_pages", { place: vars["place"] ?? 0, page, frames, write: false });
    },
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
  },
  {
    name: "header",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(runsIn(vars, "scratch")),
        write: false,
      }),
    then: (kernel, vars, _answer, access) => readHeader(kernel, vars, access),
  },
  {
    name: "one attempt",
    run: (_kernel, vars) => signature(vars, "unmark"),
    then(kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      attempt(kernel, { noresume: false, read: true, result: 0 });
      giveScratch(kernel, vars);
      vars["scratch"] = [];
      return next;
    },
  },
  {
    name: "check header",
    run: (_kernel, vars) =>
      call("swsusp_check_header", {
        id: textOf(vars["id"]),
        record: textOf(vars["record"]),
        memoryPages: numberOf(vars["memoryPages"]),
      }),
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
  },
  {
    name: "place",
    run: (_kernel, vars) =>
      call("swsusp_place", { id: textOf(vars["id"]), saved: vars["saved"] ?? [] }),
    then(kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      vars["frames"] = fieldOf(answer, "frames") ?? [];
      kernel.fact("image", {
        op: "load",
        id: textOf(vars["id"]),
        device: partitionName(readAs(PLACE, vars["place"]).partition),
        bytes: (countPages(runsIn(vars, "saved")) + numberOf(vars["cachePages"])) * PAGE_BYTES,
      });
      return next;
    },
    undo: () => call("swsusp_free"),
  },
  {
    name: "read page set 1",
    run: (_kernel, vars) =>
      call("tuxonice_move", {
        place: vars["place"] ?? 0,
        id: textOf(vars["id"]),
        frames: plainRuns(runsIn(vars, "frames")),
        storage: plainRuns(runsIn(vars, "storage")),
        saved: [],
        write: false,
      }),
    then(kernel, vars, answer) {
      if (isError(answer)) return fail(-answer);
      saySet(kernel, "1", "read", runsIn(vars, "saved"));
      return next;
    },
  },
  {
    name: "atomic restore",
    run: () => call("hibernation_restore", { platform: false }),
    then: (_kernel, _vars, answer) => fail(isError(answer) ? -answer : ERRNO.EIO),
  },
]);

/** `tuxonice_resume {}`: 0 or a negative errno, and the boot goes on; or it never returns. */
const RESUME = procedure("tuxonice_resume", [{
  name: "load",
  run(kernel) {
    if (!resumeForbidden(kernel)) return call("tuxonice_load");
    attempt(kernel, { noresume: true, read: false, result: 0 });
    return done(0);
  },
  then(kernel, _vars, answer) {
    const result = isError(answer) ? answer : 0;
    attempt(kernel, { noresume: false, read: result !== -ERRNO.ENODEV, result });
    kernel.print(`TuxOnIce: No image was restored (${result})`);
    return done(result);
  },
}]);

/** `boot_resume {}`: a booting kernel's look for an image, swsusp's or that of TuxOnIce. */
const BOOT = procedure("boot_resume", [{
  name: "look",
  run(kernel) {
    const other = kernel.profile.tuxOnIce && tuxOnIceDevice(kernel) !== undefined;
    return call(other ? "tuxonice_resume" : "software_resume");
  },
  then: (_kernel, _vars, answer) => done(answer),
}]);

/** Procedures of this file. */
export const TUXONICE_RESUME_PROCEDURES: readonly Procedure[] = [LOAD, RESUME, BOOT];
