/**
 * Non-volatile storage of the firmware, kept over a hibernation in pages of the kernel that is
 * saved (protocol.md B.5.11, F85). The firmware makes it anew at each power-on; the image kernel
 * puts its own content back. `acpi_sleep=nonvs` leaves it alone.
 *
 * @module
 */
import { Sha256 } from "../../machine/digest.ts";
import type { Access } from "../../machine/access.ts";
import { FRAME } from "../../machine/formats/mem_map.ts";
import { countPages, fromRuns, type PageRun } from "../../machine/formats/page_runs.ts";
import { hardwareOf, transitionOf } from "./acpi_sleep.ts";
import { sleepOption } from "./acpi_sleep_hardware.ts";
import { ERRNO } from "./errno.ts";
import { pagePairsText } from "./image_pages.ts";
import type { Kernel } from "./kernel_context.ts";
import { ask, done, fail, next, type Procedure, procedure } from "./procedure.ts";
import { runRanges } from "./values.ts";

function digestOf(runs: readonly PageRun[], access: Access): string {
  const hash = new Sha256();
  for (const { start, length } of runRanges(runs)) hash.update(access.read(start, length));
  return hash.hex().slice(0, 16);
}

function copyText(to: readonly PageRun[], from: readonly PageRun[]): string {
  return pagePairsText(fromRuns(to), fromRuns(from));
}

/** The kernel's pages for it, in the order of the storage's. */
function pages(kernel: Kernel): readonly PageRun[] {
  return transitionOf(kernel).nvs;
}

const allocate = procedure("acpi_nvs_allocate", [
  {
    name: "pages",
    run: (kernel) => {
      const { nvs } = hardwareOf(kernel);
      const wanted = sleepOption(kernel.state.commandLine, "nonvs") ? 0 : countPages(nvs);
      const runs = kernel.allocate({
        pages: wanted,
        flags: FRAME.kernel,
        owner: 0,
        from: kernel.windowEndPfn(),
      });
      if (runs === undefined) return fail(ERRNO.ENOMEM);
      const transition = transitionOf(kernel);
      transition.nvs = runs;
      transition.nvsSaved = false;
      return done();
    },
  },
]);

const free = procedure("acpi_nvs_free", [
  {
    name: "pages",
    run: (kernel) => {
      const transition = transitionOf(kernel);
      kernel.release(transition.nvs);
      transition.nvs = [];
      transition.nvsSaved = false;
      return done();
    },
  },
]);

/** Copies the storage and says what was copied. */
const save = procedure("acpi_nvs_save", [
  {
    name: "copy",
    run: (kernel) => {
      if (pages(kernel).length === 0) return done();
      kernel.print("PM: Saving platform NVS memory");
      const pairs = copyText(pages(kernel), hardwareOf(kernel).nvs);
      return ask("memory", "memory.copy", { by: kernel.name, pairs });
    },
  },
  {
    name: "digest",
    run: (kernel) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(pages(kernel)),
        write: false,
      }),
    then: (kernel, _vars, _answer, access) => {
      kernel.fact("save", { what: "nvs", digest: digestOf(pages(kernel), access) });
      transitionOf(kernel).nvsSaved = true;
      return done();
    },
  },
]);

/** Puts the content back where it was saved, and says what stands there then. */
const restore = procedure("acpi_nvs_restore", [
  {
    name: "copy",
    run: (kernel) => {
      if (!transitionOf(kernel).nvsSaved) return done();
      kernel.print("PM: Restoring platform NVS memory");
      const pairs = copyText(hardwareOf(kernel).nvs, pages(kernel));
      return ask("memory", "memory.copy", { by: kernel.name, pairs });
    },
    then: () => next,
  },
  {
    name: "digest",
    run: (kernel) =>
      ask("memory", "memory.acquire", {
        by: kernel.name,
        ranges: runRanges(hardwareOf(kernel).nvs),
        write: false,
      }),
    then: (kernel, _vars, _answer, access) => {
      kernel.fact("restore", { what: "nvs", digest: digestOf(hardwareOf(kernel).nvs, access) });
      return done();
    },
  },
]);

/** Procedures of this file. */
export const ACPI_NVS_PROCEDURES: readonly Procedure[] = [allocate, free, save, restore];
