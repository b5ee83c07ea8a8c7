/**
 * A flat sparse array of bytes that several threads share, with snapshots by undo log: what RAM,
 * a disk in memory and a disk's cache are made of.
 *
 * A snapshot costs nothing when it is taken. From then on the first write to each page copies the
 * old page aside; {@linkcode FlatStore.restore} puts the pages back, newest first. Writers must be
 * exclusive per page (the scheduler sees to that); two threads writing different pages are safe.
 * Snapshots are taken, restored and forgotten through one object only, while nobody writes.
 *
 * @module
 */

import { LimitError, UsageError } from "./errors.ts";

/** Bytes of a page. */
export const PAGE_BYTES = 4096;

/** Words of the shared header: epoch for which pages are kept (0: none), number of undo records. */
const EPOCH = 0;
const RECORDS = 1;
/** Words of one undo record: page number, epoch that wants the old content. */
const RECORD_WORDS = 2;
/** Pages that can be set aside, as a multiple of the store's, and at least. */
const ASIDE_TIMES = 4;
const ASIDE_PAGES_MIN = 2048;
/** Pages by which the log grows. */
const GROWTH_PAGES = 256;

/** The shared parts of a store, as they are handed to a worker. */
export interface FlatStoreParts {
  readonly bytes: SharedArrayBuffer;
  readonly header: SharedArrayBuffer;
  readonly saved: SharedArrayBuffer;
  readonly records: SharedArrayBuffer;
  readonly aside: SharedArrayBuffer;
  /** A byte for each page: whether it was ever written. */
  readonly touched: SharedArrayBuffer;
}

/**
 * Shared zeroes. More than a host has of memory it does not give in one piece, but lets grow: a
 * sparse disk that is larger than the host's memory is made so.
 */
function zeroes(byteLength: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(byteLength);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  try {
    const bytes = new SharedArrayBuffer(0, { maxByteLength: byteLength });
    bytes.grow(byteLength);
    return bytes;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const gibibytes = (byteLength / 2 ** 30).toFixed(1);
    throw new UsageError(
      `This host gives no ${gibibytes} GiB for the machine's memory or disk; take a smaller ` +
        "--memory, or keep the disk in a file (--disk)",
    );
  }
}

/** See the module's header. */
export class FlatStore {
  readonly parts: FlatStoreParts;
  readonly byteLength: number;
  readonly #bytes: Uint8Array;
  readonly #header: Int32Array;
  readonly #saved: Int32Array;
  readonly #touched: Uint8Array;
  #records: Int32Array;
  /** Snapshots that can be restored, oldest first. */
  #snapshots: number[] = [];
  /** The last number given to a snapshot or to what followed a restore. */
  #last = 0;

  constructor(parts: FlatStoreParts) {
    this.parts = parts;
    this.byteLength = parts.bytes.byteLength;
    this.#bytes = new Uint8Array(parts.bytes);
    this.#header = new Int32Array(parts.header);
    this.#saved = new Int32Array(parts.saved);
    this.#touched = new Uint8Array(parts.touched);
    this.#records = new Int32Array(parts.records);
  }

  /**
   * A store of zeroes; `byteLength` is a multiple of the page size.
   *
   * @throws {UsageError} if the host gives no such room, even though none of it is used yet.
   */
  static make(byteLength: number): FlatStore {
    const pages = Math.ceil(byteLength / PAGE_BYTES);
    const recordsMax = Math.max(pages * ASIDE_TIMES, ASIDE_PAGES_MIN);
    return new FlatStore({
      bytes: zeroes(pages * PAGE_BYTES),
      header: new SharedArrayBuffer(64),
      saved: new SharedArrayBuffer(pages * 4),
      touched: new SharedArrayBuffer(pages),
      // Only what is used of these takes room.
      records: new SharedArrayBuffer(0, { maxByteLength: recordsMax * RECORD_WORDS * 4 }),
      aside: new SharedArrayBuffer(0, { maxByteLength: recordsMax * PAGE_BYTES }),
    });
  }

  /** Bytes for reading; the view must not be kept or written. */
  view(start: number, length: number): Uint8Array {
    return this.#bytes.subarray(start, start + length);
  }

  /** Bytes for writing in place; the view must not be kept. */
  writable(start: number, length: number): Uint8Array {
    this.#preserve(start, length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Writes bytes at an offset. */
  write(start: number, content: Uint8Array): void {
    this.#preserve(start, content.length);
    this.#bytes.set(content, start);
  }

  /** Copies within the store; ranges may overlap. */
  copy(target: number, source: number, length: number): void {
    this.#preserve(target, length);
    this.#bytes.copyWithin(target, source, source + length);
  }

  /** Makes all of it zero, as RAM is taken to be when power comes; snapshots keep what they had. */
  clear(): void {
    const pages = this.#touched.length;
    for (let page = this.#touched.indexOf(1); page >= 0; page = this.#touched.indexOf(1, page)) {
      const rest = this.#touched.indexOf(0, page);
      const end = rest < 0 ? pages : rest;
      this.writable(page * PAGE_BYTES, (end - page) * PAGE_BYTES).fill(0);
      this.#touched.fill(0, page, end);
      page = end;
    }
  }

  /** Begins a snapshot of the content as it is now; its number is given to {@linkcode restore}. */
  snapshot(): number {
    const number = this.#epoch();
    this.#snapshots.push(number);
    return number;
  }

  /**
   * Puts the content back to what it was at the snapshot, and forgets later snapshots.
   *
   * @throws {RangeError} if there is no such snapshot (any more).
   */
  restore(snapshot: number): void {
    this.#checkKnown(snapshot);
    const records = this.#grown();
    let count = Atomics.load(this.#header, RECORDS);
    const aside = new Uint8Array(this.parts.aside);
    while (count > 0 && (records[(count - 1) * RECORD_WORDS + 1] ?? 0) >= snapshot) {
      count--;
      const page = records[count * RECORD_WORDS] ?? 0;
      const from = count * PAGE_BYTES;
      this.#bytes.set(aside.subarray(from, from + PAGE_BYTES), page * PAGE_BYTES);
      this.#touched[page] = 1;
    }
    Atomics.store(this.#header, RECORDS, count);
    this.#snapshots = this.#snapshots.filter((other) => other <= snapshot);
    // A number above all that pages are marked with: each is set aside again when it is written.
    this.#epoch();
  }

  /** Forgets all snapshots but these, and what was set aside for the others alone. */
  keepOnly(snapshots: readonly number[]): void {
    this.#snapshots = this.#snapshots.filter((number) => snapshots.includes(number));
    const records = this.#grown();
    const aside = new Uint8Array(this.parts.aside);
    const count = Atomics.load(this.#header, RECORDS);
    const lastKept = new Map<number, number>();
    let kept = 0;
    for (let index = 0; index < count; index++) {
      const page = records[index * RECORD_WORDS] ?? 0;
      const epoch = records[index * RECORD_WORDS + 1] ?? 0;
      // Of the pages set aside between two snapshots, the first is the older one's content.
      const wanted = this.#snapshots.findLast((number) => number <= epoch);
      if (wanted === undefined || lastKept.get(page) === wanted) continue;
      lastKept.set(page, wanted);
      records[kept * RECORD_WORDS] = page;
      records[kept * RECORD_WORDS + 1] = epoch;
      aside.copyWithin(kept * PAGE_BYTES, index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
      kept++;
    }
    Atomics.store(this.#header, RECORDS, kept);
    if (this.#snapshots.length === 0) Atomics.store(this.#header, EPOCH, 0);
  }

  /** Pages set aside at this moment. */
  get pagesAside(): number {
    return Atomics.load(this.#header, RECORDS);
  }

  /** A copy of the content as it was at the snapshot, in a store of its own. */
  copyOf(snapshot: number): FlatStore {
    this.#checkKnown(snapshot);
    const copy = FlatStore.make(this.byteLength);
    copy.#bytes.set(this.#bytes);
    copy.#touched.set(this.#touched);
    const records = this.#grown();
    const aside = new Uint8Array(this.parts.aside);
    for (let index = Atomics.load(this.#header, RECORDS) - 1; index >= 0; index--) {
      if ((records[index * RECORD_WORDS + 1] ?? 0) < snapshot) break;
      const page = records[index * RECORD_WORDS] ?? 0;
      const from = index * PAGE_BYTES;
      copy.#bytes.set(aside.subarray(from, from + PAGE_BYTES), page * PAGE_BYTES);
      copy.#touched[page] = 1;
    }
    return copy;
  }

  /** A new number, for which pages are set aside from now on. */
  #epoch(): number {
    const number = ++this.#last;
    Atomics.store(this.#header, EPOCH, number);
    return number;
  }

  #checkKnown(snapshot: number): void {
    if (this.#snapshots.includes(snapshot)) return;
    const known = this.#snapshots.join(", ");
    throw new RangeError(`Snapshot ${snapshot} is not kept; kept are: ${known || "none"}`);
  }

  #grown(): Int32Array {
    if (this.#records.byteLength !== this.parts.records.byteLength) {
      this.#records = new Int32Array(this.parts.records);
    }
    return this.#records;
  }

  #preserve(start: number, length: number): void {
    if (length === 0) return;
    const first = Math.floor(start / PAGE_BYTES);
    const last = Math.floor((start + length - 1) / PAGE_BYTES);
    if (first === last) this.#touched[first] = 1;
    else this.#touched.fill(1, first, last + 1);
    const epoch = Atomics.load(this.#header, EPOCH);
    if (epoch === 0) return;
    for (let page = first; page <= last; page++) {
      if ((this.#saved[page] ?? 0) >= epoch) continue;
      const index = Atomics.add(this.#header, RECORDS, 1);
      this.#room(index + 1);
      const from = page * PAGE_BYTES;
      new Uint8Array(this.parts.aside, index * PAGE_BYTES, PAGE_BYTES).set(
        this.#bytes.subarray(from, from + PAGE_BYTES),
      );
      const records = this.#grown();
      records[index * RECORD_WORDS] = page;
      records[index * RECORD_WORDS + 1] = epoch;
      this.#saved[page] = epoch;
    }
  }

  /** Grows the shared log; another thread may have grown it further in the meantime. */
  #room(records: number): void {
    growTo(this.parts.aside, records, PAGE_BYTES);
    growTo(this.parts.records, records, RECORD_WORDS * 4);
  }
}

function growTo(buffer: SharedArrayBuffer, records: number, recordBytes: number): void {
  const needed = records * recordBytes;
  if (needed > buffer.maxByteLength) {
    const hint = "forget snapshots, or take fewer";
    throw new LimitError("snapshotBytes", needed, buffer.maxByteLength, hint);
  }
  while (buffer.byteLength < needed) {
    const wanted = Math.min(needed + GROWTH_PAGES * recordBytes, buffer.maxByteLength);
    try {
      buffer.grow(wanted);
    } catch (error) {
      // A shrink is what a lost race looks like: somebody grew it past `wanted` first.
      if (buffer.byteLength < wanted) throw error;
    }
  }
}
