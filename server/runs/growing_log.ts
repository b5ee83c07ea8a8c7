/**
 * A trace as the server's thread knows it: how far it goes, and who waits for more. Its lines stay
 * in the file.
 *
 * @module
 */
import type { TraceFooter, TraceHeader } from "../../machine/trace/event.ts";
import type { TraceLog } from "../deps.ts";
import { joined } from "./files.ts";
import { RUN_FILES } from "./run_record.ts";

/** How far a trace goes. */
export interface LogExtent {
  readonly events: number;
  readonly bytes: number;
}

/** See the module's header. */
export class GrowingLog implements TraceLog {
  readonly run: string;
  readonly header: TraceHeader;
  readonly path: string;
  readonly firstByte: number;
  footer?: TraceFooter;
  #extent: LogExtent;
  #ended = false;
  readonly #waiting: Set<() => void> = new Set();

  constructor(folder: string, header: TraceHeader, firstByte: number, extent?: LogExtent) {
    this.run = header.run;
    this.header = header;
    this.path = joined(folder, RUN_FILES.trace);
    this.firstByte = firstByte;
    this.#extent = extent ?? { events: 0, bytes: firstByte };
  }

  get events(): number {
    return this.#extent.events;
  }

  get bytes(): number {
    return this.#extent.bytes;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** There are more lines. */
  grow({ events, bytes }: LogExtent): void {
    if (this.#ended || events <= this.#extent.events) return;
    this.#extent = { events, bytes };
    this.#wake();
  }

  /** No more will come. */
  end(extent: LogExtent, footer?: TraceFooter): void {
    if (this.#ended) return;
    this.#extent = { events: extent.events, bytes: extent.bytes };
    this.#ended = true;
    if (footer !== undefined) this.footer = footer;
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  more(events: number, signal: AbortSignal): Promise<void> {
    if (this.#ended || this.events > events || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        // Who waits for an event that is still ahead goes on waiting.
        if (!this.#ended && this.events <= events && !signal.aborted) return;
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake);
    });
  }
}
