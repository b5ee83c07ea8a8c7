/**
 * Plain state in bounded form: long texts and lists are cut off and say so. What is given is a
 * copy; the state itself goes on changing.
 *
 * @module
 */

/** What is left of a state, or of several that are to be compared. */
export interface StateBounds {
  /** Characters of a text. */
  readonly text: number;
  /** Entries of a list, fields of a record. */
  readonly entries: number;
}

/** From generous to stingy; the first that suffices is taken. */
const BOUNDS: readonly StateBounds[] = [
  { text: 4096, entries: 1024 },
  { text: 1024, entries: 128 },
  { text: 256, entries: 32 },
  { text: 64, entries: 8 },
  { text: 16, entries: 2 },
];

/** Nesting that is shown. */
const DEPTH_MAX = 16;

function cutText(text: string, { text: most }: StateBounds): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length - most} more)`;
}

function cutList(list: readonly unknown[], bounds: StateBounds, depth: number): unknown[] {
  const kept = list.slice(0, bounds.entries).map((each) => cut(each, bounds, depth + 1));
  if (list.length > bounds.entries) kept.push(`… (${list.length - bounds.entries} more)`);
  return kept;
}

function cutRecord(value: object, bounds: StateBounds, depth: number): unknown {
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  const kept: { [name: string]: unknown } = {};
  for (const [name, each] of fields.slice(0, bounds.entries)) {
    // A field of that name would set the copy's prototype.
    if (name !== "__proto__") kept[name] = cut(each, bounds, depth + 1);
  }
  if (fields.length > bounds.entries) kept["…"] = `(${fields.length - bounds.entries} more)`;
  return kept;
}

function cut(value: unknown, bounds: StateBounds, depth: number): unknown {
  if (typeof value === "string") return cutText(value, bounds);
  if (typeof value !== "object" || value === null) return value ?? null;
  if (depth === DEPTH_MAX) return "… (deeper)";
  return Array.isArray(value) ? cutList(value, bounds, depth) : cutRecord(value, bounds, depth);
}

/** A copy of a plain value within bounds. */
export function boundedState(value: unknown, bounds: StateBounds): unknown {
  return cut(value, bounds, 0);
}

/**
 * Copies of plain values, all within the same bounds, that together have at most so many
 * characters of JSON. The bounds are as generous as that allows; the stingiest are kept to even
 * where they do not.
 */
export function boundedStates(values: readonly unknown[], characters: number): unknown[] {
  let kept: unknown[] = [];
  for (const bounds of BOUNDS) {
    kept = values.map((value) => boundedState(value, bounds));
    const length = kept.reduce((sum: number, each) => sum + JSON.stringify(each ?? null).length, 0);
    if (length <= characters) break;
  }
  return kept;
}
