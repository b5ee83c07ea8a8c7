/**
 * The snapshot file: a JavaScript module of assignments of template literals. Only that form is
 * read, as text, so that no code of the file is run.
 *
 * @module
 */

const HEAD = "export const snapshot = {};\n";
/** One assignment: name and text, both with backslash, backquote and `${` escaped. */
const ENTRY = /^snapshot\[`((?:[^`\\]|\\.)*)`\] = `((?:[^`\\]|\\.)*)`;$/gms;

/** Makes text fit to stand in a template literal. */
export function escapeText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("$", "\\$");
}

function unescapeText(text: string): string {
  return text.replaceAll(/\\(.)/gs, "$1");
}

/** The snapshots of a file by key, in their order; none if there is no such file. */
export function readSnapshots(url: URL): Map<string, string> {
  const found = new Map<string, string>();
  let source: string;
  try {
    source = Deno.readTextFileSync(url);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return found;
    throw error;
  }
  for (const [, key = "", value = ""] of source.matchAll(ENTRY)) {
    const text = unescapeText(value);
    found.set(unescapeText(key), text.includes("\n") ? text.slice(1, -1) : text);
  }
  return found;
}

/** Writes snapshots in the order of the map, and makes the folder. */
export function writeSnapshots(url: URL, snapshots: ReadonlyMap<string, string>): void {
  const entries = [...snapshots].map(([key, text]) => {
    const value = escapeText(text);
    const lines = value.includes("\n") ? `\n${value}\n` : value;
    return `\nsnapshot[\`${escapeText(key)}\`] = \`${lines}\`;\n`;
  });
  Deno.mkdirSync(new URL(".", url), { recursive: true });
  Deno.writeTextFileSync(url, HEAD + entries.join(""));
}
