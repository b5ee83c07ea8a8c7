/**
 * A plain shell on the console: shows a prompt, reads a line, runs the program its first word
 * names and waits for it unless the line ends in `&`. Quotes keep words together; there is no
 * more to it than the console of a small initramfs needs.
 *
 * @module
 */
import type { Plain } from "../../machine/messages/shape.ts";
import { textOf } from "./kernel_context.ts";
import type { Kernel } from "./kernel_context.ts";
import { done, goto, next, type Procedure, procedure } from "./procedure.ts";

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

const shell = procedure("shell", [
  {
    name: "prompt",
    run: (kernel) => {
      prompt(kernel);
      return { do: "read_line" };
    },
    then: (_kernel, vars, answer) => {
      vars["line"] = typeof answer === "string" ? answer : "";
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
