/**
 * restore-image: the resuming kernel's script (protocol.md B.4.3 step 7, DESIGN.md 3). The image
 * is invalidated, and that is on the medium, before control goes to the kernel in it.
 *
 * @module
 */
import { type Kernel, numberOf, textOf } from "../kernel/kernel_context.ts";
import {
  call,
  done,
  goto,
  type Next,
  next,
  type Procedure,
  procedure,
  type Step,
} from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { fieldOf, isError } from "../kernel/values.ts";
import { failWith, reasonOf, wordsOf } from "./command_line.ts";
import { IMAGE_FILES, IMAGE_ROOT, type ImageManifest, parseManifest } from "./image_manifest.ts";
import { mountImageRoot } from "./image_root.ts";

/** What a jump-back entry looks like. */
const ENTRY = /^0x[0-9a-f]+$/;

function manifestOf(vars: Vars): ImageManifest | undefined {
  const text = vars["manifest"];
  return typeof text === "string" ? parseManifest(text) : undefined;
}

/** The image as facts name it. */
function image(vars: Vars): { id: string; of?: string } {
  const manifest = manifestOf(vars);
  if (manifest === undefined) return { id: `previous@${textOf(vars["entry"] ?? "0x0")}` };
  const { id, of } = manifest;
  return of === undefined ? { id } : { id, of };
}

/** Unmounts and ends with a status; nothing was changed. */
function giveUp(kernel: Kernel, vars: Vars, message: string, status = 1): Next {
  vars["status"] = status;
  if (message !== "") failWith(kernel, status, `restore-image: ${message}`);
  return goto("give up");
}

/** Damage of the list of sums itself, or `undefined`. */
function sumsDamage(vars: Vars, digest: string): string | undefined {
  const manifest = manifestOf(vars);
  if (manifest === undefined) return `${IMAGE_FILES.manifest} is missing or damaged`;
  if (manifest.sums === digest) return undefined;
  return `${IMAGE_FILES.sums} has SHA-256 ${digest}, the manifest says ${manifest.sums}`;
}

const LOOK: readonly Step[] = [
  ...mountImageRoot("restore-image"),
  {
    name: "image",
    run: () => call("fs_stat", { path: IMAGE_FILES.image }),
    then(kernel, vars, answer) {
      if (!isError(answer)) return next;
      kernel.fact("image", { op: "check", id: "none" });
      return giveUp(kernel, vars, `no image: ${IMAGE_FILES.image}: ${reasonOf(answer)}`);
    },
  },
  {
    name: "manifest",
    run: () => call("fs_read_small", { path: IMAGE_FILES.manifest }),
    then(_kernel, vars, answer) {
      if (typeof answer === "string") vars["manifest"] = answer;
      return next;
    },
  },
  {
    name: "entry",
    run: () => call("fs_read_small", { path: IMAGE_FILES.entry }),
    then(kernel, vars, answer) {
      const entry = typeof answer === "string" ? answer.trim() : "";
      if (ENTRY.test(entry)) vars["entry"] = entry;
      kernel.fact("image", { op: "check", ...image(vars) });
      if (isError(answer)) {
        return giveUp(kernel, vars, `${IMAGE_FILES.entry}: ${reasonOf(answer)}`);
      }
      if (vars["entry"] === undefined) {
        return giveUp(kernel, vars, `${IMAGE_FILES.entry} holds no address: '${entry}'`);
      }
      const saved = manifestOf(vars)?.entry ?? entry;
      if (saved === entry) return next;
      return giveUp(kernel, vars, `entry ${entry} is not the one that was saved, ${saved}`);
    },
  },
  {
    name: "sums",
    run: (_kernel, vars) =>
      wordsOf(vars).includes("--no-verify")
        ? next
        : call("fs_read_sums", { path: IMAGE_FILES.sums }),
    then(kernel, vars, answer) {
      if (isError(answer)) {
        const hint = "--no-verify loads the image all the same";
        return giveUp(kernel, vars, `${IMAGE_FILES.sums}: ${reasonOf(answer)} (${hint})`);
      }
      const wrong = sumsDamage(vars, textOf(fieldOf(answer, "digest")));
      if (wrong !== undefined) return giveUp(kernel, vars, wrong);
      vars["sums"] = fieldOf(answer, "sums") ?? [];
      return next;
    },
  },
];

const RESTORE: readonly Step[] = [
  {
    name: "load",
    run(_kernel, vars) {
      const entry = `--entry=${textOf(vars["entry"])}`;
      return call("program:kexec", {
        argv: ["kexec", "-l", "--args-none", entry, IMAGE_FILES.image],
        ...(vars["sums"] === undefined ? {} : { verify: vars["sums"] }),
      });
    },
    then(kernel, vars, answer) {
      // The sums have done their service; they are too long to be kept.
      delete vars["sums"];
      if (answer !== 0) return giveUp(kernel, vars, "", Math.abs(numberOf(answer)));
      kernel.fact("image", { op: "load", ...image(vars) });
      return next;
    },
  },
  {
    name: "invalidate",
    run: (_kernel, vars) =>
      wordsOf(vars).includes("--no-invalidate") ? goto("unmount") : call("fs_change", {
        operation: "rename",
        path: IMAGE_FILES.image,
        to: IMAGE_FILES.used,
      }),
    then(kernel, vars, answer) {
      if (!isError(answer)) return next;
      return giveUp(kernel, vars, `Cannot invalidate the image: ${reasonOf(answer)}`);
    },
  },
  {
    name: "sync",
    run(kernel, vars) {
      kernel.fact("image", { op: "invalidate", ...image(vars) });
      return call("fs_sync");
    },
    then(kernel, vars, answer) {
      if (!isError(answer)) return next;
      return giveUp(kernel, vars, `Cannot invalidate the image: ${reasonOf(answer)}`);
    },
  },
  {
    name: "unmount",
    run: () => call("fs_unmount", { path: IMAGE_ROOT }),
    then(kernel, _vars, answer) {
      if (!isError(answer)) return next;
      return failWith(kernel, 1, `restore-image: unmounting failed: ${reasonOf(answer)}`);
    },
  },
  {
    name: "exec",
    run: () => call("program:kexec", { argv: ["kexec", "-e"] }),
    then: (_kernel, _vars, answer) => done(answer === 0 ? 1 : answer),
  },
  {
    name: "give up",
    run: () => call("fs_unmount", { path: IMAGE_ROOT }),
    then: (_kernel, vars) => done(numberOf(vars["status"] ?? 1)),
  },
];

/**
 * `program:restore-image {argv}`, with `--no-verify` and `--no-invalidate`: loads the saved image
 * and enters the kernel in it; comes back, not with 0, only if there is none or that failed.
 */
const RESTORE_IMAGE = procedure("program:restore-image", [...LOOK, ...RESTORE]);

/** Procedures of this file. */
export const RESTORE_IMAGE_PROCEDURES: readonly Procedure[] = [RESTORE_IMAGE];
