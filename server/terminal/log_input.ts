/**
 * Recordings of real machines as files of the host: known by their first lines, read in pieces,
 * imported line by line, so that they may be of any length.
 *
 * @module
 */
import type { Checker } from "../../machine/conformance/checker.ts";
import { Sha256 } from "../../machine/digest.ts";
import { UsageError } from "../../machine/errors.ts";
import { LINE_CHARACTERS_MAX } from "../../machine/trace/importers/console_log.ts";
import {
  kindOfLog,
  LogImporter,
  type LogKind,
  spokenBy,
} from "../../machine/trace/importers/import_log.ts";
import type { TraceEvent, TraceHeader } from "../../machine/trace/event.ts";
import { SystemsSeen } from "../../machine/trace/importers/systems_seen.ts";
import { onHost } from "./output_folder.ts";

const PIECE_BYTES = 0x4_0000;
/** How much of a file is looked at to find out what it is. */
const SNIFF_BYTES = 0x1_0000;

/** Lines of a log; longer ones than anybody prints are cut, so that memory stays bounded. */
export function* logLines(path: string): Generator<string, void, void> {
  using file = onHost(path, "read", () => Deno.openSync(path, { read: true }));
  const decoder = new TextDecoder();
  const piece = new Uint8Array(PIECE_BYTES);
  let rest = "";
  for (;;) {
    const count = onHost(path, "read", () => file.readSync(piece));
    const text = rest +
      (count === null
        ? decoder.decode()
        : decoder.decode(piece.subarray(0, count), { stream: true }));
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      yield text.slice(start, end);
      start = end + 1;
    }
    rest = text.slice(start);
    if (rest.length > LINE_CHARACTERS_MAX) rest = rest.slice(0, LINE_CHARACTERS_MAX);
    if (count !== null) continue;
    if (rest !== "") yield rest;
    return;
  }
}

/**
 * What kind of recording a file is; `undefined` for a trace of ours.
 *
 * @throws {UsageError} if it is neither.
 */
export function logKindOf(path: string): LogKind | undefined {
  using file = onHost(path, "read", () => Deno.openSync(path, { read: true }));
  const bytes = new Uint8Array(SNIFF_BYTES);
  const count = onHost(path, "read", () => file.readSync(bytes)) ?? 0;
  const text = new TextDecoder().decode(bytes.subarray(0, count));
  const kind = kindOfLog(text.split("\n"));
  if (kind !== undefined || /^\s*\{/.test(text)) return kind;
  if (count === 0) throw new UsageError(`'${path}' is empty`);
  throw new UsageError(
    `'${path}' is neither a trace nor a recording: a trace begins with a header in JSON, a ` +
      "console log has printk times ('[    1.234567] …'), tracer output its header " +
      "('# tracer: …'), a monitor's events are lines of JSON",
  );
}

function baseName(path: string): string {
  return path.split("/").at(-1) ?? path;
}

/**
 * The header of an imported trace: its files are one story, in the order they were given.
 *
 * @param systems letters of the systems that were seen in them (protocol.md F.0).
 */
export function importedHeader(
  paths: readonly string[],
  kinds: readonly LogKind[],
  systems: string,
): TraceHeader {
  const names = paths.map(baseName);
  const hash = new Sha256();
  hash.update(new TextEncoder().encode(names.join("\n")));
  return {
    v: 1,
    run: hash.hex().slice(0, 16),
    scenario: `log-${systems} ${names.join(" ")}`.slice(0, 200),
    seed: 0,
    profile: "real machine",
    version: "0",
    actors: [],
    clock: "imported",
    order: "observed",
    speaks: spokenBy(kinds),
  };
}

/** The events of recordings that belong together, in order. */
export function* importedEvents(
  paths: readonly string[],
  kinds: readonly LogKind[],
  importer: LogImporter = new LogImporter(),
): Generator<TraceEvent, void, void> {
  for (const [index, path] of paths.entries()) {
    const kind = kinds[index];
    if (kind === undefined) throw new UsageError(`'${path}' is no recording that is known`);
    importer.begin(kind, baseName(path));
    for (const line of logLines(path)) yield* importer.line(line);
  }
  yield* importer.end();
}

/**
 * Judges recordings as one story. They are read twice: first for what happens in them at all,
 * because that decides which system's rules apply.
 *
 * @throws {UsageError} if nothing in them could be understood.
 */
export function judgeLogs(
  paths: readonly string[],
  kinds: readonly LogKind[],
  checker: Checker,
): { readonly events: number; readonly lines: number } {
  const seen = new SystemsSeen();
  for (const event of importedEvents(paths, kinds)) seen.event(event);
  checker.begin(importedHeader(paths, kinds, seen.letters));
  const importer = new LogImporter();
  let events = 0;
  for (const event of importedEvents(paths, kinds, importer)) {
    checker.event(event);
    events++;
  }
  if (events === 0) {
    throw new UsageError(
      `No line of '${paths.join("', '")}' tells of hibernation, suspend or kexec; a console log ` +
        "needs printk times ('[    1.234567] …'), tracer output its header ('# tracer: …')",
    );
  }
  const sha256 = new Sha256().hex();
  checker.finishTrace({ count: events, sha256, outcome: "imported", generator: "" });
  return { events, lines: importer.lines };
}
