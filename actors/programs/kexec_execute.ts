/**
 * `kexec -e`, `-j` and `-b`: what is loaded is executed, or the way back is taken (protocol.md
 * A.7, B.1.1 step 3, B.1.2 step 4).
 *
 * | option | looks at | sync | ifdown | reboot(2) command |
 * |---|---|---|---|---|
 * | `-e` | kexec_loaded | yes | yes | KEXEC |
 * | `-j` | kexec_crash_loaded (v4: kexec_loaded) | yes | no | KJUMP_TO (v4: KJUMP) |
 * | `-b` | nothing | yes | yes | KJUMP_BACK (v4: KJUMP) |
 *
 * A file that cannot be read counts as loaded.
 *
 * @module
 */
import { errnoText } from "../kernel/errno.ts";
import { type Kernel, numberOf } from "../kernel/kernel_context.ts";
import {
  call,
  done,
  type Next,
  next,
  type Procedure,
  procedure,
  type Step,
} from "../kernel/procedure.ts";
import { pseudoFile } from "../kernel/pseudo_files.ts";
import type { Vars } from "../kernel/state.ts";
import { dies } from "./kexec_messages.ts";

const LOADED = "/sys/kernel/kexec_loaded";
const CRASH_LOADED = "/sys/kernel/kexec_crash_loaded";

/** What a file says of a loaded image: its number, or -1 where it cannot be read. */
function readLoaded(kernel: Kernel, file: string): number {
  const text = pseudoFile(kernel, file);
  const value = text === undefined ? -1 : Number.parseInt(text, 10);
  kernel.fact("loaded_check", { file, found: text !== undefined, value });
  return value;
}

function checkLoaded(kernel: Kernel, file: string): Next {
  return readLoaded(kernel, file) === 0 ? dies(kernel, 1, "Nothing has been loaded!") : next;
}

const SYNC: Step = {
  name: "sync",
  run: (_kernel, vars) => vars["sync"] === false ? next : call("fs_sync"),
};

const IFDOWN: Step = {
  name: "ifdown",
  run: (_kernel, vars) => vars["ifdown"] === false ? next : call("interfaces_down"),
};

function rebootCommand(kernel: Kernel, name: "kjump_to" | "kjump_back"): Next {
  return call(kernel.profile.tools === "v4" ? "sys_reboot_kjump" : `sys_reboot_${name}`);
}

/** `kexec_exec {command?, sync?, ifdown?}`. */
const EXECUTE = procedure("kexec_exec", [
  { name: "loaded", run: (kernel) => checkLoaded(kernel, LOADED) },
  {
    name: "start",
    run: () => call("kexec_check_start"),
    then: (_kernel, _vars, answer) => answer === 0 ? next : done(answer),
  },
  SYNC,
  IFDOWN,
  {
    name: "reboot",
    run: (_kernel, vars) =>
      call("sys_reboot_kexec", vars["command"] === undefined ? {} : { command: vars["command"] }),
    then: (kernel, _vars, answer) => {
      const result = typeof answer === "number" ? answer : 0;
      if (result < 0) return dies(kernel, 255, `kexec failed: ${errnoText(result)}`);
      // Today's tool takes any return for a failure and prints a stale errno (recorded fact 19).
      if (kernel.profile.execReportsFailure) {
        return dies(kernel, 255, "kexec failed: Bad file descriptor");
      }
      return done();
    },
  },
]);

/** `kexec_jump_to {sync?}`: sync, no ifdown. */
const JUMP_TO = procedure("kexec_jump_to", [
  {
    name: "loaded",
    run: (kernel) => checkLoaded(kernel, kernel.profile.tools === "v4" ? LOADED : CRASH_LOADED),
  },
  SYNC,
  {
    name: "reboot",
    run: (kernel) => rebootCommand(kernel, "kjump_to"),
    then: (kernel, _vars, answer) => {
      const result = typeof answer === "number" ? answer : 0;
      if (result === 0) return done();
      return dies(kernel, 255, `kexec jump to failed: ${errnoText(result)}`);
    },
  },
]);

/** `kexec_jump_back {sync?, ifdown?}`: a return of the call is a failure, whatever it says. */
const JUMP_BACK = procedure("kexec_jump_back", [
  SYNC,
  IFDOWN,
  {
    name: "reboot",
    run: (kernel) => rebootCommand(kernel, "kjump_back"),
    then: (kernel, _vars, answer) => {
      const result = typeof answer === "number" ? answer : 0;
      const why = result < 0 ? errnoText(result) : "the kernel that was jumped to came back";
      return dies(kernel, 255, `kexec jump back failed: ${why}`);
    },
  },
]);

/** `kexec -S`: exits 0 if anything is loaded. */
export function loadedStatus(kernel: Kernel): Next {
  const plain = readLoaded(kernel, LOADED) === 1;
  const crash = readLoaded(kernel, CRASH_LOADED) === 1;
  kernel.say(`kexec_loaded: ${plain ? 1 : 0}, kexec_crash_loaded: ${crash ? 1 : 0}`);
  return done(plain || crash ? 0 : 1);
}

/** Variables of the procedures above that options stand for. */
export function executeVars(
  options: { readonly command: number | null; readonly sync: boolean; readonly ifdown: boolean },
): Vars {
  const { command, sync, ifdown } = options;
  return { sync, ifdown, ...(command === null ? {} : { command: numberOf(command) }) };
}

/** Procedures of this file. */
export const KEXEC_EXECUTE_PROCEDURES: readonly Procedure[] = [EXECUTE, JUMP_TO, JUMP_BACK];
