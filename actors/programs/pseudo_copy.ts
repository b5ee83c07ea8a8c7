/**
 * cp of files that no disk holds: `cp /sys/kernel/kexec_jump_buf_pfn .` and the way back,
 * `cp kexec_jump_buf_pfn /sys/kernel/kexec_jump_buf_pfn` (protocol.md B.1.1 step 7, B.1.2 step 3).
 * And what a copied /proc/vmcore is called where it is a hibernation image.
 *
 * @module
 */
import type { Plain } from "../../machine/messages/shape.ts";
import { JUMP_BUFFER_FILE, pfnText } from "../kernel/jump_buffer.ts";
import { type Kernel, textOf } from "../kernel/kernel_context.ts";
import { call, done, type Next, next, type Procedure, procedure } from "../kernel/procedure.ts";
import { pseudoFile } from "../kernel/pseudo_files.ts";
import { fieldOf } from "../kernel/values.ts";

/** Where a copy goes: a folder's name stands for a file of the same name in it. */
export function targetOf(from: string, to: string): string {
  const name = from.slice(from.lastIndexOf("/") + 1);
  if (to === ".") return `/${name}`;
  return to.endsWith("/") ? to + name : to;
}

/** A copy from or to a pseudo-file; undefined where neither is one. */
export function copyPseudo(kernel: Kernel, from: string, to: string): Next | undefined {
  const target = targetOf(from, to);
  const pseudo = pseudoFile(kernel, from) !== undefined || pseudoFile(kernel, target) !== undefined;
  return pseudo ? call("cp_pseudo", { from, to: target }) : undefined;
}

/**
 * What names the image that a copied vmcore is: the way back to the kernel in it, where this
 * kernel was told one.
 */
export function imageEntry({ state }: Kernel): { entry?: string } {
  const { jumpBuffer, jumpBackEntry = 0 } = state;
  if (jumpBuffer !== undefined && jumpBuffer.shown !== jumpBuffer.pfn) {
    return { entry: pfnText(jumpBuffer.shown) };
  }
  return jumpBackEntry === 0 ? {} : { entry: `0x${jumpBackEntry.toString(16)}` };
}

/** The copy is whole: that is all the commit these images have. */
export function sayCopied(kernel: Kernel, answer: Plain): void {
  const id = fieldOf(answer, "id");
  const of = fieldOf(answer, "of");
  const bytes = fieldOf(answer, "bytes");
  if (typeof id !== "string") return;
  kernel.fact("image", {
    op: "commit",
    id,
    ...(typeof of === "string" ? { of } : {}),
    ...(typeof bytes === "number" ? { bytes } : {}),
  });
}

/** `cp_pseudo {from, to}`: 0 or a negative errno. */
const COPY = procedure("cp_pseudo", [
  {
    name: "read",
    run(kernel, vars) {
      const text = pseudoFile(kernel, textOf(vars["from"]));
      if (text === undefined) return call("fs_read_small", { path: vars["from"] ?? "" });
      vars["text"] = text;
      return next;
    },
    then(_kernel, vars, answer) {
      if (typeof answer !== "string") return done(answer);
      vars["text"] = answer;
      return next;
    },
  },
  {
    name: "write",
    run(kernel, vars) {
      const path = textOf(vars["to"]);
      const text = vars["text"] ?? "";
      const pseudo = pseudoFile(kernel, path) !== undefined;
      return call(pseudo ? "pseudo_write" : "fs_write_small", { path, text });
    },
    then(kernel, vars, answer) {
      if (typeof answer === "number" && answer < 0) return done(answer);
      if (vars["from"] === JUMP_BUFFER_FILE && kernel.state.jumpBuffer !== undefined) {
        const pfn = pfnText(kernel.state.jumpBuffer.shown);
        kernel.fact("jump_buffer", { op: "save", pfn });
      }
      return done(0);
    },
  },
]);

/** Procedures of this file. */
export const PSEUDO_COPY_PROCEDURES: readonly Procedure[] = [COPY];
