/**
 * Addresses that no client of good will sends: too long, or with escapes that would mean something
 * else to whoever decodes them once more. No path of the server needs a slash, a backslash, a dot
 * or a control character in escaped form.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { ProblemError } from "../problem.ts";

/** Characters of a whole address (all ASCII after escaping, so bytes). */
export const ADDRESS_CHARACTERS_MAX = 8192;

/** Escaped slash, backslash, dot, percent sign, control character. */
const TRICK = /%(?:2f|5c|2e|25|[01][0-9a-f]|7f)/i;

/** Refuses such addresses. */
export function addressGuard(): MiddlewareHandler {
  return async function checkAddress(context, next) {
    const { url } = context.req;
    if (url.length > ADDRESS_CHARACTERS_MAX) {
      throw new ProblemError("bad-request", "The address is too long; put less into its query", {
        limit: { name: "addressCharacters", max: ADDRESS_CHARACTERS_MAX },
      });
    }
    const { pathname } = new URL(url);
    if (TRICK.test(pathname) || !decodes(pathname)) {
      throw new ProblemError(
        "bad-request",
        "The path has escapes that no path of this server has; write its names plainly",
      );
    }
    await next();
  };
}

function decodes(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
