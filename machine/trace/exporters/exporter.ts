/**
 * What every exporter is: a trace goes in, pieces of a file that another program opens come out.
 *
 * Exporters are pure and stream: memory grows with what is open at a time (actors, messages in
 * flight, the handling each actor is in), never with the number of events. Where a form needs to
 * know what comes later, the events are asked for a second time.
 *
 * @module
 */
import type { Report } from "../../conformance/report.ts";
import type { BlobSource } from "../blobs.ts";
import type { TraceEvent, TraceFooter, TraceHeader } from "../event.ts";

/** Forms that are made from a trace alone. */
export const EXPORT_NAMES = [
  "perfetto",
  "otlp",
  "shiviz",
  "mermaid",
  "plantuml",
  "pcapng",
  "ndjson",
] as const;

/** Name of a form. */
export type ExportName = typeof EXPORT_NAMES[number];

/** A trace that is to be exported. */
export interface ExportSource {
  readonly header: TraceHeader;
  /** The events from the first; may be asked for several times, and gives the same each time. */
  events(): Iterable<TraceEvent>;
  /** Absent where the end is missing, or the run goes on. */
  readonly footer?: TraceFooter;
  readonly blobs?: BlobSource;
  /** What the rules say of it; violations are marked where the form has a place for them. */
  readonly report?: Report;
  /** Set by `partOf`: the events are a choice out of a trace, `footer` is not theirs. */
  readonly part?: boolean;
}

/** One form. */
export interface Exporter {
  readonly form: ExportName;
  /** For people. */
  readonly title: string;
  readonly mediaType: string;
  /** End of a file name, without the dot. */
  readonly extension: string;
  /** The file in pieces, from first to last: text in UTF-8, or bytes. */
  export(source: ExportSource): Iterable<string | Uint8Array>;
}
