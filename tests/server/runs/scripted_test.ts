/**
 * Scripted runs: the same as the command line's, once each, with what the rules say.
 */
import assert from "node:assert/strict";
import type { RunRequest } from "../../../server/api/shapes/run.ts";
import { openLaboratory } from "../../../server/runs/laboratory.ts";
import { main } from "../../../server/terminal/main.ts";
import { readTrace } from "../../../machine/trace/reader.ts";
import { collectGarbage } from "../../collect_garbage.ts";
import { KeptTerminal, ScratchFolder } from "../terminal_kit.ts";
import { atA, eventLines, fileOf, run, withLaboratory } from "./runs_kit.ts";

/** Trace of the command line: its first and its last line. */
async function commandLine(...args: string[]): Promise<{ run: string; sha256: string }> {
  collectGarbage();
  using scratch = new ScratchFolder();
  await main([...args, "--transport", "inline", "--out", scratch.path], new KeptTerminal());
  const lines = Deno.readTextFileSync(scratch.file("trace.ndjson")).trimEnd().split("\n");
  return {
    run: JSON.parse(lines[0] ?? "").run,
    sha256: JSON.parse(lines.at(-1) ?? "").sha256,
  };
}

const SAME: readonly (readonly [name: string, request: RunRequest, args: readonly string[]])[] = [
  ["the default cycle", { kind: "cycle" }, ["hibernate"]],
  [
    "a power cut",
    { kind: "cycle", cutPower: { seq: 1500, durable: "all" }, verify: false, awaySeconds: 60 },
    ["hibernate", "--cut-power-at", "1500:all", "--no-verify", "--away", "60s"],
  ],
  [
    "a jump with a seed",
    { kind: "cycle", part: "jump", machine: { seed: 7, memoryMiB: 80, cpus: 2 } },
    ["jump", "--seed", "7", "--memory", "80M", "--cpus", "2"],
  ],
  [
    "the first half",
    { kind: "cycle", part: "hibernate" },
    ["hibernate", "--stop-at", "power-off"],
  ],
  [
    "a scenario",
    { kind: "scenario", name: "swsusp-nocompress" },
    ["hibernate", "swsusp-nocompress"],
  ],
];

for (const [name, request, args] of SAME) {
  Deno.test(`start of ${name} has the command line's id and hash`, async () => {
    await withLaboratory({}, async (laboratory, folder) => {
      const summary = await run(laboratory, request);
      const wanted = await commandLine(...args);
      assert.equal(summary.status, "finished", summary.trouble ?? "");
      assert.equal(summary.run, wanted.run);
      assert.equal(summary.sha256, wanted.sha256);
      const log = laboratory.stored(summary.run)?.log;
      assert.equal(log?.ended, true);
      assert.equal(log?.footer?.sha256, wanted.sha256);
      assert.equal(log?.events, eventLines(folder, summary.run).length);
      const bytes = Deno.readFileSync(log?.path ?? "");
      const text = new TextDecoder().decode(bytes.subarray(log?.firstByte, log?.bytes));
      assert.deepEqual(text.trimEnd().split("\n"), eventLines(folder, summary.run));
    });
  });
}

Deno.test("a run's folder holds record, whole trace, report, marks and choices", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const summary = await run(laboratory, {
      kind: "cycle",
      cutPower: { seq: 1500, durable: "none" },
    });
    const id = summary.run;
    const kinds: string[] = [];
    const lines = fileOf(folder, id, "trace.ndjson").match(/[^\n]*\n/g) ?? [];
    for await (const { record } of readTrace(lines, { lineFeeds: true })) kinds.push(record);
    assert.deepEqual([kinds[0], kinds.at(-1)], ["header", "footer"]);
    const report = JSON.parse(fileOf(folder, id, "report.json"));
    assert.equal(report.counts.held, summary.verdict?.held);
    assert.equal(report.counts.events, summary.events);
    const marks = fileOf(folder, id, "verdicts.ndjson").trimEnd().split("\n")
      .map((line) => JSON.parse(line));
    const held = report.rules.reduce((sum: number, rule: { held: number }) => sum + rule.held, 0);
    assert.equal(marks.filter(({ verdict }) => verdict === "held").length, held);
    assert.deepEqual(JSON.parse(fileOf(folder, id, "choices.json")), [
      { kind: "power_cut", at: 1500, durable: "none" },
    ]);
    const record = JSON.parse(fileOf(folder, id, "run.json"));
    assert.deepEqual([record.format, record.v, record.request.kind], ["kjump-run", 1, "cycle"]);
    assert.equal(record.summary.status, "finished");
  });
});

Deno.test("start of a scripted run that is there gives it back, also after a restart", async () => {
  const request: RunRequest = { kind: "transcript", name: "small", text: atA("A$ echo hello") };
  await withLaboratory({}, async (laboratory, folder) => {
    const first = await laboratory.start(request);
    assert.equal(first.created, true);
    const again = await laboratory.start(request);
    assert.deepEqual([again.created, again.summary.run], [false, first.summary.run]);
    const ended = await run(laboratory, request);
    assert.equal(ended.status, "finished");
    assert.equal((await laboratory.start(request)).created, false);
    await laboratory.close();
    const next = await openLaboratory({ folder });
    try {
      const third = await next.start(request);
      assert.equal(third.created, false);
      assert.deepEqual(third.summary, ended);
      const other = await next.start({ ...request, name: "other" });
      assert.equal(other.created, true);
    } finally {
      await next.close();
    }
  });
});

Deno.test("a transcript that parts says where, and one whose rules break says which", async () => {
  await withLaboratory({}, async (laboratory, folder) => {
    const text = atA("A$ echo hello", "goodbye");
    const parted = await run(laboratory, { kind: "transcript", text });
    assert.equal(parted.outcome, "parted");
    assert.equal(parted.parting?.line, 7);
    assert.match(parted.parting?.message ?? "", /prints something else/);
    const { seq } = parted.parting ?? { seq: -1 };
    assert.match(eventLines(folder, parted.run)[seq] ?? "", /"deliver"/);
    assert.equal(fileOf(folder, parted.run, "transcript.md"), text);

    const wrong = atA("A$ true").replace("```console", "```machine\nbreaks: F23\n```\n```console");
    const faulty = await run(laboratory, { kind: "transcript", text: wrong });
    assert.equal(faulty.outcome, "finished");
    assert.match(faulty.trouble ?? "", /F23 should be broken/);
  });
});

Deno.test("watch is told while a run goes on, and at its end with the last summary", async () => {
  await withLaboratory({}, async (laboratory) => {
    const { summary } = await laboratory.start({ kind: "cycle" });
    const seen: number[] = [];
    let last = summary;
    const unwatch = laboratory.watch(summary.run, (changed) => {
      seen.push(changed.events);
      last = changed;
    });
    const ended = await laboratory.settled(summary.run, 60_000);
    unwatch();
    assert.deepEqual(last, ended);
    assert.deepEqual(seen, [...seen].sort((left, right) => left - right));
    assert.equal(seen.at(-1), ended.events);
  });
});

Deno.test("a trace log's more resolves as events come, and each time whole lines are there", async () => {
  await withLaboratory({}, async (laboratory) => {
    const { summary } = await laboratory.start({ kind: "scenario", name: "v7-normal" });
    const log = laboratory.stored(summary.run)?.log;
    assert.ok(log !== undefined);
    const { signal } = new AbortController();
    let steps = 0;
    for (let events = 0; !log.ended; events = log.events) {
      await log.more(events, signal);
      steps++;
      const bytes = Deno.readFileSync(log.path).subarray(log.firstByte, log.bytes);
      const lines = bytes.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0);
      assert.equal(lines, log.events);
      assert.ok(log.events === 0 || bytes.at(-1) === 10);
    }
    assert.ok(steps > 1, "it was told of before its end");
  });
});
