/**
 * A client of the server for other programs: every path as a function, events as an async iterable
 * that goes on by itself where a connection is cut, without a gap and without a double. What the
 * server refuses is a {@linkcode ProblemAnswer}.
 *
 * ```ts ignore
 * import { kjump } from "./server/client.ts";
 *
 * const laboratory = kjump("http://localhost:8080");
 * const { run } = await laboratory.start({ kind: "scenario", name: "v7-hibernate" });
 * for await (const event of laboratory.events(run, { kinds: ["fault"] })) {
 *   console.log(event.seq, event.actor, event.type);
 * }
 * const { verdict } = await laboratory.run(run);
 * const cut = await laboratory.fork(run, 1042, { do: "cut_power", durable: "none" });
 * ```
 *
 * It needs no package, only `fetch`.
 *
 * @module
 */
import type { TraceEvent } from "../machine/trace/event.ts";
import type {
  ExportForm,
  Inspection,
  ProtocolList,
  RuleDocument,
  Scenario,
} from "./api/shapes/catalogue.ts";
import type { EventContext, SearchAnswer, StepAnswer } from "./api/shapes/event.ts";
import type { DiskMap, MachineState, MemoryMap, StateChange } from "./api/shapes/machine.ts";
import type { ForkAction, RunRequest, RunSummary, StepRequest } from "./api/shapes/run.ts";
import { ClientRequests, type ClientSettings, type Parameters } from "./client_requests.ts";
import { type Frame, resumedFrames } from "./client_stream.ts";

export { isProblem, ProblemAnswer } from "./client_problem.ts";
export type { ClientSettings } from "./client_requests.ts";

/** Which events of a run. */
export interface EventFilter {
  /** Only behind this one. */
  readonly after?: number;
  readonly from?: number;
  readonly to?: number;
  readonly actors?: readonly string[];
  /** Types, or beginnings of types with a `*` behind. */
  readonly types?: readonly string[];
  readonly kinds?: readonly TraceEvent["kind"][];
  /** Ends the stream when it fires. */
  readonly signal?: AbortSignal;
}

/** What can be uploaded. */
export type Upload =
  | string
  | Blob
  | Uint8Array<ArrayBuffer>
  | ReadableStream<Uint8Array<ArrayBuffer>>;

/** Statuses at which nothing more happens by itself. */
const RESTING: readonly RunSummary["status"][] = [
  "waiting",
  "finished",
  "failed",
  "cancelled",
  "interrupted",
];

/** See the module's header. */
export class Client {
  readonly #requests: ClientRequests;

  constructor(base: string | URL, settings: ClientSettings = {}) {
    this.#requests = new ClientRequests(base, settings);
  }

  /** Starts a run, or gives the scripted one that is there; waits for its end that many seconds. */
  start(request: RunRequest, waitSeconds?: number): Promise<RunSummary> {
    const prefer = waitSeconds === undefined ? {} : { "Prefer": `wait=${waitSeconds}` };
    return this.#requests.post("api/runs", request, prefer);
  }

  /** Starts a run that shares another's past up to an event. */
  fork(run: string, seq: number, action: ForkAction): Promise<RunSummary> {
    return this.start({ kind: "fork", parent: { run, seq }, action });
  }

  /** All runs, latest first, page by page. */
  async *runs(): AsyncGenerator<RunSummary, void, void> {
    for (let after: string | undefined = "";;) {
      const parameters: Parameters = after === "" ? {} : { after };
      const answer: Response = await this.#requests.get("api/runs", parameters);
      const { runs }: { runs: RunSummary[] } = await answer.json();
      yield* runs;
      const next = /^<([^>]*)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
      if (next === undefined) return;
      after = new URL(next, "http://localhost").searchParams.get("after") ?? undefined;
      if (after === undefined) return;
    }
  }

  run(run: string): Promise<RunSummary> {
    return this.#requests.json(`api/runs/${run}`);
  }

  /** Resolves when the run has ended or waits for its person. */
  async wait(run: string, signal?: AbortSignal): Promise<RunSummary> {
    // Of the events only the last is wanted; what tells are the changes between them.
    const frames = this.#frames(run, { kinds: ["end"], ...signal === undefined ? {} : { signal } });
    for await (const { event, data } of frames) {
      if (event !== "state" && event !== "end") continue;
      const summary: RunSummary = JSON.parse(data);
      if (RESTING.includes(summary.status)) return summary;
    }
    return await this.run(run);
  }

  /** Does something at a live machine; resolves when it waits for the next. */
  input(run: string, text: string): Promise<RunSummary> {
    return this.#requests.post(`api/runs/${run}/input`, { text });
  }

  cancel(run: string): Promise<RunSummary> {
    return this.#requests.post(`api/runs/${run}/cancel`);
  }

  async remove(run: string): Promise<void> {
    const answer = await this.#requests.send(`api/runs/${run}`, { method: "DELETE" });
    await answer.body?.cancel();
  }

  /** The events, as they happen, until the run ends. */
  async *events(run: string, filter: EventFilter = {}): AsyncGenerator<TraceEvent, void, void> {
    for await (const { event, data } of this.#frames(run, filter)) {
      if (event !== "trace") continue;
      const happened: TraceEvent = JSON.parse(data);
      yield happened;
    }
  }

  /** What becomes of a run: its summary whenever it changes. */
  async *changes(run: string, signal?: AbortSignal): AsyncGenerator<RunSummary, void, void> {
    const filter = { kinds: ["end" as const], ...signal === undefined ? {} : { signal } };
    for await (const { event, data } of this.#frames(run, filter)) {
      if (event !== "state" && event !== "end") continue;
      const summary: RunSummary = JSON.parse(data);
      yield summary;
    }
  }

  event(run: string, seq: number, most?: number): Promise<EventContext> {
    return this.#requests.json(`api/runs/${run}/events/${seq}`, { most });
  }

  search(run: string, text: string, from?: number, most?: number): Promise<SearchAnswer> {
    return this.#requests.json(`api/runs/${run}/search`, { q: text, from, most });
  }

  step(run: string, request: StepRequest): Promise<StepAnswer> {
    return this.#requests.post(`api/runs/${run}/step`, request);
  }

  machine(run: string, at?: number): Promise<MachineState> {
    return this.#requests.json(`api/runs/${run}/machine`, { at });
  }

  change(run: string, at?: number): Promise<StateChange> {
    return this.#requests.json(`api/runs/${run}/machine/change`, { at });
  }

  memory(run: string, at?: number): Promise<MemoryMap> {
    return this.#requests.json(`api/runs/${run}/memory`, { at });
  }

  disk(run: string, at?: number): Promise<DiskMap> {
    return this.#requests.json(`api/runs/${run}/disk`, { at });
  }

  /** The report's text in a form. */
  async report(run: string, form: "json" | "text" | "junit" = "json"): Promise<string> {
    return await (await this.#requests.get(`api/runs/${run}/report`, { form })).text();
  }

  /** The run for another tool; the body has yet to be read. */
  export(run: string, form: ExportForm): Promise<Response> {
    return this.#requests.get(`api/runs/${run}/export/${form}`);
  }

  /** The disk, or the image file on it; the body has yet to be read. */
  image(run: string, what: "disk" | "elf", at?: number): Promise<Response> {
    return this.#requests.get(`api/runs/${run}/images/${what}`, { at });
  }

  /** The bytes of a blob. */
  async blob(run: string, sha256: string): Promise<Uint8Array<ArrayBuffer>> {
    return await (await this.#requests.get(`api/runs/${run}/blobs/${sha256}`)).bytes();
  }

  /** Makes a run of a trace or log. */
  upload(file: Upload, name?: string): Promise<RunSummary> {
    return this.#requests.upload("api/traces", file, { name });
  }

  /** Says what a file is. */
  inspect(file: Upload): Promise<Inspection> {
    return this.#requests.upload("api/images/inspect", file);
  }

  async scenarios(): Promise<Scenario[]> {
    const { scenarios }: { scenarios: Scenario[] } = await this.#requests.json("api/scenarios");
    return scenarios;
  }

  scenario(name: string): Promise<Scenario> {
    return this.#requests.json(`api/scenarios/${encodeURIComponent(name)}`);
  }

  protocols(): Promise<ProtocolList> {
    return this.#requests.json("api/protocols");
  }

  async rules(): Promise<RuleDocument[]> {
    const { rules }: { rules: RuleDocument[] } = await this.#requests.json("api/rules");
    return rules;
  }

  rule(id: string): Promise<RuleDocument> {
    return this.#requests.json(`api/rules/${encodeURIComponent(id)}`);
  }

  #frames(run: string, filter: EventFilter): AsyncGenerator<Frame> {
    const { after, from, to, actors, types, kinds, signal } = filter;
    const parameters = {
      from,
      to,
      actor: actors?.join(",") || undefined,
      type: types?.join(",") || undefined,
      kind: kinds?.join(",") || undefined,
    };
    const requests = this.#requests;
    return resumedFrames({
      open: (last) =>
        requests.get(`api/runs/${run}/events`, parameters, {
          headers: {
            "Accept": "text/event-stream",
            ...last === undefined ? {} : { "Last-Event-ID": String(last) },
          },
          ...signal === undefined ? {} : { signal },
        }),
      tries: requests.tries,
      sleep: requests.sleep,
      ...after === undefined ? {} : { last: after },
      ...signal === undefined ? {} : { signal },
    });
  }
}

/** Makes a client of the server at an address. */
export function kjump(base: string | URL, settings: ClientSettings = {}): Client {
  return new Client(base, settings);
}
