/**
 * Connections that say nothing.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import { guarded } from "./guard_kit.ts";

const CONNECTIONS = 1000;

Deno.test("a thousand idle connections do not keep the server from answering", async () => {
  const { app } = guarded({ port: 0 });
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    app.fetch,
  );
  const { port } = server.addr;
  const idle: Deno.Conn[] = [];
  try {
    for (let count = 0; count < CONNECTIONS; count++) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      idle.push(connection);
      // Half of them begin a request that they never end.
      if (count % 2 === 0) {
        await connection.write(new TextEncoder().encode("POST /api/runs HTTP/1.1\r\nHost: "));
      }
    }
    for (let count = 0; count < 20; count++) {
      const answer = await fetch(`http://127.0.0.1:${port}/api/runs`);
      strictEqual(answer.status, 200);
      strictEqual((await answer.json()).runs.length, 0);
    }
  } finally {
    for (const connection of idle) connection.close();
  }
});

Deno.test("a rebound name and a header split are refused on the wire as well", async () => {
  const { app, reached } = guarded({ port: 0 });
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    app.fetch,
  );
  const say = async (text: string): Promise<string> => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    await connection.write(new TextEncoder().encode(text));
    return await new Response(connection.readable).text().catch(() => "closed");
  };
  const close = "Connection: close\r\n\r\n";
  const status = async (text: string) => (await say(text)).slice(9, 12);
  strictEqual(await status(`GET /api/runs HTTP/1.1\r\nHost: localhost\r\n${close}`), "200");
  strictEqual(await status(`GET /api/runs HTTP/1.1\r\nHost: evil.example\r\n${close}`), "403");
  strictEqual(
    await status(`GET http://evil.example/api/runs HTTP/1.1\r\nHost: localhost\r\n${close}`),
    "403",
  );
  strictEqual(await status(`GET /..%2f..%2fetc HTTP/1.1\r\nHost: localhost\r\n${close}`), "400");
  strictEqual(reached(), 1);
});
