/**
 * A sequence diagram for Mermaid (server.md 5.7), which GitHub, GitLab and many wikis show where
 * they find it in Markdown.
 *
 * @module
 */
import type { Exporter } from "./exporter.ts";
import { type Dialect, type Fate, sequenceDiagram } from "./sequence_diagram.ts";

/** What stands for itself: letters, digits and signs that mean nothing to Mermaid or HTML. */
const PLAIN = /^[\p{L}\p{N}\p{M} _.,/()+='*-]$/u;

/** The arrow of a message by what became of it. */
const ARROWS: Readonly<Record<Fate, string>> = { deliver: "->>", drop: "-x", ignore: "--x" };

/** Text in which everything else is a character reference, `#35;` for a number sign. */
export function mermaidText(text: string): string {
  let plain = "";
  for (const character of text.toWellFormed()) {
    if (PLAIN.test(character)) plain += character;
    else if (/^[\p{C}\p{Z}]$/u.test(character)) plain += " ";
    else plain += `#${character.codePointAt(0) ?? 0xfffd};`;
  }
  // An empty text is none to the grammar, and blanks at the ends are cut off.
  return plain.trim() === "" ? "#8203;" : plain.trim();
}

const DIALECT: Dialect = {
  escape: mermaidText,
  begin: (title) => `sequenceDiagram\n  %% ${title}\n`,
  participant: (id, name) => `  participant ${id} as ${name}\n`,
  message: (from, to, label, fate) => `  ${from}${ARROWS[fate]}${to}: ${label}\n`,
  note: (id, text) => `  Note over ${id}: ${text}\n`,
  remark: (first, last, text) =>
    `  Note over ${first === last ? first : `${first},${last}`}: ${text}\n`,
  phase: (name, id) => `  rect rgba(128, 128, 128, 0.12)\n  Note over ${id}: phase ${name}\n`,
  phaseEnd: () => "  end\n",
  end: () => "",
};

/** See the module's header. */
export const MERMAID: Exporter = {
  form: "mermaid",
  title: "Sequence diagram for Mermaid",
  mediaType: "text/plain; charset=utf-8",
  extension: "mmd",
  export: (source) => sequenceDiagram(source, DIALECT),
};
