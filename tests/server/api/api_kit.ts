/**
 * An application over a laboratory, a desk and replays that only pretend: what they say is fixed,
 * what they are asked is kept. Runs have real files in a folder of the test's own.
 *
 * @module
 */
import { sha256 } from "../../../machine/digest.ts";
import {
  eventLine,
  type TraceEvent,
  type TraceFooter,
  type TraceHeader,
} from "../../../machine/trace/event.ts";
import type { Api } from "../../../server/api/operation.ts";
import type { RunRequest, RunStatus, RunSummary } from "../../../server/api/shapes/run.ts";
import { createApp } from "../../../server/app.ts";
import type {
  AppDeps,
  Laboratory,
  ServerSettings,
  StoredRun,
  TraceLog,
} from "../../../server/deps.ts";
import { ProblemError } from "../../../server/problem.ts";
import { EventStreams } from "../../../server/streams/event_streams.ts";
import { FakeDesk, FakeReplays } from "./fake_readers.ts";
import { FAKE_CATALOGUE, FAKE_PAGE } from "./fake_catalogue.ts";

/** The fixed run. */
export const RUN = "df701ee5dfec7ae1";
/** Where the application thinks it is. */
export const ORIGIN = "http://localhost:8473";

/** Event of a number. */
export function eventOf(seq: number): TraceEvent {
  const kind = seq % 2 === 0 ? "send" : "deliver";
  return { seq, vt: seq * 1000, lamport: seq, kind, actor: seq % 3 === 0 ? "disk" : "A" };
}

/** A trace with a file that grows when it is told to. */
export class FakeLog implements TraceLog {
  readonly run: string;
  readonly header: TraceHeader;
  readonly path: string;
  readonly firstByte: number;
  events = 0;
  bytes: number;
  ended = false;
  footer?: TraceFooter;
  readonly #waiting: Set<() => void> = new Set();

  constructor(folder: string, run: string) {
    this.run = run;
    this.header = {
      v: 1,
      run,
      scenario: "mainline",
      seed: 1,
      profile: "2.6.27/small-vm",
      version: "0",
      actors: ["A", "disk"],
      clock: "virtual",
      order: "total",
    };
    this.path = `${folder}/trace.ndjson`;
    const text = `${JSON.stringify(this.header)}\n`;
    Deno.writeTextFileSync(this.path, text);
    this.firstByte = this.bytes = text.length;
  }

  /** Adds so many events. */
  add(count: number): void {
    let text = "";
    for (let added = 0; added < count; added++) text += `${eventLine(eventOf(this.events++))}\n`;
    Deno.writeTextFileSync(this.path, text, { append: true });
    this.bytes += text.length;
    this.#wake();
  }

  /** No more will come. */
  end(): TraceFooter {
    const lines = Deno.readTextFileSync(this.path).slice(this.firstByte);
    const footer = { count: this.events, sha256: sha256(lines), outcome: "off", generator: "g" };
    this.footer = footer;
    Deno.writeTextFileSync(this.path, `${JSON.stringify(footer)}\n`, { append: true });
    this.ended = true;
    this.#wake();
    return footer;
  }

  async more(events: number, signal: AbortSignal): Promise<void> {
    while (this.events <= events && !this.ended && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener("abort", wake);
      });
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

/** Runs that are told what becomes of them. */
export class FakeLaboratory implements Laboratory {
  readonly asked: string[] = [];
  readonly requests: RunRequest[] = [];
  readonly logs: Map<string, FakeLog> = new Map();
  readonly summaries: Map<string, RunSummary> = new Map();
  /** Thrown by the next call. */
  trouble: unknown;
  /** What `settled` makes of a run. */
  settlesAs: RunStatus = "finished";
  readonly #folder: string;
  readonly #watchers: Map<string, Set<(summary: RunSummary) => void>> = new Map();

  constructor(folder: string) {
    this.#folder = folder;
  }

  folderOf(run: string): string {
    return `${this.#folder}/${run}`;
  }

  /** Adds a run with so many events; it has ended if it is finished. */
  add(run: string, status: RunStatus, events = 10, more: Partial<RunSummary> = {}): FakeLog {
    Deno.mkdirSync(`${this.folderOf(run)}/blobs`, { recursive: true });
    const log = new FakeLog(this.folderOf(run), run);
    log.add(events);
    this.logs.set(run, log);
    this.summaries.set(run, {
      run,
      kind: "cycle",
      status,
      scenario: "mainline",
      title: "Mainline's cycle",
      profile: "2.6.27/small-vm",
      seed: 1,
      created: "2026-11-21T10:00:00.000Z",
      events,
      vt: 1000,
      replayable: true,
      links: {},
      ...status === "finished" ? { sha256: log.end().sha256, outcome: "off" } : {},
      ...more,
    });
    return log;
  }

  /** Changes what is said of a run. */
  change(run: string, change: Partial<RunSummary>): RunSummary {
    const summary = { ...this.#known(run), ...change };
    this.summaries.set(run, summary);
    for (const watcher of this.#watchers.get(run) ?? []) watcher(summary);
    return summary;
  }

  start(request: RunRequest): Promise<{ summary: RunSummary; created: boolean }> {
    this.requests.push(request);
    return this.#does("start", () => {
      const run = sha256(JSON.stringify(request)).slice(0, 16);
      const there = this.summaries.get(run);
      if (there !== undefined) return { summary: there, created: false };
      this.add(run, "running", 3);
      return { summary: this.#known(run), created: true };
    });
  }

  list(): readonly RunSummary[] {
    return [...this.summaries.values()].sort((one, other) =>
      one.created === other.created ? 0 : one.created < other.created ? 1 : -1
    );
  }

  get(run: string): RunSummary | undefined {
    return this.summaries.get(run);
  }

  stored(run: string): StoredRun | undefined {
    const summary = this.summaries.get(run);
    const log = this.logs.get(run);
    if (summary === undefined || log === undefined) return undefined;
    return { run, folder: this.folderOf(run), log, summary };
  }

  watch(run: string, changed: (summary: RunSummary) => void): () => void {
    const watchers = this.#watchers.get(run) ?? new Set();
    this.#watchers.set(run, watchers.add(changed));
    return () => watchers.delete(changed);
  }

  settled(run: string, milliseconds: number): Promise<RunSummary> {
    return this.#does(
      `settled ${milliseconds}`,
      () => this.change(run, { status: this.settlesAs }),
    );
  }

  input(run: string, text: string): Promise<RunSummary> {
    return this.#does(`input ${text}`, () => this.#known(run));
  }

  cancel(run: string): Promise<RunSummary> {
    return this.#does("cancel", () => this.change(run, { status: "cancelled" }));
  }

  remove(run: string): Promise<void> {
    return this.#does("remove", () => {
      this.summaries.delete(run);
      this.logs.delete(run);
    });
  }

  importTrace(path: string, name: string): Promise<RunSummary> {
    return this.#does(`import ${name} ${Deno.readTextFileSync(path)}`, () => {
      this.add("00000000000000aa", "finished", 1, { kind: "import", replayable: false });
      return this.#known("00000000000000aa");
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #known(run: string): RunSummary {
    const summary = this.summaries.get(run);
    if (summary === undefined) throw new ProblemError("unknown-run", "no such run");
    return summary;
  }

  #does<T>(what: string, work: () => T): Promise<T> {
    this.asked.push(what);
    const { trouble } = this;
    this.trouble = undefined;
    return trouble === undefined ? Promise.resolve(work()) : Promise.reject(trouble);
  }
}

/** See the module's header. */
export class ApiKit implements Disposable {
  readonly folder: string = Deno.makeTempDirSync({ prefix: "kjump-api-" });
  readonly laboratory: FakeLaboratory = new FakeLaboratory(this.folder);
  readonly desk: FakeDesk = new FakeDesk(this.folder);
  readonly replays: FakeReplays = new FakeReplays(this.folder);
  readonly streams: EventStreams = new EventStreams();
  /** Errors that were logged. */
  readonly logged: unknown[] = [];
  readonly deps: AppDeps;
  readonly app: Api;

  constructor(settings: Partial<ServerSettings> = {}) {
    this.deps = {
      laboratory: this.laboratory,
      desk: this.desk,
      replays: this.replays,
      catalogue: FAKE_CATALOGUE,
      page: FAKE_PAGE,
      settings: {
        host: "127.0.0.1",
        port: 8473,
        hostNames: [],
        folder: this.folder,
        ...settings,
      },
    };
    const log = (error: unknown): void => {
      this.logged.push(error);
    };
    this.app = createApp(this.deps, { log, streams: this.streams });
    this.laboratory.add(RUN, "finished");
  }

  /** Sends a request as a program on this computer does. */
  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("host", new URL(ORIGIN).host);
    return await this.app.request(`${ORIGIN}${path}`, { ...init, headers });
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.ask(path, { headers });
  }

  post(
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    return this.ask(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }

  [Symbol.dispose](): void {
    this.streams.close();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** A problem's body and the answer's status. */
export async function problemIn(
  answer: Response,
): Promise<{ status: number; name: string; body: Record<string, unknown> }> {
  const body: Record<string, unknown> = await answer.json();
  return { status: answer.status, name: String(body["type"]).replace("/problems/", ""), body };
}
