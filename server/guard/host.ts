/**
 * The host a request is for. A page of another site can make its own name point to 127.0.0.1 (DNS
 * rebinding) and would then be of one origin with this server; the name in the request is what
 * gives it away. An address of numbers cannot be rebound.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import type { ServerSettings } from "../deps.ts";
import { ProblemError } from "../problem.ts";

/** Hosts that are always this computer. */
const LOOPBACK: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];
/** Listening on these is listening on every address of the computer. */
const EVERY_ADDRESS: readonly string[] = ["0.0.0.0", "::", "[::]"];

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?$/;
const NUMBERS = /^(?:\[[0-9a-f:.]+\]|[0-9]{1,3}(?:\.[0-9]{1,3}){3})$/;

/** How the host of a request is written in its `Host` header or its address. */
interface Host {
  readonly name: string;
  readonly port: number;
}

function parseHost(text: string, protocol: string): Host | undefined {
  const [, name, port] = HOST.exec(text.toLowerCase()) ?? [];
  if (name === undefined) return undefined;
  const usual = protocol === "https:" ? 443 : 80;
  return { name, port: port === undefined ? usual : Number(port) };
}

function bracketed(host: string): string {
  const name = host.toLowerCase();
  return name.includes(":") && !name.startsWith("[") ? `[${name}]` : name;
}

/** Refuses requests for hosts that are not this server. */
export function hostGuard(settings: ServerSettings): MiddlewareHandler {
  const own = new Set([...LOOPBACK, bracketed(settings.host)]);
  // Behind a proxy or a tunnel the port is another one, so further names go with any.
  const further = new Set(settings.hostNames.map((name) => name.toLowerCase()));
  const everywhere = EVERY_ADDRESS.includes(settings.host);
  const isOurs = ({ name, port }: Host): boolean => {
    if (further.has(name)) return true;
    if (settings.port !== 0 && port !== settings.port) return false;
    return own.has(name) || (everywhere && NUMBERS.test(name));
  };
  return async function checkHost(context, next) {
    const url = new URL(context.req.url);
    // HTTP/2 has the host in the address only; HTTP/1.1 may have it in both, and then both count.
    const header = context.req.header("host");
    for (const text of header === undefined ? [url.host] : [header, url.host]) {
      const host = parseHost(text, url.protocol);
      if (host !== undefined && isOurs(host)) continue;
      throw new ProblemError(
        "foreign-host",
        "Reach the server by the address it printed, or start it with --host-name for this one",
      );
    }
    await next();
  };
}
