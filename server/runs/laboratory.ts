/**
 * Runs machines off the server's thread, a worker each, and keeps what they left in a folder (see
 * `run_record.ts` for what lies there). This thread only keeps summaries and how far traces go.
 *
 * @module
 */
import type { TraceHeader } from "../../machine/trace/event.ts";
import type { RunRequest, RunSummary } from "../api/shapes/run.ts";
import type { Laboratory, StoredRun } from "../deps.ts";
import { SERVER_LIMITS, type ServerLimitName } from "../limits.ts";
import { ProblemError } from "../problem.ts";
import { Execution } from "./execution.ts";
import { removeAll } from "./files.ts";
import { GrowingLog } from "./growing_log.ts";
import { ImportExecution } from "./import_execution.ts";
import { prepareFork } from "./prepared_fork.ts";
import { type PreparedRun, prepareRun } from "./prepared_run.ts";
import { RunEntry } from "./run_entry.ts";
import type { WorkerBounds } from "./run_messages.ts";
import { RunStore } from "./run_store.ts";
import { Slots } from "./slots.ts";
import { WORKER_ENTRY } from "./worker_host.ts";

/** How a laboratory is opened. */
export interface LaboratoryOptions {
  /** Where runs and uploads are kept; made where it is not there. */
  readonly folder: string;
  /** Other limits than {@linkcode SERVER_LIMITS}. */
  readonly limits?: Partial<Record<ServerLimitName, number>>;
  readonly now?: () => Date;
  /** Ids of runs that are not scripted: 16 to 64 hexadecimal digits. */
  readonly randomId?: () => string;
  /** Entry of the workers, for tests of what becomes of a run whose worker dies. */
  readonly worker?: URL;
}

/** When to come again, in seconds, after there was too much to do. */
const RETRY_SECONDS = 5;
const NAME_CHARACTERS = 80;

function randomHex(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}

function tooMany(name: ServerLimitName, max: number, what: string): ProblemError {
  return new ProblemError("too-many", `${what} (limit '${name}': ${max}).`, {
    limit: { name, max },
    retryAfter: RETRY_SECONDS,
  });
}

/** A name as it can be shown: the file's own, short, without what a terminal would obey. */
function shownName(name: string): string {
  const last = name.replaceAll("\\", "/").split("/").at(-1) ?? "";
  const clean = last.replace(/[\p{Cc}\p{Cf}]/gu, "").trim().slice(0, NAME_CHARACTERS);
  return clean === "" ? "recording" : clean;
}

/** Bytes of a trace's first line. */
function headerBytes(header: TraceHeader): number {
  return new TextEncoder().encode(`${JSON.stringify(header)}\n`).length;
}

/** The request as it is kept: a transcript's text lies beside it. */
function keptRequest(request: RunRequest): { readonly kind: string } {
  if (request.kind !== "transcript") return request;
  const { text: _, ...kept } = request;
  return kept;
}

/** See the module's header. */
class OpenLaboratory implements Laboratory {
  readonly #limits: Readonly<Record<ServerLimitName, number>>;
  readonly #now: () => Date;
  readonly #randomId: () => string;
  readonly #worker: URL;
  readonly #store: RunStore;
  readonly #slots: Slots;
  readonly #entries: Map<string, RunEntry> = new Map();
  readonly #executions: Map<string, Execution> = new Map();
  readonly #imports: Set<ImportExecution> = new Set();
  #number = 0;
  #closed = false;

  constructor(options: LaboratoryOptions) {
    this.#limits = { ...SERVER_LIMITS, ...options.limits };
    this.#now = options.now ?? (() => new Date());
    this.#randomId = options.randomId ?? randomHex;
    this.#worker = options.worker ?? WORKER_ENTRY;
    this.#store = new RunStore(options.folder, randomHex);
    this.#slots = new Slots(this.#limits.runningRuns);
    for (const entry of this.#store.entries()) {
      this.#entries.set(entry.summary.run, entry);
      this.#number = Math.max(this.#number, entry.number);
    }
  }

  get #bounds(): WorkerBounds {
    const { runEvents, runMilliseconds, idleMilliseconds, verdictMarks, unpackedBytes } =
      this.#limits;
    return { runEvents, runMilliseconds, idleMilliseconds, verdictMarks, unpackedBytes };
  }

  #known(run: string): RunEntry {
    const entry = this.#entries.get(run);
    if (entry !== undefined) return entry;
    throw new ProblemError("unknown-run", "There is no such run; GET /api/runs lists them.");
  }

  #open(): void {
    if (!this.#closed) return;
    throw new ProblemError("stopping", "The server is stopping; ask again later.");
  }

  // deno-lint-ignore require-await
  async start(
    request: RunRequest,
  ): Promise<{ readonly summary: RunSummary; readonly created: boolean }> {
    this.#open();
    const prepared = request.kind === "fork"
      ? prepareFork(request, this.#known(request.parent.run))
      : prepareRun(request, this.#limits);
    const run = prepared.scripted ? prepared.header.run : this.#randomId();
    const before = this.#entries.get(run);
    if (before !== undefined && (!before.isEnded || before.status === "finished")) {
      return { summary: before.summary, created: false };
    }
    this.#checkRoom(prepared);
    if (before !== undefined) this.#forget(run);
    const entry = this.#make({ ...prepared, header: { ...prepared.header, run } }, request);
    this.#execute(entry, prepared);
    return { summary: entry.summary, created: true };
  }

  /** @throws {ProblemError} `too-many` where there is no room for it. */
  #checkRoom({ way }: PreparedRun): void {
    const { queuedRuns, waitingRuns } = this.#limits;
    if (this.#slots.isFull && this.#slots.queued >= queuedRuns) {
      throw tooMany("queuedRuns", queuedRuns, "Too many runs wait for their turn already");
    }
    if (way.way !== "live" && way.way !== "fork") return;
    // Those that run come to wait sooner or later.
    const waiting = [...this.#entries.values()].filter(({ isEnded, summary: { kind } }) =>
      !isEnded && (kind === "live" || kind === "fork")
    );
    if (waiting.length >= waitingRuns) {
      throw tooMany(
        "waitingRuns",
        waitingRuns,
        "Too many machines wait for their person already; cancel one of them",
      );
    }
  }

  /** Writes a new run's folder. */
  #make(prepared: PreparedRun, request: RunRequest): RunEntry {
    const { header, recipe } = prepared;
    this.#makeRoom();
    const folder = this.#store.place(this.#store.begin(prepared), header.run);
    const { parent } = header;
    const entry = new RunEntry({
      folder,
      number: ++this.#number,
      request: keptRequest(request),
      recipe,
      facts: {
        run: header.run,
        kind: prepared.kind,
        status: "queued",
        scenario: header.scenario,
        title: prepared.title,
        profile: header.profile,
        seed: header.seed,
        ...(parent === undefined ? {} : { parent }),
        created: this.#now().toISOString(),
        events: 0,
        vt: 0,
        replayable: true,
      },
      log: new GrowingLog(folder, header, headerBytes(header)),
    });
    entry.save();
    this.#entries.set(header.run, entry);
    return entry;
  }

  #execute(entry: RunEntry, { recipe, text, choices, way }: PreparedRun): void {
    const { run } = entry.summary;
    const { folder, log: { header } } = entry;
    const execution = new Execution({
      entry,
      job: { job: "run", folder, header, recipe, text, choices, way, bounds: this.#bounds },
      slots: this.#slots,
      worker: this.#worker,
      onEnd: () => void this.#executions.delete(run),
    });
    this.#executions.set(run, execution);
  }

  /** Removes the oldest runs that have ended, so that there is room for one more. */
  #makeRoom(): void {
    const { keptRuns } = this.#limits;
    const ended = [...this.#entries.values()].filter(({ isEnded }) => isEnded)
      .sort((left, right) => left.number - right.number);
    for (const entry of ended) {
      if (this.#entries.size < keptRuns) return;
      this.#forget(entry.summary.run);
    }
  }

  #forget(run: string): void {
    this.#entries.delete(run);
    this.#store.remove(run);
  }

  list(): readonly RunSummary[] {
    return [...this.#entries.values()].sort((left, right) => right.number - left.number)
      .map(({ summary }) => summary);
  }

  get(run: string): RunSummary | undefined {
    return this.#entries.get(run)?.summary;
  }

  stored(run: string): StoredRun | undefined {
    const entry = this.#entries.get(run);
    if (entry === undefined) return undefined;
    const { folder, log, summary } = entry;
    return { run, folder, log, summary };
  }

  watch(run: string, changed: (summary: RunSummary) => void): () => void {
    return this.#known(run).watch(changed);
  }

  async settled(run: string, milliseconds: number): Promise<RunSummary> {
    const entry = this.#known(run);
    await entry.settled(milliseconds);
    return entry.summary;
  }

  async input(run: string, text: string): Promise<RunSummary> {
    this.#open();
    const entry = this.#known(run);
    const execution = this.#executions.get(run);
    if (entry.isEnded || execution === undefined) {
      throw new ProblemError(
        "wrong-state",
        "The run has ended, nobody sits at its machine any more; fork it at an event to go on.",
      );
    }
    if (entry.status !== "waiting") {
      throw new ProblemError(
        "wrong-state",
        "The machine is busy; type when the run's status is 'waiting'.",
      );
    }
    return await execution.input(text);
  }

  async cancel(run: string): Promise<RunSummary> {
    const entry = this.#known(run);
    this.#executions.get(run)?.stop("cancelled");
    await entry.ended();
    return entry.summary;
  }

  async remove(run: string): Promise<void> {
    await this.cancel(run);
    if (this.#entries.has(run)) this.#forget(run);
  }

  async importTrace(path: string, name: string): Promise<RunSummary> {
    try {
      this.#open();
      const { queuedRuns } = this.#limits;
      if (this.#slots.isFull && this.#slots.queued >= queuedRuns) {
        throw tooMany("queuedRuns", queuedRuns, "Too many runs wait for their turn already");
      }
      return await this.#import(path, shownName(name));
    } finally {
      removeAll(path);
    }
  }

  async #import(path: string, name: string): Promise<RunSummary> {
    const folder = this.#store.scratch();
    const worker = new ImportExecution({
      job: { job: "import", path, folder, name, bounds: this.#bounds },
      slots: this.#slots,
      worker: this.#worker,
    });
    this.#imports.add(worker);
    try {
      const end = await worker.done;
      const { run } = end.header;
      const before = this.#entries.get(run);
      if (before !== undefined) return before.summary;
      this.#makeRoom();
      const { events, bytes, vt, verdict, outcome, footer, trouble } = end;
      const place = this.#store.place(folder, run);
      const { header } = end;
      const log = new GrowingLog(place, header, headerBytes(header));
      const entry = new RunEntry({
        folder: place,
        number: ++this.#number,
        request: { kind: "import" },
        facts: {
          run,
          kind: "import",
          status: "finished",
          scenario: header.scenario,
          title: name,
          profile: header.profile,
          seed: header.seed,
          created: this.#now().toISOString(),
          ...{ events, vt },
          replayable: false,
          ...(outcome === undefined ? {} : { outcome }),
          ...(verdict === undefined ? {} : { verdict }),
          ...(trouble === undefined ? {} : { trouble }),
        },
        log,
      });
      entry.end({}, { events, bytes }, footer);
      this.#entries.set(run, entry);
      return entry.summary;
    } finally {
      this.#imports.delete(worker);
      removeAll(folder);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const worker of this.#imports) worker.stop();
    const going = [...this.#executions.keys()];
    for (const execution of [...this.#executions.values()]) execution.stop("interrupted");
    await Promise.all(going.map((run) => this.#entries.get(run)?.ended()));
    await Promise.allSettled([...this.#imports].map(({ done }) => done));
  }
}

/**
 * Opens a laboratory over a folder: what is there is listed, what ran when the server went away is
 * marked as interrupted, left-over uploads are removed.
 */
export function openLaboratory(options: LaboratoryOptions): Promise<Laboratory> {
  try {
    return Promise.resolve(new OpenLaboratory(options));
  } catch (error) {
    return Promise.reject(error);
  }
}
