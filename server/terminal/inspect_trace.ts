/**
 * Header, footer and counts of a trace.
 *
 * @module
 */
import type { TraceHeader } from "../../machine/trace/event.ts";
import type { DiskFile } from "./disk_file.ts";
import type { Inspection } from "./inspection.ts";
import { traceRecords } from "./trace_input.ts";
import { countText, plural, timeText } from "./values.ts";

function counted(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function rows(counts: ReadonlyMap<string, number>): [string, string][] {
  return [...counts]
    .sort(([left], [right]) => left < right ? -1 : 1)
    .map(([name, count]) => [name, countText(count)]);
}

function headerRows(header: TraceHeader): (readonly [string, string])[] {
  return [
    ["run", header.run],
    ["scenario", header.scenario],
    ["profile", header.profile],
    ["seed", String(header.seed)],
    ["version", header.version],
    ["clock, order", `${header.clock}, ${header.order}`],
    ["actors", header.actors.join(", ")],
    ...(header.continues === undefined ? [] : [["continues", header.continues] as const]),
  ];
}

/** @throws {UsageError} if it is no trace. */
export function inspectTrace(file: DiskFile): Inspection {
  const kinds = new Map<string, number>();
  const facts = new Map<string, number>();
  let events = 0;
  let blobs = 0;
  let virtualNs = 0;
  let header: TraceHeader | undefined;
  let end: (readonly [string, string])[] = [];
  for (const record of traceRecords(file.path)) {
    if (record.record === "header") header = record.header;
    else if (record.record === "event") {
      const { kind, type, blob, vt } = record.event;
      events++;
      counted(kinds, kind);
      if (type?.startsWith("fact.") === true) counted(facts, type.slice("fact.".length));
      if (blob !== undefined) blobs++;
      virtualNs = Math.max(virtualNs, vt);
    } else if (record.record === "footer") {
      const { count, sha256, outcome, generator } = record.footer;
      end = [
        ["outcome", outcome],
        ["count", `${countText(count)}, as there are`],
        ["SHA-256", `${sha256}, as the lines have`],
        ["generator", generator],
      ];
    } else end = [["missing", `${record.torn.reason} (line ${record.torn.line})`]];
  }
  return {
    kind: "trace",
    about: `a trace of '${header?.scenario ?? ""}', ${plural(events, "event")} over ` +
      `${timeText(virtualNs)}, ${plural(blobs, "blob")} beside it`,
    sections: [
      { title: "Header", rows: header === undefined ? [] : headerRows(header) },
      { title: "Events by kind", rows: rows(kinds) },
      { title: "Facts", rows: rows(facts) },
      { title: "Footer", rows: end },
    ],
  };
}
