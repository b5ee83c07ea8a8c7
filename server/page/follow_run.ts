/**
 * A run's lines over HTTP, each once and in order, however often the connection is cut. What is
 * there already comes as NDJSON in one answer; what is still to come, as server-sent events. Where
 * events are missing, or a connection ends before the run does, it goes on from the last one.
 *
 * @module
 */
import type { TraceHeader } from "../../machine/trace/event.ts";
import type { VerdictMark } from "../api/shapes/event.ts";
import type { RunSummary } from "../api/shapes/run.ts";
import type { FollowSink } from "./model.ts";
import { ndjsonLines } from "./ndjson_lines.ts";

/** What is used of an EventSource. */
export interface EventStream {
  readonly readyState: number;
  addEventListener(
    type: string,
    listener: (event: { readonly data?: string; readonly lastEventId?: string }) => void,
  ): void;
  close(): void;
}

/** What following needs of its surroundings. */
export interface FollowHost {
  fetch(address: string, init: RequestInit): Promise<Response>;
  stream(address: string): EventStream;
  /** Waits before another try. */
  pause(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Lets the browser draw where much comes at once. */
  breathe(): Promise<void>;
  /** The run as it stands. */
  summary(run: string): Promise<RunSummary>;
}

const ENDED: ReadonlySet<string> = new Set(["finished", "failed", "cancelled", "interrupted"]);
const CLOSED = 2;
const PAUSE_MILLISECONDS = 500;
/** So often in a row nothing new may come before it is given up. */
const TRIES_MAX = 20;

/** Whether a run has come to its end. */
export function hasEnded(summary: RunSummary): boolean {
  return ENDED.has(summary.status);
}

/** One following of one run. */
export class Follower {
  readonly #host: FollowHost;
  readonly #run: string;
  readonly #sink: FollowSink;
  readonly #signal: AbortSignal;
  #last: number;
  #hasHeader = false;
  #broken = false;
  #tries = 0;

  /** @param after the last event that the sink has; -1 for none. */
  constructor(
    host: FollowHost,
    run: string,
    after: number,
    sink: FollowSink,
    signal: AbortSignal,
  ) {
    this.#host = host;
    this.#run = run;
    this.#last = after;
    this.#sink = sink;
    this.#signal = signal;
  }

  /**
   * Resolves when the run has ended and all of it was told, or when the signal fires.
   *
   * @throws what the last try ended with, where the server does not come back.
   */
  async follow(): Promise<void> {
    while (!this.#signal.aborted) {
      const before = this.#last;
      try {
        const summary = await this.#host.summary(this.#run);
        this.#sink.summary(summary);
        const ended = hasEnded(summary);
        const hasAll = (): boolean => this.#hasHeader && this.#last + 1 >= summary.events;
        if (!ended || !hasAll()) await this.#stored();
        if (!ended) await this.#coming();
        else if (hasAll()) return this.#sink.end(summary);
        else this.#broken = true;
      } catch (error) {
        if (this.#signal.aborted) return;
        this.#broken = true;
        if (this.#tries >= TRIES_MAX || isRefusal(error)) throw error;
      }
      this.#tries = this.#last > before ? 0 : this.#tries + 1;
      if (this.#tries > 0) await this.#host.pause(PAUSE_MILLISECONDS, this.#signal);
    }
  }

  #address(query: string): string {
    return `api/runs/${this.#run}/events?${query}`;
  }

  /** What is stored already. */
  async #stored(): Promise<void> {
    const address = this.#last < 0 ? this.#address("").slice(0, -1) : this.#address(
      `from=${this.#last + 1}`,
    );
    const response = await this.#host.fetch(address, {
      headers: { accept: "application/x-ndjson" },
      signal: this.#signal,
    });
    if (!response.ok || response.body === null) throw new RefusedError(response.status);
    this.#connected();
    for await (const lines of ndjsonLines(response.body)) {
      this.#batch(lines);
      await this.#host.breathe();
      await this.#sink.ready?.();
    }
  }

  #batch(lines: readonly string[]): void {
    const events: string[] = [];
    for (const line of lines) {
      if (line.startsWith('{"seq":')) {
        const seq = seqOf(line);
        if (seq <= this.#last) continue;
        this.#last = seq;
        events.push(line);
      } else if (line.startsWith('{"v":')) {
        this.#header(line);
      }
    }
    this.#sink.lines(events);
  }

  #header(line: string): void {
    if (this.#hasHeader) return;
    this.#hasHeader = true;
    const header: TraceHeader = JSON.parse(line);
    this.#sink.header(header);
  }

  /** What is still to come; resolves when the stream is over or has to be opened anew. */
  #coming(): Promise<void> {
    const stream = this.#host.stream(this.#address(`after=${this.#last}`));
    return new Promise((resolve) => {
      let isOver = false;
      const over = (): void => {
        isOver = true;
        this.#signal.removeEventListener("abort", over);
        stream.close();
        resolve();
      };
      this.#signal.addEventListener("abort", over);
      stream.addEventListener("open", () => this.#connected());
      stream.addEventListener("trace", ({ data = "", lastEventId = "" }) => {
        const seq = lastEventId === "" ? seqOf(data) : Number(lastEventId);
        // What has come before the stream was closed is still given out behind it.
        if (isOver || seq <= this.#last) return;
        if (seq > this.#last + 1) {
          this.#broken = true;
          this.#sink.gap(seq);
          return over();
        }
        this.#last = seq;
        this.#sink.lines([data]);
      });
      stream.addEventListener("state", ({ data = "" }) => {
        const summary: RunSummary = JSON.parse(data);
        this.#sink.summary(summary);
      });
      stream.addEventListener("verdict", ({ data = "" }) => {
        const mark: VerdictMark = JSON.parse(data);
        this.#sink.verdict(mark);
      });
      stream.addEventListener("gap", () => {
        this.#broken = true;
        this.#sink.gap(this.#last + 1);
        over();
      });
      stream.addEventListener("end", over);
      stream.addEventListener("error", () => {
        this.#broken = true;
        if (stream.readyState === CLOSED) over();
      });
    });
  }

  #connected(): void {
    if (this.#broken) this.#sink.resumed();
    this.#broken = false;
  }
}

/** The server answered, and not with events. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly status: number;

  constructor(status: number) {
    super(`the server answered ${status}`);
    this.status = status;
  }
}

/** Whether another try would be answered alike. */
function isRefusal(error: unknown): boolean {
  const status = error instanceof RefusedError ? error.status : 0;
  return status >= 400 && status < 500 && status !== 409 && status !== 429;
}

function seqOf(line: string): number {
  const end = line.indexOf(",", 7);
  return Number(line.slice(7, end < 0 ? undefined : end));
}
