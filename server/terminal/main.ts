/**
 * The command line: finds the command, reads its options, runs it, and turns whatever goes wrong
 * into one sentence and an exit code.
 *
 * @module
 */
import { EXIT, UsageError } from "../../machine/errors.ts";
import { runCheck } from "./check.ts";
import { COMMANDS, SYSTEM_SCENARIOS } from "./commands.ts";
import { failureOf } from "./failure.ts";
import { commandHelp, overview } from "./help.ts";
import { runNewMachine } from "./hibernate.ts";
import { runInspect } from "./inspect.ts";
import { nearest } from "./nearest.ts";
import { type GivenOptions, readOptions } from "./options.ts";
import { runResume } from "./resume.ts";
import type { Terminal } from "./terminal.ts";

type Run = (options: GivenOptions, terminal: Terminal) => number | Promise<number>;

/** A transcript where one is named, that of a system where that is, else the default run. */
async function hibernate(options: GivenOptions, terminal: Terminal): Promise<number> {
  const { rest } = options;
  const system = SYSTEM_SCENARIOS[options.text("system") ?? ""];
  if (system !== undefined && rest.length > 0) {
    throw new UsageError("hibernate: --system and a scenario's name exclude each other");
  }
  if (rest.length === 0 && system === undefined) return await runNewMachine(options, terminal);
  const names = COMMANDS["hibernate"]?.options.map(({ name }) => name) ?? [];
  // Loaded when they are needed: the default run starts sooner without them.
  const { runTranscripts } = await import("../transcript/run_transcripts.ts");
  return await runTranscripts(options, names, terminal, system === undefined ? rest : [system]);
}

// As a variable it is no part of the module graph, and neither is its type: the server needs
// packages, and a command whose graph has one fetches all of its lock.
const SERVER: string = "../serve.ts";

async function runServer(options: GivenOptions, terminal: Terminal): Promise<number> {
  const { runServe }: { readonly runServe: Run } = await import(SERVER);
  return await runServe(options, terminal);
}

const RUNS: Readonly<Record<string, Run>> = {
  hibernate: hibernate,
  jump: runNewMachine,
  resume: runResume,
  check: runCheck,
  inspect: runInspect,
  compare: async (options, terminal) =>
    (await import("./compare.ts")).runCompare(options, terminal),
  export: async (options, terminal) => (await import("./export.ts")).runExport(options, terminal),
  serve: runServer,
  scenarios: async (options, terminal) =>
    (await import("../transcript/scenarios.ts")).runScenarios(options, terminal),
  console: async (options, terminal) =>
    await (await import("../transcript/console.ts")).runConsole(options, terminal),
};

function unknownCommand(name: string): never {
  const known = Object.keys(COMMANDS);
  const near = nearest(name, known);
  const hint = near === undefined ? `there are ${known.join(", ")}` : `did you mean '${near}'?`;
  throw new UsageError(`Unknown command '${name}'; ${hint}`);
}

async function dispatch(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    terminal.out(overview(Object.values(COMMANDS)));
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  const command = COMMANDS[name];
  const run = RUNS[name];
  if (command === undefined || run === undefined) unknownCommand(name);
  const options = readOptions(command, rest);
  if (options.flag("help")) {
    terminal.out(commandHelp(command));
    return EXIT.ok;
  }
  return await run(options, terminal);
}

/** The innermost cause, where the trouble began. */
function rootOf(error: unknown): unknown {
  let root = error;
  for (;;) {
    if (root instanceof SuppressedError) root = root.suppressed;
    else if (root instanceof Error && root.cause !== undefined) root = root.cause;
    else return root;
  }
}

/** Runs the command line and gives the exit code; it throws nothing. */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    const { code, sentence } = failureOf(error);
    if (args.includes("--json")) {
      terminal.out(`${JSON.stringify({ ok: false, exitCode: code, reasons: [sentence] })}\n`);
    }
    terminal.err(`${sentence}\n`);
    const root = rootOf(error);
    if (code === EXIT.internal && args.includes("--stack") && root instanceof Error) {
      terminal.err(`${root.stack ?? ""}\n`);
    }
    return code;
  }
}
