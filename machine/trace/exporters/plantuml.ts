/**
 * A sequence diagram for PlantUML (server.md 5.7), with a divider for each phase.
 *
 * @module
 */
import type { Exporter } from "./exporter.ts";
import { type Dialect, type Fate, sequenceDiagram } from "./sequence_diagram.ts";

const PLAIN = /^[\p{L}\p{N}\p{M} .,()+]$/u;
/** Signs that mean something to PlantUML only when they stand twice. */
const SINGLE = /^[_/=-]$/;

/** The arrow of a message by what became of it. */
const ARROWS: Readonly<Record<Fate, string>> = { deliver: "->", drop: "->x", ignore: "-->x" };

/** Text in which everything else is a character reference, `<U+0023>` for a number sign. */
export function plantumlText(text: string): string {
  let plain = "";
  let before = "";
  for (const character of text.toWellFormed()) {
    const single = SINGLE.test(character) && /[\p{L}\p{N}]$/u.test(before);
    if (PLAIN.test(character) || single) plain += character;
    else if (/^[\p{C}\p{Z}]$/u.test(character)) plain += " ";
    else plain += reference(character.codePointAt(0) ?? 0xfffd);
    before = character;
  }
  return plain.trim() === "" ? "<U+200B>" : plain.trim();
}

function reference(codePoint: number): string {
  return codePoint > 0xffff
    ? `&#${codePoint};`
    : `<U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}>`;
}

const DIALECT: Dialect = {
  escape: plantumlText,
  begin: (title) => `@startuml\ntitle ${title}\nhide footbox\n`,
  participant: (id, name) => `participant "${name}" as ${id}\n`,
  message: (from, to, label, fate) => `${from} ${ARROWS[fate]} ${to} : ${label}\n`,
  note: (id, text) => `note over ${id} : ${text}\n`,
  remark: (first, last, text) =>
    `note over ${first === last ? first : `${first}, ${last}`} : ${text}\n`,
  phase: (name) => `== ${name} ==\n`,
  phaseEnd: () => "",
  end: () => "@enduml\n",
};

/** See the module's header. */
export const PLANTUML: Exporter = {
  form: "plantuml",
  title: "Sequence diagram for PlantUML",
  mediaType: "text/plain; charset=utf-8",
  extension: "puml",
  export: (source) => sequenceDiagram(source, DIALECT),
};
