/**
 * Hosts that the server answers for, and those it does not.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import type { ServerSettings } from "../../../server/deps.ts";
import { ask, guarded, problemOf } from "./guard_kit.ts";

async function problem(host: string, settings: Partial<ServerSettings> = {}): Promise<string> {
  const { app, reached } = guarded(settings);
  const response = await ask(app, "http://localhost:8473/api/runs", { headers: { host } });
  const name = await problemOf(response);
  strictEqual(reached(), name === "" ? 1 : 0);
  return name;
}

Deno.test("hostGuard lets pass the names of this computer with the server's port", async () => {
  for (const host of ["localhost:8473", "127.0.0.1:8473", "[::1]:8473", "LocalHost:8473"]) {
    strictEqual(await problem(host), "", host);
  }
});

Deno.test("hostGuard refuses a name that was rebound to this computer, and other ports", async () => {
  const hosts = [
    "evil.example:8473",
    "localhost.evil.example:8473",
    "localhost:8474",
    "localhost",
    "localhost:8473.evil.example",
    "evil@localhost:8473",
    "localhost:8473, evil.example",
    "192.168.1.5:8473",
    "127.0.0.1.evil.example:8473",
    "[::1]:8473@evil.example",
    "",
  ];
  for (const host of hosts) strictEqual(await problem(host), "foreign-host", host);
});

Deno.test("hostGuard looks at the address too, which HTTP/2 has in the place of a header", async () => {
  const { app } = guarded();
  const evil = await app.request("http://evil.example:8473/api/runs");
  strictEqual(await problemOf(evil), "foreign-host");
  const both = await ask(app, "http://evil.example:8473/api/runs", {
    headers: { host: "localhost:8473" },
  });
  strictEqual(await problemOf(both), "foreign-host");
  strictEqual(await problemOf(await app.request("http://localhost:8473/api/runs")), "");
});

Deno.test("hostGuard takes any port where the server's is not known yet, but no other name", async () => {
  strictEqual(await problem("localhost:50000", { port: 0 }), "");
  strictEqual(await problem("localhost", { port: 0 }), "");
  strictEqual(await problem("evil.example:50000", { port: 0 }), "foreign-host");
});

Deno.test("hostGuard takes port 80 as written when it is not", async () => {
  strictEqual(await problem("localhost", { port: 80 }), "foreign-host", "the address has another");
  const { app } = guarded({ port: 80 });
  strictEqual(await problemOf(await ask(app, "http://localhost/api/runs")), "");
});

Deno.test("hostGuard takes the host and the names it was started with", async () => {
  const far = { host: "192.168.1.5", hostNames: ["Lab.Example"] };
  strictEqual(await problem("192.168.1.5:8473", far), "");
  strictEqual(await problem("lab.example", far), "", "behind a proxy, with its port");
  strictEqual(await problem("other.example:8473", far), "foreign-host");
  strictEqual(await problem("[fd00::5]:8473", { host: "fd00::5" }), "");
});

Deno.test("hostGuard of a server on every address takes addresses of numbers, never names", async () => {
  for (const host of ["0.0.0.0", "::"]) {
    strictEqual(await problem("192.168.1.5:8473", { host }), "");
    strictEqual(await problem("[fd00::5]:8473", { host }), "");
    strictEqual(await problem("192.168.1.5:80", { host }), "foreign-host");
    strictEqual(await problem("evil.example:8473", { host }), "foreign-host");
  }
});
