/**
 * Commands in Markdown, as a reader would type them: fenced `console` blocks whose `$` lines are
 * commands and whose other lines are what they print, `…` standing for whatever varies. A command
 * that is followed by `$ echo $?` is stated to end with that exit code, any other one with 0.
 *
 * @module
 */

/** One command and what is stated about it. */
export interface ConsoleExample {
  /** Line of the command, counted from 1. */
  readonly line: number;
  /** The command without its prompt, continued lines joined. */
  readonly command: string;
  /** What it prints, empty where nothing is said. */
  readonly output: string;
  readonly exitCode: number;
}

const FENCE = /^```console\n(?<body>[^]*?)^```$/gm;

function commandsOf(body: string, firstLine: number): ConsoleExample[] {
  const found: ConsoleExample[] = [];
  let command: { line: number; text: string; output: string[] } | undefined;
  const close = (): void => {
    if (command === undefined) return;
    const output = command.output.join("\n").trim();
    const before = found.at(-1);
    if (command.text === "echo $?" && before !== undefined) {
      found[found.length - 1] = { ...before, exitCode: Number(output) };
    } else found.push({ line: command.line, command: command.text, output, exitCode: 0 });
  };
  for (const [index, text] of body.split("\n").entries()) {
    if (text.startsWith("$ ")) {
      close();
      command = { line: firstLine + index, text: text.slice(2), output: [] };
    } else if (command?.text.endsWith("\\") === true && command.output.length === 0) {
      command.text = `${command.text.slice(0, -1).trimEnd()} ${text.trim()}`;
    } else command?.output.push(text);
  }
  close();
  return found;
}

/** The examples of a Markdown text, in order. */
export function consoleExamples(markdown: string): ConsoleExample[] {
  return [...markdown.matchAll(FENCE)].flatMap((match) => {
    const linesBefore = markdown.slice(0, match.index).split("\n").length;
    return commandsOf(match.groups?.["body"] ?? "", linesBefore + 1);
  });
}

/** Whether an output is the expected one, line ends and blanks at the ends aside. */
export function outputMatches(actual: string, expected: string): boolean {
  const literal = expected.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literal.join("[^]*?")}$`).test(actual.replaceAll("\r\n", "\n").trim());
}
