/**
 * Server-sent events of a run: `trace` for each event, `state` with the run's summary as it
 * changes, `verdict` for each rule that is broken, `gap` where the client says it has an event
 * that is not there, `end` with the summary at last. While nothing happens, a comment every 15 s
 * keeps proxies from closing the connection.
 *
 * @module
 */
import type { RunSummary } from "../api/shapes/run.ts";
import type { VerdictMark } from "../api/shapes/event.ts";
import { type ChunkOptions, type EventChunk, eventChunks } from "./event_chunks.ts";
import { sseFrame, utf8 } from "./frames.ts";
import type { StreamExtras, StreamTimers } from "./stream_settings.ts";

/** Ms after which a client that lost its connection comes again. */
const RETRY_MS = 1000;
/** Ms without an event after which a comment is sent. */
export const HEARTBEAT_MS = 15_000;

type Bytes = Uint8Array<ArrayBuffer>;

/** What a stream of SSE is made of. */
export interface SseOptions extends ChunkOptions {
  readonly extras: StreamExtras;
  readonly timers: StreamTimers;
  /** The client has an event that is not there; all is sent again, after a `gap`. */
  readonly gap: boolean;
}

/** Keeps the latest summary until it is sent, and wakes who waits for it. */
class Changes {
  #latest: RunSummary | undefined;
  #wake: (() => void) | undefined;
  readonly #told: Set<string> = new Set();

  get pending(): boolean {
    return this.#latest !== undefined;
  }

  put(summary: RunSummary): void {
    this.#latest = summary;
    this.#wake?.();
  }

  /** Calls back at the next change, or now if there is one. */
  wakes(call: () => void): void {
    if (this.#latest === undefined) this.#wake = call;
    else call();
  }

  /** Frames of what changed; several changes are one. */
  *take(): Generator<Bytes, void, void> {
    const summary = this.#latest;
    if (summary === undefined) return;
    this.#latest = undefined;
    yield sseFrame("state", summary);
    for (const { rule, seq, reason } of summary.verdict?.violated ?? []) {
      if (this.#told.has(rule)) continue;
      this.#told.add(rule);
      yield sseFrame(
        "verdict",
        { rule, seq, verdict: "violated", reason } satisfies VerdictMark,
      );
    }
  }
}

type Happening = "chunk" | "change" | "heartbeat";

/** Waits for a chunk, a change or the time for a heartbeat, whichever comes first. */
function happening(
  chunk: Promise<unknown>,
  changes: Changes,
  timers: StreamTimers,
): Promise<Happening> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(HEARTBEAT_MS, () => resolve("heartbeat"));
    const first = (what: Happening) => {
      cancel();
      resolve(what);
    };
    changes.wakes(() => first("change"));
    chunk.then(() => first("chunk"), (error) => {
      cancel();
      reject(error);
    });
  });
}

/** Whether there are events behind a chunk; false where only a search can tell. */
function hasNext({ log }: SseOptions, { next }: EventChunk): boolean {
  return next !== undefined && next < log.events;
}

/** Number of the last event that there will be for a query. */
function lastOf({ log, query }: SseOptions): number {
  return Math.min(log.events - 1, query.to ?? Infinity);
}

/** The bytes of a stream of server-sent events. */
export async function* sseStream(options: SseOptions): AsyncGenerator<Bytes, void, void> {
  const { extras, signal, query, timers } = options;
  const changes = new Changes();
  const summary = extras.summary();
  if (summary !== undefined) changes.put(summary);
  const unwatch = extras.watch((changed) => changes.put(changed));
  const chunks = eventChunks(options);
  try {
    yield utf8(`retry: ${RETRY_MS}\n\n`);
    if (options.gap) yield sseFrame("gap", { first: query.from ?? 0 });
    yield* changes.take();
    let next = chunks.next();
    // Whether the next chunk is there already, so that nothing else has to be waited for.
    let ready = false;
    while (!signal.aborted) {
      const what = ready ? await next.then(() => "chunk") : await happening(next, changes, timers);
      if (signal.aborted) return;
      if (changes.pending) yield* changes.take();
      if (what === "heartbeat") yield utf8(":\n\n");
      if (what !== "chunk") continue;
      const { value, done } = await next;
      if (done === true || value === undefined) break;
      ready = hasNext(options, value);
      yield value.bytes;
      next = chunks.next();
    }
    if (signal.aborted) return;
    yield* changes.take();
    // Its id says that the client has all, also where the last event was not among those wanted.
    yield sseFrame("end", extras.summary() ?? {}, lastOf(options));
  } finally {
    unwatch();
    await chunks.return();
  }
}
