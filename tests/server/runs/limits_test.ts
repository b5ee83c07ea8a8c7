/**
 * Bounds of the laboratory, and ending runs before their end.
 */
import assert from "node:assert/strict";
import type { RunRequest } from "../../../server/api/shapes/run.ts";
import { atA, eventLines, fileOf, LONG, refused, run, withLaboratory } from "./runs_kit.ts";

function numbered(number: number, text = LONG): RunRequest {
  return { kind: "transcript", name: `n${number}`, text };
}

Deno.test("start queues what has no slot, and refuses when the queue is full", async () => {
  await withLaboratory(
    { limits: { runningRuns: 1, queuedRuns: 1 } },
    async (laboratory, folder) => {
      const first = await laboratory.start(numbered(1));
      const second = await laboratory.start(numbered(2));
      assert.deepEqual([first.summary.status, second.summary.status], ["running", "queued"]);
      const { details } = await refused("too-many", laboratory.start(numbered(3)));
      assert.deepEqual(details.limit, { name: "queuedRuns", max: 1 });
      assert.ok((details.retryAfter ?? 0) > 0);
      assert.equal((await laboratory.start(numbered(2))).created, false, "it is there already");
      // The one that waits is cancelled: its trace is whole, though nothing happened in it.
      const cancelled = await laboratory.cancel(second.summary.run);
      assert.deepEqual([cancelled.status, cancelled.events], ["cancelled", 0]);
      const lines = fileOf(folder, second.summary.run, "trace.ndjson").trimEnd().split("\n");
      assert.equal(JSON.parse(lines[1] ?? "").outcome, "cancelled");
      assert.equal((await laboratory.cancel(first.summary.run)).status, "cancelled");
      assert.equal((await laboratory.start(numbered(2))).created, true, "it is run anew");
    },
  );
});

Deno.test("cancel ends a run that runs and one that waits; what was recorded can be read", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const { summary } = await laboratory.start(numbered(1));
    const log = laboratory.stored(summary.run)?.log;
    await log?.more(0, new AbortController().signal);
    const ended = await laboratory.cancel(summary.run);
    assert.deepEqual([ended.status, ended.outcome], ["cancelled", "cancelled"]);
    assert.equal(eventLines(folder, summary.run).length, ended.events);
    assert.equal(log?.footer?.count, ended.events);
    assert.equal(log?.footer?.sha256, ended.sha256);
    const live = await run(laboratory, { kind: "live" });
    assert.equal((await laboratory.cancel(live.run)).status, "cancelled");
    assert.equal((await laboratory.cancel(live.run)).status, "cancelled", "once more is the same");
    await refused("unknown-run", laboratory.cancel("0".repeat(16)));
  });
});

Deno.test("remove stops a run and removes all of it", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const live = await run(laboratory, { kind: "live" });
    await laboratory.remove(live.run);
    assert.equal(laboratory.get(live.run), undefined);
    assert.equal(laboratory.stored(live.run), undefined);
    assert.deepEqual([...Deno.readDirSync(`${folder}/runs`)], []);
    await refused("unknown-run", laboratory.remove(live.run));
  });
});

Deno.test("waitingRuns bounds the machines that wait for their person", async () => {
  await withLaboratory({ limits: { waitingRuns: 1 } }, async (laboratory) => {
    const live = await run(laboratory, { kind: "live" });
    const { details } = await refused("too-many", laboratory.start({ kind: "live" }));
    assert.equal(details.limit?.name, "waitingRuns");
    const scripted = await run(laboratory, { kind: "transcript", text: atA("A$ true") });
    assert.equal(scripted.status, "finished", "a scripted run never waits");
    await laboratory.cancel(live.run);
    assert.equal((await run(laboratory, { kind: "live" })).status, "waiting");
  });
});

Deno.test("runEvents, runMilliseconds and idleMilliseconds end a run and are named", async () => {
  const limits = { runEvents: 300, runMilliseconds: 60_000, idleMilliseconds: 60_000 };
  await withLaboratory({ limits }, async (laboratory, folder) => {
    const long = await run(laboratory, { kind: "transcript", text: atA("A$ true") });
    assert.equal(long.status, "failed");
    assert.match(long.trouble ?? "", /limit 'runEvents' of 300 events/);
    assert.equal(eventLines(folder, long.run).length, long.events);
    const cycle = await run(laboratory, { kind: "cycle" });
    assert.match(cycle.trouble ?? "", /'runEvents'/);
    assert.ok(cycle.events < 1000, "it ends soon after the limit");
  });
  await withLaboratory({ limits: { runMilliseconds: 1 } }, async (laboratory) => {
    const slow = await run(laboratory, { kind: "cycle" });
    assert.deepEqual([slow.status, /'runMilliseconds' of 1 ms/.test(slow.trouble ?? "")], [
      "failed",
      true,
    ]);
  });
  await withLaboratory({ limits: { idleMilliseconds: 1 } }, async (laboratory) => {
    const { summary: { run: id } } = await laboratory.start({ kind: "live" });
    let summary = await laboratory.settled(id, 60_000);
    while (summary.status !== "failed") {
      await new Promise<void>((resolve) => {
        const unwatch = laboratory.watch(id, () => {
          unwatch();
          resolve();
        });
        if (laboratory.get(id)?.status === "failed") resolve();
      });
      summary = await laboratory.settled(id, 60_000);
    }
    assert.match(summary.trouble ?? "", /'idleMilliseconds'/);
  });
});

Deno.test("machineBytes is checked before anything is started", async () => {
  await withLaboratory({ limits: { machineBytes: 64 * 1024 ** 2 } }, async (laboratory) => {
    const block = "```machine\nmemory: 128M\n```\n";
    const files = "```machine\nfile: /root/a 40M\nfile: /root/b 40M\n```\n";
    const requests: RunRequest[] = [
      { kind: "cycle", machine: { memoryMiB: 128 } },
      { kind: "live", machine: { memoryMiB: 128 } },
      { kind: "transcript", text: block + atA("A$ true") },
      { kind: "transcript", text: files + atA("A$ true") },
      { kind: "scenario", name: "mainline-6.1" },
    ];
    for (const request of requests) {
      const { details, text } = await refused("too-large", laboratory.start(request));
      assert.deepEqual(details.limit, { name: "machineBytes", max: 64 * 1024 ** 2 });
      assert.match(text, /machineBytes/);
    }
    assert.deepEqual(laboratory.list(), []);
  });
});

Deno.test("keptRuns removes the oldest runs that have ended, never one that goes on", async () => {
  await withLaboratory({ limits: { keptRuns: 2 } }, async (laboratory, folder) => {
    const live = await run(laboratory, { kind: "live" });
    const small = (number: number) => run(laboratory, numbered(number, atA("A$ true")));
    const one = await small(1);
    const two = await small(2);
    assert.deepEqual(laboratory.list().map((each) => each.run), [two.run, live.run]);
    assert.equal(laboratory.get(one.run), undefined);
    const names = [...Deno.readDirSync(`${folder}/runs`)].map(({ name }) => name).sort();
    assert.deepEqual(names, [live.run, two.run].sort());
  });
});

Deno.test("verdictMarks bounds what held, and keeps all that was broken", async () => {
  await withLaboratory({ limits: { verdictMarks: 3 } }, async (laboratory, folder) => {
    const summary = await run(laboratory, { kind: "scenario", name: "v7-normal" });
    const marks = fileOf(folder, summary.run, "verdicts.ndjson").trimEnd().split("\n")
      .map((line): { verdict: string; rule: string; reason?: string } => JSON.parse(line));
    assert.equal(marks.filter(({ verdict }) => verdict === "held").length, 3);
    const broken = marks.filter(({ verdict }) => verdict === "violated");
    const report = JSON.parse(fileOf(folder, summary.run, "report.json"));
    const wanted = report.rules.reduce(
      (sum: number, rule: { violated: number }) => sum + rule.violated,
      0,
    );
    assert.equal(broken.length, wanted);
    assert.ok(broken.every(({ rule, reason }) => rule === "F38" && reason !== undefined));
    assert.deepEqual(summary.verdict?.violated.map(({ rule }) => rule), ["F38"]);
  });
});

Deno.test("a run whose worker dies has failed, says so without a path, and its slot is free", async () => {
  const dying = (code: string) => new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  const codes = ['self.onmessage = () => { throw new Error("/etc/passwd"); }', "syntax error("];
  for (const code of codes) {
    const options = { worker: dying(code), limits: { runningRuns: 1 } };
    await withLaboratory(options, async (laboratory) => {
      for (const number of [1, 2]) {
        const summary = await run(laboratory, numbered(number));
        assert.equal(summary.status, "failed");
        assert.match(summary.trouble ?? "", /worker died; 0 events/);
        assert.doesNotMatch(JSON.stringify(summary), /passwd|syntax/);
      }
    });
  }
});

Deno.test("close marks what runs, waits or is queued as interrupted, and nothing starts after", async () => {
  await withLaboratory({ limits: { runningRuns: 1 } }, async (laboratory) => {
    const live = await run(laboratory, { kind: "live" });
    const running = await laboratory.start(numbered(1));
    const queued = await laboratory.start(numbered(2));
    await laboratory.close();
    for (const id of [live.run, running.summary.run, queued.summary.run]) {
      assert.equal(laboratory.get(id)?.status, "interrupted");
    }
    await refused("stopping", laboratory.start(numbered(3)));
  });
});
