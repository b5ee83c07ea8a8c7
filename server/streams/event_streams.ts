/**
 * The open streams of a server. One thing of this kind belongs to one application.
 *
 * How a route uses it:
 *
 * ```ts ignore
 * const form = eventFormOf(request.headers.get("accept")); // undefined: not-acceptable
 * const query = parseEventQuery(url.searchParams, request.headers.get("last-event-id"));
 * if (form === "sse" && streams.isOver(log, query)) return new Response(null, { status: 204 });
 * if (form === "ndjson" && streams.canGzip(log, query) && acceptsGzip(…)) {
 *   const { path, bytes } = await streams.gzipped(log); // Content-Encoding: gzip, the file as body
 * }
 * const body = streams.open(log, query, form, {
 *   summary: () => laboratory.get(run), watch: (changed) => laboratory.watch(run, changed),
 * }, stopping); // fires when the server stops; a client that goes cancels the body by itself
 * return new Response(body, { headers: { "Content-Type": EVENT_MEDIA_TYPES[form], … } });
 * ```
 *
 * @module
 */
import type { TraceLog } from "../deps.ts";
import { SERVER_LIMITS } from "../limits.ts";
import { ProblemError } from "../problem.ts";
import type { EventForm } from "./event_form.ts";
import { type EventQuery, firstWanted, wantsWhole } from "./event_query.ts";
import { type CompressedLog, LogCompressor } from "./log_compressor.ts";
import { lineStream } from "./line_stream.ts";
import { PieceSource } from "./piece_source.ts";
import { sseStream } from "./sse_stream.ts";
import { HOST_TIMERS, type StreamExtras, type StreamTimers } from "./stream_settings.ts";

export type { CompressedLog } from "./log_compressor.ts";
export type { StreamExtras, StreamTimers } from "./stream_settings.ts";

/** Settings of {@linkcode EventStreams}; what is absent is as in `SERVER_LIMITS`. */
export interface StreamSettings {
  readonly timers?: StreamTimers;
  readonly openStreams?: number;
  readonly frameCacheBytes?: number;
}

/** A stream that is open. */
interface OpenStream {
  readonly run: string;
  end(): void;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Whether a client says that it has an event that there is not. */
function isGap(log: TraceLog, query: EventQuery): boolean {
  return query.after !== undefined && query.after >= 0 && query.after >= log.events;
}

/** See the module's header. */
export class EventStreams {
  readonly #timers: StreamTimers;
  readonly #max: number;
  readonly #source: PieceSource;
  readonly #compressor: LogCompressor = new LogCompressor();
  readonly #open: Set<OpenStream> = new Set();

  constructor(settings: StreamSettings = {}) {
    this.#timers = settings.timers ?? HOST_TIMERS;
    this.#max = settings.openStreams ?? SERVER_LIMITS.openStreams;
    this.#source = new PieceSource(settings.frameCacheBytes ?? SERVER_LIMITS.frameCacheBytes);
  }

  /** Streams that are open. */
  get count(): number {
    return this.#open.size;
  }

  /** Bytes of pieces and frames that are kept for further clients. */
  get keptBytes(): number {
    return this.#source.cache.bytes;
  }

  /**
   * Opens a stream. It reads only what its client takes, and ends with the run, with `to`, when
   * the signal fires or when the client goes.
   *
   * @throws {ProblemError} `too-many` if too many are open, `unknown-event` if lines behind an
   * event are wanted that is not there (SSE has its `gap` for that).
   */
  open(
    log: TraceLog,
    query: EventQuery,
    form: EventForm,
    extras: StreamExtras,
    signal: AbortSignal,
  ): ReadableStream<Bytes> {
    if (this.#open.size >= this.#max) {
      throw new ProblemError(
        "too-many",
        "As many streams are open as there may be; close one, or come again later.",
        { limit: { name: "openStreams", max: this.#max }, retryAfter: 5 },
      );
    }
    const gap = isGap(log, query);
    if (gap && form !== "sse") {
      throw new ProblemError(
        "unknown-event",
        "The run has no event of the number in 'after'; ask without it for all there are.",
      );
    }
    const file = this.#source.file(log);
    const controller = new AbortController();
    const common = { source: this.#source, log, file, form, signal: controller.signal };
    const bytes = form === "sse"
      ? sseStream({
        ...common,
        query: gap ? withoutAfter(query) : query,
        known: Infinity,
        extras,
        timers: this.#timers,
        gap,
      })
      : lineStream({ ...common, query, known: query.follow ? Infinity : log.events });
    return this.#stream(log.run, bytes, file.hold(), controller, signal);
  }

  #stream(
    run: string,
    bytes: AsyncGenerator<Bytes, void, void>,
    release: () => void,
    aborting: AbortController,
    signal: AbortSignal,
  ): ReadableStream<Bytes> {
    let client: ReadableStreamDefaultController<Bytes> | undefined;
    const finish = (): void => {
      if (!this.#open.delete(entry)) return;
      signal.removeEventListener("abort", finish);
      aborting.abort();
      // What it waits for has been told; a failure was or will be the reader's.
      bytes.return().catch(() => {}).finally(release);
      try {
        client?.close();
      } catch {
        // Closed by its reader, or failed.
      }
    };
    const entry: OpenStream = { run, end: finish };
    this.#open.add(entry);
    signal.addEventListener("abort", finish, { once: true });
    const stream = new ReadableStream<Bytes>({
      start: (controller) => {
        client = controller;
      },
      pull: async (controller) => {
        try {
          const { value, done } = await bytes.next();
          if (done === true || value === undefined || !this.#open.has(entry)) finish();
          else controller.enqueue(value);
        } catch (error) {
          client = undefined;
          finish();
          throw error;
        }
      },
      cancel: finish,
    }, { highWaterMark: 0 });
    if (signal.aborted) finish();
    return stream;
  }

  /**
   * Whether a client that comes again has all that will ever come: SSE is then answered with 204,
   * upon which an EventSource stays away.
   */
  isOver(log: TraceLog, query: EventQuery): boolean {
    if (query.after === undefined || isGap(log, query)) return false;
    const first = firstWanted(query);
    return (query.to !== undefined && first > query.to) || (log.ended && first >= log.events);
  }

  /** Whether a query's NDJSON is the whole file of a run that ended whole. */
  canGzip(log: TraceLog, query: EventQuery): boolean {
    return log.ended && log.footer !== undefined && !query.follow && wantsWhole(query);
  }

  /** The whole file compressed; made once, beside the trace, off the server's thread. */
  gzipped(log: TraceLog): Promise<CompressedLog> {
    return this.#compressor.compressed(log.path);
  }

  /** Ends a run's streams and forgets what is kept of it; before its files are removed. */
  forget(run: string): void {
    for (const stream of [...this.#open]) {
      if (stream.run === run) stream.end();
    }
    this.#source.forget(run);
  }

  /** Ends all streams. */
  close(): void {
    for (const stream of [...this.#open]) stream.end();
    this.#compressor.close();
  }
}

function withoutAfter(query: EventQuery): EventQuery {
  const { after: _, ...rest } = query;
  return rest;
}
