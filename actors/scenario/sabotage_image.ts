/**
 * The sabotage table's entries about the image: what is in it, its commit, its one use.
 *
 * @module
 */
import type { Access } from "../../machine/access.ts";
import { DUMP_LEVEL, FRAME, FRAME_BYTES } from "../../machine/formats/mem_map.ts";
import { PAGE_BYTES, type PageRun, subtract, toRuns } from "../../machine/formats/page_runs.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { numberOf, textOf } from "../kernel/kernel_context.ts";
import { ask, call, goto, next, type Step } from "../kernel/procedure.ts";
import { grantsOf, plainRuns, readAs, RUNS } from "../kernel/values.ts";
import {
  afterwards,
  type Alteration,
  alterStep,
  alterSteps,
  both,
  type Sabotage,
  skipStep,
} from "./sabotage_tools.ts";

/** Steps in another order: the named ones go before another. */
function moveBefore(steps: readonly Step[], names: readonly string[], before: string): Step[] {
  const moved = steps.filter(({ name }) => names.includes(name));
  const rest = steps.filter(({ name }) => !names.includes(name));
  const at = rest.findIndex(({ name }) => name === before);
  return [...rest.slice(0, at), ...moved, ...rest.slice(at)];
}

/** Writing back asks the clock where it should have asked for a flush: nothing is flushed. */
function withoutFlush(procedure: string, k?: string): Alteration {
  return alterStep(procedure, "flush", (step) => ({
    ...step,
    run: (kernel, vars) =>
      k === undefined || kernel.name === k ? ask("rtc", "rtc.read", {}) : step.run(kernel, vars),
  }));
}

/** Frames with a flag in the page-frame table that an answer's grants cover. */
function framesWith(flag: number, answer: Plain, access: Access): PageRun[] {
  const found: number[] = [];
  let pfn = 0;
  for (const { start, length } of grantsOf(answer)) {
    const table = access.read(start, length);
    for (let at = 0; at < length; at += FRAME_BYTES) {
      if (((table[at] ?? 0) & flag) !== 0) found.push(pfn);
      pfn++;
    }
  }
  return toRuns(found);
}

const dropPages = (pages: (answer: Plain, access: Access) => PageRun[]): Alteration =>
  alterStep("dump_write", "table", (step) =>
    afterwards(step, (_kernel, vars, answer, access) => {
      const kept = readAs(RUNS, vars["kept"]);
      vars["kept"] = plainRuns(subtract(kept, pages(answer, access)));
    }));

/** Entries about the image. */
export const IMAGE_SABOTAGE: readonly Sabotage[] = [
  {
    name: "one page not saved",
    says: "The saver leaves out the page behind A's page-frame table.",
    rules: ["F23", "F46", "F47"],
    make: () => ({
      procedures: dropPages((answer) => {
        const last = grantsOf(answer).at(-1);
        const end = (last?.start ?? 0) + (last?.length ?? 0);
        return [{ pfn: Math.ceil(end / PAGE_BYTES), count: 1 }];
      }),
    }),
  },
  {
    name: "used pages taken for free",
    says: "The filter for free pages leaves out those of processes too.",
    rules: ["F23", "F46", "F47"],
    run: { processPages: 2000 },
    make: () => ({
      procedures: alterStep("program:save-image", "entry", (step) => ({
        ...step,
        run(kernel, vars) {
          const wanted = step.run(kernel, vars);
          vars["level"] = numberOf(vars["level"]) | DUMP_LEVEL.user;
          return wanted;
        },
      })),
    }),
  },
  {
    name: "window not saved",
    says: "The saver takes the pages of A's loaded image for nobody's and leaves them out.",
    rules: ["F23", "F50"],
    make: () => ({
      procedures: dropPages((answer, access) => framesWith(FRAME.kimage, answer, access)),
    }),
  },
  {
    name: "wrong jump-back entry",
    says: "The saver writes down another address than the one that A left on the stack.",
    rules: ["F25", "F97"],
    make: () => ({
      procedures: alterStep("program:save-image", "entry", (step) => ({
        ...step,
        run(kernel, vars) {
          const wanted = step.run(kernel, vars);
          vars["entry"] = `0x${(Number(textOf(vars["entry"])) + 0x40).toString(16)}`;
          return wanted;
        },
      })),
    }),
  },
  {
    name: "flush lost",
    says: "Writing back does not flush the disk's cache.",
    rules: ["F52", "F53"],
    make: () => ({ procedures: both(withoutFlush("fs_sync"), withoutFlush("fs_unmount")) }),
  },
  {
    name: "invalidation not flushed",
    says: "The resuming kernel leaves the image's invalidation in the disk's cache.",
    rules: ["F60"],
    make: () => ({
      procedures: both(withoutFlush("fs_sync", "C"), withoutFlush("fs_unmount", "C")),
    }),
  },
  {
    name: "commit before the flush",
    says: "The image gets its name before its pages are on the medium.",
    rules: ["F52"],
    make: () => ({
      procedures: alterSteps(
        "program:save-image",
        (steps) =>
          moveBefore(steps, ["rename", "commit"], "write sums")
            .filter(({ name }) => name !== "sync image"),
      ),
    }),
  },
  {
    name: "off without a commit",
    says: "The machine is switched off before the image has its name.",
    rules: ["F53"],
    make: () => ({
      procedures: both(
        skipStep("program:save-image", "rename"),
        skipStep("program:save-image", "commit"),
      ),
    }),
  },
  {
    name: "image used twice",
    says: "The image stays valid after a resume, and is resumed once more.",
    rules: ["F60", "F61"],
    run: { again: true },
    make: () => ({
      procedures: alterStep("program:restore-image", "invalidate", ({ name }) => ({
        name,
        run: () => goto("unmount"),
      })),
    }),
  },
  {
    name: "C mounts A's root",
    says: "The resuming kernel mounts the file system that A has mounted.",
    rules: ["F58", "F59"],
    make: () => ({
      procedures: alterSteps("program:restore-image", (steps) => [
        {
          name: "root",
          run: () => call("fs_mount", { path: "/a", partition: 2, readOnly: false }),
          then: () => next,
        },
        ...steps,
      ]),
    }),
  },
  {
    name: "S4 told to the firmware",
    says: "The firmware is told to prepare for S4 where the machine is just switched off.",
    rules: ["F87"],
    make: () => ({
      procedures: alterStep("power_off", "_PTS", ({ name }) => ({
        name,
        run: (kernel) =>
          ask("firmware", "acpi.evaluate", { by: kernel.name, method: "_PTS", argument: 4 }),
      })),
    }),
  },
];
