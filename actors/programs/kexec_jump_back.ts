/**
 * `jump-back`: what the kexeced kernel's user types to return to the original one (protocol.md
 * B.4.4): the helper is loaded with the entry from the command line, then executed.
 *
 * @module
 */
import { parameter } from "../kernel/boot.ts";
import type { Kernel } from "../kernel/kernel_context.ts";
import { call, done, next, type Procedure, procedure } from "../kernel/procedure.ts";

/** How the tool of a generation is told to load the way back. */
function helperOption({ profile }: Kernel): string {
  const { tools } = profile;
  return tools === "jump" || tools === "modern" ? "--load-jump-back-helper" : "--load-jump-back";
}

const jumpBack = procedure("program:jump-back", [
  {
    name: "helper",
    run: (kernel) => {
      const entry = parameter(kernel.state.commandLine, "kexec_jump_back_entry");
      if (entry === undefined) {
        kernel.complain("jump-back: no kexec_jump_back_entry= on the command line");
        return done(1);
      }
      const argv = ["kexec", helperOption(kernel), `--entry=${entry}`];
      return call("program:kexec", { argv });
    },
    then: (_kernel, _vars, answer) => answer === 0 ? next : done(answer),
  },
  {
    name: "exec",
    run: () => call("program:kexec", { argv: ["kexec", "-e"] }),
    then: (_kernel, _vars, answer) => done(answer),
  },
]);

/** Procedures of the program. */
export const JUMP_BACK_PROCEDURES: readonly Procedure[] = [jumpBack];
