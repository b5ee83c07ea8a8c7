/**
 * Lines typed at a small machine's prompts, for facts about tools and their answers.
 */
import assert from "node:assert/strict";
import type { OperatorStep } from "../../actors/operator.ts";
import { runMachine } from "../runs/machine_kit.ts";
import { fieldsOf, type Run } from "../runs/run_kit.ts";

/** A runs lines of the shell; jumps are allowed. */
export function atShell(
  lines: readonly (string | readonly [at: string, line: string])[],
  { last = "A", ...options }: {
    readonly profile?: string;
    readonly cpus?: number;
    /** Whose prompt waits at the end. */
    readonly last?: string;
  } = {},
): Run {
  const script: OperatorStep[] = lines.map((line) => {
    const [at, text] = typeof line === "string" ? ["A", line] : line;
    return { do: "type", at, line: text };
  });
  const run = runMachine({
    profile: "6.1-cured",
    memoryMiB: 256,
    ...options,
    script: [
      { do: "power_on" },
      { do: "choose", entry: "A", append: "" },
      ...script,
      { do: "prompt", at: last },
      { do: "finish", outcome: "done" },
    ],
  });
  assert.equal(run.outcome, "done", run.lines.slice(-4).join("\n"));
  return run;
}

/** Exit statuses of a program, in order. */
export function statuses(run: Run, program: string, k?: string): unknown[] {
  return fieldsOf(run, "tool", k).filter((tool) => tool["program"] === program)
    .map(({ status }) => status);
}
