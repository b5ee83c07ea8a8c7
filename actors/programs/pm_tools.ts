/**
 * pm-hibernate, put and snapshot: hibernating from a shell that knows no redirection, and what a
 * program of u-swsusp asks of /dev/snapshot.
 *
 * @module
 */
import { errnoText } from "../kernel/errno.ts";
import { numberOf, textOf } from "../kernel/kernel_context.ts";
import { SNAPSHOT_IOCTL } from "../kernel/swsusp_user.ts";
import { ask, call, done, goto, next, type Procedure, procedure } from "../kernel/procedure.ts";
import { isError } from "../kernel/values.ts";
import { failWith, wordsOf } from "./command_line.ts";

/** `program:put {argv}`: `put TEXT PATH`, what `echo TEXT > PATH` is for a pseudo-file. */
const PUT = procedure("program:put", [
  {
    name: "write",
    run(kernel, vars) {
      const [, text, path, ...more] = wordsOf(vars);
      if (text === undefined || path === undefined || more.length > 0) {
        return failWith(kernel, 1, "put: usage: put TEXT PATH");
      }
      vars["path"] = path;
      return call("pseudo_write", { path, text });
    },
    then(kernel, vars, answer) {
      if (!isError(answer)) return done(0);
      return failWith(kernel, 1, `put: ${textOf(vars["path"])}: ${errnoText(answer)}`);
    },
  },
]);

/** `program:pm-hibernate {argv}`: `pm-hibernate [MODE]` sets the mode and hibernates. */
const HIBERNATE = procedure("program:pm-hibernate", [
  {
    name: "mode",
    run(_kernel, vars) {
      const [, mode] = wordsOf(vars);
      if (mode === undefined) return goto("state");
      return call("pseudo_write", { path: "/sys/power/disk", text: mode });
    },
    then(kernel, _vars, answer) {
      if (!isError(answer)) return next;
      return failWith(kernel, 1, `pm-hibernate: /sys/power/disk: ${errnoText(answer)}`);
    },
  },
  {
    name: "state",
    run: () => call("pseudo_write", { path: "/sys/power/state", text: "disk" }),
    then(kernel, _vars, answer) {
      if (!isError(answer)) return done(0);
      return failWith(kernel, 1, `pm-hibernate: /sys/power/state: ${errnoText(answer)}`);
    },
  },
]);

/** Names of ioctls by number, for what the program prints. */
const IOCTL_NAME: ReadonlyMap<number, string> = new Map<number, string>(
  Object.entries(SNAPSHOT_IOCTL).map(([name, number]) => [number, name]),
);

/** An argument `NUMBER[=VALUE]`, `NAME[=VALUE]` or `sleep=MS`. */
function parseOperation(word: string): { name: string; number: number; value: number } {
  const [name = "", value = "0"] = word.split("=");
  const known = Object.entries(SNAPSHOT_IOCTL).find(([one]) => one === name)?.[1];
  return { name, number: known ?? Number(name), value: Number(value) };
}

/**
 * `program:snapshot {argv}`: `snapshot r|w|rw [NAME[=VALUE] …]` opens /dev/snapshot, does the
 * ioctls in order, prints what each gives, and closes it. `sleep=MS` waits in between.
 */
const SNAPSHOT = procedure("program:snapshot", [
  {
    name: "open",
    run(_kernel, vars) {
      vars["at"] = 2;
      return call("snapshot_open", { access: wordsOf(vars)[1] ?? "" });
    },
    then(kernel, _vars, answer) {
      if (!isError(answer)) return next;
      return failWith(kernel, 1, `snapshot: /dev/snapshot: ${errnoText(answer)}`);
    },
  },
  {
    name: "ioctl",
    run(_kernel, vars) {
      const word = wordsOf(vars)[numberOf(vars["at"])];
      if (word === undefined) return goto("close");
      const { name, number, value } = parseOperation(word);
      if (name === "sleep") return ask("rtc", "timer.arm", { delay_ns: value * 1_000_000 });
      return call("snapshot_ioctl", { number, value });
    },
    then(kernel, vars, answer) {
      const { name, number } = parseOperation(wordsOf(vars)[numberOf(vars["at"])] ?? "");
      vars["at"] = numberOf(vars["at"]) + 1;
      if (name === "sleep") return goto("ioctl");
      const result = typeof answer === "number" ? answer : 0;
      const text = isError(answer) ? errnoText(answer) : String(result);
      kernel.say(`${IOCTL_NAME.get(number) ?? name}: ${text}`);
      if (isError(answer)) vars["failed"] = true;
      return goto("ioctl");
    },
  },
  {
    name: "close",
    run: () => call("snapshot_release"),
    then: (_kernel, vars) => done(vars["failed"] === true ? 1 : 0),
  },
]);

/** Procedures of this file. */
export const PM_TOOL_PROCEDURES: readonly Procedure[] = [PUT, HIBERNATE, SNAPSHOT];
