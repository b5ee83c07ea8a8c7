import { deepEqual, equal, rejects } from "node:assert/strict";
import type { RunSummary } from "../../server/api/shapes/run.ts";
import { type EventStream, Follower, type FollowHost } from "../../server/page/follow_run.ts";
import type { FollowSink } from "../../server/page/model.ts";

const RUN = "0123456789abcdef";
const HEADER = `{"v":1,"run":"${RUN}"}`;

function line(seq: number): string {
  return `{"seq":${seq},"vt":${seq},"lamport":1,"kind":"note","actor":"A"}`;
}

/** An EventSource whose server is the test. */
class FakeStream implements EventStream {
  readyState = 0;
  readonly address: string;
  readonly #listeners: Map<string, (event: { data?: string; lastEventId?: string }) => void> =
    new Map();

  constructor(address: string) {
    this.address = address;
  }

  addEventListener(
    type: string,
    listener: (event: { data?: string; lastEventId?: string }) => void,
  ): void {
    this.#listeners.set(type, listener);
  }

  close(): void {
    this.readyState = 2;
  }

  fire(type: string, data = "", lastEventId = ""): void {
    this.#listeners.get(type)?.({ data, lastEventId });
  }

  trace(...seqs: readonly number[]): void {
    for (const seq of seqs) this.fire("trace", line(seq), String(seq));
  }
}

/** A server with a run that grows, and what a page was told of it. */
class Story {
  readonly told: string[] = [];
  readonly asked: string[] = [];
  readonly control: AbortController = new AbortController();
  status: RunSummary["status"] = "running";
  /** Events that are stored. */
  stored = 0;
  /** Answers that break off behind so many events, first to last. */
  breaks: number[] = [];
  pauses = 0;
  #streams: ((stream: FakeStream) => void)[] = [];

  /** Follows; `streams` play the server, one for each connection. */
  async follow(...streams: ((stream: FakeStream) => void)[]): Promise<void> {
    this.#streams = streams;
    await new Follower(this.#host(), RUN, -1, this.#sink(), this.control.signal).follow();
  }

  summary(): RunSummary {
    return {
      run: RUN,
      kind: "cycle",
      status: this.status,
      scenario: "hibernate",
      title: "",
      profile: "",
      seed: 1,
      created: "",
      events: this.stored,
      vt: 0,
      replayable: true,
      links: {},
    };
  }

  #host(): FollowHost {
    return {
      fetch: (address) => {
        this.asked.push(address.replace(/^.*events/, ""));
        return Promise.resolve(this.#answer(address));
      },
      stream: (address) => {
        this.asked.push(`sse${address.replace(/^.*events/, "")}`);
        const stream = new FakeStream(address);
        const play = this.#streams.shift();
        queueMicrotask(() => play === undefined ? this.control.abort() : play(stream));
        return stream;
      },
      pause: () => {
        this.pauses++;
        return Promise.resolve();
      },
      breathe: () => Promise.resolve(),
      summary: () => Promise.resolve(this.summary()),
    };
  }

  #answer(address: string): Response {
    const from = Number(/from=(\d+)/.exec(address)?.[1] ?? 0);
    const until = this.breaks.shift();
    const lines = from === 0 ? [HEADER] : [];
    for (let seq = from; seq < Math.min(this.stored, until ?? Infinity); seq++) {
      lines.push(line(seq));
    }
    const text = lines.map((one) => `${one}\n`).join("");
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text + (until === undefined ? "" : '{"seq":')));
        if (until === undefined) controller.close();
      },
      pull: (controller) => controller.error(new TypeError("network error")),
    }, { highWaterMark: 1 });
    return new Response(body);
  }

  #sink(): FollowSink {
    return {
      header: () => this.told.push("header"),
      lines: (lines) => this.told.push(...lines.map((one) => String(JSON.parse(one).seq))),
      summary: () => undefined,
      verdict: ({ rule, seq }) => this.told.push(`${rule}@${seq}`),
      resumed: () => this.told.push("resumed"),
      gap: (first) => this.told.push(`gap ${first}`),
      end: () => this.told.push("end"),
    };
  }
}

Deno.test("Follower reads a run that has ended in one answer", async () => {
  const story = new Story();
  story.status = "finished";
  story.stored = 3;
  await story.follow();
  deepEqual(story.told, ["header", "0", "1", "2", "end"]);
  deepEqual(story.asked, [""]);
});

Deno.test("Follower goes on with server-sent events behind what is stored", async () => {
  const story = new Story();
  story.stored = 2;
  await story.follow((stream) => {
    stream.fire("open");
    stream.trace(2, 3);
    stream.fire("verdict", '{"rule":"F14","seq":3,"verdict":"violated"}');
    story.stored = 4;
    story.status = "finished";
    stream.fire("end");
  });
  deepEqual(story.told, ["header", "0", "1", "2", "3", "F14@3", "end"]);
  deepEqual(story.asked, ["", "sse?after=1"]);
});

Deno.test("Follower counts a cut that the browser mended and drops what comes twice", async () => {
  const story = new Story();
  await story.follow((stream) => {
    stream.fire("open");
    stream.trace(0, 1, 2);
    stream.fire("error");
    stream.fire("open");
    stream.trace(1, 2, 3);
    story.stored = 4;
    story.status = "finished";
    stream.fire("end");
  });
  deepEqual(story.told, ["header", "0", "1", "2", "resumed", "3", "end"]);
});

Deno.test("Follower fills a hole in the stream from what is stored", async () => {
  const story = new Story();
  await story.follow((stream) => {
    stream.fire("open");
    stream.trace(0);
    story.stored = 6;
    stream.trace(4, 5);
    equal(stream.readyState, 2);
  }, (stream) => {
    story.status = "finished";
    stream.fire("end");
  });
  deepEqual(story.told, ["header", "0", "gap 4", "resumed", "1", "2", "3", "4", "5", "end"]);
  deepEqual(story.asked, ["", "sse?after=-1", "?from=1", "sse?after=5"]);
});

Deno.test("Follower reads on where an answer breaks off, and its torn line again", async () => {
  const story = new Story();
  story.status = "finished";
  story.stored = 5;
  story.breaks = [2, 3];
  await story.follow();
  deepEqual(story.told, ["header", "0", "1", "resumed", "2", "resumed", "3", "4", "end"]);
});

Deno.test("Follower opens a new stream when the browser has given the old one up", async () => {
  const story = new Story();
  await story.follow((stream) => {
    stream.fire("open");
    stream.trace(0);
    stream.readyState = 2;
    stream.fire("error");
  }, (stream) => {
    stream.fire("open");
    stream.trace(1);
    story.stored = 2;
    story.status = "finished";
    stream.fire("end");
  });
  deepEqual(story.told.filter((one) => /^\d/.test(one)), ["0", "1"]);
  equal(story.told.at(-1), "end");
});

Deno.test("Follower stops without a word when it is told to", async () => {
  const story = new Story();
  await story.follow((stream) => {
    stream.trace(0);
    story.control.abort();
    equal(stream.readyState, 2);
  });
  deepEqual(story.told, ["header", "0"]);
});

Deno.test("Follower gives up on a run that is not there at once, and on silence after a while", async () => {
  const refused = new Story();
  const signal = refused.control.signal;
  const sink: FollowSink = {
    header() {},
    lines() {},
    summary() {},
    verdict() {},
    resumed() {},
    gap() {},
    end() {},
  };
  let asked = 0;
  const host = (answer: () => Promise<Response>): FollowHost => ({
    fetch: () => {
      asked++;
      return answer();
    },
    stream: (address) => new FakeStream(address),
    pause: () => Promise.resolve(),
    breathe: () => Promise.resolve(),
    summary: () => Promise.resolve(refused.summary()),
  });
  const gone = host(() => Promise.resolve(new Response(null, { status: 404 })));
  await rejects(new Follower(gone, RUN, -1, sink, signal).follow(), /404/);
  equal(asked, 1);
  const silent = host(() => Promise.reject(new TypeError("Failed to fetch")));
  await rejects(new Follower(silent, RUN, -1, sink, signal).follow(), /Failed to fetch/);
  equal(asked, 22);
});
