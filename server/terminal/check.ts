/**
 * `check`: judges trace files in order; recordings of a real Linux are imported on the way.
 *
 * @module
 */
import { Checker } from "../../machine/conformance/checker.ts";
import { reportJunit } from "../../machine/conformance/junit.ts";
import { type Report, reportJson } from "../../machine/conformance/report.ts";
import { reportMarkdown } from "../../machine/conformance/report_markdown.ts";
import { reportText } from "../../machine/conformance/report_text.ts";
import { SYSTEM_NAMES, systemsOfWord } from "../../machine/conformance/systems.ts";
import { EXIT, UsageError } from "../../machine/errors.ts";
import { ALL_RULES } from "../../machine/protocol/all_rules.ts";
import type { LogKind } from "../../machine/trace/importers/import_log.ts";
import { TraceError } from "../../machine/trace/trace_error.ts";
import type { GivenOptions } from "./options.ts";
import { folderOf, joined } from "./output_folder.ts";
import type { Terminal } from "./terminal.ts";
import { judgeLogs, logKindOf } from "./log_input.ts";
import { DirectoryBlobs, traceRecords } from "./trace_input.ts";

function blobsOf(options: GivenOptions): { get(digest: string): Uint8Array | undefined } {
  const given = options.text("blobs");
  const folders = given === undefined
    ? [...new Set(options.rest.map((path) => joined(folderOf(path), "blobs")))]
    : [given];
  const sources = folders.map((folder) => new DirectoryBlobs(folder));
  return {
    get(digest) {
      for (const source of sources) {
        const bytes = source.get(digest);
        if (bytes !== undefined) return bytes;
      }
      return undefined;
    },
  };
}

function judge(path: string, checker: Checker, terminal: Terminal): void {
  for (const record of traceRecords(path)) {
    try {
      if (record.record === "header") checker.begin(record.header);
      else if (record.record === "event") checker.event(record.event);
      else checker.finishTrace(record.record === "footer" ? record.footer : undefined);
      if (record.record === "torn") {
        const { line, reason } = record.torn;
        terminal.err(
          `'${path}' breaks off at line ${line} (${reason}); what stands before it is judged.\n`,
        );
      }
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      throw new UsageError(`'${path}': ${error.message}`, { cause: error });
    }
  }
}

/** A trace of ours, or recordings that follow on each other and are one story. */
interface Group {
  readonly paths: readonly string[];
  /** Kinds of the recordings; none for a trace. */
  readonly kinds: readonly LogKind[];
}

function groupsOf(paths: readonly string[]): Group[] {
  const groups: { paths: string[]; kinds: LogKind[] }[] = [];
  for (const path of paths) {
    const kind = logKindOf(path);
    const last = groups.at(-1);
    if (kind !== undefined && last !== undefined && last.kinds.length > 0) {
      last.paths.push(path);
      last.kinds.push(kind);
    } else groups.push({ paths: [path], kinds: kind === undefined ? [] : [kind] });
  }
  return groups;
}

function judgeRecordings({ paths, kinds }: Group, checker: Checker, terminal: Terminal): void {
  try {
    const { events, lines } = judgeLogs(paths, kinds, checker);
    terminal.err(`${paths.join(", ")}: ${events} events out of ${lines} lines.\n`);
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    throw new UsageError(`'${paths.join("', '")}': ${error.message}`, { cause: error });
  }
}

function printed(report: Report, format: string | undefined): string {
  if (format === "json") return reportJson(report);
  if (format === "markdown") return reportMarkdown(report);
  return format === "junit" ? reportJunit(report) : reportText(report);
}

/** Letters of `--systems`; undefined where they follow from the scenarios' names. */
function systemsOf(options: GivenOptions): { readonly systems?: string } {
  const word = options.text("systems");
  if (word === undefined) return {};
  const systems = systemsOfWord(word);
  if (systems !== undefined) return { systems };
  const letters = Object.entries(SYSTEM_NAMES).map(([letter, name]) => `${letter} (${name})`);
  throw new UsageError(
    `'${word}' names no system; give letters of ${letters.join(", ")}, or kimgcore, rfc, v7, ` +
      "mainline, swsusp, tuxonice",
  );
}

/** Runs `check` and gives the exit code. */
export function runCheck(options: GivenOptions, terminal: Terminal): number {
  const only = options.text("only")?.split(",").map((id) => id.trim().toUpperCase());
  const checker = new Checker(ALL_RULES, {
    blobs: blobsOf(options),
    ...systemsOf(options),
    ...(only === undefined ? {} : { only }),
  });
  for (const group of groupsOf(options.rest)) {
    if (group.kinds.length === 0) judge(group.paths[0] ?? "", checker, terminal);
    else judgeRecordings(group, checker, terminal);
  }
  const report = checker.report();
  const format = options.flag("json") ? "json" : options.text("format");
  terminal.out(printed(report, format));
  return report.ok ? EXIT.ok : EXIT.broken;
}
