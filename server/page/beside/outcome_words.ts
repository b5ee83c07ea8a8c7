/**
 * What became of a machine, in a sentence of its run's summary. Knows no DOM.
 *
 * Promises: what is said follows from the summary alone; an outcome that is not known here is
 * given in the run's own words.
 *
 * @module
 */
import type { RunSummary } from "../../api/shapes/run.ts";
import { countText, listText, momentText, plural } from "../panels/words.ts";

const OUTCOMES: ReadonlyMap<string, string> = new Map([
  ["resumed", "the hibernated kernel came back out of its image"],
  ["hibernated", "the image was saved and the machine switched itself off"],
  ["returned", "the jump came back"],
  ["booted", "it booted"],
  ["booted without an image", "it found no image that counts and booted afresh"],
  ["failed", "it failed"],
  ["idle", "nothing was left to happen"],
  ["stopped", "it was stopped"],
  ["left", "the person left"],
  ["parted", "what was printed was not what its transcript says"],
  ["imported", "the recording ends there"],
]);

/** `booted without an image: ordinary boot of C`: the word, and what the run says of it. */
function outcomeText(outcome: string): string {
  const at = outcome.indexOf(": ");
  const known = OUTCOMES.get(at < 0 ? outcome : outcome.slice(0, at));
  const words = known === undefined
    ? `it calls its end \u201c${outcome}\u201d`
    : known + (at < 0 ? "" : outcome.slice(at));
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? "" : "."}`;
}

/** How it ended, or where it stands. */
function endText({ status, outcome, trouble, events, standing }: RunSummary): string {
  switch (status) {
    case "queued":
      return "It waits for its turn.";
    case "running":
      return `It is still running: ${plural(events, "event")} so far.`;
    case "waiting":
      if (standing?.off === true) return "It is switched off and waits for a person.";
      return standing === undefined || standing.prompt === ""
        ? "It waits for a person."
        : `The prompt of ${standing.prompt} waits for a line.`;
    case "cancelled":
      return "It was stopped by a person.";
    case "interrupted":
      return "The server went away while it ran; what was recorded is there.";
    case "failed":
      return trouble === undefined ? "The run itself failed." : `The run itself failed: ${trouble}`;
    case "finished": {
      if (outcome === undefined) return "It has ended.";
      return outcomeText(outcome);
    }
  }
}

function verdictText({ verdict }: RunSummary): string {
  if (verdict === undefined) return "";
  const rules = [...new Set(verdict.violated.map(({ rule }) => rule))];
  if (rules.length > 0) {
    const first = Math.min(...verdict.violated.map(({ seq }) => seq));
    return ` Broken: ${listText(rules)}, first at event ${countText(first)}.`;
  }
  if (!verdict.ok) return " A rule was broken.";
  const held = verdict.held === 1 ? "the one rule" : `all ${countText(verdict.held)} rules`;
  return verdict.held === 0
    ? " No rule had an occasion."
    : ` It kept ${held} that had an occasion.`;
}

/** What became of the machine. */
export function outcomeSentence(summary: RunSummary): string {
  return `${endText(summary)}${verdictText(summary)}`;
}

/** Length of the run: `3 804 events, 5.393 692 604 s`. */
export function lengthText({ events, vt }: RunSummary): string {
  return `${plural(events, "event")}, ${momentText(vt)}`;
}

/** Events that two runs are known to share: a fork and its parent, or two forks of one. */
export function sharedEvents(left: RunSummary | undefined, right: RunSummary | undefined): number {
  const [a, b] = [left?.parent, right?.parent];
  if (a !== undefined && a.run === right?.run) return a.seq;
  if (b !== undefined && b.run === left?.run) return b.seq;
  if (a !== undefined && b !== undefined && a.run === b.run) return Math.min(a.seq, b.seq);
  return 0;
}
