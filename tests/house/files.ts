/**
 * The files of the project as git would see them: without what a run leaves behind.
 *
 * @module
 */

const ROOT = new URL("../../", import.meta.url);
const SKIPPED = /^(?:\.git|out|coverage|node_modules|\.deno)$/;
/** Real recordings and images are as they are. */
const FOREIGN = /^fixtures\//;

/** Paths from the project's folder, sorted, of all files whose name matches. */
export function files(name: RegExp, folder = ""): string[] {
  const found: string[] = [];
  for (const entry of Deno.readDirSync(new URL(folder === "" ? "." : folder, ROOT))) {
    const path = folder + entry.name;
    if (SKIPPED.test(entry.name) || FOREIGN.test(path)) continue;
    if (entry.isDirectory) found.push(...files(name, `${path}/`));
    else if (entry.isFile && name.test(path)) found.push(path);
  }
  return found.sort();
}

/** The text of a file. */
export function textOf(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}
