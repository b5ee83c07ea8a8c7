/**
 * What a terminal program may ask of the shell behind a prompt: each call is one system call, or
 * one program to run and wait for. Answers are plain values; an error is a negative errno.
 *
 * | call | answer |
 * | --- | --- |
 * | `read {path}` | text, each character one byte |
 * | `write {path, data, append?}` | 0; `data` as above |
 * | `stat {path}` | `{kind, size, mode, inode, time}` |
 * | `list {path}` | names |
 * | `mkdir`, `rmdir`, `unlink {path}`, `rename {path, to}` | 0 |
 * | `exec {argv, cwd}` | `{status, output, errors}`: lines |
 * | `clock {}` | `{real, monotonic}` in us and ns |
 *
 * @module
 */
import { LIMITS } from "../../machine/limits.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { errnoText } from "./errno.ts";
import { type Kernel, textOf } from "./kernel_context.ts";
import { call, done, fail, type Next, type Procedure, procedure } from "./procedure.ts";
import { ERRNO } from "./errno.ts";
import type { Vars } from "./state.ts";
import { fieldOf, isError, listOf } from "./values.ts";

/** Lines a program may write for its caller to read. */
const OUTPUT_BYTES_MAX = LIMITS.messageBytes / 8;

/** What the shell does for a call. */
export function shellCall(kernel: Kernel, wanted: Plain): Next {
  const path = fieldOf(wanted, "path") ?? "";
  switch (fieldOf(wanted, "do")) {
    case "read":
      return call("shell_read", { path });
    case "write":
      return call("shell_write", {
        path,
        data: fieldOf(wanted, "data") ?? "",
        append: fieldOf(wanted, "append") === true,
      });
    case "stat":
      return call("shell_stat", { path });
    case "list":
      return call("shell_list", { path });
    case "mkdir":
    case "rmdir":
    case "unlink":
      return call("shell_change", { operation: textOf(fieldOf(wanted, "do")), path });
    case "rename":
      return call("shell_rename", { path, to: fieldOf(wanted, "to") ?? "" });
    case "exec":
      return call("shell_exec", {
        argv: fieldOf(wanted, "argv") ?? [],
        cwd: fieldOf(wanted, "cwd") ?? "/",
      });
    case "clock":
      return call("shell_value", {
        value: { real: kernel.realMicroseconds(), monotonic: kernel.monotonic() },
      });
    default:
      return call("shell_value", { value: -ERRNO.ENOSYS });
  }
}

const VALUE = procedure("shell_value", [
  { name: "value", run: (_kernel, vars) => done(vars["value"] ?? null) },
]);

/** Lines within the limit, the last one saying what was left out. */
function bounded(lines: readonly string[]): string[] {
  let bytes = 0;
  const kept = lines.filter((line) => (bytes += line.length + 1) <= OUTPUT_BYTES_MAX);
  const left = lines.length - kept.length;
  return left === 0 ? kept : [...kept, `… ${left} lines more than a call may answer`];
}

/** `shell_exec {argv, cwd}`: runs a program and gives `{status, output, errors}`. */
const EXEC = procedure("shell_exec", [
  {
    name: "spawn",
    run: (kernel, vars) => {
      const argv = listOf(vars["argv"]);
      const pid = kernel.spawn(String(argv[0] ?? ""), "user", "shell_piped", { argv });
      const child = kernel.task(pid);
      if (child === undefined) return fail(ERRNO.EAGAIN);
      child.cwd = textOf(vars["cwd"]);
      return { do: "wait", pids: [pid] };
    },
    then: (_kernel, vars, statuses) =>
      done({
        status: listOf(statuses)[0] ?? 0,
        output: vars["output"] ?? [],
        errors: vars["errors"] ?? [],
      }),
  },
]);

/** `shell_piped {argv}`: the child, whose two streams its parent reads. */
const PIPED = procedure("shell_piped", [
  {
    name: "program",
    run: (kernel, vars) => {
      kernel.process.streams = { output: [], errors: [] };
      return call("exec", { argv: vars["argv"] ?? [] });
    },
    then: (kernel, _vars, status) => {
      const { streams, parent } = kernel.process;
      const pipes = kernel.task(parent)?.frames.at(-1)?.vars;
      if (pipes !== undefined && streams !== undefined) {
        pipes["output"] = bounded(streams.output);
        pipes["errors"] = bounded(streams.errors);
      }
      return done(status);
    },
  },
]);

function written(kernel: Kernel, vars: Vars, value: Plain): Next {
  const status = isError(value) ? 1 : 0;
  const [path, data] = ["path", "data"].map((name) => textOf(fieldOf(vars["write"], name)));
  const message = isError(value) ? `bash: echo: write error: ${errnoText(value)}` : "";
  if (message !== "") {
    kernel.complain(message);
    kernel.process.message = message;
  }
  const words = `${(data ?? "").trim()} > ${path}`.slice(0, 300);
  kernel.fact("tool", {
    ...{ program: "echo", arguments: words, status },
    ...(message === "" ? {} : { message }),
  });
  return done(status);
}

/** `shell_write_out {write: {path, data}}`: a redirection that may leave the processor. */
const WRITE_OUT = procedure("shell_write_out", [
  {
    name: "write",
    run: (_kernel, vars) =>
      call("shell_write", {
        path: fieldOf(vars["write"], "path") ?? "",
        data: fieldOf(vars["write"], "data") ?? "",
        append: false,
      }),
    then: written,
  },
]);

/** Procedures of this file. */
export const SHELL_CALL_PROCEDURES: readonly Procedure[] = [VALUE, EXEC, PIPED, WRITE_OUT];
