/**
 * What the page's parts share: its state, the trace as they see it, where data come from. Data
 * flow one way: an action changes the state, the state is rendered.
 *
 * @module
 */
import type { EventKind, TraceEvent, TraceHeader } from "../../machine/trace/event.ts";
import type { PhaseBand } from "../../machine/trace/phase_bands.ts";
import type { Protocol, RuleDocument, Scenario } from "../api/shapes/catalogue.ts";
import type { EventContext, SearchAnswer, VerdictMark } from "../api/shapes/event.ts";
import type { DiskMap, MachineState, MemoryMap, StateChange } from "../api/shapes/machine.ts";
import type { RunRequest, RunSummary } from "../api/shapes/run.ts";

export type { PhaseBand };

/** A trace in columns; single events are parsed when somebody asks. */
export interface TraceView {
  readonly header: TraceHeader | undefined;
  /** Events received so far. */
  readonly count: number;
  /** All actors that occur, in order of their first event. */
  readonly actors: readonly string[];
  /** All message types, signals and facts that occur. */
  readonly types: readonly string[];
  vt(seq: number): number;
  kind(seq: number): EventKind;
  /** Index into {@linkcode TraceView.actors}. */
  actor(seq: number): number;
  /** Index of the sender or receiver into actors; -1 where there is none. */
  source(seq: number): number;
  target(seq: number): number;
  /** Index into {@linkcode TraceView.types}; -1 where there is none. */
  type(seq: number): number;
  /** `seq` of the send; -1 where there is none. */
  msg(seq: number): number;
  cause(seq: number): number;
  /** The delivery, drop or ignoring of a send; -1 while there is none. */
  fate(seq: number): number;
  /** The whole event. */
  event(seq: number): TraceEvent;
  /** First event at or behind a virtual time. */
  at(vt: number): number;
}

/** What is hidden or looked for. */
export interface Filter {
  readonly hiddenActors: ReadonlySet<string>;
  readonly kinds: ReadonlySet<EventKind> | undefined;
  /** Part of a message type. */
  readonly type: string;
  /** Text looked for, whose hits are marked. */
  readonly query: string;
}

/** Tabs of the right panel. */
export const PANES = ["event", "rules", "state", "memory", "disk", "consoles"] as const;
/** See {@linkcode PANES}. */
export type Pane = typeof PANES[number];

/** What the page shows. */
export interface PageState {
  readonly runs: readonly RunSummary[];
  readonly run: string | undefined;
  readonly summary: RunSummary | undefined;
  /** The chosen event; -1 before the first. */
  readonly cursor: number;
  /** Whether the cursor stays at the end of a run that goes on. */
  readonly following: boolean;
  readonly playing: boolean;
  /** Events a second while playing. */
  readonly speed: number;
  readonly filter: Filter;
  /** Order of the life lines; empty for that of the trace. */
  readonly lanes: readonly string[];
  /** Chosen range of events, from the overview. */
  readonly range: { readonly from: number; readonly to: number } | undefined;
  readonly pane: Pane;
  /** Run shown beside. */
  readonly beside: string | undefined;
  readonly dialog: "none" | "start" | "cut" | "keys" | "export";
  /** What went wrong last, for the person. */
  readonly problem: string;
  /** Whether the stream is connected, and how often it was resumed. */
  readonly stream: { readonly open: boolean; readonly resumed: number; readonly gaps: number };
}

/** Where the page gets its data: a server, or the page itself where it was saved as one file. */
export interface DataSource {
  /** Whether there is a server that runs, replays and forks. */
  readonly live: boolean;
  runs(): Promise<readonly RunSummary[]>;
  run(run: string): Promise<RunSummary>;
  /** Lines of the trace from an event on, and what becomes of it; ends with the run. */
  follow(run: string, after: number, sink: FollowSink, signal: AbortSignal): Promise<void>;
  verdicts(run: string): Promise<readonly VerdictMark[]>;
  context(run: string, seq: number): Promise<EventContext>;
  search(run: string, query: string, from: number): Promise<SearchAnswer>;
  machine(run: string, at: number): Promise<MachineState>;
  change(run: string, at: number): Promise<StateChange>;
  memory(run: string, at: number): Promise<MemoryMap>;
  disk(run: string, at: number): Promise<DiskMap>;
  rules(): Promise<readonly RuleDocument[]>;
  scenarios(): Promise<readonly Scenario[]>;
  scenario(name: string): Promise<Scenario>;
  protocols(): Promise<readonly Protocol[]>;
  start(request: RunRequest): Promise<RunSummary>;
  input(run: string, text: string): Promise<RunSummary>;
  cancel(run: string): Promise<RunSummary>;
  upload(file: File): Promise<RunSummary>;
  /** Address of an export. */
  exportAddress(run: string, form: string): string;
}

/** Takes what a followed run brings. */
export interface FollowSink {
  header(header: TraceHeader): void;
  /** Whole event lines, in order, without gaps. */
  lines(lines: readonly string[]): void;
  /** Resolves when lines that could come at once may come; without it they may always. */
  ready?(): Promise<void>;
  summary(summary: RunSummary): void;
  verdict(mark: VerdictMark): void;
  /** The connection was cut and taken up again. */
  resumed(): void;
  /** Events were lost on the way: the first that is there again. */
  gap(first: number): void;
  end(summary: RunSummary | undefined): void;
}

/** What every part is given to render and to act. */
export interface PartContext {
  readonly state: PageState;
  readonly trace: TraceView;
  readonly source: DataSource;
  readonly phases: readonly PhaseBand[];
  readonly verdicts: readonly VerdictMark[];
  readonly rules: ReadonlyMap<string, RuleDocument>;
  /** Chooses an event and has it shown. */
  go(seq: number): void;
  /** Changes the state. */
  update(change: Partial<PageState>): void;
  /** Opens a run. */
  open(run: string): void;
  /** Renders again when something that is not in the state has changed. */
  refresh(): void;
}
