/**
 * A run's trace and blobs while they are written: in place, whole lines at a time, so that whoever
 * is told how many bytes there are finds lines up to there. Blobs are read back from their files;
 * only the last few are kept, for the rules that look at a fact as it is said.
 *
 * @module
 */
import type { BlobSource } from "../../machine/trace/blobs.ts";
import type { TraceFooter } from "../../machine/trace/event.ts";
import type { TraceSink } from "../../machine/trace/recorder.ts";
import { DirectoryBlobs } from "../terminal/trace_input.ts";
import { joined, writeAll } from "./files.ts";
import { RUN_FILES } from "./run_record.ts";

/** Blobs kept in memory. */
const RECENT_BLOBS = 8;

/** See the module's header. */
export class TraceFile implements TraceSink, BlobSource {
  readonly #file: Deno.FsFile;
  readonly #blobFolder: string;
  readonly #stored: DirectoryBlobs;
  readonly #recent: Map<string, Uint8Array> = new Map();
  readonly #encoder: TextEncoder = new TextEncoder();
  #closed = false;
  /** Offset behind the last line in the file. */
  bytes: number;

  /** Goes on behind what stands in the folder's trace: its header. */
  constructor(folder: string) {
    this.#blobFolder = joined(folder, RUN_FILES.blobs);
    this.#stored = new DirectoryBlobs(this.#blobFolder);
    this.#file = Deno.openSync(joined(folder, RUN_FILES.trace), { write: true });
    this.bytes = this.#file.seekSync(0, Deno.SeekMode.End);
  }

  lines(text: string): void {
    const bytes = this.#encoder.encode(text);
    writeAll(this.#file, bytes);
    this.bytes += bytes.length;
  }

  blob(digest: string, bytes: Uint8Array): void {
    const copy = bytes.slice();
    const [oldest] = this.#recent.keys();
    if (oldest !== undefined && this.#recent.size >= RECENT_BLOBS) this.#recent.delete(oldest);
    this.#recent.set(digest, copy);
    Deno.writeFileSync(joined(this.#blobFolder, digest), copy);
  }

  get(digest: string): Uint8Array | undefined {
    return this.#recent.get(digest) ?? this.#stored.get(digest);
  }

  /** Writes the last line and closes the file. */
  finish(footer: TraceFooter): void {
    if (this.#closed) return;
    writeAll(this.#file, this.#encoder.encode(`${JSON.stringify(footer)}\n`));
    this.close();
  }

  close(): void {
    if (!this.#closed) this.#file.close();
    this.#closed = true;
  }
}
