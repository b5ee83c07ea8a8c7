/**
 * The HTTP application: guards, routes and errors put together, without a port. Tests call
 * `app.request`, `server/serve.ts` listens.
 *
 * @module
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import { describeService } from "./api/document.ts";
import type { Api, Environment } from "./api/operation.ts";
import { type ErrorLog, problemAnswer, problemOf } from "./api/problems.ts";
import { catalogueRoutes } from "./api/routes_catalogue.ts";
import { eventRoutes } from "./api/routes_events.ts";
import { momentRoutes } from "./api/routes_moments.ts";
import { resultRoutes } from "./api/routes_results.ts";
import { runRoutes } from "./api/routes_runs.ts";
import { serviceRoutes } from "./api/routes_service.ts";
import { uploadRoutes } from "./api/routes_uploads.ts";
import { timings } from "./api/timing.ts";
import { unknownPath } from "./api/unknown_path.ts";
import type { AppDeps } from "./deps.ts";
import { guards } from "./guard/guards.ts";
import { EventStreams } from "./streams/event_streams.ts";

/** What the application may be given besides. */
export interface AppExtras {
  /** Told of defects; nobody unless given. */
  readonly log?: ErrorLog;
  /** The open streams, for whoever wants to end them. */
  readonly streams?: EventStreams;
}

/** Makes the application. */
export function createApp(deps: AppDeps, extras: AppExtras = {}): Api {
  const { log = () => {}, streams = new EventStreams() } = extras;
  const app = new OpenAPIHono<Environment>();
  app.onError((error, context) => {
    // Its client has gone, and with it whoever could be told.
    if (context.req.raw.signal.aborted) return new Response(null, { status: 499 });
    return problemAnswer(context, problemOf(error, log));
  });
  app.notFound(unknownPath(app));
  app.use(...guards(deps.settings));
  app.use("/api/*", timings());
  describeService(app);
  const wiring = { app, deps, streams };
  runRoutes(wiring);
  eventRoutes(wiring);
  momentRoutes(wiring);
  resultRoutes(wiring);
  uploadRoutes(wiring);
  catalogueRoutes(wiring);
  serviceRoutes(wiring);
  return app;
}
