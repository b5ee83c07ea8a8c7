/**
 * A run that leaves its plan at a barrier: what a fork is made of.
 */
import assert from "node:assert/strict";
import { ChoiceBook } from "../../machine/choice_book.ts";
import type { Choice } from "../../machine/choices.ts";
import { Random } from "../../machine/random.ts";
import { Scheduler } from "../../machine/scheduler.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import { runInline, toyBlocks, type ToyOptions, toyPlan } from "./toy_machine.ts";

const REFUSAL: Choice = { kind: "refuse", device: "disk", phase: "freeze", time: 1, result: -16 };
const CUT: Choice = { kind: "power_cut", at: 180, durable: "seeded" };
/** A message far ahead, whose fate would make the run diverge where it is never sent. */
const LOSS: Choice = { kind: "lose", msg: 100_000 };

/** Runs up to an event with some choices, and from there on with others. */
function runApart(options: ToyOptions, seq: number, ahead: readonly Choice[]) {
  const plan = toyPlan(options);
  const sink = new MemorySink();
  const transport = new InlineTransport(plan.registry, toyBlocks());
  const scheduler = new Scheduler(plan, transport, new Recorder(sink));
  while (scheduler.recorder.next < seq && scheduler.advance(1));
  scheduler.goAnotherWay(ahead);
  while (scheduler.advance(50));
  return { hash: scheduler.recorder.hash(), choices: scheduler.choices };
}

Deno.test("Scheduler.goAnotherWay forgets what is ahead, keeps the past and the refusals", () => {
  for (const seededOrder of [false, true]) {
    const given = { seed: 4, seededOrder };
    const planned = [REFUSAL, CUT, LOSS];
    const plain = runInline(toyPlan({ ...given, choices: [REFUSAL] }));
    const cut = runInline(toyPlan({ ...given, choices: [REFUSAL, CUT] }));
    assert.notEqual(plain.hash, cut.hash);
    const before = runApart({ ...given, choices: planned }, 120, []);
    assert.deepEqual(before, { hash: plain.hash, choices: [REFUSAL] });
    const behind = runApart({ ...given, choices: planned }, 200, []);
    assert.deepEqual(behind, { hash: cut.hash, choices: [REFUSAL, CUT] });
    const other = runApart({ ...given, choices: [REFUSAL, LOSS] }, 120, [CUT]);
    assert.deepEqual(other, { hash: cut.hash, choices: [REFUSAL, CUT] });
  }
});

Deno.test("ChoiceBook.takeWake waits for the deliveries that came before it in a live run", () => {
  const wake: Choice = { kind: "wake", at: 5, after: 9, by: "rtc" };
  const book = new ChoiceBook([wake], false, new Random(1));
  assert.equal(book.takeWake(4, 9), undefined);
  assert.equal(book.takeWake(5, 8), undefined);
  assert.deepEqual(book.made(), []);
  assert.deepEqual(book.takeWake(5, 9), wake);
  assert.equal(book.takeWake(6, 10), undefined);
  assert.deepEqual(book.made(), [wake]);
});
