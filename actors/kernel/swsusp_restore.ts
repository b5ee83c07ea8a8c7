/**
 * The last steps of a boot kernel (protocol.md B.5.7 step 6, B.5.8, B.5.9): devices quiet, other
 * processors off, temporary page tables, and the restore code. Where it succeeds nothing of this
 * kernel goes on; where a step before fails, the ladder is undone with RECOVER.
 *
 * @module
 */
import { cutRanges } from "../../machine/grant_ranges.ts";
import { toHex } from "../../machine/digest.ts";
import { PAGE_BYTES } from "../../machine/formats/page_runs.ts";
import {
  emitTables,
  type LargeMapping,
  largePageOf,
  RESTORE_IN_PLACE,
  TABLE_PAGES,
  textMapping2007,
} from "../../machine/formats/restore_tables.ts";
import { STAMP_KIND, stampProgram } from "../../machine/formats/stamp.ts";
import { layoutOf } from "./boot.ts";
import { ERRNO } from "./errno.ts";
import { type Kernel, numberOf, textOf } from "./kernel_context.ts";
import { ask, call, fail, goto, next, type Procedure, procedure, type Step } from "./procedure.ts";
import { consoleStep, failUp } from "./swsusp.ts";
import { safeFrames, sayLoaderPages } from "./swsusp_place.ts";
import { CPUS_OFF, INTERRUPTS_OFF, SYSCORE } from "./swsusp_snapshot.ts";
import { restoreCodePages, swsuspOf } from "./swsusp_state.ts";
import type { LoadedImage } from "./swsusp_types.ts";
import { fieldsOf, isError, NUMBERS, readAs } from "./values.ts";

/** What the restore code does, byte by byte: 1 tables, 2 flush, 3 copy, 4 jump. */
const RESTORE_BODY = new Uint8Array([1, 2, 3, 4]);

/** Whether the copying code is copied to a safe page first (6.1), or runs in its own (2007). */
function relocatesCode(kernel: Kernel): boolean {
  return kernel.profile.restoreRecord === "current";
}

function loadedOf(kernel: Kernel): LoadedImage {
  const { loaded } = swsuspOf(kernel);
  if (loaded === undefined) throw new Error(`Kernel ${kernel.name} has no image loaded`);
  return loaded;
}

/** The text that is mapped while the image is put in place. */
function temporaryMapping(kernel: Kernel): LargeMapping {
  const { jump, jumpPhysical } = loadedOf(kernel);
  return relocatesCode(kernel) ? largePageOf(BigInt(jump), jumpPhysical) : textMapping2007();
}

/** set_up_temporary_mappings: page tables in safe frames; -ENOMEM. */
const temporaryTables: readonly Step[] = [
  {
    name: "set_up_temporary_mappings",
    run: (kernel, vars) => {
      const pages = safeFrames(kernel, TABLE_PAGES);
      if (pages === undefined) return fail(ERRNO.ENOMEM);
      vars["tables"] = pages;
      const ranges = cutRanges(pages.map((start) => ({ start, length: PAGE_BYTES })));
      return ask("memory", "memory.acquire", { by: kernel.name, ranges, write: true });
    },
    then: (kernel, vars, _answer, access) => {
      const tables = emitTables(temporaryMapping(kernel), readAs(NUMBERS, vars["tables"]));
      for (const { address, bytes } of tables) access.write(address, bytes);
      return next;
    },
  },
];

/** The code that copies, in this kernel's text, and with 6.1 copied to a safe page. */
const restoreCode: readonly Step[] = [
  {
    name: "restore code",
    run: (kernel, vars) => {
      vars["code"] = restoreCodePages(kernel).restoreImage;
      return ask("memory", "memory.write", {
        by: kernel.name,
        address: numberOf(vars["code"]),
        bytes: toHex(stampProgram({
          kind: STAMP_KIND.restoreImage,
          version: kernel.profile.version,
          body: RESTORE_BODY,
          flags: relocatesCode(kernel) ? 0 : RESTORE_IN_PLACE,
        })),
      });
    },
  },
  {
    name: "relocate_restore_code",
    run: (kernel, vars) => {
      if (!relocatesCode(kernel)) return next;
      const [page] = safeFrames(kernel, 1) ?? [];
      if (page === undefined) return fail(ERRNO.ENOMEM);
      const from = numberOf(vars["code"]) / PAGE_BYTES;
      vars["code"] = page;
      const to = page / PAGE_BYTES;
      const pairs = `${to.toString(16)}:${from.toString(16)}+1`;
      return ask("memory", "memory.copy", { by: kernel.name, pairs });
    },
  },
];

/** `swsusp_arch_resume {}`: leaves for good; -ENOMEM. */
const archResume = procedure("swsusp_arch_resume", [
  ...temporaryTables,
  ...restoreCode,
  {
    name: "restore_image",
    run: (kernel, vars) => {
      const { list, jump, root } = loadedOf(kernel);
      const code = numberOf(vars["code"]);
      const [tables = 0] = readAs(NUMBERS, vars["tables"]);
      sayLoaderPages(kernel, code);
      kernel.state.label = "leaving";
      kernel.out.send("cpu", "cpu.run_restore", { code, list, tables, jump, root });
      return { do: "leave" };
    },
  },
]);

const suspendEnd: Step = {
  name: "dpm_suspend_end",
  run: () => call("dpm_suspend_end", { event: "QUIESCE", recover: "RECOVER" }),
  then: (_kernel, vars, answer) => isError(answer) ? failUp(vars, answer) : next,
  undo: () => call("dpm_resume_start", { event: "RECOVER" }),
};

const preRestore: Step = {
  name: "platform_pre_restore",
  run: (_kernel, vars) => vars["platform"] === true ? call("acpi_pre_restore") : next,
  then: (_kernel, vars, answer) => {
    if (!isError(answer)) return next;
    vars["error"] = answer;
    return goto("up");
  },
  undo: (_kernel, vars) => vars["platform"] === true ? call("acpi_restore_cleanup") : next,
};

/** From the processor's registers to the code that never comes back, or the way up. */
const lastSteps: readonly Step[] = [
  {
    name: "save_processor_state",
    run: (kernel) => ask("cpu", "cpu.save_context", { address: layoutOf(kernel).context }),
    then: (kernel, _vars, answer) => {
      kernel.fact("save", { what: "cpu", digest: textOf(fieldsOf(answer)["digest"]) });
      return next;
    },
  },
  {
    name: "swsusp_arch_resume",
    run: () => call("swsusp_arch_resume"),
    then: (_kernel, vars, answer) => {
      vars["error"] = answer;
      return next;
    },
  },
  { name: "swsusp_free", run: () => call("swsusp_free") },
  {
    name: "restore_processor_state",
    run: (kernel) =>
      ask("cpu", "cpu.restore_context", { address: layoutOf(kernel).context, reload_gdt: true }),
    then: (kernel, _vars, answer) => {
      kernel.fact("restore", { what: "cpu", digest: textOf(fieldsOf(answer)["digest"]) });
      return next;
    },
  },
  {
    name: "up",
    run: (_kernel, vars) => {
      const error = vars["error"];
      return fail(typeof error === "number" && error < 0 ? -error : ERRNO.EIO);
    },
  },
];

/** `resume_target_kernel {platform}`: returns only with an error. */
const targetKernel = procedure("resume_target_kernel", [
  suspendEnd,
  preRestore,
  CPUS_OFF,
  INTERRUPTS_OFF,
  SYSCORE,
  ...lastSteps,
]);

/** `hibernation_restore {platform}`: returns only with an error. */
const restore = procedure("hibernation_restore", [
  // The console is prepared already: by software_resume, whose work this is a part of.
  consoleStep("suspend", "resume"),
  {
    name: "dpm_suspend_start",
    run: () => call("dpm_suspend_start", { event: "QUIESCE" }),
    then: (_kernel, vars, answer) => {
      if (!isError(answer)) return next;
      vars["error"] = answer;
      return goto("up");
    },
    undo: () => call("dpm_resume_end", { event: "RECOVER" }),
  },
  {
    name: "resume_target_kernel",
    run: (_kernel, vars) => call("resume_target_kernel", { platform: vars["platform"] === true }),
    then: (_kernel, vars, answer) => {
      vars["error"] = answer;
      return next;
    },
  },
  {
    name: "up",
    run: (_kernel, vars) => {
      const error = vars["error"];
      return fail(typeof error === "number" && error < 0 ? -error : ERRNO.EIO);
    },
  },
]);

/** `load_image_and_restore {image}`: returns only with an error, and with nothing kept. */
const loadAndRestore = procedure("load_image_and_restore", [
  {
    name: "create_basic_memory_bitmaps",
    run: () => call("create_basic_memory_bitmaps"),
    then: (_kernel, _vars, answer) => isError(answer) ? fail(-answer) : next,
    undo: () => call("free_basic_memory_bitmaps"),
  },
  {
    name: "swsusp_read",
    run: (kernel, vars) => {
      kernel.print("PM: hibernation: Loading hibernation image.");
      return call("swsusp_load", { image: vars["image"] ?? 0 });
    },
    then: (_kernel, vars, answer) => {
      if (!isError(answer)) return next;
      vars["error"] = answer;
      return goto("failed");
    },
  },
  {
    name: "hibernation_restore",
    run: (_kernel, vars) => {
      const flags = fieldsOf(vars["image"] ?? 0)["flags"];
      const platform = typeof flags === "number" && (flags & 1) !== 0;
      return call("hibernation_restore", { platform });
    },
    then: (_kernel, vars, answer) => {
      vars["error"] = answer;
      return next;
    },
  },
  {
    name: "failed",
    run: (kernel) => {
      kernel.print("PM: hibernation: Failed to load image, recovering.");
      return call("swsusp_free");
    },
  },
  {
    name: "end",
    run: (_kernel, vars) => {
      const error = vars["error"];
      return fail(typeof error === "number" && error < 0 ? -error : ERRNO.EIO);
    },
  },
]);

/** Procedures of this file. */
export const SWSUSP_RESTORE_PROCEDURES: readonly Procedure[] = [
  archResume,
  targetKernel,
  restore,
  loadAndRestore,
];
