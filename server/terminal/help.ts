/**
 * Help texts, made of the commands' declarations.
 *
 * @module
 */
import { unicodeWidth } from "@std/cli";
import type { CommandDeclaration, OptionDeclaration } from "./options.ts";

/** Columns of a terminal that says nothing else. */
const WIDTH = 96;

/** A text filled up with blanks to so many columns. */
export function padded(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - unicodeWidth(text)));
}

/** A text broken at blanks into lines of at most so many columns. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && unicodeWidth(longer) > columns) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

/** Two columns: the left ones aligned, the right ones wrapped beside them. */
export function table(rows: readonly (readonly [string, string])[], indent = 2): string[] {
  const left = Math.max(0, ...rows.map(([name]) => unicodeWidth(name)));
  const right = WIDTH - indent - left - 2;
  const blank = " ".repeat(indent);
  return rows.flatMap(([name, text]) =>
    wrapped(text, right).map((line, index) =>
      `${blank}${padded(index === 0 ? name : "", left)}  ${line}`.trimEnd()
    )
  );
}

function optionRow(option: OptionDeclaration): [string, string] {
  const value = option.value === undefined ? "" : ` ${option.value}`;
  const words = option.words === undefined ? "" : `: ${option.words.join(", ")}`;
  const standard = option.default ?? option.otherwise;
  const tail = option.required === true
    ? " (must be given)"
    : standard === undefined
    ? ""
    : ` (default: ${standard})`;
  const short = option.short === undefined ? "" : `-${option.short}, `;
  return [`${short}--${option.name}${value}`, `${option.help}${words}${tail}`];
}

/** What `COMMAND --help` prints. */
export function commandHelp(command: CommandDeclaration): string {
  const { name, argument, about, options, notes = [] } = command;
  const more = argument !== undefined && argument.max > Math.max(1, argument.min) ? "…" : "";
  const rest = argument === undefined ? "" : ` ${argument.name}${more}`;
  const rows: [string, string][] = [
    ...(argument === undefined ? [] : [[argument.name, argument.help] as [string, string]]),
    ...options.map(optionRow),
  ];
  return [
    `Usage: deno task ${name} [OPTION…]${rest}`,
    "",
    ...wrapped(about, WIDTH),
    "",
    ...table(rows),
    ...(notes.length === 0 ? [] : ["", ...notes.flatMap((note) => wrapped(note, WIDTH))]),
    "",
    "Exit code: 0 ok, 1 a rule broken or data lost, 2 a mistake in what was asked, 3 internal.",
    "",
  ].join("\n");
}

/** What the command line prints without a command. */
export function overview(commands: readonly CommandDeclaration[]): string {
  return [
    "Usage: deno task COMMAND [OPTION…]",
    "",
    ...table(commands.map(({ name, about }) => [name, about])),
    "",
    "'deno task COMMAND --help' lists the options of a command.",
    "",
  ].join("\n");
}
