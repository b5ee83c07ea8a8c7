/**
 * What the HTTP application is given: the laboratory that runs machines, the desk that reads
 * finished traces, the replays that look into machines, the catalogue, the page. Each is an
 * interface, so that the application is tested with `app.request` and without a port.
 *
 * Whoever cannot do what is asked throws a {@linkcode ProblemError}.
 *
 * @module
 */
import type { TraceFooter, TraceHeader } from "../machine/trace/event.ts";
import type {
  ExportForm,
  Inspection,
  ProtocolList,
  RuleDocument,
  Scenario,
} from "./api/shapes/catalogue.ts";
import type { EventContext, SearchAnswer, StepAnswer } from "./api/shapes/event.ts";
import type { DiskMap, MachineState, MemoryMap, StateChange } from "./api/shapes/machine.ts";
import type { RunRequest, RunSummary, StepRequest } from "./api/shapes/run.ts";

/**
 * A trace as a file that grows or stands. Events lie one a line, so an event's number is the
 * number of lines before it.
 */
export interface TraceLog {
  readonly run: string;
  readonly header: TraceHeader;
  /** The NDJSON file. */
  readonly path: string;
  /** Offset in bytes of the first event's line. */
  readonly firstByte: number;
  /** Events whose lines are complete in the file. */
  readonly events: number;
  /** Offset in bytes behind the last of them. */
  readonly bytes: number;
  /** Whether no more will come. */
  readonly ended: boolean;
  /** Of a run that has ended whole. */
  readonly footer?: TraceFooter;
  /** Resolves when there are more events than so many, the run ended, or the signal fired. */
  more(events: number, signal: AbortSignal): Promise<void>;
}

/** A run's files, for those who read them away from the server's thread. */
export interface StoredRun {
  readonly run: string;
  /** Holds `trace.ndjson`, `blobs/`, `choices.json`, `verdicts.ndjson`, `exports/` … */
  readonly folder: string;
  readonly log: TraceLog;
  readonly summary: RunSummary;
}

/** Runs machines, off the server's thread, and keeps what they left. */
export interface Laboratory {
  /** Starts a run; a scripted one that is there already is given back instead. */
  start(request: RunRequest): Promise<{ readonly summary: RunSummary; readonly created: boolean }>;
  /** All runs, latest first. */
  list(): readonly RunSummary[];
  get(run: string): RunSummary | undefined;
  /** Its files and its trace as far as it goes; `undefined` for an unknown run. */
  stored(run: string): StoredRun | undefined;
  /** Called when a summary changed: at most every 50 ms a run, and when it ends. */
  watch(run: string, changed: (summary: RunSummary) => void): () => void;
  /** Resolves when the run ends or waits for its person, or after so many ms. */
  settled(run: string, milliseconds: number): Promise<RunSummary>;
  /** A person's line or action; resolves when the machine waits for the next, or the run ended. */
  input(run: string, text: string): Promise<RunSummary>;
  /** Stops a run; what was recorded stays. */
  cancel(run: string): Promise<RunSummary>;
  /** Stops it where it runs, and removes all of it. */
  remove(run: string): Promise<void>;
  /**
   * Takes a trace or log that was uploaded (a file in the server's folder, moved from there).
   *
   * @param name what the user calls the file; never used as a path.
   */
  importTrace(path: string, name: string): Promise<RunSummary>;
  /** Stops everything; what runs is marked as interrupted. */
  close(): Promise<void>;
}

/** A file that was made of a run. */
export interface MadeFile {
  readonly path: string;
  readonly bytes: number;
  readonly mediaType: string;
  /** Name under which a browser saves it. */
  readonly fileName: string;
}

/**
 * Reads traces and images away from the server's thread. Where a signal fires, nobody wants the
 * answer any more: the work is given up and the promise rejects with the signal's reason.
 */
export interface Desk {
  /** The rules' report of a run as far as it went. */
  report(
    stored: StoredRun,
    form: "json" | "text" | "junit",
    signal?: AbortSignal,
  ): Promise<string>;
  /** The run in another form; made once, kept beside the run if it has ended. */
  export(stored: StoredRun, form: ExportForm): Promise<MadeFile>;
  causality(
    stored: StoredRun,
    seq: number,
    most: number,
    signal?: AbortSignal,
  ): Promise<EventContext>;
  search(
    stored: StoredRun,
    query: string,
    from: number,
    most: number,
    signal?: AbortSignal,
  ): Promise<SearchAnswer>;
  step(stored: StoredRun, request: StepRequest, signal?: AbortSignal): Promise<StepAnswer>;
  /** What an uploaded file is. */
  inspect(path: string, signal?: AbortSignal): Promise<Inspection>;
  close(): void;
}

/** Looks into machines: replays a run to a moment and reads what stands there. */
export interface Replays {
  machine(stored: StoredRun, at: number): Promise<MachineState>;
  change(stored: StoredRun, at: number): Promise<StateChange>;
  memory(stored: StoredRun, at: number): Promise<MemoryMap>;
  disk(stored: StoredRun, at: number): Promise<DiskMap>;
  /** The whole disk or the image file on it at a moment, as a file beside the run. */
  image(stored: StoredRun, at: number, what: "disk" | "elf"): Promise<MadeFile>;
  close(): void;
}

/** What the laboratory has. */
export interface Catalogue {
  scenarios(): readonly Scenario[];
  scenario(name: string): Scenario | undefined;
  protocols(): ProtocolList;
  rules(): readonly RuleDocument[];
  rule(id: string): RuleDocument | undefined;
}

/** A file of the page. */
export interface PageFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly mediaType: string;
  /** SHA-256 of the body. */
  readonly digest: string;
}

/** The page, bundled once. */
export interface PageBundle {
  /** By path: `/`, `/page.js`, `/page.css`, `/icon.svg`. */
  readonly files: ReadonlyMap<string, PageFile>;
}

/** How the server is run. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  /** Wanted of every request, where the host is not loopback or it was asked for. */
  readonly token?: string;
  /** Further names under which the server is reached. */
  readonly hostNames: readonly string[];
  /** Where runs are kept. */
  readonly folder: string;
}

/** See the module's header. */
export interface AppDeps {
  readonly laboratory: Laboratory;
  readonly desk: Desk;
  readonly replays: Replays;
  readonly catalogue: Catalogue;
  readonly page: PageBundle;
  readonly settings: ServerSettings;
}
