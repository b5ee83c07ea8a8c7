/**
 * Where the page gets its data while a server runs: its routes, asked with `fetch`. An answer that
 * is a problem becomes an error with the server's sentence.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Problem, Protocol, RuleDocument, Scenario } from "../api/shapes/catalogue.ts";
import type { EventContext, SearchAnswer, VerdictMark } from "../api/shapes/event.ts";
import type { DiskMap, MachineState, MemoryMap, StateChange } from "../api/shapes/machine.ts";
import type { RunRequest, RunSummary } from "../api/shapes/run.ts";
import { Follower, type FollowHost } from "./follow_run.ts";
import type { DataSource, FollowSink } from "./model.ts";
import { browserTurn } from "./turn.ts";

/** The server said why it cannot be done. */
export class ServerRefusal extends Error {
  override readonly name = "ServerRefusal";
  readonly status: number;
  readonly problem: Problem | undefined;

  constructor(status: number, problem: Problem | undefined) {
    super(problem === undefined ? `The server answered ${status}.` : problem.detail);
    this.status = status;
    this.problem = problem;
  }
}

/** Reading may take so many ms before the browser has its turn. */
const BREATH_MILLISECONDS = 3;

function browserHost(source: HttpSource): FollowHost {
  const turn = browserTurn();
  let since = turn.now();
  return {
    fetch: (address, init) => fetch(address, init),
    stream: (address) => new EventSource(address),
    summary: (run) => source.run(run),
    async breathe(): Promise<void> {
      if (turn.now() - since < BREATH_MILLISECONDS) return;
      await new Promise<void>((resolve) => turn.later(resolve));
      since = turn.now();
    },
    pause: (milliseconds, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          resolve();
        }, { once: true });
      }),
  };
}

/** See the module's header. */
export class HttpSource implements DataSource {
  readonly live = true;
  readonly #host: FollowHost;
  /** Questions that are on their way, by address. */
  readonly #asked: Map<string, Promise<unknown>> = new Map();

  /** @param host replaces the browser in tests. */
  constructor(host?: FollowHost) {
    this.#host = host ?? browserHost(this);
  }

  async runs(): Promise<readonly RunSummary[]> {
    const { runs } = await this.#get<{ runs: RunSummary[] }>("api/runs");
    return runs;
  }

  run(run: string): Promise<RunSummary> {
    return this.#get(`api/runs/${run}`);
  }

  follow(run: string, after: number, sink: FollowSink, signal: AbortSignal): Promise<void> {
    return new Follower(this.#host, run, after, sink, signal).follow();
  }

  async verdicts(run: string): Promise<readonly VerdictMark[]> {
    const response = await this.#ask(`api/runs/${run}/verdicts`, {
      headers: { accept: "application/x-ndjson" },
    });
    const text = await response.text();
    return text.split("\n").filter((line) => line !== "").map((line): VerdictMark =>
      JSON.parse(line)
    );
  }

  context(run: string, seq: number): Promise<EventContext> {
    return this.#get(`api/runs/${run}/events/${seq}`);
  }

  search(run: string, query: string, from: number): Promise<SearchAnswer> {
    return this.#get(`api/runs/${run}/search?q=${encodeURIComponent(query)}&from=${from}`);
  }

  machine(run: string, at: number): Promise<MachineState> {
    return this.#get(`api/runs/${run}/machine?at=${at}`);
  }

  change(run: string, at: number): Promise<StateChange> {
    return this.#get(`api/runs/${run}/machine/change?at=${at}`);
  }

  memory(run: string, at: number): Promise<MemoryMap> {
    return this.#get(`api/runs/${run}/memory?at=${at}`);
  }

  disk(run: string, at: number): Promise<DiskMap> {
    return this.#get(`api/runs/${run}/disk?at=${at}`);
  }

  async rules(): Promise<readonly RuleDocument[]> {
    const { rules } = await this.#get<{ rules: RuleDocument[] }>("api/rules");
    return rules;
  }

  async scenarios(): Promise<readonly Scenario[]> {
    const { scenarios } = await this.#get<{ scenarios: Scenario[] }>("api/scenarios");
    return scenarios;
  }

  scenario(name: string): Promise<Scenario> {
    return this.#get(`api/scenarios/${encodeURIComponent(name)}`);
  }

  async protocols(): Promise<readonly Protocol[]> {
    const { protocols } = await this.#get<{ protocols: Protocol[] }>("api/protocols");
    return protocols;
  }

  start(request: RunRequest): Promise<RunSummary> {
    return this.#post("api/runs", request);
  }

  input(run: string, text: string): Promise<RunSummary> {
    return this.#post(`api/runs/${run}/input`, { text });
  }

  cancel(run: string): Promise<RunSummary> {
    return this.#post(`api/runs/${run}/cancel`, undefined);
  }

  async upload(file: File): Promise<RunSummary> {
    const response = await this.#ask(`api/traces?name=${encodeURIComponent(file.name)}`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: file,
    });
    return response.json();
  }

  exportAddress(run: string, form: string): string {
    return `api/runs/${run}/export/${form}`;
  }

  /** Two parts of the page that ask the same at the same time share the answer. */
  #get<Answer>(address: string): Promise<Answer> {
    const asked = this.#asked.get(address);
    if (asked !== undefined) return asked as Promise<Answer>;
    const answer = this.#ask(address, { headers: { accept: "application/json" } })
      .then((response): Promise<Answer> => response.json())
      .finally(() => this.#asked.delete(address));
    this.#asked.set(address, answer);
    return answer;
  }

  async #post(address: string, body: unknown): Promise<RunSummary> {
    const response = await this.#ask(address, {
      method: "POST",
      headers: { "accept": "application/json", "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return response.json();
  }

  async #ask(address: string, init: RequestInit): Promise<Response> {
    const response = await this.#host.fetch(address, init);
    if (response.ok) return response;
    const media = response.headers.get("content-type") ?? "";
    const problem: Problem | undefined = media.includes("json") ? await response.json() : undefined;
    throw new ServerRefusal(response.status, problem);
  }
}
