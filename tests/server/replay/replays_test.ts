import assert from "node:assert/strict";
import { ProblemError } from "../../../server/problem.ts";
import { openReplays } from "../../../server/replay/replays.ts";
import type { Replays, StoredRun } from "../../../server/deps.ts";
import { inFolder, isFact, isProblem, keepCycle, seqOf } from "./replay_kit.ts";

/** A run of which nothing is there but what is told of it. */
function toldRun(run: string, more: Partial<StoredRun["summary"]> = {}): StoredRun {
  const header = {
    ...{ v: 1 as const, run, scenario: "s", seed: 1, profile: "p", version: "0" },
    ...{ actors: [], clock: "virtual" as const, order: "total" as const },
  };
  const log = {
    ...{ run, header, path: "/nowhere", firstByte: 0, events: 100, bytes: 0, ended: true },
    more: () => Promise.resolve(),
  };
  const summary = {
    ...{ run, kind: "cycle" as const, status: "finished" as const, scenario: "s", title: "s" },
    ...{ profile: "p", seed: 1, created: "", events: 100, vt: 0, replayable: true, links: {} },
    ...more,
  };
  return { run, folder: "/nowhere", log, summary };
}

async function withDying(test: (replays: Replays) => Promise<void>): Promise<void> {
  const worker = new URL("./dying_worker.ts", import.meta.url);
  const replays = openReplays({ folder: "/tmp", worker });
  try {
    await test(replays);
  } finally {
    replays.close();
  }
}

Deno.test("openReplays answers all kinds of questions from a worker with narrow permissions", () =>
  inFolder(async (folder) => {
    const run = keepCycle(`${folder}/run`, { part: "hibernate" });
    const replays = openReplays({ folder });
    try {
      const { stored } = run;
      const at = seqOf(run, (event) => isFact(event, "image", { k: "B", op: "commit" }));
      const [machine, change, memory, disk] = await Promise.all([
        replays.machine(stored, at),
        replays.change(stored, at),
        replays.memory(stored, at),
        replays.disk(stored, at),
      ]);
      assert.ok(machine.actors.some(({ name }) => name === "B"));
      assert.equal(change.actor, run.events[at]?.actor);
      assert.equal(memory.kernels[0]?.name, "B");
      assert.ok(disk.files.some(({ path }) => path === "/dump.elf.part"));
      const image = await replays.image(stored, run.events.length - 1, "elf");
      assert.equal((await Deno.stat(image.path)).size, image.bytes);
      // Another folder is none of its business.
      await assert.rejects(
        replays.image({ ...stored, folder: "/proc" }, run.events.length - 1, "disk"),
        isProblem("internal", /^Looking into the machine failed/),
      );
    } finally {
      replays.close();
    }
  }));

Deno.test("openReplays refuses an event beyond the end with its number", () =>
  withDying(async (replays) => {
    for (const at of [100, -1, 1.5, NaN]) {
      await assert.rejects(replays.disk(toldRun("a"), at), (error) => {
        assert.ok(error instanceof ProblemError);
        assert.equal(error.problem, "unknown-event");
        assert.equal(error.details.seq, at === 100 ? 100 : undefined);
        return true;
      });
    }
  }));

Deno.test("openReplays refuses an imported recording", () =>
  withDying(async (replays) => {
    const imported = toldRun("a", { kind: "import", replayable: false });
    await assert.rejects(
      replays.memory(imported, 1),
      isProblem("not-replayable", /imported recording/),
    );
  }));

Deno.test("openReplays answers only the newest of several requests of a kind that wait", () =>
  withDying(async (replays) => {
    const run = toldRun("a");
    const hanging = replays.machine(run, 7);
    const other = replays.disk(run, 1);
    const older = replays.disk(run, 2);
    const newest = replays.disk(run, 3);
    const same = replays.disk(run, 3);
    const elsewhere = replays.disk(toldRun("b"), 4);
    await assert.rejects(other, isProblem("too-many", /newer request/));
    await assert.rejects(older, isProblem("too-many", /newer request/));
    // What is worked on is dropped, and what took its place is next.
    const instead = replays.machine(run, 8);
    await assert.rejects(hanging, isProblem("too-many", /newer request/));
    assert.deepEqual(await instead, { at: 8, question: "machine", run: "a" });
    assert.deepEqual(await newest, { at: 3, question: "disk", run: "a" });
    assert.equal(await same, await newest);
    assert.deepEqual(await elsewhere, { at: 4, question: "disk", run: "b" });
  }));

Deno.test("openReplays does not let images take each other's place", () =>
  withDying(async (replays) => {
    const run = toldRun("a");
    const [first, second] = await Promise.all([
      replays.image(run, 1, "disk"),
      replays.image(run, 2, "disk"),
    ]);
    assert.deepEqual([first, second].map((each) => Reflect.get(each, "at")), [1, 2]);
  }));

Deno.test("openReplays starts a worker that died again and fails only what it worked on", () =>
  withDying(async (replays) => {
    const run = toldRun("a");
    const fatal = replays.machine(run, 13);
    const next = replays.disk(run, 5);
    await assert.rejects(fatal, isProblem("internal", /ended unexpectedly and was started again/));
    assert.deepEqual(await next, { at: 5, question: "disk", run: "a" });
    await assert.rejects(replays.memory(run, 13), isProblem("internal", /started again/));
    assert.deepEqual(await replays.memory(run, 6), { at: 6, question: "memory", run: "a" });
  }));

Deno.test("openReplays fails what waits when it is closed, and what is asked afterwards", () =>
  withDying(async (replays) => {
    const waiting = replays.machine(toldRun("a"), 7);
    replays.close();
    await assert.rejects(waiting, isProblem("stopping", /stopping/));
    await assert.rejects(replays.disk(toldRun("a"), 1), isProblem("stopping", /stopping/));
  }));
