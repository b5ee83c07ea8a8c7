/**
 * A person at a live machine who is somewhere else: what he types comes as text, a line for the
 * prompt that waits or, behind a `#`, what he does to the machine itself, as at the console of the
 * command line.
 *
 * @module
 */
import { fieldOf } from "../../actors/kernel/values.ts";
import type { Choice } from "../../machine/choices.ts";
import { UsageError } from "../../machine/errors.ts";
import type { Plain } from "../../machine/messages/shape.ts";
import type { Standing } from "../api/shapes/run.ts";
import { ProblemError } from "../problem.ts";
import { isSettled, type LiveMachine, PROGRAM_NS } from "../shell/live_machine.ts";
import { ShellError } from "../shell/shell_error.ts";
import { runShellLine } from "../shell/shell_line.ts";
import { parseAction, PERSON_FORMS } from "../transcript/person_words.ts";
import { act, obstacle, standingOf } from "../transcript/play.ts";
import type { PersonAction } from "../transcript/transcript.ts";

const FORMS = [...PERSON_FORMS, "quit"].map((form) => `'# ${form}'`).join(", ");

/** What the person sees at this moment. */
export function standing({ view }: LiveMachine): Standing {
  const { off, menu, prompt } = view;
  return { off, menu: [...menu], prompt };
}

/** What he can do now. */
function wayOn({ view }: LiveMachine): string {
  if (view.off) return "write '# power on'";
  if (view.menu.length > 0) {
    return `write '# boot ${view.menu[0] ?? "A"}' or another of its entries`;
  }
  return view.prompt === ""
    ? "write '# press reset' or '# pull the plug'"
    : `write a command for ${view.prompt}'s shell, or '# ' and what you do to the machine`;
}

/** Number of the call of a line's evaluation that was asked last, where its line is not over. */
function openCall(choices: readonly Choice[]): number | undefined {
  const input = choices.findLast(({ kind }) => kind === "input");
  if (input?.kind !== "input") return undefined;
  const value: Plain = JSON.parse(input.text);
  const [id, way] = [fieldOf(value, "id"), fieldOf(fieldOf(value, "call"), "do")];
  if (fieldOf(value, "do") !== "call" || way === "end" || way === "leave") return undefined;
  return typeof id === "number" ? id : undefined;
}

/** Gives a kernel's shell, which waits for the rest of its line, an empty one. */
async function endLine(machine: LiveMachine): Promise<void> {
  if (isSettled(machine.view)) return;
  machine.do({ do: "type", line: "" });
  await machine.until(isSettled);
}

/**
 * Goes on until the machine waits. Where a line was being evaluated, its rest is given up: who
 * evaluated it was not part of the machine.
 */
export async function settleDown(machine: LiveMachine): Promise<void> {
  const call = openCall(machine.scheduler.choices);
  if (call === undefined) {
    await machine.until(isSettled);
    return;
  }
  await machine.until((view) => view.answer?.id === call || isSettled(view), PROGRAM_NS);
  await endLine(machine);
}

function actionOf(text: string): PersonAction {
  try {
    const action = parseAction(text);
    if (action !== undefined) return action;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new ProblemError(
      "bad-request",
      "That is no time; write a number and ms, s, m, h or d, as in '# away 8h'.",
    );
  }
  throw new ProblemError("bad-request", `That is nothing a person can do; there are ${FORMS}.`);
}

async function doAction(machine: LiveMachine, text: string): Promise<void> {
  const action = actionOf(text);
  if (obstacle(action, machine) !== undefined) {
    throw new ProblemError(
      "wrong-state",
      `That cannot be done now: ${standingOf(machine.view)}; ${wayOn(machine)}.`,
    );
  }
  await act(machine, action);
}

async function typeLine(machine: LiveMachine, line: string): Promise<void> {
  if (machine.view.prompt === "") {
    throw new ProblemError(
      "wrong-state",
      `No prompt waits for a line: ${standingOf(machine.view)}; ${wayOn(machine)}.`,
    );
  }
  try {
    await runShellLine(machine, line);
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
    await endLine(machine);
    throw new ProblemError("bad-request", `The line cannot be run: ${error.message}.`);
  }
}

/**
 * Does what he wants, until there is the next thing for him to see.
 *
 * @returns whether he leaves the machine.
 * @throws {ProblemError} if it cannot be done; the machine waits as before.
 */
export async function obey(machine: LiveMachine, typed: string): Promise<boolean> {
  const text = typed.trim();
  if (/[\r\n]/.test(text)) {
    throw new ProblemError("bad-request", "That is more than one line; send one after the other.");
  }
  if (text === "" || text === "#") {
    throw new ProblemError("bad-request", `Nothing is typed; ${wayOn(machine)}.`);
  }
  const action = text.startsWith("#") ? text.replace(/^#\s*/, "") : undefined;
  if (action === "quit" || action === "exit") return true;
  // What was printed is in the trace; nobody else asks for it.
  machine.takeLines();
  if (action === undefined) await typeLine(machine, text);
  else await doAction(machine, action);
  return false;
}
