/**
 * Steps of a program that writes an image: an error notes why there will be none and goes to the
 * step that takes everything back.
 *
 * @module
 */
import { goto, type Next, next, type Step } from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { isError } from "../kernel/values.ts";
import { reasonOf } from "./command_line.ts";

/** The two words of such a program. */
export interface Aborting {
  /** Notes why there is no image and goes to the step that takes everything back. */
  abort(vars: Vars, message: string): Next;
  /** A step whose error means that there is no image; `what` is what could not be done. */
  must(name: string, what: string, run: Step["run"]): Step;
}

/**
 * The words of a program.
 *
 * @param step name of the step that takes everything back.
 * @param cannot how its messages begin.
 */
export function abortingAt(step: string, cannot = "cannot"): Aborting {
  const abort = (vars: Vars, message: string): Next => {
    vars["message"] = message;
    return goto(step);
  };
  return {
    abort,
    must: (name, what, run) => ({
      name,
      run,
      then: (_kernel, vars, answer) =>
        isError(answer) ? abort(vars, `${cannot} ${what}: ${reasonOf(answer)}`) : next,
    }),
  };
}
