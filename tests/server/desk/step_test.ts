/**
 * Steps through a trace.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { StepRequest } from "../../../server/api/shapes/run.ts";
import type { Desk, StoredRun } from "../../../server/deps.ts";
import { traceRef } from "../../../server/desk/job.ts";
import { marksOf } from "../../../server/desk/marks.ts";
import { Watch } from "../../../server/desk/watch.ts";
import { cutTo, DeskFolder, events, fixture, traceText } from "./desk_kit.ts";

const WATCH = new Watch(new Int32Array(1), 1);

const LIST = events([
  { actor: "A", kind: "start", state: "off" },
  { actor: "B", kind: "send", msg: 1, target: "A" },
  { actor: "A", kind: "deliver", msg: 1 },
  { actor: "A", kind: "state", state: "on" },
  { actor: "B", kind: "fault" },
  { actor: "A", kind: "send", msg: 5, target: "B" },
  { actor: "B", kind: "state", state: "on" },
]);

type Steps = [StepRequest, number | undefined][];

async function check(desk: Desk, run: StoredRun, steps: Steps): Promise<void> {
  for (const [request, wanted] of steps) {
    const { at, event } = await desk.step(run, request);
    strictEqual(at, wanted, JSON.stringify(request));
    strictEqual(event?.seq, wanted);
  }
}

Deno.test("step leads to the next and the one before, of all or of one actor", async () => {
  await using folder = new DeskFolder();
  const run = folder.run(traceText(LIST));
  await check(folder.desk, run, [
    [{ at: -1, to: "next" }, 0],
    [{ at: 0, to: "next" }, 1],
    [{ at: 6, to: "next" }, undefined],
    [{ at: 0, to: "back" }, undefined],
    [{ at: 3, to: "back" }, 2],
    [{ at: 99, to: "back" }, 6],
    [{ at: 99, to: "next" }, undefined],
    [{ at: -1, to: "next", actor: "B" }, 1],
    [{ at: 1, to: "next", actor: "B" }, 4],
    [{ at: 4, to: "back", actor: "A" }, 3],
    [{ at: 0, to: "next", actor: "nobody" }, undefined],
  ]);
});

Deno.test("step leads to the next fault, state and send", async () => {
  await using folder = new DeskFolder();
  const run = folder.run(traceText(LIST));
  await check(folder.desk, run, [
    [{ at: -1, to: "next_fault" }, 4],
    [{ at: 4, to: "next_fault" }, undefined],
    [{ at: -1, to: "next_fault", actor: "A" }, undefined],
    [{ at: -1, to: "next_state" }, 3],
    [{ at: 3, to: "next_state" }, 6],
    [{ at: -1, to: "next_state", actor: "B" }, 6],
    [{ at: -1, to: "next_send" }, 1],
    [{ at: 1, to: "next_send" }, 5],
  ]);
});

Deno.test("step takes several at once and stops at the last there is", async () => {
  await using folder = new DeskFolder();
  const run = folder.run(traceText(LIST));
  await check(folder.desk, run, [
    [{ at: -1, to: "next", count: 3 }, 2],
    [{ at: 5, to: "back", count: 3 }, 2],
    [{ at: -1, to: "next", count: 100_000 }, 6],
    [{ at: -1, to: "next_send", count: 2 }, 5],
    [{ at: 2, to: "next", count: 2, actor: "A" }, 5],
  ]);
  await check(folder.desk, cutTo(run, 3), [
    [{ at: -1, to: "next", count: 100 }, 2],
    [{ at: -1, to: "next_fault" }, undefined],
    [{ at: 6, to: "back" }, 2],
  ]);
});

Deno.test("step finds violations by judging where nobody wrote them down", async () => {
  await using folder = new DeskFolder();
  const run = folder.run(fixture("bad/F12-boots_again.ndjson"));
  const report = JSON.parse(await folder.desk.report(run, "json"));
  const wanted = new Map<number, string[]>();
  for (const { id, violations } of report.rules) {
    for (const { seq } of violations) wanted.set(seq, [...wanted.get(seq) ?? [], id]);
  }
  let at = -1;
  for (const seq of [...wanted.keys()].toSorted((left, right) => left - right)) {
    const step = await folder.desk.step(run, { at, to: "next_violation" });
    strictEqual(step.at, seq);
    deepStrictEqual(step.violated?.toSorted(), wanted.get(seq)?.toSorted());
    at = seq;
  }
  strictEqual(wanted.size > 0, true);
  deepStrictEqual(await folder.desk.step(run, { at, to: "next_violation" }), {});
});

Deno.test("step takes the violations that were written down, as far as they go", async () => {
  await using folder = new DeskFolder();
  const run = folder.run(traceText(LIST));
  const verdicts = `${run.folder}/verdicts.ndjson`;
  const mark = (rule: string, seq: number, verdict: string) =>
    JSON.stringify({ rule, seq, verdict }) + "\n";
  Deno.writeTextFileSync(
    verdicts,
    mark("F1", 1, "held") + mark("F2", 2, "violated") + mark("F3", 2, "violated") +
      mark("F3", 2, "violated") + mark("F9", 77, "violated") + '{"rule":"F4","se',
  );
  const { desk } = folder;
  const first = await desk.step(run, { at: -1, to: "next_violation" });
  deepStrictEqual([first.at, first.violated], [2, ["F2", "F3"]]);
  deepStrictEqual(await desk.step(run, { at: 2, to: "next_violation" }), {});
  deepStrictEqual((await desk.step(run, { at: 0, to: "next" })).violated, []);
  deepStrictEqual(await desk.step(cutTo(run, 2), { at: -1, to: "next_violation" }), {});
  Deno.writeTextFileSync(verdicts, mark("F5", 5, "violated"));
  strictEqual((await desk.step(run, { at: -1, to: "next_violation" })).at, 5);
});

Deno.test("step of a run that goes on does not take what it still owes for broken", async () => {
  await using folder = new DeskFolder();
  const run = cutTo(folder.run(fixture("bad/F25-wrong_entry.ndjson")), 134);
  const report = await folder.desk.report(run, "json");
  strictEqual(JSON.parse(report).counts.violated, 1, "as check judges a trace that was cut off");
  deepStrictEqual(await folder.desk.step(run, { at: -1, to: "next_violation" }), {});
  const { footer: _footer, ...log } = run.log;
  const ended = { ...run, log: { ...log, ended: true } };
  strictEqual((await folder.desk.step(ended, { at: -1, to: "next_violation" })).at, 132);
  const broken = (each: StoredRun): number[] =>
    marksOf(traceRef(each), WATCH).flatMap(({ verdict, seq }) => verdict === "held" ? [] : [seq]);
  deepStrictEqual([broken(run), broken(ended)], [[], [132]]);
});
