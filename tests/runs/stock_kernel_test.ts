import assert from "node:assert/strict";
import { brokenRules, fieldsOf, judge, runMainline } from "./run_kit.ts";

Deno.test("stock 6.1 loses A as recorded: B has all RAM, jumps to itself and faults on the GDT", () => {
  const run = runMainline({ profile: "6.1", part: "jump" });
  const jumps = fieldsOf(run, "jump").map(({ from, to }) => `${from} to ${to}`);
  assert.deepEqual(jumps, ["A to purgatory", "B to B"]);
  const [panic] = fieldsOf(run, "panic", "B");
  assert.match(String(panic?.["reason"]), /^#GP\(0x18\)/);
  assert.ok(fieldsOf(run, "power").some(({ op }) => op === "reset"));
  assert.deepEqual(brokenRules(judge(run)).ids, ["F24", "F30"]);
});

Deno.test("stock 6.1 finds no /proc/vmcore to save, as recorded, and breaks no rule of images", () => {
  const run = runMainline({ profile: "6.1" });
  assert.match(run.outcome, /^stuck: expected power off, saw prompt of B/);
  assert.ok(run.lines.some((line) => line.startsWith("B: save-image: open_dump_memory")));
  assert.deepEqual(brokenRules(judge(run)).ids, ["F24"]);
});
