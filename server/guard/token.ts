/**
 * The token. Programs send it as a bearer; a browser visits `/?token=…` once and is given a
 * cookie, because neither a page's address nor an EventSource can carry a header. The cookie holds
 * what follows from the token, not the token, and the address is left at once.
 *
 * Promises: what was sent is compared by digest in constant time and never repeated.
 *
 * @module
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { ProblemError } from "../problem.ts";

/** What a 401 asks for. */
export const CHALLENGE = 'Bearer realm="kjump"';

/** Compares texts of whatever length in a time that does not depend on where they differ. */
export function isSameSecret(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** Name of the cookie: cookies do not know ports, servers of one computer must. */
export function cookieName(port: number): string {
  return port === 0 ? "kjump" : `kjump-${port}`;
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? "").split(";")) {
    const at = part.indexOf("=");
    if (at >= 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +([^\s]+)$/i.exec(header ?? "")?.[1];
}

/** Refuses requests without the token. */
export function tokenGuard(token: string, port: number): MiddlewareHandler {
  const name = cookieName(port);
  const session = createHmac("sha256", token).update("cookie").digest("hex");
  const refuse = (): never => {
    throw new ProblemError(
      "token-required",
      "Send 'Authorization: Bearer' with the token that the server printed, or open the address " +
        "it printed in the browser once",
    );
  };
  return async function checkToken(context, next) {
    const { method, path } = context.req;
    const visited = path === "/" && method === "GET" ? context.req.query("token") : undefined;
    if (visited !== undefined) {
      if (!isSameSecret(visited, token)) refuse();
      return new Response(null, {
        status: 303,
        headers: {
          "Location": "/",
          "Set-Cookie": `${name}=${session}; Path=/; HttpOnly; SameSite=Strict`,
          "Cache-Control": "no-store",
        },
      });
    }
    const bearer = bearerOf(context.req.header("authorization"));
    const cookie = cookieOf(context.req.header("cookie"), name);
    const isKnown = bearer !== undefined
      ? isSameSecret(bearer, token)
      : cookie !== undefined && isSameSecret(cookie, session);
    if (!isKnown) refuse();
    await next();
    return undefined;
  };
}
