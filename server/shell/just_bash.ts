/**
 * The shell language: the npm package `just-bash`, loaded only when a line is to be run, so that a
 * run without a transcript fetches nothing. Its specifier stands in deno.json, its versions in
 * run.lock, which the tasks that may run a transcript name.
 *
 * @module
 */
import { UsageError } from "../../machine/errors.ts";

/** The package as it is imported. */
export type JustBash = typeof import("just-bash");

// As a variable it is no part of the module graph, of which Deno would fetch every package at once.
const PACKAGE: string = "just-bash";

let loaded: Promise<JustBash> | undefined;

/**
 * Loads it.
 *
 * @throws {UsageError} if it cannot be had.
 */
export function loadJustBash(): Promise<JustBash> {
  loaded ??= import(PACKAGE).catch((error: unknown) => {
    const message = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new UsageError(
      `Transcripts and the console need the npm package just-bash, which cannot be loaded: ` +
        `${message}; run them by 'deno task', with npm's registry in reach the first time`,
      { cause: error },
    );
  });
  return loaded;
}

/** Commands of the package, on text and files; all others are the machine's or nobody's. */
export const TEXT_COMMANDS = [
  "echo",
  "cat",
  "printf",
  "mkdir",
  "rmdir",
  "touch",
  "rm",
  "mv",
  "pwd",
  "head",
  "tail",
  "wc",
  "stat",
  "grep",
  "fgrep",
  "egrep",
  "sed",
  "awk",
  "sort",
  "uniq",
  "comm",
  "cut",
  "paste",
  "tr",
  "rev",
  "nl",
  "fold",
  "strings",
  "column",
  "join",
  "tee",
  "basename",
  "dirname",
  "env",
  "printenv",
  "xargs",
  "true",
  "false",
  "base64",
  "diff",
  "seq",
  "expr",
  "md5sum",
  "which",
  "tac",
  "od",
  "whoami",
] as const;
