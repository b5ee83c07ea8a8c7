/**
 * Tables of the recordings' description, so that what it says is what is tested.
 */

const README = new URL("../../fixtures/recordings/README.md", import.meta.url);

/** Rows of the first table under a heading, without its head, as cells. */
export function tableOf(heading: string): string[][] {
  const text = Deno.readTextFileSync(README);
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`No section '${heading}' in ${README.pathname}`);
  return section.split("\n").filter((line) => line.startsWith("|")).slice(2)
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}
