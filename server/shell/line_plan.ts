/**
 * What is known of a command line before it runs: which command is its last one, and whether a
 * program that leaves the processor stands anywhere else, where nobody could go on behind it.
 *
 * @module
 */
import type { SimpleCommandNode, WordNode } from "just-bash";
import type { JustBash } from "./just_bash.ts";
import { ShellError } from "./shell_error.ts";

/** Files whose writing may leave the processor. */
export const LEAVING_FILES: ReadonlySet<string> = new Set([
  "/sys/power/resume",
  "/sys/power/state",
  "/sys/power/tuxonice/do_hibernate",
]);

/** Programs that leave the processor, whatever their arguments, and those that do with some. */
const LEAVERS: Readonly<Record<string, RegExp | null>> = {
  "block-resume": null,
  "block-save": null,
  go_to_hibernate: null,
  go_to_resume: null,
  halt: null,
  hibernate: null,
  "jump-back": null,
  kexec: /^(?:-[a-z]*[ejb]|--exec|--jump-to|--jump-back)$/,
  "pm-hibernate": null,
  poweroff: null,
  reboot: null,
  "reboot-call": null,
  "restore-image": null,
  "save-image": null,
};

/** The command under whose name the last program of a line is run. */
export const TAIL = "kjump-tail";

/** See the module's header. */
export interface LinePlan {
  /** Its statements, to be evaluated one by one so that their output comes in order. */
  readonly scripts: readonly string[];
  /** Whether the last command is a program that ends in `&`. */
  readonly background: boolean;
  /** Whether the last command may write a file that leaves the processor. */
  readonly writesLeaving: boolean;
}

function literal(word: WordNode | null | undefined): string {
  const parts = word?.parts ?? [];
  return parts.map((part) => part.type === "Literal" ? part.value : "").join("");
}

function isNode(value: unknown): value is { readonly type: string } {
  return typeof value === "object" && value !== null && "type" in value;
}

/** Every simple command below a node. */
function* commandsIn(node: unknown): Generator<SimpleCommandNode> {
  if (Array.isArray(node)) { for (const item of node) yield* commandsIn(item); }
  if (typeof node !== "object" || node === null || Array.isArray(node)) return;
  // The parser gives nodes of that type exactly this form.
  if (isNode(node) && node.type === "SimpleCommand") yield node as SimpleCommandNode;
  for (const value of Object.values(node)) yield* commandsIn(value);
}

function leavesBy(command: SimpleCommandNode): string | undefined {
  const name = literal(command.name);
  const option = LEAVERS[name];
  const words = command.args.map(literal);
  if (option === null) return name;
  if (option?.test(words.find((word) => option.test(word)) ?? "") === true) return name;
  for (const { target } of command.redirections) {
    if (
      isNode(target) && target.type === "Word" && LEAVING_FILES.has(literal(target as WordNode))
    ) {
      return `a write to ${literal(target as WordNode)}`;
    }
  }
  return undefined;
}

/** Commands that work on more than the statement they stand in. */
const WIDE = new Set([
  ".",
  "alias",
  "declare",
  "exec",
  "exit",
  "local",
  "readonly",
  "return",
  "set",
  "shopt",
  "source",
  "trap",
  "typeset",
]);

/** Whether a node holds a function or an array, which are not kept from statement to statement. */
function isWide(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(isWide);
  if (typeof node !== "object" || node === null) return false;
  if (isNode(node)) {
    if (node.type === "FunctionDef") return true;
    const array: unknown = Reflect.get(node, "array");
    if (node.type === "Assignment" && array !== null && array !== undefined) return true;
  }
  return Object.values(node).some(isWide);
}

/** The statements of a script, or the script whole where they belong together. */
function statementsOf(bash: JustBash, script: ReturnType<JustBash["parse"]>): string[] {
  const names = [...commandsIn(script)].map(({ name }) => literal(name));
  if (isWide(script) || names.some((name) => WIDE.has(name))) return [bash.serialize(script)];
  return script.statements.map((statement) =>
    bash.serialize({ ...script, statements: [statement] })
  );
}

/** The last command of a script, if it is a simple one that no pipe, group or loop is around. */
function tailOf(script: ReturnType<JustBash["parse"]>): SimpleCommandNode | undefined {
  const statement = script.statements.at(-1);
  const pipeline = statement?.pipelines.at(-1);
  const command = pipeline?.commands[0];
  if (pipeline?.negated === true) return undefined;
  if (pipeline?.commands.length !== 1 || command?.type !== "SimpleCommand") return undefined;
  return command;
}

/**
 * Plans a line.
 *
 * @param programs names of the machine's programs.
 * @returns `undefined` if it cannot be parsed: the shell itself says why.
 * @throws {ShellError} if a program that leaves the processor is not the last command.
 */
export function planLine(
  bash: JustBash,
  line: string,
  programs: ReadonlySet<string>,
): LinePlan | undefined {
  let script: ReturnType<JustBash["parse"]>;
  try {
    script = bash.parse(line);
  } catch {
    return undefined;
  }
  const tail = tailOf(script);
  for (const command of commandsIn(script)) {
    const leaver = command === tail ? undefined : leavesBy(command);
    if (leaver !== undefined) {
      throw new ShellError(
        `${leaver} leaves the processor, so it must be the last command of its line`,
      );
    }
  }
  const writesLeaving = tail !== undefined && leavesBy(tail)?.startsWith("a write") === true;
  const name = literal(tail?.name);
  if (tail === undefined || !programs.has(name) || tail.redirections.length > 0) {
    const scripts = script.statements.length === 1 ? [line] : statementsOf(bash, script);
    return { scripts, background: false, writesLeaving };
  }
  // The last program of a line writes to the console itself, so that a jump loses nothing.
  const word: WordNode = { type: "Word", parts: [{ type: "Literal", value: TAIL }] };
  const args = tail.name === null ? tail.args : [tail.name, ...tail.args];
  Object.assign(tail, { name: word, args });
  const last = script.statements.at(-1);
  const background = last?.background === true;
  if (last !== undefined) last.background = false;
  return { scripts: statementsOf(bash, script), background, writesLeaving };
}
