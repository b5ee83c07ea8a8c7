/**
 * Recordings of a real Linux 6.1 under an emulator, in one archive: serial consoles, monitor
 * events, tracer output, and the same put into JSON lines by those who recorded them.
 */
import { zstdDecompressSync } from "node:zlib";
import { parseCpio } from "../machine/formats/cpio.ts";

const ARCHIVE = new URL("../fixtures/recordings/linux-6.1.cpio.zst", import.meta.url);

let files: ReadonlyMap<string, Uint8Array> | undefined;

/** Text of a recording by its name, as `platform.1.console.ts.log`. */
export function recording(name: string): string {
  files ??= new Map(
    parseCpio(new Uint8Array(zstdDecompressSync(Deno.readFileSync(ARCHIVE))))
      .map(({ path, data }) => [path, data]),
  );
  const bytes = files.get(name);
  if (bytes === undefined) throw new Error(`No recording '${name}'`);
  return new TextDecoder().decode(bytes);
}

/** Names of all recordings. */
export function recordingNames(): string[] {
  recording("kh1.summary.txt");
  return [...files?.keys() ?? []].sort();
}

/** One line of those put into JSON. */
export interface RecordedEvent {
  readonly event: string;
  readonly who: string;
  readonly detail: { readonly [name: string]: unknown };
  readonly source: string;
}

/** Events of an experiment, as `exp3.platform`. */
export function recordedEvents(experiment: string): RecordedEvent[] {
  return recording(`events.${experiment}.jsonl`).split("\n").filter((line) => line !== "")
    .map((line): RecordedEvent => JSON.parse(line));
}
