/**
 * What stands before every route: the answers' headers, then the address, the host, the site a
 * request comes from, and the token. They only refuse; a refusal is a {@linkcode ProblemError}
 * that the application turns into its answer, and that answer gets the headers too.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import type { ServerSettings } from "../deps.ts";
import { addressGuard } from "./address.ts";
import { perfettoSharing } from "./cors.ts";
import { answerHeaders } from "./headers.ts";
import { hostGuard } from "./host.ts";
import { originGuard } from "./origin.ts";
import { tokenGuard } from "./token.ts";

/** The guards in the order in which they are to be mounted, on every path. */
export function guards(settings: ServerSettings): readonly MiddlewareHandler[] {
  return [
    answerHeaders(),
    addressGuard(),
    hostGuard(settings),
    perfettoSharing(),
    originGuard(),
    ...(settings.token === undefined ? [] : [tokenGuard(settings.token, settings.port)]),
  ];
}
