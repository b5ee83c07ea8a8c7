import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { TraceEvent } from "../../machine/trace/event.ts";
import { comparePairs, compareReference, referenceOf } from "../../server/terminal/comparison.ts";
import { RunLog } from "../../server/terminal/run_log.ts";
import { DirectoryBlobs, traceRecords } from "../../server/terminal/trace_input.ts";
import { OUTCOME, permittedEnds } from "../../server/terminal/verdict.ts";

const TRACES = new URL("../../fixtures/traces/", import.meta.url).pathname;

function folded(name: string, until = Number.POSITIVE_INFINITY): RunLog {
  const log = new RunLog(new DirectoryBlobs(`${TRACES}blobs`));
  for (const record of traceRecords(`${TRACES}${name}.ndjson`)) {
    if (record.record === "event" && record.event.seq <= until) log.take(record.event);
  }
  return log;
}

/** A log of facts without a machine around them. */
function logOf(
  facts: readonly (readonly [type: string, summary: TraceEvent["summary"]])[],
): RunLog {
  const log = new RunLog(new DirectoryBlobs("/nowhere"));
  facts.forEach(([type, summary], seq) => {
    const kind = type === "power.cut" ? "fault" : "note";
    const fields = summary === undefined ? {} : { summary };
    log.take({ seq, vt: seq * 1000, lamport: seq, kind, actor: "x", type, ...fields });
  });
  return log;
}

Deno.test("RunLog gathers kernels, jumps, image and frames of a whole hibernation", () => {
  const log = folded("good/hibernate");
  deepStrictEqual(log.boots, ["A", "B", "C"]);
  deepStrictEqual(log.jumps.map(({ from, to }) => `${from}>${to}`), ["A>B", "C>A"]);
  deepStrictEqual(log.resumed.map(({ kernel }) => kernel), ["A"]);
  ok(log.loaded);
  strictEqual(log.image.id, "dump-1");
  strictEqual(log.image.of, "A");
  const { committed, commitFlushed, invalidated, invalidationFlushed } = log.image;
  ok((committed ?? 0) < (commitFlushed ?? -1) && (invalidated ?? 0) < (invalidationFlushed ?? -1));
  ok(log.image.pages > 0);
  deepStrictEqual(log.frames.map(({ when }) => when), ["jump", "return"]);
});

Deno.test("RunLog counts phases without gaps, from power-on to the last event", () => {
  const phases = folded("good/hibernate").phases();
  deepStrictEqual(phases.map(({ name }) => name).slice(0, 3), [
    "power-on self-test",
    "boot A",
    "freeze A",
  ]);
  phases.forEach((phase, index) => {
    ok(phase.endNs >= phase.startNs);
    const next = phases[index + 1];
    if (next !== undefined) strictEqual(phase.endNs, next.startNs);
  });
});

Deno.test("comparePairs finds a page that changed, and none in a good trace", () => {
  const [good] = comparePairs(folded("good/hibernate"));
  ok(good !== undefined && good.compared > 0);
  strictEqual(good.different, 0);
  const [bad] = comparePairs(folded("bad/F23-page_changed"));
  ok(bad !== undefined && bad.different > 0 && bad.first !== undefined);
});

Deno.test("compareReference agrees with the frames at the jump and finds one flipped bit", () => {
  const log = folded("good/hibernate");
  const jump = log.frames.find(({ when }) => when === "jump");
  ok(jump !== undefined);
  const reference = referenceOf(jump);
  ok(reference !== undefined);
  const same = compareReference(log, "A", reference, "pages.crc");
  strictEqual(same?.different, 0);
  strictEqual(same.compared, comparePairs(log)[0]?.compared);
  const first = reference.findIndex((byte) => byte !== 0);
  reference[first] = (reference[first] ?? 0) ^ 1;
  const changed = compareReference(log, "A", reference, "pages.crc");
  strictEqual(changed?.different, 1);
  strictEqual(changed.first, Math.floor(first / 4));
});

Deno.test("permittedEnds follows protocol.md G.1 along the life of an image", () => {
  const image = (op: string) => ["fact.image", { k: "B", op, id: "i" }] as const;
  const flush = ["fact.flush", { k: "B", op: "done" }] as const;
  const cut = ["power.cut", {}] as const;
  const ends = (...facts: (readonly [string, TraceEvent["summary"]])[]) =>
    permittedEnds(logOf(facts));
  const { resumed, ordinary } = OUTCOME;
  deepStrictEqual(ends(cut), [ordinary]);
  deepStrictEqual(ends(image("begin"), flush, cut), [ordinary]);
  deepStrictEqual(ends(image("commit"), cut), [resumed, ordinary]);
  deepStrictEqual(ends(image("commit"), flush, cut), [resumed]);
  deepStrictEqual(ends(image("commit"), flush, image("invalidate"), cut), [resumed, ordinary]);
  deepStrictEqual(ends(image("commit"), flush, image("invalidate"), flush, cut), [ordinary]);
  deepStrictEqual(ends(image("commit"), flush, cut, image("invalidate"), flush), [resumed]);
});

Deno.test("RunLog keeps failures with where they happened", () => {
  const log = logOf([
    ["fact.tool", { k: "C", program: "kexec", arguments: "-l", status: 1, message: "no" }],
    ["fact.panic", { k: "A", reason: "state pages" }],
    ["fact.selftest", { k: "A", what: "file", name: "f", expected: "1", actual: "2" }],
  ]);
  deepStrictEqual(log.troubles, [
    { kernel: "C", text: "'kexec' ended with 1: no", seq: 0 },
    { kernel: "A", text: "panic: state pages", seq: 1 },
  ]);
  strictEqual(log.selfTests[0]?.seq, 2);
});
