/**
 * `serve`: the whole server with its real parts, at a port; its failures; its end.
 *
 * @module
 */
import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { UsageError } from "../../../machine/errors.ts";
import { isProblem, kjump } from "../../../server/client.ts";
import type { ServerSettings } from "../../../server/deps.ts";
import { startServer } from "../../../server/serve.ts";
import { listenFailure } from "../../../server/serve_failure.ts";
import { addressOf, isLoopback, serverSettings } from "../../../server/server_settings.ts";
import { COMMANDS } from "../../../server/terminal/commands.ts";
import { readOptions } from "../../../server/terminal/options.ts";
import { ScratchFolder } from "../terminal_kit.ts";
import { FAKE_PAGE } from "./fake_catalogue.ts";

/** A machine that is on for a moment. */
const TRANSCRIPT = {
  kind: "transcript" as const,
  name: "short",
  text: [
    "# A short run",
    "",
    "```machine",
    "memory: 64M",
    "```",
    "",
    "```console",
    "# power on",
    "A:~# echo there",
    "there",
    "# pull the plug",
    "```",
    "",
  ].join("\n"),
};

function settingsIn(folder: ScratchFolder): ServerSettings {
  return { host: "127.0.0.1", port: 0, hostNames: [], folder: folder.path };
}

const EXTRAS = { page: FAKE_PAGE };

Deno.test("startServer runs a machine, tells of it, and has it again after a restart", async () => {
  using folder = new ScratchFolder();
  const first = await startServer(settingsIn(folder), EXTRAS);
  let run = "";
  let seqs: number[] = [];
  try {
    const client = kjump(first.address);
    run = (await client.start(TRANSCRIPT)).run;
    for await (const { seq } of client.events(run)) seqs.push(seq);
    const { status, events, sha256 } = await client.run(run);
    deepStrictEqual([status, events], ["finished", seqs.length], "the run's end");
    deepStrictEqual(seqs, Array.from(seqs, (_, index) => index));
    ok(seqs.length > 50);
    const middle = seqs.length >> 1;
    strictEqual((await client.event(run, middle)).event.seq, middle);
    strictEqual((await client.machine(run, middle)).at, middle);
    ok((await client.memory(run, middle)).frames > 0);
    ok((await client.disk(run)).sectors > 0);
    ok((await client.search(run, "console")).seqs.length > 0);
    strictEqual(typeof JSON.parse(await client.report(run)), "object");
    ok((await (await client.export(run, "mermaid")).text()).startsWith("sequenceDiagram"));
    const whole = await fetch(`${first.address}api/runs/${run}/events`);
    strictEqual(whole.headers.get("etag")?.slice(1, 65), sha256);
    await whole.body?.cancel();
    ok((await client.scenarios()).length > 10);
    ok((await client.rules()).length > 10);
  } finally {
    await first.close();
  }
  const second = await startServer(settingsIn(folder), EXTRAS);
  try {
    const client = kjump(second.address);
    strictEqual((await client.run(run)).status, "finished");
    strictEqual((await client.start(TRANSCRIPT)).run, run);
    const again: number[] = [];
    for await (const { seq } of client.events(run)) again.push(seq);
    deepStrictEqual(again, seqs);
    seqs = [];
    const fork = await client.fork(run, again.length >> 1, { do: "cut_power", durable: "all" });
    strictEqual((await client.wait(fork.run)).parent?.run, run);
    await client.remove(fork.run);
    await rejects(client.run(fork.run), (error) => isProblem(error) && error.status === 404);
  } finally {
    await second.close();
  }
});

Deno.test("startServer takes what a person types while the machine runs", async () => {
  using folder = new ScratchFolder();
  const server = await startServer(settingsIn(folder), EXTRAS);
  try {
    const client = kjump(server.address);
    const { run } = await client.start({ kind: "live", machine: { memoryMiB: 64 } });
    strictEqual((await client.wait(run)).status, "waiting");
    await client.input(run, "# power on");
    const { standing } = await client.run(run);
    strictEqual(standing?.off, false);
    strictEqual((await client.cancel(run)).status, "cancelled");
  } finally {
    await server.close();
  }
});

Deno.test("startServer imports what is uploaded and cuts off what is broken", async () => {
  using folder = new ScratchFolder();
  const server = await startServer(settingsIn(folder), EXTRAS);
  try {
    const client = kjump(server.address);
    const { run } = await client.start(TRANSCRIPT, 30);
    const trace = await (await client.export(run, "ndjson")).bytes();
    const summary = await client.upload(trace, "mine.ndjson");
    deepStrictEqual([summary.kind, summary.replayable], ["import", false]);
    await rejects(client.memory(summary.run, 1), (error) => {
      return isProblem(error) && error.problem.type === "/problems/not-replayable";
    });
    match((await client.inspect(trace)).format, /trace/i);
    await rejects(client.upload("nothing of any kind"), (error) => {
      return isProblem(error) && error.status === 422;
    });
  } finally {
    await server.close();
  }
});

Deno.test("startServer ends streams when it ends", async () => {
  using folder = new ScratchFolder();
  const server = await startServer(settingsIn(folder), EXTRAS);
  const client = kjump(server.address, { tries: 1 });
  const { run } = await client.start({ kind: "live", machine: { memoryMiB: 64 } });
  await client.wait(run);
  let closed: Promise<void> | undefined;
  const changes = (async () => {
    for await (const _ of client.changes(run)) closed ??= server.close();
  })();
  await changes.catch(() => {});
  await closed;
  ok(closed !== undefined);
  const again = await startServer(settingsIn(folder), EXTRAS);
  try {
    strictEqual((await kjump(again.address).run(run)).status, "interrupted");
  } finally {
    await again.close();
  }
});

Deno.test("startServer ends also where a client does not take what it asked for", async () => {
  using folder = new ScratchFolder();
  const server = await startServer(settingsIn(folder), { ...EXTRAS, graceMilliseconds: 50 });
  const client = kjump(server.address);
  const { run } = await client.start(TRANSCRIPT, 30);
  const stalled = await client.image(run, "disk");
  await server.close();
  await rejects(stalled.bytes());
});

Deno.test("startServer refuses a port and a folder that somebody has, and leaves nothing", async () => {
  using folder = new ScratchFolder();
  using other = new ScratchFolder();
  const server = await startServer(settingsIn(folder), EXTRAS);
  try {
    await rejects(startServer(settingsIn(folder), EXTRAS), (error) => {
      return error instanceof UsageError && /another server has/.test(error.message);
    });
    const taken = { ...settingsIn(other), port: server.settings.port };
    await rejects(startServer(taken, EXTRAS), (error) => {
      return error instanceof UsageError && /is taken.*--port 0/.test(error.message);
    });
    // The lock of the one that could not listen has been given back.
    await (await startServer(settingsIn(other), EXTRAS)).close();
  } finally {
    await server.close();
  }
});

Deno.test("serverSettings wants or makes a token where others can reach the server", () => {
  const given = (...args: string[]): ServerSettings => {
    const command = COMMANDS["serve"];
    if (command === undefined) throw new Error("no such command");
    return serverSettings(readOptions(command, args));
  };
  const local = given();
  deepStrictEqual(local, {
    host: "127.0.0.1",
    port: 8080,
    hostNames: [],
    folder: "out/server",
  });
  match(given("--host", "0.0.0.0").token ?? "", /^[A-Za-z0-9_-]{32}$/);
  ok(given("--host", "::").token !== given("--host", "::").token);
  strictEqual(given("--token", "0123456789abcdef").token, "0123456789abcdef");
  deepStrictEqual(given("--host-name", "lab.local, lab").hostNames, ["lab.local", "lab"]);
  throws(() => given("--token", "short"), /--token: it has 16 to 200/);
  throws(() => given("--token", "with blanks in it ..."), /--token/);
  throws(() => given("--host-name", "lab:80"), /--host-name/);
  throws(() => given("--port", "65536"), /--port/);
});

Deno.test("isLoopback and addressOf know what only this computer reaches", () => {
  for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"]) ok(isLoopback(host));
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "127.evil.com", "localhost.evil.com"]) {
    ok(!isLoopback(host), host);
  }
  const settings = { host: "127.0.0.1", port: 80, hostNames: [], folder: "" };
  strictEqual(addressOf(settings), "http://127.0.0.1:80/");
  strictEqual(addressOf({ ...settings, host: "::1" }), "http://[::1]:80/");
  const open = { ...settings, host: "0.0.0.0", token: "t" };
  strictEqual(addressOf(open), "http://localhost:80/?token=t");
  strictEqual(addressOf({ ...open, hostNames: ["lab"] }), "http://lab:80/?token=t");
});

Deno.test("listenFailure says for each failure what to do", () => {
  const settings = { host: "0.0.0.0", port: 80, hostNames: [], folder: "out" };
  const cases: readonly (readonly [Error, RegExp])[] = [
    [new Deno.errors.NotCapable("x"), /'deno task serve-open --host 0\.0\.0\.0 --port 80'/],
    [new Deno.errors.AddrInUse("x"), /--port 0/],
    [new Deno.errors.AddrNotAvailable("x"), /no address of this computer/],
    [new Deno.errors.PermissionDenied("x"), /above 1023/],
    [new Error("no such name"), /cannot listen on 0\.0\.0\.0: no such name/],
  ];
  for (const [error, sentence] of cases) {
    const failure = listenFailure(error, settings);
    ok(failure instanceof UsageError);
    match(failure.message, sentence);
  }
});

/** `deno run … cli.ts serve …` with the rights that its task gives. */
function serve(folder: ScratchFolder, ...args: string[]): Deno.Command {
  const root = new URL("../../../", import.meta.url).pathname;
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      `--lock=${root}run.lock`,
      "--no-prompt",
      "--allow-read",
      `--allow-write=${folder.path}`,
      "--allow-net=127.0.0.1,localhost,[::1]",
      `${root}cli.ts`,
      "serve",
      ...args,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  });
}

Deno.test("serve prints where it is and ends with 0 when it is told to end", async () => {
  using folder = new ScratchFolder();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const child = serve(folder, "--port", "0", "--folder", folder.path).spawn();
    const lines: string[] = [];
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      lines.push(text);
      const address = /^Open (http:\/\/127\.0\.0\.1:[0-9]+\/) in a browser; Ctrl-C/.exec(text)?.[1];
      ok(address !== undefined, text);
      const page = await fetch(address);
      match(await page.text(), /<!doctype html>/i);
      child.kill(signal);
    }
    const [{ success }, failures] = await Promise.all([
      child.status,
      new Response(child.stderr).text(),
    ]);
    strictEqual(lines.length, 1, failures);
    ok(success, signal);
    match(failures, /^Stopping: [^\n]*\n$/);
  }
});

Deno.test("serve says what to do where it may not listen or write", async () => {
  using folder = new ScratchFolder();
  const open = await serve(folder, "--host", "0.0.0.0", "--folder", folder.path).output();
  strictEqual(open.code, 2);
  match(new TextDecoder().decode(open.stderr), /run 'deno task serve-open --host 0\.0\.0\.0/);
  const elsewhere = await serve(folder, "--folder", `${folder.path}-other`).output();
  strictEqual(elsewhere.code, 2);
  match(new TextDecoder().decode(elsewhere.stderr), /--allow-write=\S+-other .*cli\.ts serve/);
});

Deno.test("cli.ts needs no package but for serving", async () => {
  const root = new URL("../../../", import.meta.url).pathname;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-npm", "--no-lock", "--allow-read", `${root}cli.ts`, "serve", "--help"],
    env: { NO_COLOR: "1" },
  }).output();
  strictEqual(code, 0);
  match(new TextDecoder().decode(stdout), /^Usage: deno task serve /);
});
