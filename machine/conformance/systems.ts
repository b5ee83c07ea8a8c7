/**
 * Which system a scenario runs, by the beginning of its name.
 *
 * @module
 */

/** Letters of protocol.md F.0. */
export const SYSTEM_NAMES: { readonly [letter: string]: string } = {
  R: "RFC of August 2007",
  V: "khibernation v7",
  G: "kimgcore",
  M: "mainline kexec jump",
  S: "swsusp",
  T: "TuxOnIce",
};

/** What a scenario does, before the name of the system that does it. */
const VERB = /^(?:hibernate|resume|jump|snapshot)-/;

const PREFIXES: readonly (readonly [prefix: string, letters: string])[] = [
  ["kimgcore", "VG"],
  ["v7-kimgcore", "VG"],
  ["v7", "V"],
  ["khibernation", "V"],
  ["rfc", "R"],
  ["swsusp", "S"],
  ["tuxonice", "T"],
  ["mainline", "M"],
  ["hibernate", "M"],
  ["resume", "M"],
  ["jump", "M"],
];

/** A recording's scenario carries the letters of what was seen in it. */
const RECORDING = /^log-([RVGMST]*)(?: |$)/;

/** The first prefix that a name is or goes on from after a hyphen. */
function lettersOf(name: string): string | undefined {
  const fits = PREFIXES.filter(([prefix]) => name === prefix || name.startsWith(`${prefix}-`));
  const longest = fits.sort(([left], [right]) => right.length - left.length)[0];
  return longest?.[1];
}

/**
 * Letters of the systems a scenario belongs to (`v7-cold`, `hibernate-swsusp`, `jump`); empty, so
 * that only the rules for all systems apply, where the name says nothing.
 */
export function systemsOfScenario(scenario: string): string {
  const imported = RECORDING.exec(scenario)?.[1];
  return imported ?? lettersOf(scenario.replace(VERB, "")) ?? lettersOf(scenario) ?? "";
}

/** Whether a rule for `systems` applies to a run of `letters`. */
export function appliesTo(systems: string, letters: string): boolean {
  if (systems === "*") return true;
  for (const letter of letters) {
    if (systems.includes(letter)) return true;
  }
  return false;
}

/**
 * The letters that a person's word for systems stands for: letters as they are, or a scenario's
 * prefix (`v7`, `kimgcore`); undefined for anything else.
 */
export function systemsOfWord(word: string): string | undefined {
  const upper = word.toUpperCase();
  if (upper !== "" && [...upper].every((letter) => Object.hasOwn(SYSTEM_NAMES, letter))) {
    return upper;
  }
  return lettersOf(word.toLowerCase());
}
