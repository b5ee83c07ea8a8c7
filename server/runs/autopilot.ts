/**
 * What a person does after the power went: switches the machine on again and goes through the
 * morning that his transcript has, its steps from the last `# power on`, without insisting on what
 * is printed. Where a step cannot be done any more he stops, and the machine waits for somebody.
 *
 * @module
 */
import type { Choice } from "../../machine/choices.ts";
import { isSettled, type LiveMachine } from "../shell/live_machine.ts";
import { doStep } from "../transcript/play.ts";
import type { Transcript, TranscriptStep } from "../transcript/transcript.ts";

/** What a person who comes in the morning does not do again. */
const MISHAPS: ReadonlySet<string> = new Set(["pull the plug", "press reset", "when"]);

function isPowerOn({ action }: TranscriptStep): boolean {
  return action?.do === "power on";
}

/**
 * The steps behind the transcript's last `# power on`; none where the machine was switched on only
 * once, because all of it is then the evening.
 */
export function morningOf({ steps }: Pick<Transcript, "steps">): readonly TranscriptStep[] {
  const last = steps.findLastIndex(isPowerOn);
  return last > steps.findIndex(isPowerOn) ? steps.slice(last + 1) : [];
}

/** The entry that was booted last, by the transcript or else by the run's own inputs. */
export function lastEntry(
  { steps }: Pick<Transcript, "steps">,
  choices: readonly Choice[],
): string | undefined {
  const step = steps.findLast(({ action }) => action?.do === "boot");
  if (step?.action?.do === "boot") return step.action.entry;
  const input = choices.findLast((choice) =>
    choice.kind === "input" && choice.text.startsWith('{"do":"choose"')
  );
  if (input?.kind !== "input") return undefined;
  const value: unknown = JSON.parse(input.text);
  const entry: unknown = Reflect.get(Object(value), "entry");
  return typeof entry === "string" ? entry : undefined;
}

/** Takes an entry of the menu that waits. */
async function choose(machine: LiveMachine, hint: string | undefined): Promise<void> {
  const { menu } = machine.view;
  const entry = hint !== undefined && menu.includes(hint) ? hint : menu[0];
  if (entry === undefined) return;
  machine.do({ do: "choose", entry, append: "" });
  await machine.until(isSettled);
}

/** See the module's header. The machine is off. */
export async function goThroughMorning(
  machine: LiveMachine,
  transcript: Pick<Transcript, "steps">,
  choices: readonly Choice[],
): Promise<void> {
  const steps = morningOf(transcript);
  const hint = lastEntry(transcript, choices);
  // What was under way to him comes first, so that he does not take it for the new machine's.
  await machine.until(() => false);
  machine.do({ do: "power_on" });
  await machine.until(isSettled);
  for (const step of steps) {
    const { action } = step;
    if (action !== undefined && MISHAPS.has(action.do)) return;
    if (machine.view.menu.length > 0 && action?.do !== "boot") await choose(machine, hint);
    machine.takeLines();
    const sight = await doStep(machine, step);
    if (typeof sight === "string" || sight.halt !== undefined) break;
  }
  if (machine.view.menu.length > 0) await choose(machine, hint);
}
