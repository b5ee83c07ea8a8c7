/**
 * `jump-back`: what the kexeced kernel's user types to return to the original one (protocol.md
 * B.4.4): the helper is loaded with the entry from the command line, then executed.
 *
 * @module
 */
import { parameter } from "../kernel/boot.ts";
import { call, done, next, type Procedure, procedure } from "../kernel/procedure.ts";

const jumpBack = procedure("program:jump-back", [
  {
    name: "helper",
    run: (kernel) => {
      const entry = parameter(kernel.state.commandLine, "kexec_jump_back_entry");
      if (entry === undefined) {
        kernel.print("jump-back: no kexec_jump_back_entry= on the command line");
        return done(1);
      }
      const argv = ["kexec", "--load-jump-back-helper", `--entry=${entry}`];
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
