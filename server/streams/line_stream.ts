/**
 * A stream of lines: NDJSON, and json-seq made of the same lines. From the beginning and
 * unfiltered it begins with the header's line; at the end of a run that ended whole it ends with
 * the footer's, so that what the client has is the file.
 *
 * @module
 */
import { type ChunkOptions, eventChunks } from "./event_chunks.ts";
import { picks, wantsWhole } from "./event_query.ts";
import { jsonSeqFrames, utf8 } from "./frames.ts";

/** Bytes behind the events in which a footer's line must stand. */
const FOOTER_BYTES = 65_536;

type Bytes = Uint8Array<ArrayBuffer>;

/** The bytes of a stream of lines, piece by piece. */
export async function* lineStream(
  options: ChunkOptions,
  form: "ndjson" | "json-seq",
): AsyncGenerator<Bytes, void, void> {
  const { log, file, query, known, signal, source } = options;
  const framed = (lines: Bytes): Bytes => form === "ndjson" ? lines : jsonSeqFrames(lines);
  if (wantsWhole(query)) {
    const header = await file.readEnd(0, log.firstByte);
    // Of an imported log there may be no header's line in the file.
    yield framed(header.length > 0 ? header : utf8(`${JSON.stringify(log.header)}\n`));
  }
  for await (const { lines, shared } of eventChunks(options)) {
    yield shared === undefined || form === "ndjson"
      ? framed(lines)
      : source.encoded(shared, form, (piece) => jsonSeqFrames(piece.lines));
  }
  const whole = log.footer !== undefined && known >= log.events;
  if (!whole || picks(query) || query.to !== undefined || signal.aborted) return;
  const footer = await file.readEnd(log.bytes, log.bytes + FOOTER_BYTES);
  if (!signal.aborted) yield framed(footer);
}
