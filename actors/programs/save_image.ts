/**
 * save-image: the saving kernel's script (protocol.md B.4.3 step 6, DESIGN.md 3). The image is
 * valid from the moment its name is `dump.elf`; that name is given between two flushes.
 *
 * @module
 */
import { sha256 } from "../../machine/digest.ts";
import { DUMP_LEVEL } from "../../machine/formats/mem_map.ts";
import { formatRuns } from "../../machine/formats/page_runs.ts";
import { ERRNO } from "../kernel/errno.ts";
import { numberOf, textOf } from "../kernel/kernel_context.ts";
import { call, goto, next, type Procedure, procedure, type Step } from "../kernel/procedure.ts";
import { freshEntry, staleWarning } from "../kernel/kimgcore_peer.ts";
import { emitSums } from "../kernel/small_files.ts";
import type { Vars } from "../kernel/state.ts";
import { fieldOf, isError, listOf, readAs, RUNS } from "../kernel/values.ts";
import { abortingAt } from "./abort_step.ts";
import { failWith, reasonOf, wordsOf } from "./command_line.ts";
import { emitManifest, IMAGE_FILES, IMAGE_ROOT } from "./image_manifest.ts";
import { mountImageRoot } from "./image_root.ts";

/** Files of an earlier image, in the order they are removed: its valid name first. */
const STALE = [
  IMAGE_FILES.image,
  IMAGE_FILES.part,
  IMAGE_FILES.used,
  IMAGE_FILES.sums,
  IMAGE_FILES.manifest,
];

/** The jump-back entry on a kernel's command line, as text with `0x`. */
export function jumpBackEntry(commandLine: string): string | undefined {
  return /(?:^|\s)kexec_jump_back_entry=(0x[0-9a-f]+)(?=\s|$)/.exec(commandLine)?.[1];
}

/** The dump level asked for: `-d N`, or what the variable says, or free pages left out. */
function levelOf(vars: Vars): number {
  const words = wordsOf(vars);
  const at = words.indexOf("-d");
  const level = at < 0 ? vars["level"] : Number(words[at + 1]);
  return typeof level === "number" && Number.isInteger(level) && level >= 0 &&
      level <= DUMP_LEVEL.max
    ? level
    : DUMP_LEVEL.free;
}

const { abort, must } = abortingAt("remove", "Cannot");

function image(vars: Vars): { id: string; of?: string } {
  const id = textOf(fieldOf(vars["dump"], "id"));
  const of = fieldOf(vars["dump"], "of");
  return typeof of === "string" ? { id, of } : { id };
}

function sumsText(vars: Vars): string {
  return emitSums(listOf(fieldOf(vars["dump"], "sums")).map((sum) => textOf(sum)));
}

function manifestText(vars: Vars): string {
  const { dump } = vars;
  return emitManifest({
    version: 1,
    ...image(vars),
    entry: textOf(vars["entry"]),
    level: numberOf(vars["level"]),
    pages: numberOf(fieldOf(dump, "pages")),
    bytes: numberOf(fieldOf(dump, "bytes")),
    runs: formatRuns(readAs(RUNS, fieldOf(dump, "kept"))),
    sums: sha256(sumsText(vars)),
  });
}

const PREPARE: readonly Step[] = [
  {
    name: "entry",
    run(kernel, vars) {
      const entry = freshEntry(kernel);
      const stale = staleWarning(kernel);
      if (stale !== "") kernel.say(`save-image: ${stale}`);
      if (entry === undefined) {
        const message = "save-image: no kexec_jump_back_entry= on the command line";
        return failWith(kernel, 1, message);
      }
      vars["entry"] = entry;
      vars["level"] = levelOf(vars);
      return next;
    },
  },
  ...mountImageRoot("save-image"),
  {
    name: "remove stale",
    run(_kernel, vars) {
      const index = numberOf(vars["stale"] ?? 0);
      const path = STALE[index];
      if (path === undefined) return goto("sync removal");
      vars["stale"] = index + 1;
      return call("fs_change", { operation: "unlink", path });
    },
    then: (_kernel, vars, answer) =>
      isError(answer) && answer !== -ERRNO.ENOENT
        ? abort(vars, `Cannot remove an earlier image: ${reasonOf(answer)}`)
        : goto("remove stale"),
  },
  // Blocks of an earlier image are written to only when its name is off the medium.
  must("sync removal", "write back", () => call("fs_sync")),
];

const SAVE: readonly Step[] = [
  must(
    "write entry",
    "write the jump-back entry",
    (_kernel, vars) =>
      call("fs_write_small", { path: IMAGE_FILES.entry, text: `${textOf(vars["entry"])}\n` }),
  ),
  {
    name: "information file",
    run: () => call("fs_stat", { path: IMAGE_FILES.vmcoreinfo }),
    then(_kernel, vars, answer) {
      if (!isError(answer)) vars["infoFile"] = IMAGE_FILES.vmcoreinfo;
      return next;
    },
  },
  {
    name: "dump",
    run: (_kernel, vars) =>
      call("dump_write", {
        output: IMAGE_FILES.part,
        level: numberOf(vars["level"]),
        force: true,
        edit: true,
        compress: wordsOf(vars).includes("--compress"),
        sums: true,
        entry: vars["entry"] ?? "",
        ...(vars["infoFile"] === undefined ? {} : { infoFile: vars["infoFile"] }),
      }),
    then(kernel, vars, answer) {
      vars["dump"] = answer;
      if (fieldOf(answer, "status") === 0) return next;
      if (fieldOf(answer, "unknown") === true) {
        kernel.say("save-image: nothing says which pages are free: saving all of them");
        vars["level"] = 0;
        return goto("dump");
      }
      const lines = listOf(fieldOf(answer, "lines")).map((line) => textOf(line));
      for (const line of lines.slice(1)) kernel.say(line);
      return abort(vars, lines[0] ?? "makedumpfile failed");
    },
  },
  must(
    "write sums",
    "write the sums",
    (_kernel, vars) => call("fs_write_small", { path: IMAGE_FILES.sums, text: sumsText(vars) }),
  ),
  must(
    "write manifest",
    "write the manifest",
    (_kernel, vars) =>
      call("fs_write_small", { path: IMAGE_FILES.manifest, text: manifestText(vars) }),
  ),
  must("sync image", "write back", () => call("fs_sync")),
  must("rename", "name the image", () =>
    call("fs_change", {
      operation: "rename",
      path: IMAGE_FILES.part,
      to: IMAGE_FILES.image,
    })),
  must("commit", "write back", (kernel, vars) => {
    kernel.fact("image", {
      op: "commit",
      ...image(vars),
      digest: sha256(sumsText(vars)),
      bytes: numberOf(fieldOf(vars["dump"], "bytes")),
    });
    return call("fs_sync");
  }),
  {
    name: "power off",
    run(kernel, vars) {
      const pages = numberOf(fieldOf(vars["dump"], "pages"));
      kernel.say(`save-image: ${pages} pages saved in ${IMAGE_FILES.image}`);
      return call("fs_unmount", { path: IMAGE_ROOT });
    },
    then: () => goto("off"),
  },
  {
    name: "off",
    run: () => call("power_off"),
    then: (kernel) => failWith(kernel, 1, "save-image: the machine does not switch off"),
  },
];

/** What takes everything back: no image, whatever happened before. */
const TAKE_BACK: readonly Step[] = [
  {
    name: "remove",
    run: () => call("fs_change", { operation: "unlink", path: IMAGE_FILES.part }),
  },
  {
    name: "remove image",
    run: () => call("fs_change", { operation: "unlink", path: IMAGE_FILES.image }),
  },
  {
    name: "abort",
    run(kernel, vars) {
      const id = fieldOf(vars["dump"], "id");
      if (typeof id === "string") kernel.fact("image", { op: "abort", id });
      return call("fs_unmount", { path: IMAGE_ROOT });
    },
    then: (kernel, vars) => failWith(kernel, 1, `save-image: ${textOf(vars["message"])}`),
  },
];

/**
 * `program:save-image {argv}`: saves the kernel that jumped here and switches the machine off;
 * comes back, with 1, only if that failed, and then there is no image.
 */
const SAVE_IMAGE = procedure("program:save-image", [...PREPARE, ...SAVE, ...TAKE_BACK]);

/** Procedures of this file. */
export const SAVE_IMAGE_PROCEDURES: readonly Procedure[] = [SAVE_IMAGE];
