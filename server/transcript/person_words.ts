/**
 * What may stand behind a `#` in a console block: the small closed set of what a person does at a
 * machine, besides typing at a kernel's prompt.
 *
 * @module
 */
import { parseDuration } from "../terminal/values.ts";
import type { PersonAction } from "./transcript.ts";

/** The forms, as they are shown to who wrote another one. */
export const PERSON_FORMS: readonly string[] = [
  "power on",
  "boot ENTRY [WORDS FOR ITS COMMAND LINE]",
  "pull the plug [keeping none|all|some]",
  "press reset",
  "away TIME",
  "wait for power off",
  "wait for A$",
  "when FACT [WORDS]: pull the plug [keeping none|all|some]",
  "when FACT [WORDS]: press the power button",
];

const FATES = { none: "none", all: "all", some: "seeded" } as const;

function fateOf(word: string | undefined): "none" | "all" | "seeded" | undefined {
  if (word === undefined) return "none";
  return Object.entries(FATES).find(([name]) => name === word)?.[1];
}

/** What is to happen at a fact; undefined where that is nothing that can be put off. */
function whenOf(fact: string, words: string, what: string): PersonAction | undefined {
  const then = what === "press the power button" ? { do: what } as const : parseAction(what);
  if (then?.do !== "pull the plug" && then?.do !== "press the power button") return undefined;
  return { do: "when", fact, words: words.trim().split(/\s+/).filter((word) => word !== ""), then };
}

/**
 * The action that words stand for, or `undefined` where they are none of {@linkcode PERSON_FORMS}.
 *
 * @throws {UsageError} if a time is none.
 */
export function parseAction(words: string): PersonAction | undefined {
  const text = words.trim();
  if (text === "power on" || text === "press reset" || text === "wait for power off") {
    return { do: text };
  }
  const boot = /^boot (\S+)(?: (.+))?$/.exec(text);
  if (boot !== null) return { do: "boot", entry: boot[1] ?? "", append: boot[2] ?? "" };
  const away = /^away (\S+)$/.exec(text)?.[1];
  if (away !== undefined) return { do: "away", ns: parseDuration(away) };
  const kernel = /^wait for ([A-Z][0-9]*)\$$/.exec(text)?.[1];
  if (kernel !== undefined) return { do: "wait for prompt", kernel };
  const when = /^when ([a-z_]+)((?: [^\s:]+)*): (.+)$/.exec(text);
  if (when !== null) return whenOf(when[1] ?? "", when[2] ?? "", when[3] ?? "");
  const plug = /^pull the plug(?: keeping (\w+))?$/.exec(text);
  const durable = plug === null ? undefined : fateOf(plug[1]);
  return durable === undefined ? undefined : { do: "pull the plug", durable };
}
