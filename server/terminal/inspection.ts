/**
 * What was found out about a file, in the form in which it is printed.
 *
 * @module
 */
import { padded } from "./help.ts";

/** Some facts under one title. */
export interface Section {
  readonly title: string;
  readonly rows: readonly (readonly [name: string, value: string])[];
}

/** See the module's header. */
export interface Inspection {
  /** What the file is, in a word or two. */
  readonly kind: string;
  /** One sentence. */
  readonly about: string;
  readonly sections: readonly Section[];
}

/** An inspection for people, with a line feed at the end. */
export function inspectionText(path: string, { about, sections }: Inspection): string {
  const lines = [`${path}: ${about}`];
  for (const { title, rows } of sections) {
    const width = Math.max(0, ...rows.map(([name]) => name.length));
    lines.push("", title);
    for (const [name, value] of rows) lines.push(`  ${padded(name, width)}  ${value}`.trimEnd());
  }
  return `${lines.join("\n")}\n`;
}

/** An inspection as JSON, with a line feed at the end. */
export function inspectionJson(path: string, inspection: Inspection): string {
  const sections = inspection.sections.map(({ title, rows }) => ({
    title,
    rows: rows.map(([name, value]) => ({ name, value })),
  }));
  return `${JSON.stringify({ path, ...inspection, sections }, null, 2)}\n`;
}
