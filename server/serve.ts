/**
 * `serve`: the only place that listens. It puts the application together with what it is made of,
 * and takes it apart again: streams end, runs are marked as interrupted, workers go.
 *
 * One server at a time has a folder, by a file lock that the host gives back by itself.
 *
 * @module
 */
import { EXIT } from "../machine/errors.ts";
import { jsonAnswer } from "./api/answers.ts";
import type { Api } from "./api/operation.ts";
import { type ErrorLog, PROBLEM_TYPE, problemBody } from "./api/problems.ts";
import { createApp } from "./app.ts";
import { openCatalogue } from "./catalogue/catalogue.ts";
import type { AppDeps, PageBundle, ServerSettings } from "./deps.ts";
import { openDesk } from "./desk/desk.ts";
import { bundlePage } from "./page/bundle.ts";
import { ProblemError } from "./problem.ts";
import { openReplays } from "./replay/replays.ts";
import { openLaboratory } from "./runs/laboratory.ts";
import { addressOf, isLoopback, serverSettings } from "./server_settings.ts";
import { FolderLock, listenFailure } from "./serve_failure.ts";
import { EventStreams } from "./streams/event_streams.ts";
import type { GivenOptions } from "./terminal/options.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** Ms for which answers under way may go on when the server stops. */
const GRACE_MS = 2_000;

/** A server that runs. */
export interface RunningServer {
  /** With the port that it has. */
  readonly settings: ServerSettings;
  /** The address to open. */
  readonly address: string;
  readonly deps: AppDeps;
  /** Ends it; resolves when all of it has ended. */
  close(): Promise<void>;
}

/** What a server may be started with besides its settings. */
export interface ServerExtras {
  readonly log?: ErrorLog;
  /** Instead of the page bundled now. */
  readonly page?: PageBundle;
  /** Ms for which answers under way may go on when it ends. */
  readonly graceMilliseconds?: number;
}

/** Everything of a server that has to be ended. */
class Parts {
  readonly streams: EventStreams = new EventStreams();
  deps: AppDeps | undefined;

  async open(settings: ServerSettings, extras: ServerExtras): Promise<AppDeps> {
    const { folder } = settings;
    const [laboratory, page] = await Promise.all([
      openLaboratory({ folder }),
      extras.page ?? bundlePage(),
    ]);
    this.deps = {
      laboratory,
      desk: openDesk({ folder, page }),
      replays: openReplays({ folder }),
      catalogue: openCatalogue(),
      page,
      settings,
    };
    return this.deps;
  }

  async close(): Promise<void> {
    this.streams.close();
    this.deps?.desk.close();
    this.deps?.replays.close();
    await this.deps?.laboratory.close();
  }
}

function refusal(request: Request, isStopping: boolean): Response {
  const detail = isStopping ? "It takes nothing new" : "It is still starting; come again";
  const problem = new ProblemError("stopping", detail);
  const body = problemBody(problem, new URL(request.url).pathname);
  const headers = { "Content-Type": PROBLEM_TYPE, "Cache-Control": "no-store", "Retry-After": "1" };
  return jsonAnswer(body, body.status, headers);
}

/** Answers that are being given. */
class UnderWay {
  readonly #answers: Set<Promise<void>> = new Set();

  add(completed: Promise<void>): void {
    const given = completed.catch(() => {
      // Its client went away.
    }).finally(() => this.#answers.delete(given));
    this.#answers.add(given);
  }

  /** Resolves when all have been given, or after so many ms. */
  async given(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    await Promise.race([Promise.all(this.#answers), promise]);
    clearTimeout(timer);
  }
}

/**
 * Starts a server.
 *
 * @throws {UsageError} if it cannot have the port or the folder.
 */
export async function startServer(
  settings: ServerSettings,
  extras: ServerExtras = {},
): Promise<RunningServer> {
  const lock = new FolderLock(settings);
  let app: Api | undefined;
  let isStopping = false;
  const abort = new AbortController();
  const underWay = new UnderWay();
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({
      hostname: settings.host.replace(/^\[(.*)\]$/, "$1"),
      port: settings.port,
      signal: abort.signal,
      onListen: () => {},
    }, (request, { completed }) => {
      underWay.add(completed);
      if (app === undefined || isStopping) return refusal(request, isStopping);
      return app.fetch(request);
    });
  } catch (error) {
    lock.release();
    throw listenFailure(error, settings);
  }
  const own = { ...settings, port: server.addr.port };
  const parts = new Parts();
  const close = async (): Promise<void> => {
    isStopping = true;
    try {
      await Promise.all([parts.close(), underWay.given(extras.graceMilliseconds ?? GRACE_MS)]);
      abort.abort();
      await server.finished;
    } finally {
      lock.release();
    }
  };
  try {
    const deps = await parts.open(own, extras);
    const log = extras.log === undefined ? {} : { log: extras.log };
    app = createApp(deps, { ...log, streams: parts.streams });
    return { settings: own, address: addressOf(own), deps, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM"];

/** Resolves when the user or the host wants the process to end. */
async function stopWanted(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const listener = (): void => resolve();
  for (const signal of SIGNALS) Deno.addSignalListener(signal, listener);
  try {
    await promise;
  } finally {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, listener);
  }
}

/** Runs `serve`: serves until it is told to end. */
export async function runServe(options: GivenOptions, terminal: Terminal): Promise<number> {
  const settings = serverSettings(options);
  // Listened for from the beginning, so that a signal while it starts is not lost.
  const stop = stopWanted();
  const server = await startServer(settings, {
    log: (error) => terminal.err(`Internal error: ${stackOf(error)}\n`),
  });
  const who = isLoopback(settings.host) ? "" : " Whoever has this address can use it.";
  terminal.out(`Open ${server.address} in a browser; Ctrl-C stops the server.${who}\n`);
  await stop;
  terminal.err("Stopping: what runs is marked as interrupted.\n");
  await server.close();
  return EXIT.ok;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
