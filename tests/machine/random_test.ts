import assert from "node:assert/strict";
import { Random } from "../../machine/random.ts";

Deno.test("Random gives a stream the same words whatever other streams do", () => {
  const alone = new Random(7);
  const beside = new Random(7);
  const words = Array.from({ length: 50 }, () => alone.word("order"));
  const mixed = Array.from({ length: 50 }, () => {
    beside.word("other");
    return beside.word("order");
  });
  assert.deepEqual(mixed, words);
  assert.notDeepEqual(Array.from({ length: 50 }, () => new Random(8).word("order")), words);
});

Deno.test("Random goes on from its state, which has the names sorted", () => {
  const random = new Random(3);
  for (const name of ["b", "a", "c", "a"]) random.word(name);
  const state = random.state();
  assert.deepEqual(Object.keys(state), ["a", "b", "c"]);
  const again = new Random(3, JSON.parse(JSON.stringify(state)));
  for (const name of ["a", "b", "c", "d"]) assert.equal(again.word(name), random.word(name));
  assert.deepEqual(again.state(), random.state());
});

Deno.test("Random.below stays below its bound and reaches all of it", () => {
  const random = new Random(1);
  const counts = new Array(6).fill(0);
  for (let count = 0; count < 6000; count++) counts[random.below("dice", 6)]++;
  assert.equal(counts.length, 6);
  for (const count of counts) assert.ok(count > 850 && count < 1150, String(counts));
});
