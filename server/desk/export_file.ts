/**
 * A run in another form, as a file beside it. It is written under another name first, so that
 * whoever finds it finds all of it.
 *
 * @module
 */
import { EXPORTERS, type ExportSource } from "../../machine/trace/exporters/exporters.ts";
import type { ExportForm } from "../api/shapes/catalogue.ts";
import { savedPage } from "../page/saved_page.ts";
import { ProblemError } from "../problem.ts";
import { writeAll } from "../runs/files.ts";
import { RUN_FILES } from "../runs/run_record.ts";
import { exportPath } from "./file_names.ts";
import type { Job, SavedWith, TraceRef } from "./job.ts";
import { blobsOf, judgeWhole } from "./judging.ts";
import { marksOf } from "./marks.ts";
import { firstPlace, traceEvents, traceLines } from "./trace_lines.ts";
import type { Watch } from "./watch.ts";

const BUFFER_BYTES = 0x10_0000;

type ExportJob = Job & { readonly do: "export" };

function sourceOf(trace: TraceRef, form: ExportForm, watch: Watch): ExportSource {
  return {
    header: trace.header,
    events: () => traceEvents(trace, watch),
    ...(trace.footer === undefined ? {} : { footer: trace.footer }),
    blobs: blobsOf(trace),
    // The trace itself has no place for what the rules say.
    ...(form === "ndjson" ? {} : { report: judgeWhole(trace, watch) }),
  };
}

function* linesOf(trace: TraceRef, watch: Watch): Generator<string, void, void> {
  for (const [, line] of traceLines(trace, firstPlace(trace), watch)) yield line;
}

function piecesOf(
  { trace, form, summary }: ExportJob,
  savedWith: SavedWith | undefined,
  watch: Watch,
): Iterable<string | Uint8Array> {
  if (form !== "html") return EXPORTERS[form].export(sourceOf(trace, form, watch));
  if (savedWith === undefined) {
    throw new ProblemError("not-acceptable", "This server was started without its page");
  }
  const { page, rules } = savedWith;
  const extras = { summary, verdicts: marksOf(trace, watch), rules };
  return savedPage(page, trace.header, linesOf(trace, watch), extras);
}

/** Writes pieces, many small ones at a time. */
function writePieces(path: string, pieces: Iterable<string | Uint8Array>, watch: Watch): number {
  using file = Deno.openSync(path, { write: true, create: true, truncate: true });
  const encoder = new TextEncoder();
  const buffer = new Uint8Array(BUFFER_BYTES);
  let filled = 0;
  let length = 0;
  for (const piece of pieces) {
    const bytes = typeof piece === "string" ? encoder.encode(piece) : piece;
    length += bytes.length;
    if (filled + bytes.length > buffer.length) {
      watch.check();
      writeAll(file, buffer.subarray(0, filled));
      filled = 0;
    }
    if (bytes.length > buffer.length) writeAll(file, bytes);
    else {
      buffer.set(bytes, filled);
      filled += bytes.length;
    }
  }
  writeAll(file, buffer.subarray(0, filled));
  return length;
}

function madeFolder(folder: string): string {
  const path = `${folder}/${RUN_FILES.exports}`;
  try {
    Deno.mkdirSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  return path;
}

/** Writes a file beside a run, under its name only when it is whole. */
export function writeBeside(
  trace: TraceRef,
  path: string,
  pieces: () => Iterable<string | Uint8Array>,
  watch: Watch,
): number {
  const folder = madeFolder(trace.folder);
  // The worker makes one file at a time, so one name is enough.
  const part = `${folder}/part`;
  try {
    const bytes = writePieces(part, pieces(), watch);
    Deno.renameSync(part, path);
    return bytes;
  } catch (error) {
    try {
      Deno.removeSync(part);
    } catch (failure) {
      // It failed before there was one.
      if (!(failure instanceof Deno.errors.NotFound)) throw failure;
    }
    throw error;
  }
}

/** Makes a run's export and returns its length in bytes. */
export function writeExport(
  job: ExportJob,
  savedWith: SavedWith | undefined,
  watch: Watch,
): number {
  const path = exportPath(job.trace, job.form);
  return writeBeside(job.trace, path, () => piecesOf(job, savedWith, watch), watch);
}
