import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { decodeHash, encodeHash, type Shared } from "../../server/page/location_hash.ts";
import { PANES } from "../../server/page/model.ts";
import { FIRST_STATE, fromHash, hashOf, Store } from "../../server/page/state.ts";

const run = fc.stringMatching(/^[0-9a-f]{16,20}$/);
const names = fc.uniqueArray(
  fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" }).filter((name) =>
    !name.startsWith("-")
  ),
  { maxLength: 6 },
);

const shared: fc.Arbitrary<Shared> = fc.record({
  run: fc.option(run, { nil: undefined }),
  cursor: fc.integer({ min: -1, max: 1_000_000 }),
  range: fc.option(
    fc.tuple(fc.nat(), fc.nat()).map(([one, other]) => ({
      from: Math.min(one, other),
      to: Math.max(one, other),
    })),
    { nil: undefined },
  ),
  lanes: names,
  hidden: names,
  pane: fc.constantFrom(...PANES),
  beside: fc.option(run, { nil: undefined }),
});

Deno.test("decodeHash gives back what encodeHash was given", () => {
  fc.assert(fc.property(shared, (value) => {
    deepEqual(decodeHash(encodeHash(value)), value);
  }));
});

Deno.test("decodeHash takes any text and gives something to show", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const said = decodeHash(`#${text}`);
    equal(encodeHash(decodeHash(encodeHash(said))), encodeHash(said));
  }));
});

Deno.test("decodeHash leaves out what is no run, no number, no range and no pane", () => {
  const said = decodeHash("#run=../etc&seq=-1&from=9-3&pane=kernel&lanes=%E0%A4%A&beside=xyz&&=");
  deepEqual(said, {
    run: undefined,
    cursor: -1,
    range: undefined,
    lanes: [],
    hidden: [],
    pane: "event",
    beside: undefined,
  });
});

Deno.test("Store.update tells those who subscribed once, and not when nothing differs", () => {
  const store = new Store();
  const heard: unknown[] = [];
  const leave = store.subscribe((state, before) => heard.push([before.cursor, state.cursor]));
  store.update({ cursor: 4, speed: FIRST_STATE.speed });
  store.update({ cursor: 4 });
  leave();
  store.update({ cursor: 5 });
  deepEqual(heard, [[-1, 4]]);
});

Deno.test("hashOf and fromHash carry a moment from one page to another", () => {
  const store = new Store();
  const filter = { ...FIRST_STATE.filter, hiddenActors: new Set(["memory"]) };
  store.update({ run: "0123456789abcdef", cursor: 12, lanes: ["B", "A"], filter, pane: "disk" });
  const other = new Store();
  other.update(fromHash(hashOf(store.state), other.state));
  deepEqual(other.state, { ...FIRST_STATE, ...store.state });
  equal(hashOf(other.state), "#run=0123456789abcdef&seq=12&lanes=B,A,-memory&pane=disk");
});
