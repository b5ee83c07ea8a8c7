/**
 * Compares the lines of a replay with those that are stored, byte for byte, as they come. A replay
 * that is not the run would show a machine that never was.
 *
 * What the replay records beyond what is stored yet (a run that goes on) is kept and compared as
 * soon as there is something to compare with.
 *
 * @module
 */
import type { TraceSink } from "../../machine/trace/recorder.ts";
import { ProblemError } from "../problem.ts";

/** Where the event lines of a run are stored. */
export interface StoredLines {
  readonly path: string;
  /** Offset in bytes of the first event's line. */
  readonly firstByte: number;
  /** Offset in bytes behind the last line that is complete. */
  readonly bytes: number;
}

const encoder = new TextEncoder();

/** See the module's header. */
export class LineComparison implements TraceSink {
  readonly #path: string;
  readonly #firstByte: number;
  #file: Deno.FsFile | undefined;
  /** Bytes of text at each number of characters at which the replay may be put back. */
  #bytesAt: Map<number, number> = new Map([[0, 0]]);
  #characters = 0;
  #bytes = 0;
  #compared = 0;
  /** Text behind what was compared. */
  #waiting: Uint8Array = new Uint8Array(0);

  constructor({ path, firstByte }: StoredLines) {
    this.#path = path;
    this.#firstByte = firstByte;
  }

  lines(text: string): void {
    const bytes = encoder.encode(text);
    const waiting = new Uint8Array(this.#waiting.length + bytes.length);
    waiting.set(this.#waiting);
    waiting.set(bytes, this.#waiting.length);
    this.#waiting = waiting;
    this.#characters += text.length;
    this.#bytes += bytes.length;
    this.#bytesAt.set(this.#characters, this.#bytes);
  }

  blob(): void {}

  rewound(characters: number): void {
    const bytes = this.#bytesAt.get(characters);
    if (bytes === undefined) throw new RangeError(`Cannot go back to character ${characters}`);
    this.#bytesAt = new Map([...this.#bytesAt].filter(([at]) => at <= characters));
    this.#characters = characters;
    this.#bytes = bytes;
    const kept = Math.max(0, bytes - this.#compared);
    this.#waiting = this.#waiting.slice(0, kept);
    this.#compared = Math.min(this.#compared, bytes);
  }

  /**
   * Compares all that can be compared.
   *
   * @param stored offset in the file up to which its lines are complete.
   * @throws {ProblemError} `internal` where they differ, `unknown-run` where the file is gone.
   */
  compare(stored: number): void {
    const length = Math.min(
      this.#waiting.length,
      Math.max(0, stored - this.#firstByte - this.#compared),
    );
    if (length === 0) return;
    const wanted = this.#stored(this.#firstByte + this.#compared, length);
    for (let index = 0; index < length; index++) {
      if (wanted[index] !== this.#waiting[index]) throw differs(this.#waiting, index);
    }
    this.#waiting = this.#waiting.slice(length);
    this.#compared += length;
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #stored(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    try {
      this.#file ??= Deno.openSync(this.#path, { read: true });
      this.#file.seekSync(offset, Deno.SeekMode.Start);
      for (let done = 0; done < length;) {
        const count = this.#file.readSync(bytes.subarray(done));
        if (count === null) break;
        done += count;
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new ProblemError("unknown-run", "The run is not there any more; run it again.");
    }
    return bytes;
  }
}

/** The event in whose line the first difference lies. */
function differs(text: Uint8Array, index: number): ProblemError {
  const start = text.subarray(0, index).lastIndexOf(0x0a) + 1;
  const line = new TextDecoder().decode(text.subarray(start, start + 40));
  const seq = Number(/^\{"seq":(\d+)/.exec(line)?.[1] ?? NaN);
  const which = Number.isSafeInteger(seq) ? `at event ${seq}` : "at an event";
  return new ProblemError(
    "internal",
    `The replay differs from the stored trace ${which}: the trace was changed, or another ` +
      "version of the laboratory made it. Nothing is shown of a machine that is not the recorded " +
      "one; run it again.",
    Number.isSafeInteger(seq) ? { seq } : {},
  );
}
