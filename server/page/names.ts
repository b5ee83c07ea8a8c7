/**
 * Names with small numbers, so that columns hold numbers: actors, message types, states.
 *
 * @module
 */

/** Names in order of their first occurrence. */
export class Names {
  readonly list: string[] = [];
  readonly #numbers: Map<string, number> = new Map();

  /** Number of a name as it stands between quotes in JSON; -1 for `""`. */
  raw(raw: string): number {
    if (raw === "") return -1;
    const known = this.#numbers.get(raw);
    if (known !== undefined) return known;
    const name = raw.includes("\\") ? String(JSON.parse(`"${raw}"`)) : raw;
    const number = this.list.length;
    this.list.push(name);
    this.#numbers.set(raw, number);
    return number;
  }

  /** Number of a name; -1 where it has not occurred. */
  of(name: string): number {
    return this.#numbers.get(JSON.stringify(name).slice(1, -1)) ?? -1;
  }
}
