/**
 * TuxOnIce's way to hibernate (protocol.md B.6), enough of it to stand beside the others: page set
 * 2 is written first, from where it stands; page set 1 is copied into its frames, and written; the
 * header comes last. Afterwards, cancelled or resumed, page set 2 is read again. Between copy and
 * reading nothing is synced: cached metadata has been overwritten (F99).
 *
 * It powers down plainly (S5); compression, S3 and S4 are left out.
 *
 * @module
 */
import { fromHex, sha256 } from "../../machine/digest.ts";
import { countPages, mergeRuns, PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import {
  emitTuxOnIceHeader,
  TUXONICE_HEADER_PAGES,
} from "../../machine/formats/tuxonice_header.ts";
import { partitionName, takeScratch } from "./block_devices.ts";
import { parameter } from "./boot.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { slicePages, writePages } from "./page_lists.ts";
import {
  type Answer,
  ask,
  call,
  fail,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
  type Step,
} from "./procedure.ts";
import type { SwapArea, Vars } from "./state.ts";
import { freeImagePages, swapAreaOf } from "./swap_areas.ts";
import {
  acquire,
  consoleStep,
  failUp,
  FREEZE_PROCESSES,
  LOCK_SYSTEM_SLEEP,
  notifiers,
} from "./swsusp.ts";
import { firstPages } from "./swsusp_arch.ts";
import { physicalPages } from "./swsusp_memory.ts";
import { swsuspOf } from "./swsusp_state.ts";
import { giveCacheToCopy, prepareImage, runsIn, saySet, takeCacheBack } from "./tuxonice_sets.ts";
import { isError, plainRuns, runRanges } from "./values.ts";

/** Major number of the one disk. */
const MAJOR = 8;

/** The storage's device, from `resume=swap:DEVICE`; `undefined` where nothing says so. */
export function tuxOnIceDevice(kernel: Kernel): string | undefined {
  const given = parameter(kernel.state.commandLine, "resume");
  return given?.startsWith("swap:") ? given.slice("swap:".length) : undefined;
}

/** Major and minor number, as a header has them. */
export function deviceNumbers(partition: number): readonly [number, number] {
  return [MAJOR, partition];
}

function areaOf(kernel: Kernel): SwapArea | undefined {
  return swapAreaOf(kernel, tuxOnIceDevice(kernel) ?? "");
}

function usedArea(kernel: Kernel): SwapArea {
  const area = areaOf(kernel);
  if (area === undefined) throw new TypeError("The swap area went away while an image is written");
  return area;
}

const DEVICE: Step = {
  name: "storage",
  run(kernel) {
    const device = tuxOnIceDevice(kernel);
    const area = areaOf(kernel);
    kernel.fact("image_device", {
      device: area === undefined ? device ?? "none" : partitionName(area.place.partition),
      kind: "swap",
      signature: area === undefined ? "" : "SWAPSPACE2",
      active: area !== undefined,
      mounted: false,
    });
    if (area !== undefined) return next;
    kernel.print("TuxOnIce: No storage: is the swap area of resume=swap: in use?");
    return fail(ERRNO.ENODEV);
  },
};

function step(name: string, down: string, up: string): Step {
  return {
    name,
    run: () => call(down),
    then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
    undo: () => call(up),
  };
}

/** Nobody runs, and what file systems have in memory is on the disk (B.6 step 1). */
const QUIESCE: readonly Step[] = [
  step("freeze filesystems", "tuxonice_freeze_filesystems", "tuxonice_thaw_filesystems"),
  FREEZE_PROCESSES,
  { name: "thaw filesystems", run: () => call("tuxonice_thaw_filesystems") },
  {
    name: "sync",
    run: () => call("fs_sync"),
    then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
  },
  {
    name: "freeze filesystems again",
    run: () => call("tuxonice_freeze_filesystems"),
    then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
  },
  step("freeze kernel threads", "freeze_kernel_threads", "thaw_kernel_threads"),
];

function prepare(kernel: Kernel, vars: Vars): Next {
  const prepared = prepareImage(kernel, usedArea(kernel));
  if (typeof prepared === "number") {
    kernel.print("TuxOnIce: Failed to prepare the image: not enough memory or storage");
    return failUp(vars, prepared);
  }
  for (const [name, runs] of Object.entries(prepared)) vars[name] = plainRuns(runs);
  const device = partitionName(usedArea(kernel).place.partition);
  const id = sha256(`${kernel.name} ${kernel.realMicroseconds()} ${kernel.out.now}`).slice(0, 16);
  vars["id"] = id;
  kernel.fact("image", { op: "begin", id, of: kernel.name, device });
  return next;
}

/** The image is given up, or was restored: its storage is free again. */
function unprepare(kernel: Kernel, vars: Vars): Next {
  const area = usedArea(kernel);
  const device = partitionName(area.place.partition);
  kernel.fact("swap_area", { device, op: "free", blocks: freeImagePages(area), result: 0 });
  if (vars["restored"] !== true) {
    kernel.fact("image", { op: "abort", id: textOf(vars["id"]), device });
  }
  return next;
}

function move(kernel: Kernel, vars: Vars, part: Vars, write: boolean): Next {
  const { place } = usedArea(kernel);
  const id = textOf(vars["id"]);
  return call("tuxonice_move", { place: { ...place }, id, write, ...part });
}

function moveSecond(kernel: Kernel, vars: Vars, write: boolean): Next {
  const cache = plainRuns(runsIn(vars, "cache"));
  const storage = plainRuns(runsIn(vars, "second"));
  return move(kernel, vars, { frames: cache, storage, saved: cache }, write);
}

/** Set 1: its frames, their copies, and as much of the storage as it takes. */
function firstSet(kernel: Kernel, vars: Vars) {
  const { saved, copies } = swsuspOf(kernel);
  const pages = countPages(saved);
  return {
    saved: plainRuns(saved),
    frames: plainRuns(firstPages(copies, pages)),
    storage: plainRuns(slicePages(runsIn(vars, "first"), 0, pages)),
  };
}

/** What happens to set 2 before the copy. */
const SECOND_SET: readonly Step[] = [
  {
    name: "write page set 2",
    run: (kernel, vars) => moveSecond(kernel, vars, true),
    then(kernel, vars, answer) {
      if (isError(answer)) return failUp(vars, answer);
      saySet(kernel, "2", "write", runsIn(vars, "cache"));
      return next;
    },
  },
  {
    name: "its frames take the copy",
    run(kernel, vars) {
      giveCacheToCopy(kernel, runsIn(vars, "cache"), runsIn(vars, "extra"));
      return next;
    },
    undo(kernel, vars) {
      takeCacheBack(kernel, mergeRuns(runsIn(vars, "cache")));
      return next;
    },
  },
];

/** The copy returned: for the first time, for the second one, or without having been made. */
function whichReturn(kernel: Kernel, vars: Vars, answer: Answer): Next {
  if (isError(answer)) {
    vars["error"] = answer;
    return goto("end");
  }
  if (swsuspOf(kernel).inSuspend === 1) return next;
  vars["restored"] = true;
  saySet(kernel, "1", "restore", swsuspOf(kernel).saved);
  kernel.print("TuxOnIce: Image restored.");
  return goto("read page set 2");
}

/** Goes on to reading set 2 with an error, or to the next step. */
function orCancel(vars: Vars, answer: Answer): Next {
  if (!isError(answer)) return next;
  vars["error"] = answer;
  return goto("read page set 2");
}

const WRITE: readonly Step[] = [
  {
    name: "atomic copy",
    run: () => call("tuxonice_copy"),
    then: whichReturn,
  },
  {
    name: "write page set 1",
    run(kernel, vars) {
      const { saved, frames, storage } = firstSet(kernel, vars);
      if (countPages(storage) < countPages(saved)) return orCancel(vars, -ERRNO.ENOSPC);
      return move(kernel, vars, { saved, frames, storage }, true);
    },
    then(kernel, vars, answer) {
      const wanted = orCancel(vars, answer);
      if (wanted === next) saySet(kernel, "1", "write", swsuspOf(kernel).saved);
      return wanted;
    },
  },
  {
    name: "arch record",
    run: () => call("arch_hibernation_header_save"),
    then(_kernel, vars, answer) {
      vars["record"] = answer;
      return orCancel(vars, answer);
    },
  },
  {
    name: "header",
    run: (kernel, vars) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(runsIn(vars, "scratch")),
        write: true,
      }),
    then(kernel, vars, _answer, access) {
      const { saved, storage } = firstSet(kernel, vars);
      const header = emitTuxOnIceHeader({
        memoryPages: physicalPages(kernel),
        device: deviceNumbers(usedArea(kernel).place.partition),
        record: fromHex(textOf(vars["record"])),
        set2: { frames: runsIn(vars, "cache"), storage: runsIn(vars, "second") },
        set1: { frames: saved, storage },
      });
      writePages(access, runsIn(vars, "scratch"), header);
      return next;
    },
  },
  {
    name: "write header",
    run(kernel, vars) {
      const { place } = usedArea(kernel);
      const frames = plainRuns(runsIn(vars, "scratch"));
      const page = runsIn(vars, "header")[0]?.pfn ?? 0;
      return call("partition_pages", { place: { ...place }, page, frames, write: true });
    },
    then: (_kernel, vars, answer) => orCancel(vars, answer),
  },
  {
    name: "signature",
    run: (kernel, vars) => signature(kernel, vars, "mark"),
    then: (_kernel, vars, answer) => orCancel(vars, answer),
  },
];

function signature(kernel: Kernel, vars: Vars, op: "mark" | "unmark"): Next {
  return call("tuxonice_signature", {
    place: { ...usedArea(kernel).place },
    scratch: plainRuns(runsIn(vars, "scratch")),
    op,
    id: textOf(vars["id"]),
    image: runsIn(vars, "header")[0]?.pfn ?? 0,
  });
}

const POWER_DOWN: readonly Step[] = [
  {
    name: "power down",
    run(kernel, vars) {
      const pages = countPages(swsuspOf(kernel).saved) + countPages(runsIn(vars, "cache"));
      kernel.print(`TuxOnIce: Image of ${pages * (PAGE_BYTES / 1024)} KiB saved`);
      return call("kernel_power_off");
    },
    then(_kernel, vars, answer) {
      vars["error"] = isError(answer) ? answer : -ERRNO.EIO;
      return next;
    },
  },
  { name: "take the signature off", run: (kernel, vars) => signature(kernel, vars, "unmark") },
];

/** Set 2 is read again: behind a restore, and where all was called off after the copy. */
const RELOAD: readonly Step[] = [
  {
    name: "read page set 2",
    run: (kernel, vars) => moveSecond(kernel, vars, false),
    then(kernel, vars, answer) {
      if (isError(answer)) {
        kernel.print("TuxOnIce: Kernel panic - not syncing: page set 2 cannot be read");
        kernel.fact("panic", { reason: "page set 2 cannot be read" });
        kernel.state.label = "halted";
        kernel.out.send("cpu", "cpu.halt", { reason: "page set 2 cannot be read" });
        return { do: "leave" };
      }
      saySet(kernel, "2", "read", runsIn(vars, "cache"));
      return next;
    },
  },
  {
    name: "end",
    run(kernel, vars) {
      swsuspOf(kernel).inSuspend = 0;
      return fail(-numberOf(vars["error"] ?? 0));
    },
  },
];

/** `tuxonice_hibernate {}`: 0 in a kernel that was restored, or a negative errno. */
const HIBERNATE = procedure("tuxonice_hibernate", [
  {
    name: "patched in",
    run: (kernel) => kernel.profile.tuxOnIce ? next : fail(ERRNO.ENOSYS),
  },
  DEVICE,
  LOCK_SYSTEM_SLEEP,
  acquire("tuxonice"),
  consoleStep("prepare", "restore"),
  notifiers("PM_HIBERNATION_PREPARE", "PM_POST_HIBERNATION"),
  ...QUIESCE,
  takeScratch(TUXONICE_HEADER_PAGES),
  { name: "prepare image", run: prepare, undo: unprepare },
  {
    name: "state pages",
    run: () => call("reserve_state_pages"),
    then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
  },
  ...SECOND_SET,
  ...WRITE,
  ...POWER_DOWN,
  ...RELOAD,
]);

/** Procedures of this file. */
export const TUXONICE_PROCEDURES: readonly Procedure[] = [HIBERNATE];
