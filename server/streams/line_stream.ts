/**
 * A stream of lines: NDJSON, and json-seq made of the same lines. From the beginning and
 * unfiltered it begins with the header's line; at the end of a run that ended whole it ends with
 * the footer's, so that what the client has is the file.
 *
 * @module
 */
import { type ChunkOptions, eventChunks } from "./event_chunks.ts";
import { firstWanted, picks, wantsWhole } from "./event_query.ts";
import { framed, utf8 } from "./frames.ts";
import { BLOCK_BYTES } from "./piece_source.ts";

/** Bytes behind the events in which a footer's line must stand. */
const FOOTER_BYTES = 65_536;

type Bytes = Uint8Array<ArrayBuffer>;

/** Whether the rest of a trace from an event on is wanted, and nothing will be added to it. */
function wantsRest({ log, query, known }: ChunkOptions): boolean {
  return log.ended && !picks(query) && query.to === undefined && known >= log.events;
}

/** The rest of the events as they stand in the file, of which nobody looks at the lines. */
async function* fileBlocks(
  { log, file, query, signal, source }: ChunkOptions,
): AsyncGenerator<Bytes, void, void> {
  const first = firstWanted(query);
  if (first >= log.events) return;
  let offset = first === 0 ? log.firstByte : await file.offsetOf(first, log.bytes, signal);
  while (!signal.aborted && (offset ?? Infinity) !== log.bytes) {
    const number = Math.floor((offset ?? 0) / BLOCK_BYTES);
    const block = offset === undefined ? undefined : await source.block(log, file, number);
    // A client that left closed the file under the last read.
    if (signal.aborted) return;
    const end = Math.min((number + 1) * BLOCK_BYTES, log.bytes);
    if (offset === undefined || block === undefined || block.length < end - number * BLOCK_BYTES) {
      throw new Error("The trace's file is shorter than its log says");
    }
    yield block.subarray(offset - number * BLOCK_BYTES);
    offset = end;
  }
}

/** The bytes of a stream of lines, piece by piece. */
export async function* lineStream(options: ChunkOptions): AsyncGenerator<Bytes, void, void> {
  const { log, file, query, known, form, signal } = options;
  if (wantsWhole(query)) {
    const header = await file.readEnd(0, log.firstByte);
    // Of an imported log there may be no header's line in the file.
    yield framed(form, header.length > 0 ? header : utf8(`${JSON.stringify(log.header)}\n`), 0);
  }
  if (form === "ndjson" && wantsRest(options)) yield* fileBlocks(options);
  else for await (const { bytes } of eventChunks(options)) yield bytes;
  const whole = log.footer !== undefined && known >= log.events;
  if (!whole || picks(query) || query.to !== undefined || signal.aborted) return;
  const footer = await file.readEnd(log.bytes, log.bytes + FOOTER_BYTES);
  if (!signal.aborted) yield framed(form, footer, 0);
}
