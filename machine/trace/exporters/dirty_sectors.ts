/**
 * Sectors that wait in the disk's volatile cache, read off a trace: what a power cut could lose
 * (protocol.md G.2). It goes by the facts `disk_write` and `flush`; whether a write went through
 * to the medium is in its message (`fua`), where the trace has messages.
 *
 * @module
 */
import { SECTOR_BYTES } from "../../block_store.ts";
import { LIMITS } from "../../limits.ts";
import type { Summary, TraceEvent } from "../event.ts";

interface Waiting {
  readonly first: number;
  readonly count: number;
  /** Where it stands in the cache, which is a ring; in bytes. */
  readonly offset: number;
}

/** A fold over the events of one disk. */
export class DirtySectors {
  #waiting: Waiting[] = [];
  #next = 0;
  /** The delivery of a write that goes through. */
  #through: number | undefined;

  /** Sectors that wait. */
  get count(): number {
    return this.#waiting.reduce((sum, { count }) => sum + count, 0);
  }

  /** Notes a `disk.write` that is delivered, with what its send said. */
  delivered(delivery: TraceEvent, sent: Summary | undefined): void {
    this.#through = sent?.["fua"] === true ? delivery.seq : undefined;
  }

  /** Takes an event at the disk; says whether the count may have changed. */
  event({ kind, type, cause, summary }: TraceEvent): boolean {
    if (kind === "end" || (kind === "signal" && type === "power.cut")) {
      this.#empty();
      return true;
    }
    if (kind !== "note") return false;
    if (type === "fact.flush" && summary?.["op"] === "done") {
      this.#empty();
      return true;
    }
    if (type !== "fact.disk_write") return false;
    const first = Number(summary?.["block"]);
    const count = Number(summary?.["count"]);
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count <= 0) return false;
    if (cause !== undefined && cause === this.#through) this.#writeThrough(first, count);
    else this.#write(first, count);
    return true;
  }

  #empty(): void {
    this.#waiting = [];
    this.#next = 0;
  }

  /** What waits for the same sectors goes to the medium first, and all before it with it. */
  #writeThrough(first: number, count: number): void {
    const overlaps = this.#waiting.some((write) =>
      write.first < first + count && first < write.first + write.count
    );
    if (overlaps) this.#empty();
  }

  /** The oldest give way where there is no room. */
  #write(first: number, count: number): void {
    const bytes = count * SECTOR_BYTES;
    if (bytes > LIMITS.diskCacheBytes) return;
    const offset = this.#next + bytes > LIMITS.diskCacheBytes ? 0 : this.#next;
    const crosses = (write: Waiting): boolean =>
      write.offset < offset + bytes && offset < write.offset + write.count * SECTOR_BYTES;
    let last = this.#waiting.findLastIndex(crosses);
    for (; last >= 0; last--) this.#waiting.shift();
    this.#waiting.push({ first, count, offset });
    this.#next = offset + bytes;
  }
}
