/**
 * What `export` takes.
 *
 * @module
 */
import { EXPORT_NAMES } from "../../machine/trace/exporters/exporter.ts";
import type { CommandDeclaration } from "./options.ts";

/** See {@linkcode runExport} of `export.ts`. */
export const EXPORT: CommandDeclaration = {
  name: "export",
  about: "Writes a trace, or a recording of a real Linux, in a form that other programs open: " +
    "Perfetto, OpenTelemetry, ShiViz, Mermaid, PlantUML, Wireshark.",
  argument: {
    name: "FORM TRACE",
    help: `the form (${EXPORT_NAMES.join(", ")}) and the file to read`,
    min: 2,
    max: 2,
  },
  options: [
    {
      name: "output",
      short: "o",
      kind: "path",
      value: "FILE",
      help: "where it goes",
      otherwise: "standard output; pcapng needs a file",
    },
    {
      name: "from",
      kind: "whole",
      value: "SEQ",
      help: "number of the first event",
      otherwise: "the first",
    },
    {
      name: "to",
      kind: "whole",
      value: "SEQ",
      help: "number of the last event",
      otherwise: "the last",
    },
    {
      name: "actor",
      kind: "text",
      value: "NAMES",
      help: "only what happens at these actors, and messages from and to them; with commas between",
      otherwise: "all",
    },
    { name: "stack", kind: "flag", help: "with an internal error, print where it came from" },
    { name: "help", kind: "flag", help: "print this" },
  ],
  notes: [
    "Mermaid and PlantUML draw 400 messages at most; --from, --to and --actor say which.",
    "A part of a trace as ndjson is event lines alone, because a trace has no gaps.",
  ],
};
