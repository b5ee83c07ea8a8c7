/**
 * One command line at a prompt: what the shell process holds is loaded from the kernel, the shell
 * language evaluates the line over system calls of that kernel, and what it left is written back.
 * Between lines nothing is kept here (DESIGN.md 6).
 *
 * The last command of a line, where it is a program, is run by the kernel's shell process alone:
 * it may leave the processor, and whoever resumes then goes on with that process.
 *
 * @module
 */
import type { Bash, CustomCommand, ExecResult } from "just-bash";
import { PROCEDURES } from "../../actors/registry.ts";
import { fieldOf, listOf } from "../../actors/kernel/values.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import { type JustBash, loadJustBash, TEXT_COMMANDS } from "./just_bash.ts";
import { KernelFiles, SystemCallError } from "./kernel_files.ts";
import { LEAVING_FILES, planLine, TAIL } from "./line_plan.ts";
import { isSettled, type LiveMachine, PROGRAM_NS, type Sight } from "./live_machine.ts";
import { generationHint } from "./generations.ts";
import { ShellError } from "./shell_error.ts";

const PREFIX = "program:";
/** Programs of the machine; text tools of the shell language come before them. */
export const PROGRAMS: ReadonlySet<string> = new Set(
  PROCEDURES.flatMap(({ name }) => name.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : [])
    .filter((name) => !(TEXT_COMMANDS as readonly string[]).includes(name)),
);

/** Variables that the shell language sets by itself and that are not worth keeping. */
const OWN_VARIABLES = new Set(["?", "PWD", "OLDPWD", "_", "#", "-", "$", "!", "OPTIND"]);
const VARIABLE_BYTES_MAX = 32_768;
const OUTPUT_BYTES_MAX = 131_072;
/** Commands and turns of loops of one line. */
const LOOPS_MAX = 2000;

/** Text as lines, the newline at its end left out. */
function linesOf(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

function numberIn(value: Plain, name: string): number {
  const field = fieldOf(value, name);
  return typeof field === "number" ? field : 0;
}

function variablesIn(value: Plain): Record<string, string> {
  const variables = fieldOf(value, "variables");
  if (typeof variables !== "object" || variables === null) return {};
  return Object.fromEntries(
    Object.entries(variables).map(([name, text]) => [name, String(text)]),
  );
}

/** What `$RANDOM` is drawn from while a line runs: the shell process's own numbers. */
class ShellRandom implements Disposable {
  readonly #host = Math.random;
  state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
    Math.random = () => {
      this.state = (Math.imul(this.state, 1_103_515_245) + 12_345) >>> 0;
      return (this.state >>> 8) / 2 ** 24;
    };
  }

  [Symbol.dispose](): void {
    Math.random = this.#host;
  }
}

/** The machine's side of a line. */
class LineCalls {
  readonly machine: LiveMachine;
  /** The last program with its words, when it was reached. */
  tail: readonly string[] | undefined;
  /** Why the line cannot be gone on with. */
  broken: ShellError | undefined;

  constructor(machine: LiveMachine) {
    this.machine = machine;
  }

  /** Commands may ask several things at once; a terminal asks one after the other. */
  readonly ask = (call: Plain): Promise<Plain> => {
    const answer = this.#last.then(() => this.#askNow(call));
    this.#last = answer.catch(() => {});
    return answer;
  };
  #last: Promise<unknown> = Promise.resolve();

  async #askNow(call: Plain): Promise<Plain> {
    if (this.broken !== undefined) throw this.broken;
    const answer = await this.machine.call(call);
    if (answer.value !== undefined) return answer.value;
    this.broken = new ShellError(
      answer.halt === undefined
        ? "A program left the processor in the middle of its line; it must be the last command"
        : "A program runs on and on and does not end",
    );
    throw this.broken;
  }

  async run(words: readonly string[], cwd: string): Promise<ExecResult> {
    const value = await this.ask({ do: "exec", argv: words, cwd });
    const text = (name: string): string =>
      listOf(fieldOf(value, name)).map((line) => `${line}\n`).join("");
    return { stdout: text("output"), stderr: text("errors"), exitCode: numberIn(value, "status") };
  }
}

function commandsFor(bash: JustBash, calls: LineCalls, begun: Plain): CustomCommand[] {
  const programs = [...PROGRAMS].map((name) =>
    bash.defineCommand(name, (args, { cwd }) => {
      refuseOther(calls, name, begun);
      return calls.run([name, ...args], cwd);
    })
  );
  const tail = bash.defineCommand(TAIL, (args) => {
    refuseOther(calls, args[0] ?? "", begun);
    calls.tail = args;
    return Promise.resolve({ stdout: "", stderr: "", exitCode: 0 });
  });
  return [...programs, tail];
}

/** A program that this kernel's tools do not have is a mistake of who wrote the line. */
function refuseOther(calls: LineCalls, name: string, begun: Plain): void {
  const hint = generationHint(name, String(fieldOf(begun, "tools") ?? ""));
  if (hint === undefined) return;
  calls.broken = new ShellError(hint);
  throw calls.broken;
}

function makeShell(bash: JustBash, files: KernelFiles, commands: CustomCommand[]): Bash {
  return new bash.Bash({
    fs: files,
    commands: [...TEXT_COMMANDS],
    customCommands: commands,
    defenseInDepth: false,
    executionLimits: {
      maxOutputSize: OUTPUT_BYTES_MAX,
      maxStringLength: 1_048_576,
      maxLoopIterations: LOOPS_MAX,
      maxCommandCount: LOOPS_MAX,
    },
  });
}

/** Variables worth keeping, bounded. @throws {ShellError} if they are too many. */
function keptVariables(after: Record<string, string>): Record<string, string> {
  const kept = Object.fromEntries(
    Object.entries(after).filter(([name]) => !OWN_VARIABLES.has(name)),
  );
  if (JSON.stringify(kept).length <= VARIABLE_BYTES_MAX) return kept;
  throw new ShellError(`The shell's variables are larger than ${VARIABLE_BYTES_MAX} bytes`);
}

/** What a line comes to, statement by statement. */
interface Evaluation {
  cwd: string;
  variables: Record<string, string>;
  status: number;
  /** What it printed so far. */
  text: string;
}

/** Evaluates one statement; a redirection that fails ends it, as a shell has it. */
async function evaluate(shell: Bash, script: string, into: Evaluation): Promise<void> {
  const { cwd, status } = into;
  try {
    const result = await shell.exec(
      script.includes("$?") ? `(exit ${status}); ${script}` : script,
      {
        cwd,
        env: into.variables,
        replaceEnv: true,
        rawScript: true,
      },
    );
    into.cwd = result.env["PWD"] ?? cwd;
    into.variables = keptVariables(result.env);
    into.status = result.exitCode;
    into.text += result.stdout + result.stderr;
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    into.status = 1;
    into.text += `${error.complaint}\n`;
  }
}

/**
 * Runs a line at the prompt that waits, until a person sees the next thing: a prompt, a boot menu,
 * the machine off.
 *
 * @throws {ShellError} if the line cannot be run at all.
 * @throws {UsageError} if the shell language cannot be loaded.
 */
export async function runShellLine(machine: LiveMachine, line: string): Promise<Sight> {
  const bash = await loadJustBash();
  const plan = planLine(bash, line, PROGRAMS);
  const calls = new LineCalls(machine);
  const begun = await calls.ask({ do: "begin" });
  const commands = commandsFor(bash, calls, begun);
  const names = new Set([...TEXT_COMMANDS, ...commands.map(({ name }) => name)]);
  const leaving = plan?.writesLeaving === true ? LEAVING_FILES : new Set<string>();
  const files = new KernelFiles(calls.ask, names, leaving);
  const before = variablesIn(begun);
  const cwd = String(fieldOf(begun, "cwd") ?? "/");
  using random = new ShellRandom(numberIn(begun, "random"));
  const shell = makeShell(bash, files, commands);
  const evaluation: Evaluation = {
    cwd,
    variables: { HOME: "/root", PATH: "/usr/bin:/bin", TZ: "UTC", ...before },
    status: numberIn(begun, "status"),
    text: "",
  };
  for (const script of plan?.scripts ?? [line]) {
    await evaluate(shell, script, evaluation);
    if (calls.broken !== undefined) throw calls.broken;
  }
  const { status, text } = evaluation;
  const end = {
    cwd: evaluation.cwd,
    variables: keptVariables(evaluation.variables),
    output: linesOf(text),
    random: random.state,
  };
  const launch = launchOf(calls, files, plan?.background === true);
  machine.do({
    do: "call",
    id: 0,
    call: launch === undefined ? { do: "end", status, ...end } : { do: "leave", ...end, launch },
  });
  return await machine.until(isSettled, PROGRAM_NS);
}

function launchOf(calls: LineCalls, files: KernelFiles, background: boolean): Plain | undefined {
  if (calls.tail !== undefined) return { argv: [...calls.tail], background };
  if (files.pending !== undefined) return { write: { ...files.pending } };
  return undefined;
}
