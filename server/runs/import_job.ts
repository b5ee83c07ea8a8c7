/**
 * Makes a run of a file that was uploaded: a trace of this laboratory, or what a real Linux
 * printed. Packed files are unpacked; lines are read once to know what it is and once to write and
 * judge it, so that memory stays bounded.
 *
 * @module
 */
import { Checker } from "../../machine/conformance/checker.ts";
import { reportJson } from "../../machine/conformance/report.ts";
import { Sha256 } from "../../machine/digest.ts";
import { UsageError } from "../../machine/errors.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import { eventLine, type TraceEvent, type TraceHeader } from "../../machine/trace/event.ts";
import { LogImporter, type LogKind } from "../../machine/trace/importers/import_log.ts";
import { SystemsSeen } from "../../machine/trace/importers/systems_seen.ts";
import { TraceError } from "../../machine/trace/trace_error.ts";
import { ProblemError } from "../problem.ts";
import { importedHeader, logKindOf, logLines } from "../terminal/log_input.ts";
import { traceRecords } from "../terminal/trace_input.ts";
import { failureSentence } from "./failure_sentence.ts";
import { joined, writeWhole } from "./files.ts";
import { type Inbox, nextTurn } from "./inbox.ts";
import type { FromWorker, ImportEnd, ImportJob } from "./run_messages.ts";
import { RUN_FILES } from "./run_record.ts";
import { TraceFile } from "./trace_file.ts";
import { packingOf, tooLarge, unpack } from "./unpack.ts";
import { VerdictMarks } from "./verdict_marks.ts";
import { verdictSummary } from "./verdict_summary.ts";

const ID_DIGITS = 32;
const PIECE_BYTES = 0x4_0000;
/** Characters gathered before they are written. */
const BATCH_CHARACTERS = 65_536;
const TURN_MILLISECONDS = 40;
/** Lines between two looks at the clock. */
const SLICE_LINES = 256;
const UNPACKED = "upload.raw";

/** Identity of a content. */
async function contentId(path: string, bytesMax: number, turns: Turns): Promise<string> {
  using file = Deno.openSync(path, { read: true });
  const hash = new Sha256();
  const piece = new Uint8Array(PIECE_BYTES);
  let bytes = 0;
  for (let count = file.readSync(piece); count !== null; count = file.readSync(piece)) {
    bytes += count;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    hash.update(piece.subarray(0, count));
    await turns.take();
  }
  return hash.hex().slice(0, ID_DIGITS);
}

/** Gives the event loop its turn now and then: a worker in a tight loop cannot be ended. */
class Turns {
  readonly #inbox: Inbox;
  #at = performance.now();

  constructor(inbox: Inbox) {
    this.#inbox = inbox;
  }

  /** @throws {ProblemError} if the server stops. */
  async take(): Promise<void> {
    if (performance.now() - this.#at < TURN_MILLISECONDS) return;
    await nextTurn();
    this.#at = performance.now();
    if (this.#inbox.stop === undefined) return;
    throw new ProblemError("stopping", "The server is stopping; send the file again later.");
  }
}

/** Takes the events of a recording: writes them, judges them. */
class ImportedRun {
  readonly #job: ImportJob;
  readonly #hash: Sha256 = new Sha256();
  readonly #marks: VerdictMarks;
  readonly #checker: Checker;
  #file: TraceFile | undefined;
  #text = "";
  #events = 0;
  #vt = 0;

  constructor(job: ImportJob) {
    this.#job = job;
    this.#marks = new VerdictMarks(job.folder, job.bounds.verdictMarks);
    this.#checker = new Checker(ALL_RULES, { onOccasion: (one) => void this.#marks.take(one) });
  }

  begin(header: TraceHeader): void {
    writeWhole(this.#job.folder, RUN_FILES.trace, `${JSON.stringify(header)}\n`);
    this.#file = new TraceFile(this.#job.folder);
    // What it goes on from is not here: it is judged by itself.
    this.#checker.begin(header);
  }

  event(event: TraceEvent): void {
    const { runEvents } = this.#job.bounds;
    if (++this.#events > runEvents) {
      throw new ProblemError(
        "too-large",
        `The file has more than ${runEvents} events; take a shorter recording.`,
        { limit: { name: "runEvents", max: runEvents } },
      );
    }
    this.#vt = event.vt;
    this.#checker.event(event);
    this.#text += `${eventLine(event)}\n`;
    if (this.#text.length > BATCH_CHARACTERS) this.#flush();
  }

  #flush(): void {
    if (this.#text === "") return;
    this.#hash.update(this.#text);
    this.#file?.lines(this.#text);
    this.#text = "";
    this.#marks.flush();
  }

  /** @param end how it ended; `undefined` where its end is missing. */
  finish(
    header: TraceHeader,
    end: { readonly outcome: string; readonly generator: string } | undefined,
    trouble?: string,
  ): ImportEnd {
    this.#flush();
    const count = this.#events;
    const footer = end === undefined ? undefined : { count, sha256: this.#hash.hex(), ...end };
    this.#checker.finishTrace(footer);
    const report = this.#checker.report();
    this.#marks.close();
    const bytes = this.#file?.bytes ?? 0;
    if (footer === undefined) this.#file?.close();
    else this.#file?.finish(footer);
    writeWhole(this.#job.folder, RUN_FILES.report, reportJson(report));
    return {
      tell: "imported",
      ...{ header, events: count, bytes, vt: this.#vt, verdict: verdictSummary(report.rules) },
      outcome: end?.outcome ?? "the recording breaks off",
      ...(footer === undefined ? {} : { footer }),
      ...(trouble === undefined ? {} : { trouble }),
    };
  }

  close(): void {
    this.#marks.close();
    this.#file?.close();
  }
}

/** The events of a recording; `undefined` now and then, where there is time for something else. */
function* eventsOfLog(
  { path, kind, name }: { readonly path: string; readonly kind: LogKind; readonly name: string },
): Generator<TraceEvent | undefined> {
  const importer = new LogImporter();
  importer.begin(kind, name);
  for (const line of logLines(path)) {
    yield* importer.line(line);
    if (importer.lines % SLICE_LINES === 0) yield undefined;
  }
  yield* importer.end();
}

async function importLog(
  run: ImportedRun,
  log: { readonly path: string; readonly kind: LogKind; readonly name: string },
  id: string,
  turns: Turns,
): Promise<ImportEnd> {
  const { kind, name } = log;
  const seen = new SystemsSeen();
  let events = 0;
  for (const event of eventsOfLog(log)) {
    if (event === undefined) await turns.take();
    else {
      seen.event(event);
      events++;
    }
  }
  if (events === 0) {
    throw new ProblemError(
      "not-readable",
      "No line of the recording tells of hibernation, suspend or kexec; a console log needs " +
        "printk times ('[    1.234567] …'), tracer output its header ('# tracer: …').",
    );
  }
  const header = { ...importedHeader([name], [kind], seen.letters), run: id };
  run.begin(header);
  for (const event of eventsOfLog(log)) {
    if (event === undefined) await turns.take();
    else run.event(event);
  }
  return run.finish(header, { outcome: "imported", generator: "" });
}

async function importTrace(
  run: ImportedRun,
  path: string,
  id: string,
  turns: Turns,
): Promise<ImportEnd> {
  let header: TraceHeader | undefined;
  for (const record of traceRecords(path)) {
    if (record.record === "header") {
      // Its own id may be that of a run of this server.
      header = { ...record.header, run: id };
      run.begin(header);
    } else if (record.record === "event") {
      run.event(record.event);
      if (record.event.seq % SLICE_LINES === 0) await turns.take();
    } else if (header !== undefined) {
      if (record.record === "footer") {
        const { outcome, generator } = record.footer;
        return run.finish(header, { outcome, generator });
      }
      const { line, reason } = record.torn;
      const trouble = `The trace breaks off at line ${line} (${reason}); what stands before it ` +
        "is shown and judged.";
      return run.finish(header, undefined, trouble);
    }
  }
  throw new ProblemError("not-readable", "The trace has no header in line 1.");
}

/** What is wrong with the file, for its owner. */
function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const cause = error instanceof UsageError ? error.cause : error;
  if (cause instanceof TraceError) {
    const { seq, line, message } = cause;
    const where = line !== undefined ? `Line ${line}: ` : seq !== undefined ? `Event ${seq}: ` : "";
    // The place is said first, once.
    const said = message.replace(/ \(at (?:line|seq) \d+(?:, seq \d+)?\)$/, "");
    const details = seq === undefined ? {} : { seq };
    return new ProblemError("not-readable", `${where}${said.slice(0, 300)}.`, details);
  }
  if (error instanceof UsageError) {
    return new ProblemError(
      "not-readable",
      "Line 1: the file is neither a trace nor a recording: a trace begins with a header in " +
        "JSON, a console log has printk times ('[    1.234567] …'), tracer output its header " +
        "('# tracer: …'), a monitor's events are lines of JSON.",
    );
  }
  return new ProblemError("internal", failureSentence(error));
}

/** Does it, and posts the run or what is wrong with the file. */
export async function importJob(
  job: ImportJob,
  inbox: Inbox,
  post: (message: FromWorker) => void,
): Promise<void> {
  let run: ImportedRun | undefined;
  const { unpackedBytes } = job.bounds;
  try {
    const packing = packingOf(job.path);
    const unpacked = joined(job.folder, UNPACKED);
    const path = packing === undefined ? job.path : unpacked;
    const turns = new Turns(inbox);
    if (packing !== undefined) {
      await unpack(job.path, packing, unpacked, unpackedBytes, () => turns.take());
    }
    const id = await contentId(path, unpackedBytes, turns);
    const kind = logKindOf(path);
    run = new ImportedRun(job);
    const { name } = job;
    const end = kind === undefined
      ? await importTrace(run, path, id, turns)
      : await importLog(run, { path, kind, name }, id, turns);
    if (packing !== undefined) Deno.removeSync(unpacked);
    post(end);
  } catch (error) {
    const { problem, message: detail, details } = problemOf(error);
    post({ tell: "refused", problem, detail, details });
  } finally {
    run?.close();
  }
}
