/**
 * How a message looks: by the family of its type, the word before the dot. A colour, a dash and a
 * letter, so that nothing hangs on the colour alone.
 *
 * @module
 */

/** Look of a family. */
export interface Family {
  readonly name: string;
  /** Number of the colour: class `f0` … `f11`. */
  readonly colour: number;
  /** Stroke of its arrows; "" for a whole line. */
  readonly dash: string;
  readonly letter: string;
}

const KNOWN: readonly (readonly [name: string, dash: string, letter: string])[] = [
  ["memory", "", "M"],
  ["disk", "6 2", "D"],
  ["console", "2 2", "C"],
  ["cpu", "8 2 2 2", "P"],
  ["device", "4 2", "V"],
  ["acpi", "1 2", "A"],
  ["timer", "2 3", "T"],
  ["rtc", "5 2 1 2", "R"],
  ["kernel", "10 2", "K"],
  ["program", "3 1", "G"],
  ["loader", "6 2 2 2", "L"],
  ["machine", "8 3", "W"],
  ["network", "4 3", "N"],
];

/** Colours there are. */
export const FAMILY_COLOURS = 12;

const FAMILIES: Map<string, Family> = new Map(
  KNOWN.map(([name, dash, letter], number) => [
    name,
    { name, colour: number % FAMILY_COLOURS, dash, letter },
  ]),
);
/** Facts and what has no family. */
const FACT: Family = { name: "fact", colour: -1, dash: "", letter: "" };

/** First words of types that are no messages: facts, births, what a person does. */
const NO_FAMILIES: ReadonlySet<string> = new Set(["fact", "actor", "input", ""]);

/** Look of a type, as `memory.acquire`; families that are not known get one of their own. */
export function familyOf(type: string): Family {
  const dot = type.indexOf(".");
  const name = dot < 0 ? type : type.slice(0, dot);
  if (NO_FAMILIES.has(name)) return FACT;
  const known = FAMILIES.get(name);
  if (known !== undefined) return known;
  let sum = 0;
  for (const letter of name) sum += letter.codePointAt(0) ?? 0;
  const family: Family = {
    name,
    colour: sum % FAMILY_COLOURS,
    dash: KNOWN[sum % KNOWN.length]?.[1] ?? "",
    letter: name.slice(0, 1).toUpperCase(),
  };
  FAMILIES.set(name, family);
  return family;
}
