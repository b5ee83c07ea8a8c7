/**
 * Turns what happens into trace events: numbers them, keeps each actor's Lamport clock, hashes
 * the lines as they come and hands them to a sink in batches.
 *
 * @module
 */
import { Sha256, sha256 } from "../digest.ts";
import { LimitError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { type EventKind, eventText, type Summary, type TraceEvent } from "./event.ts";

/** Where lines and blobs go. */
export interface TraceSink {
  /** Text of one or more event lines, each with its line feed. */
  lines(text: string): void;
  /** Bytes that stand beside the trace; called once for each digest. */
  blob(digest: string, bytes: Uint8Array): void;
  /** The run was put back: of the text handed over, only the first characters stay. */
  rewound?(characters: number): void;
}

/** An event as it is recorded: the recorder adds number and clock. */
export interface EventDraft {
  readonly vt: number;
  readonly kind: EventKind;
  readonly actor: string;
  readonly source?: string;
  readonly target?: string;
  readonly type?: string;
  readonly msg?: number;
  readonly cause?: number;
  readonly state?: string;
  readonly summary?: Summary;
  readonly blob?: string;
}

/** Someone who sees every event as it is recorded. */
export type EventListener = (event: TraceEvent) => void;

/** Characters gathered before they are hashed and handed on. */
const BATCH_CHARACTERS = 65_536;

/** State of a recorder at a barrier. */
export interface RecorderState {
  readonly seq: number;
  readonly lamport: ReadonlyMap<string, number>;
  readonly hash: Sha256;
  /** Characters handed to the sink. */
  readonly characters: number;
}

/** What a recorder does. */
export interface RecorderOptions {
  /**
   * Only numbers events: no text, no hash, no clocks, nobody listens. For runs of which nothing
   * but the outcome is wanted; failing ones are run again with a trace.
   */
  readonly silent?: boolean;
}

/** See the module's header. */
export class Recorder {
  /** Whether events are only numbered. */
  readonly silent: boolean;
  /** Lamport number of the event recorded last. */
  lastLamport = 0;
  readonly #sink: TraceSink;
  readonly #listeners: EventListener[] = [];
  readonly #blobs: Set<string> = new Set();
  #lamport: Map<string, number>;
  #seq: number;
  #hash: Sha256;
  #characters: number;
  #text = "";

  constructor(sink: TraceSink, from?: RecorderState, options: RecorderOptions = {}) {
    this.#sink = sink;
    this.silent = options.silent ?? false;
    this.#seq = from?.seq ?? 0;
    this.#lamport = new Map(from?.lamport ?? []);
    this.#hash = from?.hash.fork() ?? new Sha256();
    this.#characters = from?.characters ?? 0;
  }

  /** Number of the next event. */
  get next(): number {
    return this.#seq;
  }

  listen(listener: EventListener): void {
    this.#listeners.push(listener);
  }

  /** Records an event and returns its number. */
  add(draft: EventDraft, sender = 0): number {
    const seq = this.#seq++;
    if (this.silent) return seq;
    const own = this.#lamport.get(draft.actor) ?? 0;
    const lamport = Math.max(own, sender) + 1;
    this.lastLamport = lamport;
    this.#lamport.set(draft.actor, lamport);
    const line = eventText(seq, lamport, draft);
    if (line.length > LIMITS.traceLineBytes) {
      throw new LimitError("traceLineBytes", line.length, LIMITS.traceLineBytes);
    }
    this.#text += line + "\n";
    if (this.#text.length >= BATCH_CHARACTERS) this.flush();
    if (this.#listeners.length > 0) {
      const event: TraceEvent = { seq, lamport, ...draft };
      for (const listener of this.#listeners) listener(event);
    }
    return seq;
  }

  /** Numbers an event that a silent recorder would not look at. */
  skip(): number {
    return this.#seq++;
  }

  /** Puts bytes beside the trace and returns their name. */
  blob(bytes: Uint8Array): string {
    if (this.silent) return "";
    const digest = sha256(bytes);
    if (!this.#blobs.has(digest)) {
      this.#blobs.add(digest);
      this.#sink.blob(digest, bytes);
    }
    return `sha256:${digest}`;
  }

  /** The Lamport number an actor stands at. */
  lamportOf(actor: string): number {
    return this.#lamport.get(actor) ?? 0;
  }

  /** Hashes and hands on what has gathered. */
  flush(): void {
    if (this.#text === "") return;
    this.#hash.update(this.#text);
    this.#sink.lines(this.#text);
    this.#characters += this.#text.length;
    this.#text = "";
  }

  /** SHA-256 of all lines so far. */
  hash(): string {
    this.flush();
    return this.#hash.hex();
  }

  /** What a recorder that goes on from here must know. */
  state(): RecorderState {
    this.flush();
    return {
      seq: this.#seq,
      lamport: new Map(this.#lamport),
      hash: this.#hash.fork(),
      characters: this.#characters,
    };
  }

  /** Goes back to an earlier state; the sink is told to forget what came after it. */
  rewind(state: RecorderState): void {
    this.#text = "";
    this.#seq = state.seq;
    this.#lamport = new Map(state.lamport);
    this.#hash = state.hash.fork();
    this.#characters = state.characters;
    this.#sink.rewound?.(state.characters);
  }
}

/** A sink that keeps everything in memory. */
export class MemorySink implements TraceSink {
  text = "";
  readonly blobs: Map<string, Uint8Array> = new Map();
  lines(text: string): void {
    this.text += text;
  }
  blob(digest: string, bytes: Uint8Array): void {
    this.blobs.set(digest, bytes.slice());
  }
  rewound(characters: number): void {
    this.text = this.text.slice(0, characters);
  }
}
