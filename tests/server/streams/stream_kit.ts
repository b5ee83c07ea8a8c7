/**
 * Traces for the tests of streams: a file that grows when it is told to, and whoever reads.
 *
 * @module
 */
import type { RunSummary } from "../../../server/api/shapes/run.ts";
import type { TraceLog } from "../../../server/deps.ts";
import type { StreamExtras, StreamTimers } from "../../../server/streams/event_streams.ts";
import {
  eventLine,
  type TraceEvent,
  type TraceFooter,
  type TraceHeader,
} from "../../../machine/trace/event.ts";

const HEADER: TraceHeader = {
  v: 1,
  run: "0123456789abcdef",
  scenario: "test",
  seed: 1,
  profile: "2.6.27/small-vm",
  version: "0",
  actors: ["A", "disk"],
  clock: "virtual",
  order: "total",
};

/** An event whose fields follow from its number. */
export function numbered(seq: number): TraceEvent {
  return {
    seq,
    vt: seq * 1000,
    lamport: seq,
    kind: seq % 2 === 0 ? "send" : "deliver",
    actor: seq % 3 === 0 ? "disk" : "A",
    type: seq % 5 === 0 ? "disk.write" : "console.line",
    summary: { text: "x".repeat(seq % 7) },
  };
}

/** A trace in a folder of its own, written as the test says. */
export class GrowingLog implements TraceLog {
  readonly run: string = HEADER.run;
  readonly header: TraceHeader = HEADER;
  readonly path: string;
  readonly firstByte: number;
  events = 0;
  bytes: number;
  ended = false;
  footer?: TraceFooter;
  /** How often somebody waited. */
  waits = 0;
  readonly #folder: string;
  readonly #waiting: Set<() => void> = new Set();

  constructor() {
    this.#folder = Deno.makeTempDirSync({ prefix: "kjump-streams-" });
    this.path = `${this.#folder}/trace.ndjson`;
    const text = `${JSON.stringify(HEADER)}\n`;
    Deno.writeTextFileSync(this.path, text);
    this.firstByte = text.length;
    this.bytes = text.length;
  }

  get folder(): string {
    return this.#folder;
  }

  /** Writes lines, each without its line feed. */
  addLines(lines: readonly string[]): void {
    const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
    using file = Deno.openSync(this.path, { append: true });
    let written = 0;
    while (written < bytes.length) written += file.writeSync(bytes.subarray(written));
    this.bytes += bytes.length;
    this.events += lines.length;
    this.#wake();
  }

  /** Writes so many events. */
  add(count: number): void {
    const lines = Array.from({ length: count }, (_, at) => eventLine(numbered(this.events + at)));
    this.addLines(lines);
  }

  end(): void {
    this.footer = { count: this.events, sha256: "0".repeat(64), outcome: "off", generator: "g" };
    Deno.writeTextFileSync(this.path, `${JSON.stringify(this.footer)}\n`, { append: true });
    this.ended = true;
    this.#wake();
  }

  async more(events: number, signal: AbortSignal): Promise<void> {
    this.waits++;
    while (this.events <= events && !this.ended && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener("abort", wake);
      });
    }
  }

  /** How many wait now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** Timers that fire when they are told to. */
export class HandTimers implements StreamTimers {
  readonly #calls: Set<() => void> = new Set();

  after(_milliseconds: number, call: () => void): () => void {
    this.#calls.add(call);
    return () => this.#calls.delete(call);
  }

  get count(): number {
    return this.#calls.size;
  }

  fire(): void {
    for (const call of [...this.#calls]) {
      this.#calls.delete(call);
      call();
    }
  }
}

/** A run whose summary changes when it is told to. */
export class ToldRun implements StreamExtras {
  current: RunSummary;
  readonly #watchers: Set<(summary: RunSummary) => void> = new Set();

  constructor() {
    this.current = {
      run: HEADER.run,
      kind: "cycle",
      status: "running",
      scenario: "test",
      title: "Test",
      profile: HEADER.profile,
      seed: 1,
      created: "2026-11-21T00:00:00Z",
      events: 0,
      vt: 0,
      replayable: true,
      links: {},
    };
  }

  summary(): RunSummary {
    return this.current;
  }

  watch(changed: (summary: RunSummary) => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  change(part: Partial<RunSummary>): void {
    this.current = { ...this.current, ...part };
    for (const watcher of this.#watchers) watcher(this.current);
  }
}

/** All text of a stream. */
export function textOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  return new Response(stream).text();
}

/** An event of SSE. */
export interface Sent {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
  readonly comment?: boolean;
}

/** What a text of SSE says, comments included. */
export function sentIn(text: string): Sent[] {
  return text.split("\n\n").filter((frame) => frame !== "").map((frame) => {
    if (frame.startsWith(":")) return { comment: true };
    const fields = frame.split("\n").map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    });
    return Object.fromEntries(fields);
  });
}

/** Takes a stream piece by piece. */
export class Taker {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  text = "";

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.getReader();
  }

  /** Takes one piece; what it says, or `undefined` at the end. */
  async take(): Promise<string | undefined> {
    const { value, done } = await this.#reader.read();
    if (done) return undefined;
    const text = new TextDecoder().decode(value);
    this.text += text;
    return text;
  }

  /** Takes pieces until what was taken holds a text. */
  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) {
      if (await this.take() === undefined) throw new Error(`The stream ended before ${text}`);
    }
  }

  async leave(): Promise<void> {
    await this.#reader.cancel();
  }
}
