import assert from "node:assert/strict";
import fc from "fast-check";
import type { VerdictMark } from "../../server/api/shapes/event.ts";
import {
  marksByRule,
  nextMark,
  standingAt,
  standingsAt,
} from "../../server/page/panels/verdict_count.ts";

const MARKS: readonly VerdictMark[] = [
  { rule: "F10", seq: 40, verdict: "violated", reason: "the lock is held by nobody" },
  { rule: "F2", seq: 5, verdict: "held" },
  { rule: "F10", seq: 7, verdict: "held" },
  { rule: "F2", seq: 40, verdict: "held" },
];

Deno.test("standingAt counts up to the event, that event included", () => {
  const marks = marksByRule(MARKS).get("F10") ?? [];
  assert.equal(standingAt("F10", marks, 6).standing, "idle");
  assert.equal(standingAt("F10", marks, 7).standing, "held");
  assert.equal(standingAt("F10", marks, 39).violated, 0);
  const broken = standingAt("F10", marks, 40);
  assert.equal(broken.standing, "violated");
  assert.deepEqual([broken.held, broken.violated, broken.here.length], [1, 1, 1]);
  assert.equal(broken.broken?.reason, "the lock is held by nobody");
});

Deno.test("standingsAt puts what is exercised here first, then the broken, then by id", () => {
  const ids = (cursor: number) =>
    standingsAt(["F1", "F2", "F10"], marksByRule(MARKS), cursor).map(({ rule }) => rule);
  assert.deepEqual(ids(5), ["F2", "F1", "F10"]);
  assert.deepEqual(ids(40), ["F10", "F2", "F1"]);
  assert.deepEqual(ids(41), ["F10", "F2", "F1"]);
  assert.deepEqual(ids(0), ["F1", "F2", "F10"]);
});

Deno.test("nextMark goes round", () => {
  const marks = marksByRule(MARKS).get("F2") ?? [];
  assert.equal(nextMark(marks, -1)?.seq, 5);
  assert.equal(nextMark(marks, 5)?.seq, 40);
  assert.equal(nextMark(marks, 40)?.seq, 5);
  assert.equal(nextMark([], 40), undefined);
});

Deno.test("standingAt agrees with counting every mark", () => {
  const mark = fc.record({
    rule: fc.constant("F1"),
    seq: fc.nat(30),
    verdict: fc.constantFrom("held" as const, "violated" as const),
  });
  fc.assert(fc.property(fc.array(mark), fc.nat(31), (marks, cursor) => {
    const standing = standingAt("F1", marksByRule(marks).get("F1") ?? [], cursor);
    const past = marks.filter(({ seq }) => seq <= cursor);
    assert.equal(standing.held, past.filter(({ verdict }) => verdict === "held").length);
    assert.equal(standing.violated, past.filter(({ verdict }) => verdict === "violated").length);
    assert.equal(standing.here.length, past.filter(({ seq }) => seq === cursor).length);
  }));
});
