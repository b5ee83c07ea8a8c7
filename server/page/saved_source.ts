/**
 * Where the page gets its data when it was saved as one file: from the elements that hold them in
 * it. There is no server: what only a machine that runs can tell is refused with a sentence.
 *
 * @module
 */
import type { TraceHeader } from "../../machine/trace/event.ts";
import type { Protocol, RuleDocument, Scenario } from "../api/shapes/catalogue.ts";
import type { EventContext, SearchAnswer, VerdictMark } from "../api/shapes/event.ts";
import type { DiskMap, MachineState, MemoryMap, StateChange } from "../api/shapes/machine.ts";
import type { RunSummary } from "../api/shapes/run.ts";
import type { DataSource, FollowSink } from "./model.ts";

/** What a saved page holds besides the trace. */
export interface SavedExtras {
  readonly summary: RunSummary;
  readonly verdicts: readonly VerdictMark[];
  readonly rules: readonly RuleDocument[];
}

/** A saved page's data: the header's line, and the events' lines, one behind the other. */
export interface SavedParts {
  readonly header: TraceHeader;
  readonly extras: SavedExtras;
  readonly lines: readonly string[];
}

/** Ids of the elements that hold the data. */
export const SAVED_EXTRAS_ID = "kjump-saved";
/** See {@linkcode SAVED_EXTRAS_ID}. */
export const SAVED_TRACE_ID = "kjump-trace";
/** Hits in one answer of a search. */
const HITS_MAX = 1_000;

/** What is used of a document. */
interface Holder {
  getElementById(id: string): { readonly textContent: string | null } | null;
}

/** The data in a document; `undefined` where it is no saved page. */
export function savedParts(holder: Holder): SavedParts | undefined {
  const extras = holder.getElementById(SAVED_EXTRAS_ID)?.textContent;
  const trace = holder.getElementById(SAVED_TRACE_ID)?.textContent;
  if (extras === null || extras === undefined || trace === null || trace === undefined) {
    return undefined;
  }
  const [header = "{}", ...lines] = trace.trim().split("\n");
  return { header: JSON.parse(header), extras: JSON.parse(extras), lines };
}

const NO_SERVER = "This is a saved page: what the machine looks like inside is shown by the " +
  "server that ran it (deno task serve).";

function refused(): Promise<never> {
  return Promise.reject(new Error(NO_SERVER));
}

/** See the module's header. */
export class SavedSource implements DataSource {
  readonly live = false;
  readonly #parts: SavedParts;

  constructor(parts: SavedParts) {
    this.#parts = parts;
  }

  runs(): Promise<readonly RunSummary[]> {
    return Promise.resolve([this.#parts.extras.summary]);
  }

  run(_run: string): Promise<RunSummary> {
    return Promise.resolve(this.#parts.extras.summary);
  }

  follow(_run: string, after: number, sink: FollowSink): Promise<void> {
    const { header, extras, lines } = this.#parts;
    sink.header(header);
    sink.summary(extras.summary);
    sink.lines(after < 0 ? lines : lines.slice(after + 1));
    sink.end(extras.summary);
    return Promise.resolve();
  }

  verdicts(_run: string): Promise<readonly VerdictMark[]> {
    return Promise.resolve(this.#parts.extras.verdicts);
  }

  search(_run: string, query: string, from: number): Promise<SearchAnswer> {
    const { lines } = this.#parts;
    const wanted = query.toLowerCase();
    const seqs: number[] = [];
    for (let seq = from; seq < lines.length && seqs.length < HITS_MAX; seq++) {
      if (lines[seq]?.toLowerCase().includes(wanted) === true) seqs.push(seq);
    }
    return Promise.resolve({ seqs, more: seqs.length === HITS_MAX });
  }

  rules(): Promise<readonly RuleDocument[]> {
    return Promise.resolve(this.#parts.extras.rules);
  }

  context(_run: string, _seq: number): Promise<EventContext> {
    return refused();
  }

  machine(_run: string, _at: number): Promise<MachineState> {
    return refused();
  }

  change(_run: string, _at: number): Promise<StateChange> {
    return refused();
  }

  memory(_run: string, _at: number): Promise<MemoryMap> {
    return refused();
  }

  disk(_run: string, _at: number): Promise<DiskMap> {
    return refused();
  }

  scenarios(): Promise<readonly Scenario[]> {
    return Promise.resolve([]);
  }

  scenario(_name: string): Promise<Scenario> {
    return refused();
  }

  protocols(): Promise<readonly Protocol[]> {
    return Promise.resolve([]);
  }

  start(): Promise<RunSummary> {
    return refused();
  }

  input(): Promise<RunSummary> {
    return refused();
  }

  cancel(): Promise<RunSummary> {
    return refused();
  }

  upload(): Promise<RunSummary> {
    return refused();
  }

  exportAddress(_run: string, _form: string): string {
    return "";
  }
}
