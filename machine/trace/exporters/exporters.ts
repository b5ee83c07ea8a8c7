/**
 * Every form in which a trace can be had for another program (server.md 5.7). The single HTML
 * file is no exporter: it needs the page, which the server has.
 *
 * @module
 */
import type { Exporter, ExportName } from "./exporter.ts";
import { MERMAID } from "./mermaid.ts";
import { NDJSON } from "./ndjson.ts";
import { OTLP } from "./otlp.ts";
import { PCAPNG } from "./pcapng.ts";
import { PERFETTO } from "./perfetto.ts";
import { PLANTUML } from "./plantuml.ts";
import { SHIVIZ } from "./shiviz.ts";

export { EXPORT_NAMES } from "./exporter.ts";
export type { Exporter, ExportName, ExportSource } from "./exporter.ts";
export { type Part, partOf } from "./part.ts";

/** The forms by name. */
export const EXPORTERS: Readonly<Record<ExportName, Exporter>> = {
  perfetto: PERFETTO,
  otlp: OTLP,
  shiviz: SHIVIZ,
  mermaid: MERMAID,
  plantuml: PLANTUML,
  pcapng: PCAPNG,
  ndjson: NDJSON,
};
