import assert from "node:assert/strict";
import type { Choice } from "../../machine/choices.ts";
import { DivergenceError } from "../../machine/errors.ts";
import { runInline, toyPlan } from "./toy_machine.ts";

interface Line {
  readonly seq: number;
  readonly kind: string;
  readonly type?: string;
  readonly msg?: number;
}

function lines(text: string): Line[] {
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

function firstSend(text: string, type: string): number {
  const send = lines(text).find((line) => line.kind === "send" && line.type === type);
  assert.ok(send !== undefined, `no ${type} in the trace`);
  return send.seq;
}

function diverges(choices: readonly Choice[], says: RegExp): void {
  assert.throws(() => runInline(toyPlan({ seed: 4, choices })), (error) => {
    assert.ok(error instanceof DivergenceError, String(error));
    assert.match(error.message, says);
    assert.match(error.message, /usual causes/);
    return true;
  });
}

Deno.test("Scheduler.choicesMade replays a seeded order without the seed's help", () => {
  let different = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const choices: Choice[] = seed % 2 === 0
      ? []
      : [{ kind: "power_cut", at: 180, durable: "seeded" }];
    const seeded = runInline(toyPlan({ seed, choices, seededOrder: true }));
    const replay = runInline(toyPlan({ seed, choices: seeded.choices }));
    assert.equal(replay.text, seeded.text, `seed ${seed}`);
    assert.equal(replay.hash, seeded.hash);
    assert.deepEqual(replay.choices, seeded.choices);
    assert.deepEqual(replay.disk, seeded.disk);
    if (runInline(toyPlan({ seed, choices })).hash !== seeded.hash) different++;
  }
  assert.ok(different > 10, `only ${different} seeds changed the order`);
});

Deno.test("Scheduler.choicesMade holds what was applied, and refusals as they were given", () => {
  const plain = runInline(toyPlan({ seed: 4 }));
  const msg = firstSend(plain.text, "disk.done");
  const choices: Choice[] = [
    { kind: "refuse", device: "disk", phase: "freeze", time: 1, result: -16 },
    { kind: "delay", msg, ns: 700 },
  ];
  const run = runInline(toyPlan({ seed: 4, choices }));
  assert.notEqual(run.hash, plain.hash);
  assert.deepEqual(run.choices, choices);
});

Deno.test("Scheduler loses a chosen message and says so", () => {
  const msg = firstSend(runInline(toyPlan({ seed: 4 })).text, "memory.granted");
  const run = runInline(toyPlan({ seed: 4, choices: [{ kind: "lose", msg }] }));
  const drop = lines(run.text).find((line) => line.kind === "drop");
  assert.equal(drop?.msg, msg);
  // The grants in it were closed, so that the round is asked for again and the run ends.
  assert.equal(run.outcome, "done");
});

Deno.test("Scheduler cuts the power once, and people go on", () => {
  const choices: Choice[] = [{ kind: "power_cut", at: 120, durable: "none" }];
  const run = runInline(toyPlan({ seed: 4, choices }));
  const faults = lines(run.text).filter((line) => line.kind === "fault");
  assert.equal(faults.length, 1);
  assert.ok((faults[0]?.seq ?? 0) >= 120);
  assert.equal(run.outcome, "done");
});

Deno.test("Scheduler says of a choice that cannot apply why it cannot", () => {
  const plain = runInline(toyPlan({ seed: 4 }));
  const end = lines(plain.text).length;
  const deliver = lines(plain.text).find((line) => line.kind === "deliver");
  diverges([{ kind: "lose", msg: end + 1000 }], /message \d+ \(lose\).*end of the run \('done'\)/);
  diverges([{ kind: "delay", msg: deliver?.seq ?? 0, ns: 5 }], /\(delay\).*no send there/);
  diverges([{ kind: "power_cut", at: end + 1000, durable: "all" }], /a power cut at seq.*end of/);
  diverges([{ kind: "power_cut", at: 0, durable: "all" }], /off already/);
  diverges([{ kind: "order", at: 1_000_000, pick: 0 }], /a pick at delivery 1000000.*end of/);
  diverges([{ kind: "order", at: 0, pick: 1 }], /a pick at delivery 0, available no tie there/);
});

Deno.test("Scheduler refuses a pick that is out of range", () => {
  const seeded = runInline(toyPlan({ seed: 4, seededOrder: true }));
  const order = seeded.choices.find((choice) => choice.kind === "order");
  assert.ok(order?.kind === "order");
  diverges([{ ...order, pick: 40 }], /pick 40 at delivery \d+, available \d deliveries/);
});

Deno.test("Scheduler raises a wake-up event once, and says where there is nobody to take it", () => {
  const choices: Choice[] = [{ kind: "wake", at: 120, by: "power_button" }];
  const run = runInline(toyPlan({ seed: 4, choices }));
  const faults = lines(run.text).filter((line) => line.kind === "fault");
  assert.equal(faults.length, 1);
  assert.ok((faults[0]?.seq ?? 0) >= 120);
  assert.deepEqual(run.choices, choices);
  const end = lines(run.text).length;
  diverges([{ kind: "wake", at: end + 1000 }], /a wake-up event at seq.*end of/);
});
