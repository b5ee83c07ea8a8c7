import assert from "node:assert/strict";
import fc from "fast-check";
import { type Delivery, DeliveryQueue } from "../../machine/queue.ts";

function delivery(vt: number, tie: number, actor: string, source?: string): Delivery {
  if (source === undefined) return { vt, tie, actor, timer: { name: "t", setting: tie } };
  const body = { line: "" };
  const envelope = { id: tie, source, target: actor, type: "console.line" as const, body };
  return { vt, tie, actor, envelope };
}

Deno.test("DeliveryQueue gives out by time, then by order of entry, whatever the mixture", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(20)), { maxLength: 200 }), (steps) => {
      const queue = new DeliveryQueue();
      let model: Delivery[] = [];
      let tie = 0;
      for (const vt of steps) {
        if (vt === null) {
          const first = model[0];
          model = model.slice(1);
          assert.equal(queue.peek(), first);
          assert.equal(queue.pop(), first);
        } else {
          const item = delivery(vt, tie++, "a");
          queue.push(item);
          model = [...model, item].sort((left, right) =>
            left.vt - right.vt || left.tie - right.tie
          );
        }
        assert.equal(queue.length, model.length);
        assert.equal(queue.tied(), model.filter((item) => item.vt === model[0]?.vt).length);
        assert.deepEqual(queue.list(), model);
      }
    }),
  );
});

Deno.test("DeliveryQueue.prefer puts one of the tied first and keeps the others' order", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 30 }), fc.nat(40), (times, pick) => {
      const items = times.map((vt, tie) => delivery(vt, tie, `a${tie}`));
      const queue = new DeliveryQueue(items);
      const tied = queue.tied();
      const before = queue.list().map((item) => item.actor);
      const chosen = before[pick % tied];
      queue.prefer(pick % tied);
      const after = queue.list().map((item) => item.actor);
      assert.deepEqual(after, [chosen, ...before.filter((actor) => actor !== chosen)]);
    }),
  );
});

Deno.test("DeliveryQueue.prefer lets no message overtake another of its link", () => {
  const queue = new DeliveryQueue([
    delivery(5, 0, "a", "x"),
    delivery(5, 1, "b", "x"),
    delivery(5, 2, "a", "y"),
    delivery(5, 3, "a", "x"),
  ]);
  queue.prefer(3);
  assert.equal(queue.pop()?.envelope?.id, 0);
  queue.prefer(1);
  assert.equal(queue.pop()?.envelope?.id, 2);
});

Deno.test("DeliveryQueue.plain leaves out what is not plain data", () => {
  const queue = new DeliveryQueue([delivery(1, 0, "a"), {
    ...delivery(0, 1, "b", "x"),
    life: undefined,
  }]);
  assert.deepEqual(queue.plain(), [delivery(0, 1, "b", "x"), delivery(1, 0, "a")]);
  assert.deepEqual(JSON.parse(JSON.stringify(queue.plain())), queue.plain());
});
