/**
 * A plain shell on the console: shows a prompt, reads a line, runs the program its first word
 * names and waits for it unless the line ends in `&`. Quotes keep words together; there is no
 * more to it than the console of a small initramfs needs.
 *
 * Where a person's terminal program wants more (pipes, variables, redirections), it evaluates the
 * line itself and asks this process for what a shell asks its kernel: see `shell_calls.ts`. Working
 * directory, variables and last status are this process's, in its pages, over a jump too.
 *
 * @module
 */
import type { Plain } from "../../machine/messages/shape.ts";
import { textOf } from "./kernel_context.ts";
import type { Kernel } from "./kernel_context.ts";
import { done, goto, type Next, next, type Procedure, procedure } from "./procedure.ts";
import { shellCall } from "./shell_calls.ts";
import type { Vars } from "./state.ts";
import { fieldOf, listOf } from "./values.ts";

/** Words of a line; quotes may be single or double. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  for (const match of line.matchAll(/(?:"([^"]*)"|'([^']*)'|[^\s"']+)+/g)) {
    words.push(
      match[0].replaceAll(/"([^"]*)"|'([^']*)'/g, (_all, double, single) => double ?? single ?? ""),
    );
  }
  return words;
}

function prompt(kernel: Kernel): void {
  kernel.out.send("console", "console.write", {
    by: kernel.name,
    text: `${kernel.name}$ `,
    prompt: true,
  });
}

function answer(kernel: Kernel, vars: Vars, value: Plain): void {
  const id = fieldOf(vars["request"], "id");
  kernel.out.send("console", "console.result", {
    id: typeof id === "number" ? id : 0,
    by: kernel.name,
    value,
  });
}

/** Takes over what a line left: working directory, variables, status; shows what it printed. */
function endLine(kernel: Kernel, vars: Vars, call: Plain): void {
  kernel.process.cwd = textOf(fieldOf(call, "cwd"));
  vars["variables"] = fieldOf(call, "variables") ?? {};
  const status = fieldOf(call, "status");
  if (typeof status === "number") vars["status"] = status;
  vars["random"] = fieldOf(call, "random") ?? 0;
  for (const line of listOf(fieldOf(call, "output"))) kernel.say(textOf(line));
}

function shellState(kernel: Kernel, vars: Vars): Plain {
  return {
    cwd: kernel.process.cwd ?? "/",
    variables: vars["variables"] ?? {},
    status: vars["status"] ?? 0,
    random: vars["random"] ?? kernel.state.realAtClock % 0x7fff_ffff,
    tools: kernel.profile.tools,
    profile: kernel.profile.name,
  };
}

/** A terminal program's call: its own affairs here, system calls in `shell_calls.ts`. */
function serve(kernel: Kernel, vars: Vars): Next {
  const call = fieldOf(vars["request"], "call") ?? null;
  switch (fieldOf(call, "do")) {
    case "begin":
      answer(kernel, vars, shellState(kernel, vars));
      return goto("read");
    case "end":
      endLine(kernel, vars, call);
      return goto("prompt");
    case "leave":
      endLine(kernel, vars, call);
      vars["launch"] = fieldOf(call, "launch") ?? {};
      return goto("launch");
    default:
      return shellCall(kernel, call);
  }
}

const shell = procedure("shell", [
  {
    name: "prompt",
    run: (kernel) => {
      prompt(kernel);
      return next;
    },
  },
  {
    name: "read",
    run: () => ({ do: "read_line" }),
    then: (_kernel, vars, answer) => {
      if (typeof answer !== "string") {
        vars["request"] = answer;
        return goto("serve");
      }
      vars["line"] = answer;
      return next;
    },
  },
  {
    name: "run",
    run: (kernel, vars) => {
      const words = splitWords(textOf(vars["line"]));
      const background = words.at(-1) === "&";
      if (background) words.pop();
      const [name] = words;
      if (name === undefined) return goto("prompt");
      vars["argv"] = words;
      const pid = kernel.spawn(name, "user", "exec", { argv: words });
      return background ? goto("prompt") : { do: "wait", pids: [pid] };
    },
    then: (_kernel, vars, answer) => {
      vars["status"] = Array.isArray(answer) ? answer[0] ?? 0 : 0;
      return goto("prompt");
    },
  },
  {
    name: "serve",
    run: serve,
    then: (kernel, vars, value) => {
      answer(kernel, vars, value);
      return goto("read");
    },
  },
  {
    // The last command of a line, which may leave the processor: nobody waits for its answer.
    name: "launch",
    run: (kernel, vars) => {
      const argv = listOf(fieldOf(vars["launch"], "argv"));
      const write = fieldOf(vars["launch"], "write");
      const pid = write === undefined
        ? kernel.spawn(String(argv[0] ?? ""), "user", "exec", { argv })
        : kernel.spawn("bash", "user", "shell_write_out", { write });
      if (fieldOf(vars["launch"], "background") !== true) return { do: "wait", pids: [pid] };
      vars["status"] = 0;
      return goto("prompt");
    },
    then: (_kernel, vars, statuses) => {
      vars["status"] = listOf(statuses)[0] ?? 0;
      return goto("prompt");
    },
  },
]);
/** Runs a program by its first word and says how it ended. */
const exec = procedure("exec", [
  {
    name: "program",
    run: (kernel, vars) => {
      const argv: readonly Plain[] = Array.isArray(vars["argv"]) ? vars["argv"] : [];
      const name = textOf(argv[0]);
      return kernel.isProgram(name)
        ? { do: "call", procedure: `program:${name}`, vars: { argv } }
        : goto("not found");
    },
    then: (kernel, vars, answer) => {
      const argv: readonly Plain[] = Array.isArray(vars["argv"]) ? vars["argv"] : [];
      const status = typeof answer === "number" ? (answer < 0 ? 1 : answer) : 0;
      const message = kernel.process.message;
      kernel.fact("tool", {
        program: textOf(argv[0]),
        arguments: argv.slice(1).join(" ").slice(0, 300),
        status,
        ...(message === undefined ? {} : { message: message.slice(0, 120) }),
      });
      return done(status);
    },
  },
  {
    name: "not found",
    run: (kernel, vars) => {
      const argv: readonly Plain[] = Array.isArray(vars["argv"]) ? vars["argv"] : [];
      kernel.print(`sh: ${textOf(argv[0])}: not found`);
      kernel.fact("tool", {
        program: textOf(argv[0]),
        arguments: argv.slice(1).join(" ").slice(0, 300),
        status: 127,
      });
      return done(127);
    },
  },
]);

/** Procedures of the shell. */
export const SHELL_PROCEDURES: readonly Procedure[] = [shell, exec];
