/**
 * The one door for another site: Perfetto's viewer may fetch a run in its own form, so that a link
 * to the viewer can name the run. Nothing else is shared with anybody.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";

/** The viewer. */
export const PERFETTO_ORIGIN = "https://ui.perfetto.dev";

const PERFETTO_EXPORT = /^\/api\/runs\/[0-9a-f]{16,64}\/export\/perfetto$/;

/** Headers of answers that the viewer may read. */
export const SHARED_HEADERS: Readonly<Record<string, string>> = {
  "Access-Control-Allow-Origin": PERFETTO_ORIGIN,
  "Access-Control-Allow-Methods": "GET",
  "Access-Control-Allow-Private-Network": "true",
};

/** Whether a request is the viewer's, for what it may have. */
export function isShared(method: string, path: string, origin: string | undefined): boolean {
  return origin === PERFETTO_ORIGIN && PERFETTO_EXPORT.test(path) &&
    (method === "GET" || method === "OPTIONS");
}

/** Lets the viewer in, and answers a browser that asks beforehand whether it may. */
export function perfettoSharing(): MiddlewareHandler {
  return async function sharePerfetto(context, next) {
    const { method, path } = context.req;
    const shared = isShared(method, path, context.req.header("origin"));
    if (shared && method === "OPTIONS") {
      return new Response(null, { status: 204, headers: { ...SHARED_HEADERS, Vary: "Origin" } });
    }
    await next();
    if (PERFETTO_EXPORT.test(path)) context.res.headers.append("Vary", "Origin");
    if (shared) {
      for (const [name, value] of Object.entries(SHARED_HEADERS)) {
        context.res.headers.set(name, value);
      }
    }
    return undefined;
  };
}
