/**
 * The shared memory between the scheduler's thread and one worker: a block of control words, an
 * area for requests and one for replies. One request is answered at a time; a request may hold
 * several orders. Both sides sleep in `Atomics.wait`, neither spins.
 *
 * The areas grow as they must, up to {@linkcode FRAME_BYTES_MAX}; frames are JSON in UTF-8, or
 * in Latin-1 where that is the same, which is read faster.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { LimitError } from "../errors.ts";
import type { Plain } from "../messages/shape.ts";

/** Indices of the control words. */
export const WORD = {
  /** Requests posted so far: the worker sleeps on it. */
  request: 0,
  /** Replies written so far: the scheduler's thread sleeps on it. */
  reply: 1,
  /** Requests the worker has taken: its acknowledgement. */
  taken: 2,
  /** Which order of the request it is at. */
  order: 3,
  /** Not 0 when the worker shall end. */
  stop: 4,
  /** A {@linkcode PHASE} of the worker. */
  phase: 5,
  requestBytes: 6,
  replyBytes: 7,
  /** 1 if the frame's text is plain ASCII. */
  requestAscii: 8,
  replyAscii: 9,
} as const;

/** Where a worker stands. */
export const PHASE = { loading: 0, serving: 1, ended: 2 } as const;

/** Bytes an area has at first. */
const AREA_BYTES = 64 * 1024;
/** Bytes of the longest frame: four messages of the longest kind, in hexadecimal. */
export const FRAME_BYTES_MAX = 64 * 1024 * 1024;

/** The shared parts, as they are handed to the worker. */
export interface ChannelParts {
  readonly control: SharedArrayBuffer;
  readonly request: SharedArrayBuffer;
  readonly reply: SharedArrayBuffer;
}

/** One area with its length and kind words. */
class Area {
  readonly #shared: SharedArrayBuffer;
  readonly #control: Int32Array;
  readonly #bytesWord: number;
  readonly #asciiWord: number;
  #buffer: Buffer;

  constructor(
    shared: SharedArrayBuffer,
    control: Int32Array,
    bytesWord: number,
    asciiWord: number,
  ) {
    this.#shared = shared;
    this.#control = control;
    this.#bytesWord = bytesWord;
    this.#asciiWord = asciiWord;
    this.#buffer = Buffer.from(shared, 0, shared.byteLength);
  }

  write(value: unknown): void {
    const text = JSON.stringify(value);
    const bytes = Buffer.byteLength(text);
    if (bytes > FRAME_BYTES_MAX) {
      throw new LimitError("frameBytes", bytes, FRAME_BYTES_MAX, "send less in one step");
    }
    if (bytes > this.#shared.byteLength) this.#shared.grow(Math.min(FRAME_BYTES_MAX, bytes * 2));
    const buffer = this.#current();
    const ascii = bytes === text.length;
    buffer.write(text, 0, bytes, ascii ? "latin1" : "utf8");
    Atomics.store(this.#control, this.#bytesWord, bytes);
    Atomics.store(this.#control, this.#asciiWord, ascii ? 1 : 0);
  }

  read(): Plain {
    const bytes = Atomics.load(this.#control, this.#bytesWord);
    const ascii = Atomics.load(this.#control, this.#asciiWord) === 1;
    return JSON.parse(this.#current().toString(ascii ? "latin1" : "utf8", 0, bytes));
  }

  #current(): Buffer {
    if (this.#buffer.length !== this.#shared.byteLength) {
      this.#buffer = Buffer.from(this.#shared, 0, this.#shared.byteLength);
    }
    return this.#buffer;
  }
}

/** See the module's header. */
export class Channel {
  readonly parts: ChannelParts;
  readonly control: Int32Array;
  readonly request: Area;
  readonly reply: Area;

  constructor(parts: ChannelParts) {
    this.parts = parts;
    this.control = new Int32Array(parts.control);
    this.request = new Area(parts.request, this.control, WORD.requestBytes, WORD.requestAscii);
    this.reply = new Area(parts.reply, this.control, WORD.replyBytes, WORD.replyAscii);
  }

  /** A channel of its own memory. */
  static make(): Channel {
    const area = { maxByteLength: FRAME_BYTES_MAX };
    return new Channel({
      control: new SharedArrayBuffer(64),
      request: new SharedArrayBuffer(AREA_BYTES, area),
      reply: new SharedArrayBuffer(AREA_BYTES, area),
    });
  }

  get(word: number): number {
    return Atomics.load(this.control, word);
  }

  /** Sets a word and wakes who sleeps on it. */
  set(word: number, value: number): void {
    Atomics.store(this.control, word, value);
    Atomics.notify(this.control, word);
  }

  /** Sleeps while a word has a value, at most for so long; false when the time is over. */
  sleepWhile(word: number, value: number, milliseconds: number): boolean {
    return Atomics.wait(this.control, word, value, milliseconds) !== "timed-out";
  }
}
