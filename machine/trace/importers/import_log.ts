/**
 * Recordings of real machines as traces of this house: each line that is understood becomes an
 * event with its origin, in the order of the files. Nothing is kept but the state of the kernels
 * that speak, so a log of any length can be read.
 *
 * The header says what such a recording can show (`speaks`); a rule that needs more finds nothing
 * to judge. A log cannot be wrong, only silent.
 *
 * @module
 */
import type { TraceEvent } from "../event.ts";
import { isHeader } from "../event_shape.ts";
import { ConsoleLog } from "./console_log.ts";
import { FtraceLog } from "./ftrace_log.ts";
import { SPOKEN } from "./linux_facts.ts";
import { type ImportedEvent, LinuxSession } from "./linux_session.ts";
import { NormalisedLog } from "./normalised_log.ts";
import type { Observation } from "./observation.ts";
import { QmpLog } from "./qmp_log.ts";

/** Kinds of recordings. */
export type LogKind = "console" | "ftrace" | "qmp" | "normalised";

/** Which facts recordings of these kinds can show. */
export function spokenBy(kinds: readonly LogKind[]): string[] {
  const spoken = new Set<string>();
  for (const kind of kinds) {
    if (kind === "ftrace") SPOKEN.trace.forEach((name) => spoken.add(name));
    else if (kind === "qmp") SPOKEN.monitor.forEach((name) => spoken.add(name));
    else [...SPOKEN.console, ...SPOKEN.monitor].forEach((name) => spoken.add(name));
  }
  return [...spoken].sort();
}

const KERNEL_LINE = /^(?:\[ *\d+\.\d{4}\] )?(?:\[ *\d+\.\d{6}\]|<<QMP |>>> )/;

/** Whether a line is the first of a trace of this house. */
function beginsTrace(line: string | undefined): boolean {
  if (line === undefined || !line.startsWith("{")) return false;
  try {
    const value: unknown = JSON.parse(line);
    return isHeader(value);
  } catch {
    return false;
  }
}

/**
 * What kind of recording a file is, from its first lines; `undefined` where nothing in them looks
 * like one, or the first is a trace's header: facts of a trace have fields of the same names as a
 * monitor's lines.
 */
export function kindOfLog(firstLines: readonly string[]): LogKind | undefined {
  if (beginsTrace(firstLines[0])) return undefined;
  for (const raw of firstLines) {
    const line = raw.trim();
    if (line.startsWith("# tracer: ")) return "ftrace";
    if (KERNEL_LINE.test(line)) return "console";
    if (!line.startsWith("{")) continue;
    if (/"event": ?"/.test(line) && /"source": ?"/.test(line)) return "normalised";
    if (/"(?:QMP|event|return)": ?/.test(line)) return "qmp";
  }
  return undefined;
}

interface LineReader {
  line(raw: string): Observation[];
}

function readerOf(kind: LogKind, file: string): LineReader {
  switch (kind) {
    case "console":
      return new ConsoleLog(file);
    case "ftrace":
      return new FtraceLog(file);
    case "qmp":
      return new QmpLog(file);
    case "normalised":
      return new NormalisedLog(file);
  }
}

/** Reads recordings in order and numbers their events as one trace. */
export class LogImporter {
  readonly #session: LinuxSession = new LinuxSession();
  #reader: LineReader | undefined;
  #seq = 0;
  #nanoseconds = 0;
  /** Lines read so far. */
  lines = 0;

  /** Begins the next file. */
  begin(kind: LogKind, file: string): void {
    if (this.#reader !== undefined) this.#session.newFile();
    this.#reader = readerOf(kind, file);
  }

  /** Takes a line, with or without its end; gives the events it brings. */
  line(raw: string): TraceEvent[] {
    this.lines++;
    const seen = this.#reader?.line(raw);
    if (seen === undefined || seen.length === 0) return NONE;
    return seen.flatMap((one) => this.#session.take(one).map((event) => this.#numbered(event)));
  }

  /** After the last line. */
  end(): TraceEvent[] {
    return this.#session.end().map((event) => this.#numbered(event));
  }

  #numbered({ type, actor, summary, seconds, origin }: ImportedEvent): TraceEvent {
    const seq = this.#seq++;
    // Clocks of several kernels and a recorder: time never runs backwards in a trace.
    const now = Math.round((seconds ?? 0) * 1e9);
    this.#nanoseconds = Math.max(this.#nanoseconds, now);
    return {
      seq,
      vt: this.#nanoseconds,
      lamport: seq,
      kind: "note",
      actor,
      type,
      summary,
      origin,
    };
  }
}

const NONE: TraceEvent[] = [];
