/**
 * A file of a size, made where there is none and cut or stretched where there is one: what every
 * program that writes a whole file does first.
 *
 * @module
 */
import { ERRNO } from "./errno.ts";
import type { Kernel } from "./kernel_context.ts";
import { call, fail, type Next, next, type Step } from "./procedure.ts";
import type { Vars } from "./state.ts";
import { isError } from "./values.ts";

/** Which file, how large, and what is to be done where that fails. */
export interface MakeFile {
  /** Variable with its path. */
  readonly path: string;
  /** Its bytes. */
  readonly size: (vars: Vars) => number;
  /** Takes the negative errno; the procedure fails with it unless given. */
  readonly failed?: (kernel: Kernel, vars: Vars, error: number) => Next;
}

/** The two steps: whether it is there, and its size. */
export function makeFile({ path, size, failed }: MakeFile): readonly Step[] {
  const refuse = failed ?? ((_kernel, _vars, error) => fail(-error));
  return [
    {
      name: "target",
      run: (_kernel, vars) => call("fs_stat", { path: vars[path] ?? "" }),
      then(kernel, vars, answer) {
        if (isError(answer) && answer !== -ERRNO.ENOENT) return refuse(kernel, vars, answer);
        vars["operation"] = isError(answer) ? "createFile" : "setSize";
        return next;
      },
    },
    {
      name: "size",
      run: (_kernel, vars) =>
        call("fs_change", {
          operation: vars["operation"] ?? "",
          path: vars[path] ?? "",
          size: size(vars),
        }),
      then: (kernel, vars, answer) => isError(answer) ? refuse(kernel, vars, answer) : next,
    },
  ];
}
