/**
 * A run as the laboratory keeps it on the server's thread: its summary, its trace's extent, who
 * watches it. Nothing of the trace itself.
 *
 * @module
 */
import type { TraceFooter } from "../../machine/trace/event.ts";
import type { RunStatus, RunSummary } from "../api/shapes/run.ts";
import type { GrowingLog, LogExtent } from "./growing_log.ts";
import { type Recipe, type RunRecord, writeRecord } from "./run_record.ts";

/** A summary without what follows from the run's id. */
type Facts = RunRecord["summary"];
/** Watchers are told at most that often. */
const WATCH_MILLISECONDS = 50;
const ENDED: ReadonlySet<RunStatus> = new Set(["finished", "failed", "cancelled", "interrupted"]);

/** Where more is to be had about a run. */
function linksOf({ run, replayable, parent }: Facts): Record<string, string> {
  const self = `/api/runs/${run}`;
  const links = {
    self,
    events: `${self}/events`,
    verdicts: `${self}/verdicts`,
    report: `${self}/report`,
    ...(replayable
      ? { machine: `${self}/machine`, memory: `${self}/memory`, disk: `${self}/disk` }
      : {}),
    ...(parent === undefined ? {} : { parent: `/api/runs/${parent.run}` }),
  };
  return links;
}

/** What an entry is made of. */
export interface EntryParts {
  readonly folder: string;
  readonly number: number;
  readonly request: RunRecord["request"];
  readonly recipe?: Recipe;
  readonly facts: Facts;
  readonly log: GrowingLog;
}

/** See the module's header. */
export class RunEntry {
  readonly folder: string;
  /** Order of the requests. */
  readonly number: number;
  readonly recipe: Recipe | undefined;
  readonly log: GrowingLog;
  readonly #request: RunRecord["request"];
  readonly #watchers: Set<(summary: RunSummary) => void> = new Set();
  readonly #settling: Set<() => void> = new Set();
  #facts: Facts;
  #summary: RunSummary;
  #toldAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ folder, number, request, recipe, facts, log }: EntryParts) {
    this.folder = folder;
    this.number = number;
    this.recipe = recipe;
    this.log = log;
    this.#request = request;
    this.#facts = facts;
    this.#summary = { ...facts, links: linksOf(facts) };
  }

  get summary(): RunSummary {
    return this.#summary;
  }

  get status(): RunStatus {
    return this.#facts.status;
  }

  get isEnded(): boolean {
    return ENDED.has(this.status);
  }

  /** Whether nobody needs to wait for it: it ended, or it waits for its person. */
  get isSettled(): boolean {
    return this.isEnded || this.status === "waiting";
  }

  /** Changes the summary and tells who watches. */
  change(change: Partial<Facts>, without: readonly (keyof Facts)[] = []): void {
    this.#set(change, without);
    this.#notify();
  }

  #set(change: Partial<Facts>, without: readonly (keyof Facts)[] = []): void {
    const facts = { ...this.#facts, ...change };
    for (const key of without) delete facts[key];
    this.#facts = facts;
    this.#summary = { ...facts, links: linksOf(facts) };
  }

  /** The run has ended: writes its record and tells everybody. */
  end(change: Partial<Facts>, extent: LogExtent, footer?: TraceFooter): void {
    const sha256 = footer === undefined ? {} : { sha256: footer.sha256 };
    this.log.end(extent, footer);
    this.#set({ ...change, events: extent.events, ...sha256 }, ["standing"]);
    try {
      this.save();
    } catch {
      // The next start of the server finds it as interrupted; what is here is right.
      const trouble = "The run's record could not be written; look whether the disk is full.";
      this.#set({ trouble: this.#facts.trouble ?? trouble });
    }
    this.#notify();
  }

  /** Writes `run.json`. */
  save(): void {
    const { recipe, log } = this;
    writeRecord(this.folder, {
      format: "kjump-run",
      v: 1,
      number: this.number,
      request: this.#request,
      ...(recipe === undefined ? {} : { recipe }),
      header: log.header,
      summary: this.#facts,
      ...(this.isEnded ? { bytes: log.bytes } : {}),
      ...(log.footer === undefined ? {} : { footer: log.footer }),
    });
  }

  watch(changed: (summary: RunSummary) => void): () => void {
    const watcher = (summary: RunSummary): void => changed(summary);
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  #notify(): void {
    if (this.isSettled) { for (const settled of [...this.#settling]) settled(); }
    const now = performance.now();
    const left = this.#toldAt + WATCH_MILLISECONDS - now;
    if (!this.isEnded && left > 0) {
      if (this.#watchers.size > 0) this.#timer ??= setTimeout(() => this.#tell(), left);
      return;
    }
    this.#tell();
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#toldAt = performance.now();
    for (const watcher of [...this.#watchers]) watcher(this.#summary);
  }

  /** Resolves when it ended or waits for its person, or after so many ms. */
  settled(milliseconds: number): Promise<void> {
    if (this.isSettled || milliseconds <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#settling.delete(done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#settling.add(done);
    });
  }

  /** Resolves when it has ended. */
  async ended(): Promise<void> {
    while (!this.isEnded) await new Promise<void>((resolve) => this.#whenChanged(resolve));
  }

  #whenChanged(resolve: () => void): void {
    const unwatch = this.watch(() => {
      unwatch();
      resolve();
    });
  }
}
