/**
 * `hibernate`, the script that people with TuxOnIce start: it writes to the kernel's
 * `do_hibernate` and says what came of it.
 *
 * @module
 */
import { call, done, type Procedure, procedure } from "../kernel/procedure.ts";
import { isError } from "../kernel/values.ts";
import { failWith, reasonOf } from "./command_line.ts";

/** The file whose writing hibernates. */
const DO_HIBERNATE = "/sys/power/tuxonice/do_hibernate";

/** `program:hibernate {argv}`: 0 behind a resume, else 1. */
const HIBERNATE = procedure("program:hibernate", [{
  name: "write",
  run: () => call("pseudo_write", { path: DO_HIBERNATE, text: "" }),
  then: (kernel, _vars, answer) =>
    isError(answer) ? failWith(kernel, 1, `hibernate: ${reasonOf(answer)}`) : done(0),
}]);

/** Procedures of the program. */
export const TUXONICE_TOOL_PROCEDURES: readonly Procedure[] = [HIBERNATE];
