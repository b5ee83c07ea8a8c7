/**
 * A small application behind the guards, as the server's own is, with errors as plain answers.
 *
 * @module
 */
import { Hono } from "hono";
import type { ServerSettings } from "../../../server/deps.ts";
import { attachment } from "../../../server/guard/attachment.ts";
import { readJson } from "../../../server/guard/body.ts";
import { guards } from "../../../server/guard/guards.ts";
import { ProblemError, PROBLEMS } from "../../../server/problem.ts";

/** Run that the small application knows. */
export const RUN = "df701ee5dfec7ae1";

/** Settings of a server at port 8473. */
export const SETTINGS: ServerSettings = {
  host: "127.0.0.1",
  port: 8473,
  hostNames: [],
  folder: "/nowhere",
};

/** The application; `reached` counts the requests that got past the guards. */
export function guarded(settings: Partial<ServerSettings> = {}): {
  readonly app: Hono;
  readonly reached: () => number;
} {
  const app = new Hono();
  let count = 0;
  for (const guard of guards({ ...SETTINGS, ...settings })) app.use(guard);
  app.use(async (_context, next) => {
    count++;
    await next();
  });
  app.get("/", (context) => context.html("<p>page</p>"));
  app.get("/api/runs", (context) => context.json({ runs: [] }));
  app.post("/api/runs", async (context) => {
    return context.json({ got: await readJson(context.req.raw) === undefined ? 0 : 1 });
  });
  app.get("/api/runs/:run/events", () => {
    return new Response("data: 1\n\n", { headers: { "Content-Type": "text/event-stream" } });
  });
  app.get("/api/runs/:run/export/:form", (context) => {
    context.header("Content-Disposition", attachment(context.req.query("name") ?? "run"));
    return context.json({});
  });
  app.onError((error, context) => {
    if (!(error instanceof ProblemError)) throw error;
    const { problem, message, details } = error;
    return context.json({ problem, message, details }, PROBLEMS[problem].status);
  });
  return { app, reached: () => count };
}

/** What a browser or program sends. */
export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
}

/** Sends a request to the application, by its usual address. */
export function ask(app: Hono, path: string, sent: Sent = {}): Promise<Response> {
  const url = path.startsWith("http") ? path : `http://localhost:8473${path}`;
  return Promise.resolve(app.request(url, {
    method: sent.method ?? "GET",
    headers: { host: new URL(url).host, ...sent.headers },
    ...(sent.body === undefined ? {} : { body: sent.body }),
  }));
}

/** Name of the problem that an answer tells of; "" where it is none. */
export async function problemOf(response: Response): Promise<string> {
  if (response.ok || response.status < 400) {
    await response.body?.cancel();
    return "";
  }
  const { problem }: { problem: string } = await response.json();
  return problem;
}
