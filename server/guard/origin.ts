/**
 * The site a request comes from. What changes something is taken from the server's own page and
 * from programs only: a form of another site can post here with a content type that no browser
 * asks about beforehand. What is read by another site's page (a script or picture element) is
 * refused too; following a link to here is not.
 *
 * Browsers tell the site in `Origin` and `Sec-Fetch-Site`; programs send neither.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { ProblemError } from "../problem.ts";
import { isShared } from "./cors.ts";

const READING: readonly string[] = ["GET", "HEAD", "OPTIONS"];

/** Whether the origin is the host that the request is for, which is ours. */
function isOwn(origin: string, host: string): boolean {
  try {
    const { protocol, host: from } = new URL(origin);
    if (protocol !== "http:" && protocol !== "https:") return false;
    // A default port may be written or not.
    return new URL(`${protocol}//${host}`).host === from;
  } catch {
    return false;
  }
}

function isForeign(context: Context): boolean {
  const site = context.req.header("sec-fetch-site");
  if (site !== undefined && site !== "same-origin" && site !== "none") return true;
  const origin = context.req.header("origin");
  if (origin === undefined) return false;
  return !isOwn(origin, context.req.header("host") ?? new URL(context.req.url).host);
}

function isNavigation(context: Context): boolean {
  return context.req.method === "GET" && context.req.header("sec-fetch-mode") === "navigate" &&
    context.req.header("sec-fetch-dest") === "document";
}

/** Refuses requests of other sites. The host has been checked before. */
export function originGuard(): MiddlewareHandler {
  return async function checkOrigin(context, next) {
    const { method, path } = context.req;
    if (isForeign(context)) {
      if (!READING.includes(method)) {
        throw new ProblemError("foreign-origin", "Do this from the server's own page");
      }
      const open = !path.startsWith("/api") || isNavigation(context) ||
        isShared(method, path, context.req.header("origin"));
      if (!open) {
        throw new ProblemError("foreign-origin", "Another site's page may not read this");
      }
    }
    await next();
  };
}
