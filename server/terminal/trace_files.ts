/**
 * Writes a run's trace into its folder: `trace.ndjson` with header and footer, and `blobs/`. The
 * blobs stay at hand for the checker that judges while the run goes on.
 *
 * @module
 */
import type { BlobSource } from "../../machine/trace/blobs.ts";
import type { TraceFooter, TraceHeader } from "../../machine/trace/event.ts";
import type { TraceSink } from "../../machine/trace/recorder.ts";
import { joined, onHost, type OutputFolder } from "./output_folder.ts";

const TRACE = "trace.ndjson";
const BLOBS = "blobs";

/** See the module's header. */
export class TraceFiles implements TraceSink, BlobSource {
  readonly #folder: OutputFolder;
  readonly #path: string;
  readonly #blobFolder: string;
  readonly #file: Deno.FsFile;
  readonly #blobs: Map<string, Uint8Array> = new Map();
  readonly #encoder: TextEncoder = new TextEncoder();

  constructor(folder: OutputFolder, header: TraceHeader) {
    this.#folder = folder;
    this.#path = folder.part(TRACE);
    this.#blobFolder = folder.part(BLOBS);
    onHost(this.#blobFolder, "make the folder", () => Deno.mkdirSync(this.#blobFolder));
    const options = { write: true, createNew: true };
    this.#file = onHost(this.#path, "write", () => Deno.openSync(this.#path, options));
    this.lines(`${JSON.stringify(header)}\n`);
  }

  /** How many blobs there are. */
  get blobCount(): number {
    return this.#blobs.size;
  }

  lines(text: string): void {
    const bytes = this.#encoder.encode(text);
    onHost(this.#path, "write", () => {
      for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
    });
  }

  blob(digest: string, bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.#blobs.set(digest, copy);
    const path = joined(this.#blobFolder, digest);
    onHost(path, "write", () => Deno.writeFileSync(path, copy));
  }

  get(digest: string): Uint8Array | undefined {
    return this.#blobs.get(digest);
  }

  /** Writes the footer and gives both their names. */
  finish(footer: TraceFooter): { readonly trace: string; readonly blobs: string } {
    this.lines(`${JSON.stringify(footer)}\n`);
    this.close();
    return { trace: this.#folder.finish(TRACE), blobs: this.#folder.finish(BLOBS) };
  }

  /** Closes the file; the folder removes what is unfinished. */
  close(): void {
    this.#file.close();
  }
}
