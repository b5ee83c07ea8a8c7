/**
 * Traces as files of the host: read line by line, so that they may be of any length, with their
 * blobs in a folder beside them.
 *
 * @module
 */
import type { Checker } from "../../machine/conformance/checker.ts";
import { UsageError } from "../../machine/errors.ts";
import { LIMITS } from "../../machine/limits.ts";
import type { BlobSource } from "../../machine/trace/blobs.ts";
import type { TraceFooter } from "../../machine/trace/event.ts";
import { TraceReader, type TraceRecord } from "../../machine/trace/reader.ts";
import { TraceError } from "../../machine/trace/trace_error.ts";
import { joined, onHost } from "./output_folder.ts";

const PIECE_BYTES = 0x1_0000;

/** Blobs in a folder, by their digest. */
export class DirectoryBlobs implements BlobSource {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get(digest: string): Uint8Array | undefined {
    if (!/^[0-9a-f]{64}$/.test(digest)) return undefined;
    try {
      return Deno.readFileSync(joined(this.#folder, digest));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }
}

/** Lines of a file, each with its line feed where it has one. */
function* lines(path: string): Generator<string, void, void> {
  using file = onHost(path, "read", () => Deno.openSync(path, { read: true }));
  const decoder = new TextDecoder();
  const piece = new Uint8Array(PIECE_BYTES);
  let rest = "";
  for (;;) {
    const count = onHost(path, "read", () => file.readSync(piece));
    rest += count === null ? decoder.decode() : decoder.decode(piece.subarray(0, count), {
      stream: true,
    });
    let start = 0;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", start)) {
      yield rest.slice(start, end + 1);
      start = end + 1;
    }
    rest = rest.slice(start);
    // Whoever reads it refuses so long a line; there is no need to see its end.
    if (count !== null && rest.length <= LIMITS.traceLineBytes) continue;
    if (rest !== "") yield rest;
    if (count === null) return;
    rest = "";
  }
}

/** A mistake in a trace names the file and is the user's. */
function traceMistake(path: string, error: unknown): unknown {
  if (error instanceof TraceError) {
    return new UsageError(`'${path}': ${error.message}`, { cause: error });
  }
  return error;
}

/**
 * The records of a trace file.
 *
 * @throws {UsageError} naming file and line where it is no trace.
 */
export function* traceRecords(path: string): Generator<TraceRecord, void, void> {
  const reader = new TraceReader({ lineFeeds: true });
  let begun = false;
  try {
    for (const line of lines(path)) {
      const record = reader.push(line);
      if (record === undefined) continue;
      begun = true;
      yield record;
    }
    if (!begun) throw new TraceError("there is no header", { line: 1 });
    const last = reader.end();
    if (last !== undefined) yield last;
  } catch (error) {
    throw traceMistake(path, error);
  }
}

/**
 * Reads a trace to its end, and has a checker judge it where one is given.
 *
 * @throws {UsageError} if it is no trace, or one without an end.
 */
export function feedTrace(path: string, checker?: Checker): TraceFooter {
  let footer: TraceFooter | undefined;
  try {
    for (const record of traceRecords(path)) {
      if (record.record === "header") checker?.begin(record.header);
      else if (record.record === "event") checker?.event(record.event);
      else if (record.record === "footer") footer = record.footer;
    }
    checker?.finishTrace(footer);
  } catch (error) {
    throw traceMistake(path, error);
  }
  if (footer === undefined) {
    throw new UsageError(`'${path}' has no end, so no other trace can go on from it`);
  }
  return footer;
}
