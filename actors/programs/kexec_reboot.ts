/**
 * `reboot-call COMMAND`: the bare reboot(2) system call with a command by name or number, as one
 * tries it with a few lines of C (real recordings, fact 11). A command of another generation is
 * EINVAL to the kernel; the tool says whose it was (protocol.md A.5, B.2.7).
 *
 * @module
 */
import { ERRNO, errnoText } from "../kernel/errno.ts";
import type { Kernel } from "../kernel/kernel_context.ts";
import { call, done, goto, type Next, type Procedure, procedure } from "../kernel/procedure.ts";
import type { Vars } from "../kernel/state.ts";
import { wordsOf } from "./command_line.ts";
import { foreign, REBOOT_COMMANDS, type RebootCommand } from "./kexec_generations.ts";
import { dies } from "./kexec_messages.ts";

/** The command a word means: its name, with or without the common beginning, or its number. */
export function rebootCommand(word: string): RebootCommand | undefined {
  const name = word.startsWith("LINUX_REBOOT_CMD_") ? word : `LINUX_REBOOT_CMD_${word}`;
  const value = /^(?:0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : undefined;
  return REBOOT_COMMANDS.find((each) =>
    each.name === name || (value !== undefined && each.value === value)
  );
}

const PROCEDURE_OF: Readonly<Record<RebootCommand["effect"], string>> = {
  "kexec": "sys_reboot_kexec",
  "kjump-to": "sys_reboot_kjump_to",
  "kjump-back": "sys_reboot_kjump_back",
  "kjump": "sys_reboot_kjump",
  "power-off": "power_off",
};

function answered(kernel: Kernel, result: number): Next {
  if (result >= 0) return done(0);
  return dies(kernel, 1, `reboot-call: ${errnoText(result)}`);
}

function issue(kernel: Kernel, vars: Vars): Next {
  const [, word, more] = wordsOf(vars);
  if (word === undefined || more !== undefined) {
    return dies(kernel, 1, "reboot-call: usage: reboot-call COMMAND");
  }
  const command = rebootCommand(word);
  const number = /^(?:0x[0-9a-f]+|\d+)$/i.test(word);
  if (command === undefined && !number) {
    return dies(kernel, 1, `reboot-call: no command '${word}' in any generation`);
  }
  if (command === undefined) return goto("unknown");
  if (!command.generations.includes(kernel.profile.tools)) {
    kernel.complain(foreign(command.name, command.generations, kernel.profile.tools));
    return goto("unknown");
  }
  return call(PROCEDURE_OF[command.effect]);
}

/** `program:reboot-call {argv}`: 0, or 1 with what the kernel says. */
const REBOOT_CALL = procedure("program:reboot-call", [
  {
    name: "call",
    run: issue,
    then: (kernel, _vars, answer) => answered(kernel, typeof answer === "number" ? answer : 0),
  },
  {
    name: "unknown",
    // The kernel's switch has no such case.
    run: (kernel) => answered(kernel, -ERRNO.EINVAL),
  },
]);

/** Procedures of this file. */
export const KEXEC_REBOOT_PROCEDURES: readonly Procedure[] = [REBOOT_CALL];
