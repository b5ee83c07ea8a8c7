/**
 * Settings of the server out of the command line's options.
 *
 * @module
 */
import { UsageError } from "../machine/errors.ts";
import type { ServerSettings } from "./deps.ts";
import type { GivenOptions } from "./terminal/options.ts";

const TOKEN = /^[A-Za-z0-9._~-]{16,200}$/;
const HOST_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i;
const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|::1|\[::1\])$/i;
/** Listening on these is listening on every address. */
const EVERYWHERE: readonly string[] = ["0.0.0.0", "::", "[::]"];

const TOKEN_BYTES = 24;

/** Whether only this computer can reach an address. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** A token that nobody guesses. */
export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  return bytes.toBase64({ alphabet: "base64url" });
}

/** @throws {UsageError} if a token or a name is none. */
export function serverSettings(options: GivenOptions): ServerSettings {
  const host = options.text("host") ?? "127.0.0.1";
  const given = options.text("token");
  if (given !== undefined && !TOKEN.test(given)) {
    throw new UsageError(
      "serve: --token: it has 16 to 200 letters, digits or any of . _ ~ -, so that it can stand " +
        "in an address and cannot be guessed",
    );
  }
  const hostNames = (options.text("host-name") ?? "").split(",").map((name) => name.trim())
    .filter((name) => name !== "");
  if (!hostNames.every((name) => HOST_NAME.test(name))) {
    throw new UsageError(
      "serve: --host-name: names are of letters, digits, dots and hyphens, with commas between " +
        "them and without a port",
    );
  }
  const token = given ?? (isLoopback(host) ? undefined : newToken());
  return {
    host,
    port: options.number("port") ?? 8080,
    ...token === undefined ? {} : { token },
    hostNames,
    folder: options.text("folder") ?? "out/server",
  };
}

/** The address to open. */
export function addressOf({ host, port, token, hostNames }: ServerSettings): string {
  const [first] = hostNames;
  const isAnywhere = EVERYWHERE.includes(host);
  const plain = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const name = isLoopback(host) ? plain : first ?? (isAnywhere ? "localhost" : plain);
  const query = token === undefined ? "" : `?token=${token}`;
  return `http://${name}:${port}/${query}`;
}
