/**
 * ticker: a task that keeps the disk busy, as a logging daemon does. It writes a line into a file
 * and syncs, again and again, and says when that fails.
 *
 * @module
 */
import { numberOf } from "../kernel/kernel_context.ts";
import { ask, call, goto, next, type Procedure, procedure } from "../kernel/procedure.ts";
import { isError } from "../kernel/values.ts";
import { failWith, reasonOf, wordsOf } from "./command_line.ts";

const FILE_DEFAULT = "/tick";
const INTERVAL_DEFAULT_US = 1000;
const NS_PER_US = 1000;

/** `program:ticker {argv}`: `ticker [FILE [INTERVAL_US]]`; it does not end. */
const TICKER = procedure("program:ticker", [
  {
    name: "words",
    run(kernel, vars) {
      const [, file = FILE_DEFAULT, interval = String(INTERVAL_DEFAULT_US)] = wordsOf(vars);
      if (!file.startsWith("/") || !/^[1-9][0-9]{0,8}$/.test(interval)) {
        return failWith(kernel, 1, "ticker: usage: ticker [FILE [INTERVAL_US]]");
      }
      Object.assign(vars, { file, interval: Number(interval) * NS_PER_US, count: 0, errors: 0 });
      return next;
    },
  },
  {
    name: "sleep",
    run: (_kernel, vars) => ask("rtc", "timer.arm", { delay_ns: numberOf(vars["interval"]) }),
  },
  {
    name: "write",
    run(_kernel, vars) {
      const count = numberOf(vars["count"]) + 1;
      vars["count"] = count;
      return call("fs_write_small", { path: vars["file"] ?? "", text: `tick ${count}\n` });
    },
    then(kernel, vars, answer) {
      if (!isError(answer)) return next;
      // Once is enough to be heard.
      if (vars["errors"] === 0) kernel.complain(`ticker: write: ${reasonOf(answer)}`);
      vars["errors"] = numberOf(vars["errors"]) + 1;
      return goto("sleep");
    },
  },
  {
    name: "sync",
    run: () => call("fs_sync"),
    then(kernel, vars, answer) {
      if (isError(answer) && vars["errors"] === 0) {
        kernel.complain(`ticker: sync: ${reasonOf(answer)}`);
      }
      if (isError(answer)) vars["errors"] = numberOf(vars["errors"]) + 1;
      return goto("sleep");
    },
  },
]);

/** Procedures of the program. */
export const TICKER_PROCEDURES: readonly Procedure[] = [TICKER];
