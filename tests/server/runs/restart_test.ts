/**
 * What a laboratory finds in its folder when it is opened again.
 */
import assert from "node:assert/strict";
import { openLaboratory } from "../../../server/runs/laboratory.ts";
import { replayPlan } from "../../../server/runs/replay_plan.ts";
import { ScratchFolder } from "../terminal_kit.ts";
import { atA, eventLines, fileOf, refused, run } from "./runs_kit.ts";

const SMALL = { kind: "transcript", name: "small", text: atA("A$ true") } as const;

Deno.test("openLaboratory marks a run that ran as interrupted and cuts off its torn line", async () => {
  using scratch = new ScratchFolder();
  const first = await openLaboratory({ folder: scratch.path });
  const { run: id } = await run(first, SMALL);
  await first.close();
  // As a crash leaves it: the record says it ran, the last line is torn, there is no footer.
  const folder = `${scratch.path}/runs/${id}`;
  const record = JSON.parse(fileOf(scratch.path, id, "run.json"));
  const { bytes: _, footer: __, ...running } = record;
  const { sha256: ___, outcome: ____, ...summary } = record.summary;
  const text = JSON.stringify({ ...running, summary: { ...summary, status: "running" } });
  Deno.writeTextFileSync(`${folder}/run.json`, text);
  const trace = fileOf(scratch.path, id, "trace.ndjson");
  const lines = trace.split("\n");
  const kept = `${lines.slice(0, 101).join("\n")}\n`;
  Deno.writeTextFileSync(`${folder}/trace.ndjson`, kept + lines[101]?.slice(0, 20));

  for (const _time of ["at once", "and once more"]) {
    const next = await openLaboratory({ folder: scratch.path });
    const [found] = next.list();
    assert.deepEqual([found?.run, found?.status, found?.events], [id, "interrupted", 100]);
    assert.match(found?.trouble ?? "", /went away while it ran; 100 events .* no last line/);
    assert.equal(found?.sha256, undefined);
    assert.equal(fileOf(scratch.path, id, "trace.ndjson"), kept);
    const log = next.stored(id)?.log;
    assert.deepEqual([log?.ended, log?.events, log?.footer], [true, 100, undefined]);
    assert.equal(log?.bytes, new TextEncoder().encode(kept).length);
    await next.close();
  }
  const last = await openLaboratory({ folder: scratch.path });
  try {
    const again = await last.start(SMALL);
    assert.deepEqual([again.created, again.summary.run], [true, id], "it is run anew");
    const whole = await last.settled(id, 60_000);
    assert.deepEqual([whole.status, whole.sha256], ["finished", record.footer.sha256]);
  } finally {
    await last.close();
  }
});

Deno.test("openLaboratory lists what ended as it was, latest first, and removes left-overs", async () => {
  using scratch = new ScratchFolder();
  const first = await openLaboratory({ folder: scratch.path });
  const one = await run(first, SMALL);
  const live = await run(first, { kind: "live" });
  await first.close();
  const stopped = first.get(live.run);
  assert.equal(stopped?.status, "interrupted");
  scratch.write("uploads/upload-1", "left over");
  Deno.mkdirSync(scratch.file("runs/.new-00ff"));
  Deno.mkdirSync(scratch.file("runs/.old-00ff"));
  const next = await openLaboratory({ folder: scratch.path });
  try {
    assert.deepEqual(next.list(), [stopped, one]);
    assert.deepEqual(scratch.names("uploads"), []);
    assert.deepEqual(scratch.names("runs"), [one.run, live.run].sort());
    const { summary } = await next.start({ kind: "live" });
    assert.equal(next.list()[0]?.run, summary.run, "numbers go on");
  } finally {
    await next.close();
  }
});

Deno.test("openLaboratory leaves foreign and broken folders alone and does not list them", async () => {
  using scratch = new ScratchFolder();
  const first = await openLaboratory({ folder: scratch.path });
  const good = await run(first, SMALL);
  await first.close();
  const record = fileOf(scratch.path, good.run, "run.json");
  const trace = fileOf(scratch.path, good.run, "trace.ndjson");
  const make = (name: string, files: Record<string, string>): void => {
    Deno.mkdirSync(scratch.file(`runs/${name}`));
    for (const [file, text] of Object.entries(files)) scratch.write(`runs/${name}/${file}`, text);
  };
  const id = (digit: string): string => digit.repeat(16);
  const named = (text: string, digit: string): string => text.replaceAll(good.run, id(digit));
  make("holiday pictures", { "run.json": record });
  make(id("1"), {});
  make(id("2"), { "run.json": "{", "trace.ndjson": trace });
  make(id("3"), { "run.json": record, "trace.ndjson": trace });
  make(id("4"), { "run.json": named(record, "4") });
  make(id("5"), { "run.json": named(record, "5"), "trace.ndjson": "no trace\n" });
  make(id("6"), { "run.json": named(record, "6").replace('"v": 1', '"v": 2'), "trace.ndjson": "" });
  make(id("7"), {
    "run.json": named(record, "7").replaceAll('"kind": "transcript"', '"kind": "x"'),
    "trace.ndjson": named(trace, "7"),
  });
  scratch.write(`runs/${id("9")}`, "a file");
  const names = scratch.names("runs");
  const next = await openLaboratory({ folder: scratch.path });
  try {
    assert.deepEqual(next.list().map((each) => each.run), [good.run]);
    assert.deepEqual(scratch.names("runs"), names);
  } finally {
    await next.close();
  }
});

Deno.test("openLaboratory says of a run that had ended what of its trace is left", async () => {
  using scratch = new ScratchFolder();
  const first = await openLaboratory({ folder: scratch.path });
  const { run: id, events, sha256 } = await run(first, SMALL);
  await first.close();
  const trace = fileOf(scratch.path, id, "trace.ndjson");
  const lines = trace.split("\n");
  const cases: readonly (readonly [kept: string, events: number])[] = [
    [trace.slice(0, -17), events],
    [`${lines.slice(0, 101).join("\n")}\n{"seq":100,`, 100],
  ];
  for (const [kept, left] of cases) {
    scratch.write(`runs/${id}/trace.ndjson`, kept);
    const next = await openLaboratory({ folder: scratch.path });
    const found = next.get(id);
    const said = [found?.status, found?.events, found?.sha256];
    assert.deepEqual(said, ["interrupted", left, undefined]);
    assert.match(found?.trouble ?? "", new RegExp(`not all of .* ${left} events are left`, "i"));
    assert.match(fileOf(scratch.path, id, "trace.ndjson"), /\}\n$/, "whole lines only");
    await next.close();
  }
  const last = await openLaboratory({ folder: scratch.path });
  try {
    const again = await run(last, SMALL);
    assert.deepEqual([again.status, again.sha256], ["finished", sha256], "it is run anew");
  } finally {
    await last.close();
  }
});

Deno.test("start refuses to take the place of something that is no run", async () => {
  using scratch = new ScratchFolder();
  const first = await openLaboratory({ folder: scratch.path });
  const { run: id } = await run(first, SMALL);
  await first.remove(id);
  scratch.write("keep", "");
  Deno.mkdirSync(scratch.file(`runs/${id}`));
  scratch.write(`runs/${id}/diary.txt`, "mine");
  await refused("wrong-state", first.start(SMALL));
  assert.deepEqual(scratch.names(`runs/${id}`), ["diary.txt"]);
  assert.deepEqual(scratch.names("runs"), [id]);
  await first.close();
});

Deno.test("a run that was interrupted can be forked and replayed as far as it went", async () => {
  using scratch = new ScratchFolder();
  const first = await openLaboratory({ folder: scratch.path });
  const live = await run(first, { kind: "live" });
  await first.input(live.run, "# power on");
  await first.input(live.run, "# boot A");
  await first.close();
  const next = await openLaboratory({ folder: scratch.path });
  try {
    assert.ok(replayPlan(next.stored(live.run)?.folder ?? "").plan.choices.length >= 2);
    const child = await run(next, {
      kind: "fork",
      parent: { run: live.run, seq: 500 },
      action: { do: "nothing" },
    });
    assert.deepEqual(child.standing, { off: false, menu: [], prompt: "A" });
    assert.deepEqual(
      eventLines(scratch.path, child.run).slice(0, 500),
      eventLines(scratch.path, live.run).slice(0, 500),
    );
  } finally {
    await next.close();
  }
});
