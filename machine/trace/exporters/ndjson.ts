/**
 * The trace itself, each line in its canonical text. A whole trace comes out as it was recorded,
 * byte for byte, and its footer's hash holds. Of a part only the event lines are given: with
 * header and footer it would pretend to be a trace, which has no gaps.
 *
 * @module
 */
import { eventLine } from "../event.ts";
import type { Exporter, ExportSource } from "./exporter.ts";

function* lines(source: ExportSource): Generator<string, void, void> {
  const whole = source.part !== true;
  if (whole) yield `${JSON.stringify(source.header)}\n`;
  for (const event of source.events()) yield `${eventLine(event)}\n`;
  if (whole && source.footer !== undefined) yield `${JSON.stringify(source.footer)}\n`;
}

/** See the module's header. */
export const NDJSON: Exporter = {
  form: "ndjson",
  title: "The trace itself: one JSON line for each event",
  mediaType: "application/x-ndjson",
  extension: "ndjson",
  export: lines,
};
