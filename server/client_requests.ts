/**
 * Single requests of the client: addresses, token, problems.
 *
 * @module
 */
import { problemAnswer } from "./client_problem.ts";

/** Settings of a client. */
export interface ClientSettings {
  /** Of a server that wants one. */
  readonly token?: string;
  /** Instead of the host's own, for tests or proxies. */
  readonly fetch?: (request: Request) => Promise<Response>;
  /** Waits between two tries. */
  readonly sleep?: (milliseconds: number) => Promise<void>;
  /** How often a cut stream is tried again without bringing anything; 8 unless given. */
  readonly tries?: number;
}

/** Parameters of a query; those that are absent are left out. */
export type Parameters = Readonly<Record<string, string | number | undefined>>;

const TRIES = 8;

function slept(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** See the module's header. */
export class ClientRequests {
  readonly tries: number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly #base: URL;
  readonly #token: string | undefined;
  readonly #fetch: (request: Request) => Promise<Response>;

  constructor(base: string | URL, settings: ClientSettings) {
    // Paths are put behind the base, which may be a folder of a proxy.
    this.#base = new URL(base);
    if (!this.#base.pathname.endsWith("/")) this.#base.pathname += "/";
    this.#base.search = this.#base.hash = "";
    this.#token = settings.token;
    this.#fetch = settings.fetch ?? ((request) => fetch(request));
    this.sleep = settings.sleep ?? slept;
    this.tries = settings.tries ?? TRIES;
  }

  /** @throws {ProblemAnswer} if the answer is no success. */
  async send(path: string, init: RequestInit, parameters: Parameters = {}): Promise<Response> {
    const url = new URL(path, this.#base);
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers = new Headers(init.headers);
    if (this.#token !== undefined) headers.set("Authorization", `Bearer ${this.#token}`);
    const answer = await this.#fetch(new Request(url, { ...init, headers }));
    if (!answer.ok) throw await problemAnswer(answer);
    return answer;
  }

  get(path: string, parameters: Parameters = {}, init: RequestInit = {}): Promise<Response> {
    return this.send(path, init, parameters);
  }

  async json<T>(path: string, parameters: Parameters = {}): Promise<T> {
    const headers = { "Accept": "application/json" };
    return await (await this.get(path, parameters, { headers })).json();
  }

  async post<T>(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const answer = await this.send(path, {
      method: "POST",
      headers: { ...body === undefined ? {} : { "Content-Type": "application/json" }, ...headers },
      ...body === undefined ? {} : { body: JSON.stringify(body) },
    });
    return await answer.json();
  }

  async upload<T>(path: string, body: BodyInit, parameters: Parameters = {}): Promise<T> {
    const headers = { "Content-Type": "application/octet-stream" };
    return await (await this.send(path, { method: "POST", headers, body }, parameters)).json();
  }
}
