/**
 * A run's recording in its worker: trace file, live judge, marks, choices, and the news of all that
 * for the server's thread. What is told stands in the files already.
 *
 * @module
 */
import type { Choice } from "../../machine/choices.ts";
import { Checker } from "../../machine/conformance/checker.ts";
import { type Report, reportJson } from "../../machine/conformance/report.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import type { TraceFooter } from "../../machine/trace/event.ts";
import { Recorder } from "../../machine/trace/recorder.ts";
import { writeWhole } from "./files.ts";
import { MachineFate } from "./machine_fate.ts";
import type { Progress, RunJob } from "./run_messages.ts";
import { RUN_FILES, writeChoices } from "./run_record.ts";
import { limitStop } from "./run_stop.ts";
import { TraceFile } from "./trace_file.ts";
import { VerdictMarks } from "./verdict_marks.ts";
import { verdictSummary } from "./verdict_summary.ts";

/** News come at most that often. */
export const PROGRESS_MILLISECONDS = 20;

/** See the module's header. */
export class Recording {
  readonly recorder: Recorder;
  readonly fate: MachineFate = new MachineFate();
  readonly #job: RunJob;
  readonly #tell: (progress: Progress) => void;
  readonly #file: TraceFile;
  readonly #marks: VerdictMarks;
  readonly #checker: Checker;
  #choices: () => readonly Choice[] = () => [];
  #choicesWritten: readonly Choice[];
  #vt = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  /** Host's time at which the machine began to run, and ms it ran before. */
  #since = performance.now();
  #spent = 0;
  #report: Report | undefined;

  /** @param tell given the news; called at most every {@linkcode PROGRESS_MILLISECONDS}. */
  constructor(job: RunJob, tell: (progress: Progress) => void) {
    this.#job = job;
    this.#tell = tell;
    this.#choicesWritten = job.choices;
    this.#file = new TraceFile(job.folder);
    this.recorder = new Recorder(this.#file);
    this.#marks = new VerdictMarks(job.folder, job.bounds.verdictMarks);
    this.#checker = new Checker(ALL_RULES, {
      blobs: this.#file,
      onOccasion: (occasion) => {
        if (this.#marks.take(occasion)) this.#toldAt = Number.NEGATIVE_INFINITY;
      },
    });
    this.#checker.begin(job.header);
    this.recorder.listen((event) => {
      this.#vt = event.vt;
      this.fate.take(event);
      this.#checker.event(event);
    });
  }

  /** Where the choices made so far are to be had; each is written before its events are told of. */
  choicesFrom(source: () => readonly Choice[]): void {
    this.#choices = source;
  }

  /** Whether it is time for news, or a rule was broken for the first time. */
  get isDue(): boolean {
    return performance.now() - this.#toldAt >= PROGRESS_MILLISECONDS;
  }

  /** Puts all that there is into the files and says how far that is. */
  settle(): Progress {
    const choices = this.#choices();
    if (choices !== this.#choicesWritten) {
      writeChoices(this.#job.folder, choices);
      this.#choicesWritten = choices;
    }
    this.recorder.flush();
    this.#marks.flush();
    return {
      events: this.recorder.next,
      bytes: this.#file.bytes,
      vt: this.#vt,
      verdict: verdictSummary(this.#checker.results()),
    };
  }

  /** Tells the news. */
  tell(): void {
    this.#toldAt = performance.now();
    this.#tell(this.settle());
  }

  /** @throws {RunStop} if the run passed one of its limits. */
  checkLimits(): void {
    const { runEvents, runMilliseconds } = this.#job.bounds;
    if (this.recorder.next > runEvents) throw limitStop("runEvents", runEvents, "events");
    if (this.#spent + performance.now() - this.#since > runMilliseconds) {
      throw limitStop("runMilliseconds", runMilliseconds, "ms of the host's time");
    }
  }

  /** The machine waits: that time does not count. */
  pause(): void {
    this.#spent += performance.now() - this.#since;
  }

  /** It goes on. */
  resume(): void {
    this.#since = performance.now();
  }

  /** Judges to the end. What is written after it is not judged. */
  report(footer: TraceFooter): Report {
    if (this.#report === undefined) {
      this.#checker.finishTrace(footer);
      this.#report = this.#checker.report();
    }
    return this.#report;
  }

  /** Writes the last line and the report; gives the last news. */
  finish(outcome: string, generator: string): Progress & { footer: TraceFooter; report: Report } {
    const count = this.recorder.next;
    const footer = { count, sha256: this.recorder.hash(), outcome, generator };
    const report = this.report(footer);
    const progress = this.settle();
    this.#marks.close();
    this.#file.finish(footer);
    writeWhole(this.#job.folder, RUN_FILES.report, reportJson(report));
    return { ...progress, verdict: verdictSummary(report.rules), footer, report };
  }

  /** Closes the files, whatever happened. */
  close(): void {
    this.#marks.close();
    this.#file.close();
  }
}
