import assert from "node:assert/strict";
import { brokenRules, bytesOf, judge, runMainline } from "./run_kit.ts";

Deno.test("two runs of one seed end with the same trace, generator and disk", () => {
  for (const seededOrder of [false, true]) {
    const [first, second] = [1, 2].map(() => runMainline({ seed: 7, seededOrder }));
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(first.outcome, "resumed");
    assert.equal(first.hash, second.hash);
    assert.equal(first.text, second.text);
    assert.deepEqual(first.generator, second.generator);
    assert.deepEqual([...first.blobs.keys()], [...second.blobs.keys()]);
    assert.deepEqual(bytesOf(first.medium), bytesOf(second.medium));
  }
});

Deno.test("any order of deliveries at one time resumes, and every rule holds", () => {
  const hashes = new Set<string>();
  for (let seed = 1; seed <= 8; seed++) {
    const run = runMainline({ seed, seededOrder: true });
    assert.equal(run.outcome, "resumed", `seed ${seed}`);
    assert.equal(brokenRules(judge(run)).reasons, "", `seed ${seed}`);
    hashes.add(run.hash);
  }
  assert.ok(hashes.size > 1, "the seed decides nothing");
});

Deno.test("the choices a seeded run made give the run again, without its seeded order", () => {
  const seeded = runMainline({ seed: 3, seededOrder: true });
  const choices = seeded.scheduler.choicesMade();
  assert.ok(choices.length > 0);
  assert.equal(runMainline({ seed: 3, choices }).hash, seeded.hash);
});

Deno.test("a machine resumes cold from nothing but the bytes of its disk", () => {
  const first = runMainline({ part: "hibernate" });
  assert.equal(first.outcome, "hibernated");
  const second = runMainline({ part: "resume", disk: bytesOf(first.medium) });
  assert.equal(second.outcome, "resumed");
  assert.ok(second.lines.includes("A: check: 2 processes, 0 files, 5 devices: all well"));
  const report = judge(first, second);
  assert.equal(brokenRules(report).reasons, "");
  const held = report.rules.filter(({ verdict }) => verdict === "held").map(({ id }) => id);
  for (const id of ["F22", "F23", "F25", "F30", "F46", "F58", "F60", "F78", "F95"]) {
    assert.ok(held.includes(id), `${id} was not exercised`);
  }
});

Deno.test("a payload in A's memory is the same after the resume", () => {
  const payload = new Uint8Array(300_001).map((_, index) => (index * 7 + (index >> 8)) & 0xff);
  const run = runMainline({ payload });
  assert.equal(run.outcome, "resumed");
  assert.ok(run.lines.includes("A: check: 2 processes, 1 files, 5 devices: all well"));
});
