/**
 * Those who wait for the desk, and workers that fail.
 *
 * @module
 */
import { ok, rejects, strictEqual } from "node:assert/strict";
import { openDesk } from "../../../server/desk/desk.ts";
import { ProblemError } from "../../../server/problem.ts";
import { DeskFolder, events, is, traceText } from "./desk_kit.ts";

const MUTE = new URL("./mute_worker.ts", import.meta.url);

/** A desk whose worker never answers, but for `loud`. */
function muteDesk(line: { milliseconds?: number; graceMilliseconds?: number; most?: number } = {}) {
  return new DeskFolder({ line: { entry: MUTE, graceMilliseconds: 1, ...line } });
}

Deno.test("WorkLine gives a job up that takes too long", async () => {
  await using folder = muteDesk({ milliseconds: 1 });
  const limit = { name: "deskMilliseconds", max: 1 };
  await rejects(folder.desk.inspect("mute"), is("too-many", { limit, retryAfter: 2 }));
});

Deno.test("WorkLine gives a job up whose answer nobody wants, where it waits or runs", async () => {
  await using folder = muteDesk();
  const first = new AbortController();
  const second = new AbortController();
  const running = folder.desk.inspect("mute", first.signal);
  const waiting = folder.desk.inspect("mute", second.signal);
  const last = folder.desk.inspect("loud");
  second.abort(new Error("left the line"));
  await rejects(waiting, /left the line/);
  first.abort(new Error("went away"));
  await rejects(running, /went away/);
  strictEqual((await last).format, "loud");
  await rejects(folder.desk.inspect("loud", AbortSignal.abort(new Error("never came"))), /never/);
});

Deno.test("WorkLine takes only so many at one time", async () => {
  await using folder = muteDesk({ most: 3 });
  const left = new AbortController();
  const asked = Array.from({ length: 3 }, () => folder.desk.inspect("mute", left.signal));
  const limit = { name: "deskRequests", max: 3 };
  await rejects(folder.desk.inspect("loud"), is("too-many", { limit, retryAfter: 2 }));
  left.abort(new Error("gone"));
  for (const each of asked) await rejects(each, /gone/);
  strictEqual((await folder.desk.inspect("loud")).format, "loud");
});

Deno.test("WorkLine takes a new worker when one fails, and fails only the job at hand", async () => {
  await using folder = muteDesk();
  const failing = folder.desk.inspect("crash");
  const next = folder.desk.inspect("loud");
  await rejects(failing, (error) => {
    ok(error instanceof Error && !(error instanceof ProblemError), "a defect, no problem");
    return /crashed/.test(error.message);
  });
  strictEqual((await next).format, "loud");
});

Deno.test("WorkLine fails the job where its worker cannot be loaded", async () => {
  const entry = new URL("nonsense:worker");
  await using folder = new DeskFolder({ line: { entry } });
  await rejects(folder.desk.inspect("loud"), /worker failed/);
  await rejects(folder.desk.inspect("loud"), /worker failed/, "and the next one too");
});

Deno.test({
  name: "WorkLine fails the job where the host does not give the rights for a worker",
  permissions: { read: true, write: false },
  fn: async () => {
    const desk = openDesk({ folder: "/nowhere", line: { entry: MUTE } });
    await rejects(desk.inspect("loud"), /worker failed/);
    await rejects(desk.inspect("loud"), /worker failed/, "and the next one too");
    desk.close();
  },
});

Deno.test("close ends the worker, so that the process can end", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-lock", "--no-check", "--cached-only", "--allow-read", "--allow-write=/tmp"],
      new URL("./closing_desk.ts", import.meta.url).href,
    ],
    cwd: new URL("../../../", import.meta.url),
    stderr: "null",
  }).output();
  strictEqual(new TextDecoder().decode(stdout), "not-readable\n");
  strictEqual(code, 0);
});

Deno.test("WorkLine tells all who wait that the server is stopping", async () => {
  await using folder = muteDesk();
  const asked = [folder.desk.inspect("mute"), folder.desk.inspect("loud")];
  folder.desk.close();
  for (const each of asked) await rejects(each, is("stopping"));
  await rejects(folder.desk.inspect("loud"), is("stopping"));
  folder.desk.close();
});

Deno.test("the desk's worker stops in the middle of a long job that is given up", async () => {
  await using folder = new DeskFolder({ line: { graceMilliseconds: 600_000 } });
  const small = folder.run(traceText(events([{ actor: "A" }])));
  await folder.desk.search(small, "a", 0, 1);
  const many = events(Array.from({ length: 30_000 }, () => ({ actor: "A" })));
  const run = folder.run(traceText(many));
  const left = new AbortController();
  // One worker does both: the second is answered only because it lets go of the first.
  const long = folder.desk.report(run, "json", left.signal);
  const next = folder.desk.search(small, "a", 0, 1);
  left.abort(new Error("gone"));
  await rejects(long, /gone/);
  strictEqual((await next).seqs.length, 1);
  strictEqual([...Deno.readDirSync(run.folder)].length, 1, "it did not get to write the report");
});
