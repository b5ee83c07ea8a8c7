/**
 * `export`: writes a trace, or a recording of a real Linux, in a form that other programs open.
 * The trace is read twice or three times instead of being kept, so it may be of any length: first
 * to judge it and to see that it is one, then to write.
 *
 * @module
 */
import { Checker } from "../../machine/conformance/checker.ts";
import type { Report } from "../../machine/conformance/report.ts";
import { EXIT, UsageError } from "../../machine/errors.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import type { TraceEvent, TraceFooter, TraceHeader } from "../../machine/trace/event.ts";
import {
  EXPORT_NAMES,
  type Exporter,
  EXPORTERS,
  type ExportName,
  type ExportSource,
  partOf,
} from "../../machine/trace/exporters/exporters.ts";
import { SystemsSeen } from "../../machine/trace/importers/systems_seen.ts";
import { importedEvents, importedHeader, judgeLogs, logKindOf } from "./log_input.ts";
import { nearest } from "./nearest.ts";
import type { GivenOptions } from "./options.ts";
import { folderOf, joined, onHost } from "./output_folder.ts";
import type { Terminal } from "./terminal.ts";
import { DirectoryBlobs, traceRecords } from "./trace_input.ts";

/** Bytes gathered before they are written. */
const PIECE_BYTES = 0x1_0000;

function exporterOf(form: string): Exporter {
  const found = EXPORT_NAMES.find((name): name is ExportName => name === form);
  if (found !== undefined) return EXPORTERS[found];
  if (form === "html") {
    throw new UsageError(
      "export: the page as one HTML file is made by the server; start 'deno task serve', open " +
        "the run and take 'Save as one HTML file'",
    );
  }
  const near = nearest(form, EXPORT_NAMES);
  const hint = near === undefined ? "" : `; did you mean '${near}'?`;
  throw new UsageError(`export: '${form}' is none of ${EXPORT_NAMES.join(", ")}${hint}`);
}

/** What is known of a trace after it was read once. */
interface Known {
  readonly source: ExportSource;
  readonly count: number;
  readonly actors: ReadonlySet<string>;
}

function* eventsOf(path: string): Generator<TraceEvent, void, void> {
  for (const record of traceRecords(path)) if (record.record === "event") yield record.event;
}

function readTrace(path: string, terminal: Terminal): Known {
  const blobs = new DirectoryBlobs(joined(folderOf(path), "blobs"));
  const checker = new Checker(ALL_RULES, { blobs });
  const actors = new Set<string>();
  let header: TraceHeader | undefined;
  let footer: TraceFooter | undefined;
  let count = 0;
  for (const record of traceRecords(path)) {
    if (record.record === "header") checker.begin(header = record.header);
    else if (record.record === "event") {
      checker.event(record.event);
      actors.add(record.event.actor);
      count++;
    } else if (record.record === "footer") footer = record.footer;
    else {
      const { line, reason } = record.torn;
      terminal.err(
        `'${path}' breaks off at line ${line} (${reason}); what stands before it is exported.\n`,
      );
    }
  }
  if (header === undefined) throw new UsageError(`'${path}' has no header`);
  checker.finishTrace(footer);
  const source = sourceOf(header, footer, checker.report(), () => eventsOf(path));
  return { source: { ...source, blobs }, count, actors };
}

function sourceOf(
  header: TraceHeader,
  footer: TraceFooter | undefined,
  report: Report,
  events: () => Iterable<TraceEvent>,
): ExportSource {
  return { header, events, report, ...(footer === undefined ? {} : { footer }) };
}

/** A recording of a real machine: what was seen, each event with the line it was read from. */
function readRecording(path: string, terminal: Terminal): Known | undefined {
  const kind = logKindOf(path);
  if (kind === undefined) return undefined;
  const checker = new Checker(ALL_RULES);
  const { events: count, lines } = judgeLogs([path], [kind], checker);
  terminal.err(`${path}: ${count} events out of ${lines} lines.\n`);
  const seen = new SystemsSeen();
  const actors = new Set<string>();
  for (const event of importedEvents([path], [kind])) {
    seen.event(event);
    actors.add(event.actor);
  }
  const header = importedHeader([path], [kind], seen.letters);
  const events = (): Iterable<TraceEvent> => importedEvents([path], [kind]);
  return { source: sourceOf(header, undefined, checker.report(), events), count, actors };
}

/** The part that was asked for. */
function chosen({ source, count, actors }: Known, options: GivenOptions): ExportSource {
  const from = options.number("from");
  const to = options.number("to");
  const names = options.text("actor")?.split(",").map((name) => name.trim()) ?? [];
  if (from !== undefined && from >= count) {
    throw new UsageError(`export: --from ${from} is behind the end; there are ${count} events`);
  }
  if (from !== undefined && to !== undefined && from > to) {
    throw new UsageError(`export: --from ${from} is behind --to ${to}`);
  }
  for (const name of names) {
    if (actors.has(name)) continue;
    throw new UsageError(
      `export: no event happens at an actor '${name}'; there are ${[...actors].join(", ")}`,
    );
  }
  return partOf(source, {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    actors: names,
  });
}

/** Writes pieces under a name that only a whole file gets; gives the bytes. */
function writeFile(path: string, pieces: Iterable<string | Uint8Array>): number {
  const part = `${path}.part`;
  const encoder = new TextEncoder();
  let bytes = 0;
  let done = false;
  try {
    {
      using file = onHost(
        path,
        "write",
        () => Deno.openSync(part, { write: true, create: true, truncate: true }),
      );
      for (const piece of gathered(pieces)) {
        const data = typeof piece === "string" ? encoder.encode(piece) : piece;
        onHost(path, "write", () => {
          for (let at = 0; at < data.length;) at += file.writeSync(data.subarray(at));
        });
        bytes += data.length;
      }
    }
    onHost(path, "replace", () => Deno.renameSync(part, path));
    done = true;
  } finally {
    if (!done) removeQuietly(part);
  }
  return bytes;
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It was never made; what went wrong is told already.
  }
}

/** Small texts put together, so that a line is not a system call. */
function* gathered(
  pieces: Iterable<string | Uint8Array>,
): Generator<string | Uint8Array, void, void> {
  let text = "";
  for (const piece of pieces) {
    if (typeof piece === "string") {
      text += piece;
      if (text.length < PIECE_BYTES) continue;
      yield text;
      text = "";
      continue;
    }
    if (text !== "") yield text;
    text = "";
    yield piece;
  }
  if (text !== "") yield text;
}

/** Runs `export` and gives the exit code. */
export function runExport(options: GivenOptions, terminal: Terminal): number {
  const [form = "", path = ""] = options.rest;
  const exporter = exporterOf(form);
  const output = options.text("output");
  if (output === undefined && exporter.form === "pcapng") {
    throw new UsageError("export: pcapng is not text; say where it goes with -o FILE");
  }
  const known = readRecording(path, terminal) ?? readTrace(path, terminal);
  const pieces = exporter.export(chosen(known, options));
  if (output === undefined) {
    for (const piece of gathered(pieces)) if (typeof piece === "string") terminal.out(piece);
    return EXIT.ok;
  }
  const bytes = writeFile(output, pieces);
  terminal.err(`${exporter.title}: ${bytes} bytes in '${output}'.\n`);
  return EXIT.ok;
}
