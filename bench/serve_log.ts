/**
 * The trace that is delivered when delivery is measured.
 *
 * @module
 */
import { eventLine, type TraceFooter, type TraceHeader } from "../machine/trace/event.ts";
import type { TraceLog } from "../server/deps.ts";

const HEADER: TraceHeader = {
  v: 1,
  run: "0123456789abcdef",
  scenario: "bench",
  seed: 1,
  profile: "2.6.27/small-vm",
  version: "0",
  actors: ["kernel.A", "disk"],
  clock: "virtual",
  order: "total",
};

function lineOf(seq: number): string {
  const source = seq % 2 === 0 ? "A" : "memory";
  return eventLine({
    seq,
    vt: seq * 1731,
    lamport: seq >> 1,
    kind: seq % 2 === 0 ? "send" : "deliver",
    actor: source,
    source,
    target: seq % 2 === 0 ? "memory" : "A",
    type: "memory.grant",
    msg: seq & ~1,
    ...seq > 0 ? { cause: seq - 1 } : {},
    summary: { tag: `load.${seq % 97}`, start: `0x${(seq * 4096).toString(16)}`, length: 4096 },
  });
}

/** A trace in a file, to which more can be written. */
export class BenchLog implements TraceLog {
  readonly run: string = HEADER.run;
  readonly header: TraceHeader = HEADER;
  readonly path: string;
  readonly firstByte: number;
  events = 0;
  bytes: number;
  ended = false;
  footer?: TraceFooter;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers<void>();

  constructor(path: string) {
    this.path = path;
    const text = `${JSON.stringify(HEADER)}\n`;
    Deno.writeTextFileSync(path, text);
    this.firstByte = text.length;
    this.bytes = text.length;
  }

  add(count: number): void {
    let text = "";
    for (let at = 0; at < count; at++) text += `${lineOf(this.events + at)}\n`;
    Deno.writeTextFileSync(this.path, text, { append: true });
    this.reveal({ events: this.events + count, bytes: this.bytes + text.length });
  }

  /** Says how much is there. */
  reveal({ events, bytes }: { readonly events: number; readonly bytes: number }): void {
    this.events = events;
    this.bytes = bytes;
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  end(): void {
    this.footer = { count: this.events, sha256: "0".repeat(64), outcome: "off", generator: "" };
    Deno.writeTextFileSync(this.path, `${JSON.stringify(this.footer)}\n`, { append: true });
    this.ended = true;
    this.#wake.resolve();
  }

  async more(events: number, signal: AbortSignal): Promise<void> {
    while (this.events <= events && !this.ended && !signal.aborted) {
      const fired = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => fired.resolve(), { once: true });
      await Promise.race([this.#wake.promise, fired.promise]);
    }
  }
}
