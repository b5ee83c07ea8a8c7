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

const PREFIXES: readonly (readonly [prefix: string, letters: string])[] = [
  ["hibernate-rfc", "R"],
  ["resume-rfc", "R"],
  ["hibernate-v7", "V"],
  ["resume-v7", "V"],
  ["hibernate-swsusp", "S"],
  ["resume-swsusp", "S"],
  ["hibernate", "M"],
  ["resume", "M"],
  ["jump", "M"],
  ["kimgcore", "VG"],
  ["swsusp", "S"],
  ["tuxonice", "T"],
  ["rfc", "R"],
  ["v7", "V"],
];

/**
 * Letters of the systems a scenario belongs to; empty, so that only the rules for all systems
 * apply, where the name says nothing.
 */
export function systemsOfScenario(scenario: string): string {
  const found = PREFIXES.find(([prefix]) => scenario.startsWith(prefix));
  return found?.[1] ?? "";
}

/** Whether a rule for `systems` applies to a run of `letters`. */
export function appliesTo(systems: string, letters: string): boolean {
  if (systems === "*") return true;
  for (const letter of letters) {
    if (systems.includes(letter)) return true;
  }
  return false;
}
