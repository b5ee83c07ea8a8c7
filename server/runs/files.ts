/**
 * A few operations on the files of a run's folder. Whole files are written beside their place and
 * renamed, so that whoever reads at the same time sees the one before or the one after.
 *
 * @module
 */
import { joined } from "../terminal/output_folder.ts";

export { joined };

/** The text of a file in a folder; `undefined` where there is none. */
export function readTextIn(folder: string, name: string): string | undefined {
  try {
    return Deno.readTextFileSync(joined(folder, name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}

/** Writes a file whole, in the place of the one before. */
export function writeWhole(folder: string, name: string, text: string): void {
  const path = joined(folder, name);
  Deno.writeTextFileSync(`${path}.part`, text);
  Deno.renameSync(`${path}.part`, path);
}

/** Removes a file or a folder with all that is in it, if it is there. */
export function removeAll(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Writes all of the bytes to an open file. */
export function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}
