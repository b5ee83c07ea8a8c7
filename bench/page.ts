// deno-lint-ignore-file no-console -- says why it was left out
/**
 * What the page costs in a real browser: how soon 200 000 events are to be seen, how long a frame
 * takes while they come in, and how long it is from what an actor sends to its paint.
 *
 * Server and clients share this computer's cores with the browser. Times are of the browser's own
 * clock; that of this process is the same (both count from the host's). A paint is taken to be over
 * when the next frame begins, which is at most one frame too late.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Browser, Page } from "npm:playwright-core@1.65.1";
import type { RunSummary } from "../server/api/shapes/run.ts";
import type {} from "../server/page/main.ts";
import { type RunningServer, startServer } from "../server/serve.ts";
import { BROWSER, launch } from "../tests/page/browser_kit.ts";
import { longTrace } from "../tests/page/long_trace.ts";
import type { Row } from "./engine.ts";

const EVENTS = 200_000;
const OPENINGS = 9;
/** Lines typed at a live machine; the first few warm up. */
const LINES = 45;
const WARM_LINES = 5;
const FIRST_VIEW_MILLISECONDS = 2_000;
const FRAME_MILLISECONDS = 50;
const PAINT_MILLISECONDS = 100;
/** Wanted: the longest frame against that of a page that only reads the same bytes. */
const FRAME_RATIO = 3;
const COMMAND = "npx --yes deno@2.9.6 task bench page";

/** Frames of a page, as its own clock saw them: written by {@linkcode watchFrames}. */
interface Frames {
  /** When how many events had been painted. */
  readonly painted: (readonly [events: number, time: number])[];
  longest: number;
}

declare global {
  var benchFrames: Frames;
  var bare: { count: number; done: boolean };
}

/** Runs in the page before its own scripts. */
function watchFrames(): void {
  const frames: Frames = globalThis.benchFrames = { painted: [], longest: 0 };
  let events = 0;
  let before = 0;
  const frame = (now: number): void => {
    if (before > 0) frames.longest = Math.max(frames.longest, now - before);
    before = now;
    if (events > (frames.painted.at(-1)?.[0] ?? 0)) {
      frames.painted.push([events, performance.timeOrigin + now]);
    }
    // Looked at behind what this frame draws; it is on the screen when the next one begins.
    queueMicrotask(() => events = globalThis.kjump?.painted() ?? globalThis.bare?.count ?? 0);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/** A page that reads a trace, or listens to a stream, and draws one number. */
const BARE_PAGE = `<!doctype html><title>bare</title><p></p><script type="module">
globalThis.bare = { count: 0, done: false };
const text = document.querySelector("p");
const [what, address] = location.hash.slice(1).split("=");
const draw = () => requestAnimationFrame(() => text.textContent = bare.count);
if (what === "stream") {
  new EventSource(address).onmessage = () => { bare.count++; draw(); };
} else {
  const reader = (await fetch(address)).body.getReader();
  while (!(await reader.read()).done) { bare.count++; draw(); }
  bare.done = true;
}
</script>`;

/** Host time in ms, comparable with that of a page. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN;
}

async function open(browser: Browser, address: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.addInitScript(watchFrames);
  await page.goto(address);
  return page;
}

async function uploadLong(address: string, { deps }: RunningServer): Promise<string> {
  const answer = await fetch(`${address}api/traces?name=long.ndjson`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: longTrace(EVENTS),
  });
  const { run }: RunSummary = await answer.json();
  await deps.laboratory.settled(run, 120_000);
  return run;
}

/** Longest frame from navigation on: what was drawn last is over when two more have begun. */
async function longestFrame(page: Page): Promise<number> {
  return await page.evaluate(async () => {
    for (let more = 0; more < 2; more++) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    return globalThis.benchFrames.longest;
  });
}

/** First view and longest frame of the page with a long run, and of a page that reads its bytes. */
async function measureOpening(browser: Browser, bench: Bench): Promise<Row[]> {
  const run = await uploadLong(bench.server.address, bench.server);
  const firsts: number[] = [];
  const longest: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < OPENINGS; round++) {
    const page = await open(browser, `${bench.server.address}#run=${run}`);
    await page.waitForFunction((count) => globalThis.kjump?.painted() >= count, EVENTS);
    firsts.push(
      await page.evaluate(() =>
        (globalThis.benchFrames.painted[0]?.[1] ?? NaN) - performance.timeOrigin
      ),
    );
    longest.push(await longestFrame(page));
    await page.close();
    const path = `/api/runs/${run}/events`;
    const other = await open(browser, `${bench.address}#read=${path}`);
    await other.waitForFunction(() => globalThis.bare?.done);
    bare.push(await longestFrame(other));
    await other.close();
  }
  const frame = median(longest);
  const name = `page of ${EVENTS / 1000} 000 events`;
  return [
    atMost(`${name}: navigation to first events painted`, median(firsts), FIRST_VIEW_MILLISECONDS),
    atMost(`${name}: longest frame, median of ${OPENINGS} openings`, frame, FRAME_MILLISECONDS),
    atMost(
      `${name}: the same, against a page that reads them`,
      frame,
      median(bare),
      FRAME_RATIO,
    ),
  ];
}

function atMost(name: string, value: number, baseline: number, target = 1): Row {
  const ratio = value / baseline;
  return { name, value, unit: "ms", baseline, ratio, target, atMost: true, met: ratio <= target };
}

/** When a page had painted more than so many events. */
async function paintedAt(page: Page, events: number): Promise<number> {
  const found = await page.waitForFunction(
    (count) => globalThis.benchFrames.painted.find(([painted]) => painted > count)?.[1],
    events,
  );
  return await found.jsonValue() ?? NaN;
}

/** From a line that is typed, which the operator's actor sends at once, to the paint of that send. */
async function measurePaint(browser: Browser, bench: Bench): Promise<Row> {
  const { laboratory } = bench.server.deps;
  const { summary: { run } } = await laboratory.start({ kind: "live" });
  await laboratory.settled(run, 120_000);
  for (const text of ["# power on", "# boot A"]) await laboratory.input(run, text);
  const page = await open(browser, `${bench.server.address}#run=${run}`);
  await page.waitForFunction(() => globalThis.kjump?.state().stream.open);
  const other = await open(browser, `${bench.address}#stream=/stream`);
  await bench.listened;
  const own: number[] = [];
  const bare: number[] = [];
  for (let line = 0; line < LINES; line++) {
    const events = laboratory.get(run)?.events ?? 0;
    await paintedAt(page, events - 1);
    const typed = now();
    await laboratory.input(run, `echo ${line}`);
    const took = await paintedAt(page, events) - typed;
    const sent = now();
    bench.send();
    const bareTook = await paintedAt(other, line) - sent;
    if (line < WARM_LINES) continue;
    own.push(took);
    bare.push(bareTook);
  }
  await laboratory.cancel(run);
  const [took, least] = [median(own), median(bare)];
  console.log(
    `a bare page paints what a bare Deno.serve sends it after ${least.toFixed(1)} ms (median)`,
  );
  const name = `a line typed at a live machine: from the operator's send to its paint`;
  return atMost(name, took, PAINT_MILLISECONDS);
}

/** The server, and a bare one: its page, the server's trace passed on, a stream of numbers. */
class Bench {
  readonly server: RunningServer;
  readonly #bare: Deno.HttpServer<Deno.NetAddr>;
  readonly #listened: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(server: RunningServer) {
    this.server = server;
    this.#bare = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => this.#answer(new URL(request.url)),
    );
  }

  get address(): string {
    return `http://127.0.0.1:${this.#bare.addr.port}/`;
  }

  /** Resolves when a page listens to the stream. */
  get listened(): Promise<void> {
    return this.#listened.promise;
  }

  /** Sends an event to the page that listens. */
  send(): void {
    this.#stream?.enqueue(new TextEncoder().encode("data: 1\n\n"));
  }

  async #answer({ pathname }: URL): Promise<Response> {
    if (pathname.startsWith("/api/")) return await fetch(new URL(pathname, this.server.address));
    if (pathname !== "/stream") {
      return new Response(BARE_PAGE, { headers: { "content-type": "text/html" } });
    }
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#stream = controller;
        controller.enqueue(new TextEncoder().encode(": here\n\n"));
        this.#listened.resolve();
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  async close(): Promise<void> {
    await Promise.all([this.#bare.shutdown(), this.server.close()]);
  }
}

function obstacle(): string {
  if (BROWSER === undefined) return "there is no Chromium";
  const { state } = Deno.permissions.querySync({ name: "run", command: BROWSER });
  return state === "granted" ? "" : `it may not start ${BROWSER}; use ${COMMAND}`;
}

/** Rows of the table; none where there is no browser. */
export async function measurePage(): Promise<Row[]> {
  const why = obstacle();
  if (why !== "") {
    console.log(`page: left out, ${why}`);
    return [];
  }
  const folder = Deno.makeTempDirSync({ prefix: "kjump-bench-" });
  const server = await startServer({ host: "127.0.0.1", port: 0, hostNames: [], folder });
  const bench = new Bench(server);
  const browser = await launch();
  try {
    return [...await measureOpening(browser, bench), await measurePaint(browser, bench)];
  } finally {
    await browser.close();
    await bench.close();
    Deno.removeSync(folder, { recursive: true });
  }
}
