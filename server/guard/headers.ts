/**
 * Headers of every answer, also of errors: what a browser may do with it. The page runs its own
 * script and style and talks to its own server; answers of the API are data and run nothing.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { CHALLENGE } from "./token.ts";

/** What the page may load. Scripts make HTML through lit-html's templates only. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types lit-html",
].join("; ");

/** What an answer of the API may load: nothing. */
export const DATA_POLICY =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const ALWAYS: readonly (readonly [name: string, value: string])[] = [
  ["X-Content-Type-Options", "nosniff"],
  ["Referrer-Policy", "no-referrer"],
  ["Cross-Origin-Opener-Policy", "same-origin"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  [
    "Permissions-Policy",
    "camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), midi=(), payment=(), " +
    "serial=(), usb=()",
  ],
];

/** Adds them. To be mounted first, so that refusals of the other guards get them too. */
export function answerHeaders(): MiddlewareHandler {
  return async function addHeaders(context, next) {
    await next();
    const { headers, status } = context.res;
    for (const [name, value] of ALWAYS) headers.set(name, value);
    const isData = context.req.path.startsWith("/api");
    headers.set("Content-Security-Policy", isData ? DATA_POLICY : PAGE_POLICY);
    if (status === 401) headers.set("WWW-Authenticate", CHALLENGE);
  };
}
