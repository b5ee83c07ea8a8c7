/**
 * `cat FILE…`: pseudo-files and small text files on the console.
 *
 * @module
 */
import { type Kernel, textOf } from "../kernel/kernel_context.ts";
import { pseudoFile } from "../kernel/pseudo_files.ts";
import { call, done, next, type Procedure, procedure } from "../kernel/procedure.ts";
import { listOf } from "../kernel/values.ts";
import { failWith, reasonOf, wordsOf } from "./command_line.ts";

function show(kernel: Kernel, text: string): void {
  for (const line of text.replace(/\n$/, "").split("\n")) kernel.say(line);
}

/** `program:cat {argv}`: ends with 1 at the first file that cannot be read. */
const CAT = procedure("program:cat", [
  {
    name: "words",
    run: (kernel, vars) => {
      const files = wordsOf(vars).slice(1);
      if (files.length === 0) return failWith(kernel, 1, "cat: no file named");
      vars["files"] = files;
      return next;
    },
  },
  {
    name: "file",
    run: (kernel, vars) => {
      const [file, ...rest] = listOf(vars["files"]);
      if (file === undefined) return done();
      vars["files"] = rest;
      vars["file"] = file;
      const text = pseudoFile(kernel, textOf(file));
      if (text === undefined) return call("fs_read_small", { path: file });
      show(kernel, text);
      return { do: "goto", step: "file" };
    },
    then: (kernel, vars, answer) => {
      if (typeof answer !== "string") {
        return failWith(kernel, 1, `cat: ${textOf(vars["file"])}: ${reasonOf(answer)}`);
      }
      show(kernel, answer);
      return { do: "goto", step: "file" };
    },
  },
]);

/** Procedures of the program. */
export const CAT_PROCEDURES: readonly Procedure[] = [CAT];
