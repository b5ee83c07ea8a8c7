/**
 * Plays a transcript on a machine: does what stands in it, line by line, and compares what is
 * printed. It knows no transport and no file.
 *
 * @module
 */
import type { LiveOperatorState } from "../../actors/live_operator.ts";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { isSettled, type LiveMachine, type Sight } from "../shell/live_machine.ts";
import { ShellError } from "../shell/shell_error.ts";
import { runShellLine } from "../shell/shell_line.ts";
import { differenceText, findMismatch, NOTHING } from "./expectation.ts";
import type { PersonAction, Transcript, TranscriptStep } from "./transcript.ts";

/** Where a run parts from its transcript. */
export interface Parting {
  /** Line of the command in the file. */
  readonly line: number;
  readonly message: string;
  /** More lines: the difference. */
  readonly details: readonly string[];
  /** Number of the event where they part. */
  readonly seq: number;
}

/** What came of a command. */
export interface Played {
  readonly step: TranscriptStep;
  readonly printed: readonly string[];
}

/** What the machine is waiting for, in words. */
export function standingOf(view: LiveOperatorState): string {
  if (view.off) return "the machine is off";
  if (view.menu.length > 0) return `the boot menu waits (${view.menu.join(", ")})`;
  if (view.prompt !== "") return `the prompt of ${view.prompt} waits`;
  return "nobody waits for anything";
}

/** A wait that came to nothing. */
function haltText({ view, halt }: Sight): string | undefined {
  switch (halt) {
    case "endless":
      return "the machine runs on and on without a prompt";
    case "flooded":
      return "it prints without end";
    case "ended":
      return `the run has ended; ${standingOf(view)}`;
    default:
      return undefined;
  }
}

/** Why a person cannot do that now; nothing where he can. */
export function obstacle(
  action: PersonAction,
  { view, isArmed }: Pick<LiveMachine, "view" | "isArmed">,
): string | undefined {
  switch (action.do) {
    case "power on":
      return view.off ? undefined : "the machine is on already";
    case "boot": {
      if (view.menu.length === 0) return `there is no boot menu; ${standingOf(view)}`;
      const has = view.menu.includes(action.entry);
      return has ? undefined : `the boot menu has no '${action.entry}': ${view.menu.join(", ")}`;
    }
    case "pull the plug":
    case "press reset":
      return view.off ? "the machine is off" : undefined;
    case "when":
      return isArmed ? "what was to happen before has not happened yet" : undefined;
    default:
      return undefined;
  }
}

/** Whether an event is the fact that was named, with all the words among its values. */
function isFact({ type, summary = {} }: TraceEvent, fact: string, words: readonly string[]) {
  if (type !== `fact.${fact}`) return false;
  const values = Object.values(summary).map(String);
  return words.every((word) => values.includes(word));
}

function arm(machine: LiveMachine, action: Extract<PersonAction, { do: "when" }>): void {
  const { fact, words, then } = action;
  machine.arm((event) => isFact(event, fact, words), () => {
    if (then.do === "pull the plug") machine.pullPlug(then.durable);
    else machine.pressPowerButton();
  });
}

/** Does what the person does, until there is the next thing to see. */
export async function act(machine: LiveMachine, action: PersonAction): Promise<Sight> {
  switch (action.do) {
    case "power on":
      machine.do({ do: "power_on" });
      return await machine.until(isSettled);
    case "boot":
      machine.do({ do: "choose", entry: action.entry, append: action.append });
      return await machine.until(isSettled);
    case "press reset":
      machine.do({ do: "reset" });
      return await machine.until(isSettled);
    case "pull the plug":
      machine.pullPlug(action.durable);
      return await machine.until(({ off }) => off);
    case "away":
      machine.do({ do: "away", ns: action.ns });
      return await machine.until(({ back }) => back, action.ns + 1_000_000_000);
    case "wait for power off":
      return await machine.until(({ off }) => off);
    case "wait for prompt":
      return await machine.until(({ prompt }) => prompt === action.kernel);
    case "when":
      arm(machine, action);
      return { view: machine.view };
  }
}

/** Whether a wait that was asked for came to nothing because nothing happens any more. */
function waitedInVain(action: PersonAction | undefined, { halt, view }: Sight): string | undefined {
  if (halt !== "idle" || action === undefined) return undefined;
  const isWait = action.do === "wait for power off" || action.do === "wait for prompt";
  return isWait ? `nothing happens any more; ${standingOf(view)}` : undefined;
}

/** Does one step; a text says why it cannot be done. */
export async function doStep(machine: LiveMachine, step: TranscriptStep): Promise<Sight | string> {
  const { action, kernel, text } = step;
  const { view } = machine;
  if (action !== undefined) {
    const why = obstacle(action, machine);
    if (why !== undefined) return `cannot '${text}': ${why}`;
    return await act(machine, action);
  }
  if (view.prompt !== kernel) return `a command at ${kernel}$, but ${standingOf(view)}`;
  try {
    return await runShellLine(machine, text);
  } catch (error) {
    if (error instanceof ShellError) return error.message;
    throw error;
  }
}

function compare(step: TranscriptStep, printed: readonly string[], seqs: readonly number[]) {
  const { line, strict } = step;
  const isNothing = step.expected.length === 1 && step.expected[0]?.trim() === NOTHING;
  if (step.expected.length === 0 && !strict) return undefined;
  const expected = isNothing ? [] : step.expected;
  const mismatch = findMismatch(expected, printed);
  if (mismatch === undefined) return undefined;
  const at = mismatch.printedIndex;
  return {
    line: line + (isNothing || expected.length === 0 ? 0 : mismatch.expectedIndex + 1),
    message: `'${step.text}' prints something else`,
    details: differenceText(expected, printed, mismatch, line + 1),
    seq: seqs[at] ?? seqs.at(-1) ?? 0,
  };
}

/**
 * Plays it to its end or to where it parts.
 *
 * @param onPlayed told after each command.
 * @throws {UsageError} if the shell language cannot be loaded.
 */
export async function playTranscript(
  { steps }: Transcript,
  machine: LiveMachine,
  onPlayed: (played: Played) => void = () => {},
): Promise<Parting | undefined> {
  for (const step of steps) {
    const from = machine.seq;
    const part = (message: string): Parting => ({
      line: step.line,
      message,
      details: machine.takeLines().slice(-5).map(({ text }) => `+     ${text}`),
      seq: machine.seq === from ? from : machine.seq - 1,
    });
    const sight = await doStep(machine, step);
    if (typeof sight === "string") return part(sight);
    const wrong = haltText(sight) ?? waitedInVain(step.action, sight);
    if (wrong !== undefined) return part(`'${step.text}': ${wrong}`);
    const lines = machine.takeLines();
    const printed = lines.map(({ text }) => text);
    onPlayed({ step, printed });
    const parting = compare(step, printed, lines.map(({ seq }) => seq));
    if (parting !== undefined) return { ...parting, seq: parting.seq === 0 ? from : parting.seq };
  }
  const waiting = steps.findLast(({ action }) => action?.do === "when");
  if (machine.isArmed && waiting !== undefined) {
    const message = `'${waiting.text}': it never came to that`;
    return { line: waiting.line, message, details: [], seq: machine.seq };
  }
  return undefined;
}
