import assert from "node:assert/strict";
import fc from "fast-check";
import { Scheduler } from "../../machine/scheduler.ts";
import { Stepper } from "../../machine/stepper.ts";
import { MemorySink, Recorder } from "../../machine/trace/recorder.ts";
import { InlineTransport } from "../../machine/transport/inline.ts";
import { runInline, toyBlocks, toyPlan } from "./toy_machine.ts";

function stepperOf(seed: number, every: number, most = 32): { stepper: Stepper; sink: MemorySink } {
  const plan = toyPlan({ seed, seededOrder: true });
  const blocks = toyBlocks();
  const sink = new MemorySink();
  const transport = new InlineTransport(plan.registry, blocks);
  const scheduler = new Scheduler(plan, transport, new Recorder(sink));
  return { stepper: new Stepper(scheduler, blocks, { every, most }), sink };
}

/** What identifies a place in a run. */
function place(stepper: Stepper): string {
  const { scheduler } = stepper;
  return JSON.stringify([scheduler.recorder.hash(), scheduler.state()]);
}

Deno.test("Stepper walks forward and back over the same places, whatever the path", () => {
  const { stepper } = stepperOf(7, 1000);
  const places = [place(stepper)];
  while (stepper.forward() === 1) places.push(place(stepper));
  const walk = fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(walk, fc.integer({ min: 1, max: 20 }), (steps, every) => {
      const { stepper } = stepperOf(7, every, 4);
      for (const step of steps) {
        if (step >= 0) stepper.forward(step);
        else if (stepper.position + step >= 0) stepper.back(-step);
        assert.equal(place(stepper), places[stepper.position]);
        assert.ok(stepper.checkpoints <= 4);
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("Stepper.goTo stops where an event has just happened", () => {
  const { stepper, sink } = stepperOf(3, 10);
  const whole = runInline(toyPlan({ seed: 3, seededOrder: true }));
  const last = whole.text.trimEnd().split("\n").length - 1;
  for (const seq of [40, 10, 200, 39, 40, last, 5]) {
    assert.ok(stepper.goTo(seq));
    assert.ok(stepper.seq > seq);
    stepper.scheduler.recorder.flush();
    assert.ok(whole.text.startsWith(sink.text), "the trace so far is the run's");
    if (stepper.position > 0) {
      stepper.back();
      assert.ok(stepper.seq <= seq, "the barrier before has not seen it");
    }
  }
  assert.equal(stepper.goTo(last + 1), false);
  assert.ok(stepper.ended);
  assert.equal(stepper.scheduler.recorder.hash(), whole.hash);
});

Deno.test("Stepper refuses to go back before its beginning", () => {
  const { stepper } = stepperOf(3, 10);
  stepper.forward(3);
  assert.throws(() => stepper.back(4), /only 3 were made/);
  assert.throws(() => stepper.goTo(0), RangeError);
});

Deno.test("Stepper.rewindBefore goes to a checkpoint at which the event had not happened", () => {
  const { stepper } = stepperOf(3, 10);
  stepper.forward(60);
  const { seq } = stepper;
  stepper.rewindBefore(seq);
  assert.equal(stepper.seq, seq, "it has not happened here");
  stepper.rewindBefore(50);
  assert.ok(stepper.seq <= 50);
  assert.ok(stepper.position % 10 === 0, "where a checkpoint was taken");
  assert.ok(stepper.goTo(50));
  assert.throws(() => stepper.rewindBefore(0), RangeError);
});

Deno.test("Stepper forgets checkpoints for which the stores would keep too many pages aside", () => {
  const plan = toyPlan({ seed: 7, seededOrder: true });
  const blocks = toyBlocks();
  const recorder = new Recorder(new MemorySink());
  const transport = new InlineTransport(plan.registry, blocks);
  const scheduler = new Scheduler(plan, transport, recorder);
  const stepper = new Stepper(scheduler, blocks, { every: 1, most: 1000, pagesAside: 4 });
  const places = [place(stepper)];
  const page = new Uint8Array(1);
  while (stepper.forward() === 1) {
    places.push(place(stepper));
    // What nobody in the run looks at: four pages more at each barrier.
    for (let number = 0; number < 4; number++) blocks.cache.write(number * 4096, page);
  }
  const last = stepper.position;
  assert.ok(last > 40);
  assert.ok(stepper.checkpoints <= 3, `${stepper.checkpoints} checkpoints`);
  stepper.back(last - 5);
  assert.equal(place(stepper), places[5]);
});
