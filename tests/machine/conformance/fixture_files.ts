/**
 * The files under fixtures/traces/: what the stories and the bad traces are as text. Run as a
 * program (`deno run --allow-read --allow-write=fixtures tests/machine/conformance/fixture_files.ts`)
 * it writes them anew; a test compares them.
 *
 * @module
 */
import { traceText } from "../../../machine/conformance/mutation.ts";
import { BAD } from "./bad_traces.ts";
import { BLOBS, GOOD } from "./stories.ts";

/** Where the files are. */
export const FOLDER: URL = new URL("../../../fixtures/traces/", import.meta.url);

/** Text of each trace by its path under the folder. */
export function traceFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const { traces } of GOOD) {
    for (const { file, trace } of traces) files.set(`good/${file}.ndjson`, traceText(trace));
  }
  for (const { rule, name, trace } of BAD) {
    files.set(`bad/${rule}-${name}.ndjson`, traceText(trace));
  }
  return files;
}

/** Bytes of each blob by its path under the folder. */
export function blobFiles(): Map<string, Uint8Array> {
  return new Map([...BLOBS.entries()].map(([digest, bytes]) => [`blobs/${digest}`, bytes]));
}

if (import.meta.main) {
  for (const part of ["good", "bad", "blobs"]) {
    const folder = new URL(`${part}/`, FOLDER);
    await Deno.mkdir(folder, { recursive: true });
  }
  for (const [path, text] of traceFiles()) await Deno.writeTextFile(new URL(path, FOLDER), text);
  for (const [path, bytes] of blobFiles()) await Deno.writeFile(new URL(path, FOLDER), bytes);
}
